import { randomBytes } from 'node:crypto'
import type { Operation } from '../src/kernel/operation.ts'
import { MANDATORY_CLAIMS } from './jwt-templates.ts'

interface Schema {
  type?: string
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
  anyOf?: Schema[]
  enum?: unknown[]
  const?: unknown
  format?: string
  pattern?: string
  minLength?: number
  maxLength?: number
  minimum?: number
  minItems?: number
  examples?: string[]
}

/**
 * The smallest value that fits a schema: only required fields.
 * @param values by path, as in `leavesOf`; they take the place of samples, and what holds them is not left out
 */
function sampleOf(schema: Schema, all = false, values: Readonly<Record<string, unknown>> = {}, at = ''): unknown {
  const within = (path: string) => Object.keys(values).some((name) => name === path || name.startsWith(`${path}.`))
  const holds = (path: string) => within(path) || within(`${path}[]`)
  if (at in values) return values[at]
  if (schema.anyOf) return sampleOf(schema.anyOf[0]!, all, values, at)
  if (schema.enum) return schema.enum[0]
  if (schema.const !== undefined) return schema.const
  switch (schema.type) {
    case 'string':
      return sampleText(schema)
    case 'number':
    case 'integer':
      return schema.minimum ?? 1
    case 'boolean':
      return true
    case 'array':
      return Array.from({ length: Math.max(schema.minItems ?? 0, Number(holds(`${at}[]`))) }, () =>
        sampleOf(schema.items ?? {}, all, values, `${at}[]`),
      )
    case 'object':
      return Object.fromEntries(
        Object.entries(schema.properties ?? {})
          .filter(([name]) => all || schema.required?.includes(name) || holds(`${at}.${name}`))
          .map(([name, part]) => [
            name,
            part.type === 'string' && /metadata$/i.test(name)
              ? '{}'
              : name === 'claims'
                ? MANDATORY_CLAIMS
                : sampleOf(part, all, values, `${at}.${name}`),
          ]),
      )
    default:
      return null
  }
}

function sampleText({ format, pattern, minLength = 1, examples }: Schema) {
  if (examples) return examples[0]
  if (format === 'email') return 'someone@example.com'
  if (format === 'uuid') return '0b0e5f0e-7a0e-4c55-9d0e-333333333333'
  if (format === 'date-time') return '2030-01-01T00:00:00.000Z'
  if (format === 'uri') return 'https://example.com'
  if (pattern?.startsWith('^\\+')) return '+15551234567'
  return 'x'.repeat(Math.max(minLength, 1))
}

export interface Leaf {
  /** `.users[].roleIds[]` in a body, `?.userIds[]` in a query */
  at: string
  schema: Schema
  isRequired: boolean
}
/** All that a body and a query can hold besides objects and lists. */
export function leavesOf(op: Operation): Leaf[] {
  const within = (schema: Schema, at: string, isRequired: boolean): Leaf[] => {
    if (schema.anyOf) return schema.anyOf.flatMap((branch) => within(branch, at, isRequired))
    if (schema.items) return within(schema.items, `${at}[]`, isRequired)
    if (schema.properties)
      return Object.entries(schema.properties).flatMap(([name, part]) =>
        within(part, `${at}.${name}`, isRequired && !!schema.required?.includes(name)),
      )
    return [{ at, schema, isRequired }]
  }
  return [...(op.body ? within(op.body, '', true) : []), ...(op.query ? within(op.query, '?', true) : [])]
}

/** As `sampleBody`, with these values in it. */
export const filledBody = (op: Operation, values: Readonly<Record<string, unknown>>) =>
  op.body ? sampleOf(op.body, false, values) : undefined
/** The path with its query, which holds what is required and these values. */
export function pathOf(op: Operation, id: (name: string) => string, values: Readonly<Record<string, unknown>>) {
  const query = (op.query ? sampleOf(op.query, false, values, '?') : {}) as Record<string, unknown>
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    [value].flat().map((one): [string, string] => [name, String(one)]),
  )
  return `${fillPath(op, id)}${pairs.length ? `?${new URLSearchParams(pairs)}` : ''}`
}

export const sampleBody = (op: Operation, all = false) => (op.body ? sampleOf(op.body, all) : undefined)

/** Too long for an index, even compressed. */
const LONG = randomBytes(9000).toString('base64')
const longOf = (schema: Schema): unknown => {
  if (schema.anyOf) return longOf(schema.anyOf[0]!)
  if (schema.type === 'array') return [longOf(schema.items ?? {})]
  if (schema.type === 'object' && schema.properties)
    return Object.fromEntries(
      Object.entries(schema.properties).map(([name, part]) => [
        name,
        part.type === 'string' && /metadata$/i.test(name) ? '{}' : longOf(part),
      ]),
    )
  return schema.type === 'string' && !schema.enum && !schema.format && !schema.pattern && schema.maxLength === undefined
    ? LONG
    : sampleOf(schema, true)
}
/** Valid bodies, each with one more field of the greatest length; a text without a limit is very long. */
export const longBodies = (op: Operation): unknown[] => {
  const schema = op.body as Schema,
    least = sampleBody(op)
  return schema.type === 'object' && schema.properties
    ? Object.entries(longOf(schema) as object).map(([name, value]) => ({ ...(least as object), [name]: value }))
    : [longOf(schema)]
}

/** The body with every field, nested ones included, of a wrong type. */
export const wrongBody = (op: Operation): unknown => {
  const schema = op.body as Schema
  if (schema.type === 'array') return {}
  const fields = Object.entries(schema.properties ?? {})
  return Object.fromEntries(
    fields
      .map(([name, branches]) => [name, branches.anyOf?.[0] ?? branches] as const)
      .map(([name, part]) => [
        name,
        part.type === 'object' || part.type === 'array'
          ? 7
          : part.type === 'string' || part.enum
            ? { not: 'text' }
            : 'no number, no boolean',
      ]),
  )
}

export const fillPath = (op: Operation, value: (name: string) => string) =>
  op.path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(value(name)))
export const pathNames = (op: Operation) => [...op.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]!)
