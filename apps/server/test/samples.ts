import { randomBytes } from 'node:crypto'
import type { Operation } from '../src/kernel/operation.ts'

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
  minimum?: number
  minItems?: number
}

/** The smallest value that fits a schema: only required fields. */
function sampleOf(schema: Schema, all = false): unknown {
  if (schema.anyOf) return sampleOf(schema.anyOf[0]!, all)
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
      return Array.from({ length: schema.minItems ?? 0 }, () => sampleOf(schema.items ?? {}, all))
    case 'object':
      return Object.fromEntries(
        Object.entries(schema.properties ?? {})
          .filter(([name]) => all || schema.required?.includes(name))
          .map(([name, part]) => [
            name,
            part.type === 'string' && /metadata$/i.test(name) ? '{}' : sampleOf(part, all),
          ]),
      )
    default:
      return null
  }
}

function sampleText({ format, pattern, minLength = 1 }: Schema) {
  if (format === 'email') return 'someone@example.com'
  if (format === 'uuid') return '0b0e5f0e-7a0e-4c55-9d0e-333333333333'
  if (format === 'date-time') return '2030-01-01T00:00:00.000Z'
  if (format === 'uri') return 'https://example.com'
  if (pattern?.startsWith('^\\+')) return '+15551234567'
  return 'x'.repeat(Math.max(minLength, 1))
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
  return schema.type === 'string' && !schema.enum && !schema.format && !schema.pattern && !('maxLength' in schema)
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
