import type { TSchema } from 'typebox'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import Format from 'typebox/format'
import { isEmail } from './email-addresses.ts'

// for compiled schemas, too
Format.Set('email', isEmail)
// what is no character to see, and what turns the direction of the text around it, does not belong in a name
Format.Set('one-line', (text) => !/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u.test(text))

/** A schema as plain JSON Schema: what the walkers below read. */
interface Schema {
  type?: string
  properties?: Record<string, Schema>
  required?: string[]
  additionalProperties?: boolean | Schema
  patternProperties?: Record<string, Schema>
  items?: Schema
  anyOf?: Schema[]
  enum?: unknown[]
  const?: string | number | boolean
  format?: string
  pattern?: string
  minLength?: number
  maxLength?: number
  minimum?: number
  maximum?: number
  minItems?: number
  maxItems?: number
  /** OpenAPI's: names the property whose constant tells the branches of a union apart */
  discriminator?: { propertyName: string }
  /** our own: replaces the text derived from the keyword */
  message?: string
}

/** An id of ours, in a path, a query or a body. A malformed one in a path is simply not found. */
export const Id = Type.String({ format: 'uuid' })
/**
 * The most characters of a text that lists are ordered by, or that something is found by: an index entry holds 2.7 kB.
 */
export const INDEXED_LENGTH = 255
/** One line: line breaks and tabs in it become blanks (see `tidy`). */
export const Name = Type.String({ minLength: 1, maxLength: INDEXED_LENGTH, format: 'one-line' })
/** As `Name`, where an empty one stands for none. */
export const NameOrNone = Type.String({ maxLength: INDEXED_LENGTH, format: 'one-line' })
/** The wire's date and time: RFC 3339. */
export const DateTime = Type.String({ format: 'date-time' })
export const Nullable = <S extends TSchema>(schema: S) => Type.Union([schema, Type.Null()])
/**
 * A list that the published document calls an object: the schema leaves its type open, so that both kinds of client can
 * read it.
 */
export const Rows = <R>() => Type.Unsafe<R[]>({ description: 'a list' })
export const OneOf = <const V extends string[]>(values: readonly [...V]) =>
  Type.Unsafe<V[number]>({ type: 'string', enum: [...values] })

/** Postgres stores no JSON with half a surrogate pair or a NUL in it. */
export const isStorable = (value: unknown) => !/(?<!\\)(?:\\\\)*\\u(?:d[89a-f]|0000)/.test(JSON.stringify(value) ?? '')

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const nullable = (schema: Schema): boolean =>
  schema.type === 'null' ||
  !!schema.anyOf?.some(nullable) ||
  (!schema.type && !schema.anyOf && !schema.enum && schema.const === undefined)

/**
 * Drops undeclared fields (they are ignored, not refused), nulls in place of optional fields (clients send them for
 * "not given"), and the line breaks of names.
 */
export function tidy(schema: Schema, value: unknown): unknown {
  if (typeof value === 'string')
    return schema.format === 'one-line' ? value.replace(/\s*[\t-\r\u0085\u2028\u2029]\s*/g, ' ') : value
  if (Array.isArray(value)) return schema.items ? value.map((item) => tidy(schema.items!, item)) : value
  if (schema.anyOf) {
    const branch = schema.discriminator
      ? tagged(schema, value)
      : (schema.anyOf.find((s) => isObject(value) && s.type === 'object' && fitsShape(s, value)) ??
        (isObject(value) ? undefined : schema.anyOf.find((s) => s.type === 'array' && Array.isArray(value))))
    return branch ? tidy(branch, value) : value
  }
  if (!isObject(value) || !schema.properties) return value
  const out: Record<string, unknown> = {}
  for (const [name, part] of Object.entries(schema.properties)) {
    if (!Object.hasOwn(value, name)) continue
    const given = value[name]
    if (given === null && !schema.required?.includes(name) && !nullable(part)) continue
    out[name] = tidy(part, given)
  }
  if (schema.additionalProperties)
    for (const name of Object.keys(value)) if (!(name in schema.properties)) out[name] = value[name]
  return out
}
/** The branch that the value's discriminator names. */
const tagged = ({ anyOf, discriminator }: Schema, value: unknown) => {
  const { propertyName } = discriminator!
  return isObject(value) ? anyOf!.find((s) => s.properties?.[propertyName]?.const === value[propertyName]) : undefined
}
const fitsShape = (schema: Schema, value: Record<string, unknown>) =>
  (schema.required ?? []).every((name) => name in value)

/**
 * Query strings hold text: converts it to numbers, booleans and lists (repeated or comma-joined) where the schema wants
 * them.
 */
export function fromQuery(schema: Schema, query: Record<string, unknown>) {
  const out: Record<string, unknown> = {}
  for (const [name, part] of Object.entries(schema.properties ?? {})) {
    const given = query[name] ?? query[`${name}[]`]
    // the browser client writes `undefined` for absent values
    if (given === undefined || given === '' || given === 'undefined') continue
    out[name] = convert(part, given)
  }
  return out
}
function convert(schema: Schema, given: unknown): unknown {
  const branch = schema.anyOf?.find((s) => s.type !== 'null')
  if (branch) return convert(branch, given)
  if (schema.type === 'array') {
    return [given]
      .flat()
      .flatMap((v) => String(v).split(','))
      .filter((v) => v !== '')
      .map((v) => convert(schema.items ?? {}, v))
  }
  // a list that the wire declares as text (`ids`) becomes one text, however it was sent
  const text: unknown = Array.isArray(given)
    ? schema.type === 'string' && !schema.enum
      ? given.join(',')
      : given.at(-1)
    : given
  if (
    (schema.type === 'number' || schema.type === 'integer') &&
    typeof text === 'string' &&
    text.trim() !== '' &&
    Number.isFinite(Number(text))
  )
    return Number(text)
  if (schema.type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true'
  // scripts write `asc` as well as `ASC`
  if (schema.enum && typeof text === 'string')
    return schema.enum.find((value) => String(value).toLowerCase() === text.toLowerCase()) ?? text
  return text
}

/** The keywords that `faults` checks, by type. */
const CHECKED: Record<string, readonly string[]> = {
  string: ['minLength', 'maxLength', 'pattern', 'format'],
  number: ['minimum', 'maximum'],
  integer: ['minimum', 'maximum'],
  boolean: [],
  null: [],
  array: ['items', 'minItems', 'maxItems'],
  object: ['properties', 'required', 'additionalProperties', 'patternProperties'],
}
/** Keywords that refuse nothing. */
const NOTES = ['type', 'title', 'description', 'default', 'examples', 'deprecated', 'message']

/**
 * Refuses a schema with a keyword that `faults` does not check: such a keyword would let everything through.
 * @param where names the schema in the error
 */
export function mustBeChecked(schema: TSchema, where: string) {
  const refuse = (what: string, at: string): never => {
    throw new Error(`${where}${at}: ${what} is not checked by kernel/validation.ts`)
  }
  const walk = (part: Schema, at: string): void => {
    const known = [...NOTES, ...checkedIn(part)]
    for (const keyword of Object.keys(part)) if (!known.includes(keyword)) refuse(keyword, at)
    if (part.type !== undefined && !Object.hasOwn(CHECKED, part.type)) refuse(`type ${part.type}`, at)
    if (part.format !== undefined && !Object.hasOwn(FORMATS, part.format)) refuse(`format ${part.format}`, at)
    if (part.discriminator && !part.anyOf?.every(isTaggedBy(part.discriminator.propertyName)))
      refuse('discriminator without a constant in every branch', at)
    // undeclared fields may have any value
    if (part.additionalProperties !== undefined && part.additionalProperties !== true)
      refuse('additionalProperties', at)
    for (const [pattern, values] of Object.entries(part.patternProperties ?? {}))
      if (pattern !== '^.*$' || Object.keys(values).length) refuse('patternProperties', at)
    if (part.items) walk(part.items, `${at}[]`)
    for (const [name, property] of Object.entries(part.properties ?? {})) walk(property, `${at}.${name}`)
    for (const branch of part.anyOf ?? []) walk(branch, at)
  }
  walk(schema, '')
}

function checkedIn({ anyOf, enum: values, const: value, type }: Schema): readonly string[] {
  if (anyOf) return ['anyOf', 'discriminator']
  if (values) return ['enum']
  if (value !== undefined) return ['const']
  return (type !== undefined && CHECKED[type]) || []
}
const isTaggedBy = (name: string) => (branch: Schema) => branch.properties?.[name]?.const !== undefined

/** Every fault of the value, in the words that the API's clients know. */
export function faults(schema: Schema, value: unknown, path = ''): string[] {
  const list = allFaults(schema, value, path)
  return [...new Set(list)]
}

function allFaults(schema: Schema, value: unknown, path: string): string[] {
  if (schema.anyOf) return unionFaults(schema, value, path)
  if (schema.enum)
    return schema.enum.includes(value)
      ? []
      : [schema.message ?? `${path} must be one of the following values: ${schema.enum.join(', ')}`]
  if (schema.const !== undefined) return value === schema.const ? [] : [`${path} must be ${String(schema.const)}`]
  switch (schema.type) {
    case 'string':
      return stringFaults(schema, value, path)
    case 'number':
    case 'integer':
      return numberFaults(schema, value, path)
    case 'boolean':
      return typeof value === 'boolean' ? [] : [`${path} must be a boolean value`]
    case 'null':
      return value === null ? [] : [`${path} must be null`]
    case 'array':
      return arrayFaults(schema, value, path)
    case 'object':
      return objectFaults(schema, value, path)
    default:
      return []
  }
}

function unionFaults(schema: Schema, value: unknown, path: string): string[] {
  if (schema.discriminator) return taggedFaults(schema, value, path)
  let first: string[] | undefined
  for (const branch of schema.anyOf!) {
    const found = allFaults(branch, value, path)
    if (!found.length) return []
    if (branch.type !== 'null') first ??= found
  }
  const constants = schema.anyOf!.filter((s) => s.const !== undefined).map((s) => String(s.const))
  return constants.length > 1 ? [`${path} must be one of the following values: ${constants.join(', ')}`] : (first ?? [])
}

/** The faults of the branch that was meant. */
function taggedFaults(schema: Schema, value: unknown, path: string): string[] {
  const branch = tagged(schema, value),
    { propertyName } = schema.discriminator!
  if (branch || !isObject(value)) return objectFaults(branch ?? {}, value, path)
  const known = schema.anyOf!.map((s) => String(s.properties?.[propertyName]?.const))
  return [`${path ? `${path}.` : ''}${propertyName} must be one of the following values: ${known.join(', ')}`]
}

const FORMATS: Record<string, string> = {
  email: 'must be an email',
  'one-line': 'must be one line without control characters',
  uuid: 'must be a UUID',
  'date-time': 'must be a valid ISO 8601 date string',
  uri: 'must be a URL address',
}
const compiledFormats = new Map<string, { Check(value: unknown): boolean }>()
const matchesFormat = (format: string, text: string) => {
  let check = compiledFormats.get(format)
  if (!check) compiledFormats.set(format, (check = Compile(Type.String({ format: format as 'uuid' }))))
  return check.Check(text)
}

function stringFaults(schema: Schema, value: unknown, path: string): string[] {
  const empty =
    (value === undefined || value === null || value === '') && (schema.minLength ?? 0) >= 1
      ? [`${path} should not be empty`]
      : []
  if (typeof value !== 'string') return [...empty, `${path} must be a string`]
  if (empty.length) return empty
  const found: string[] = []
  if (schema.minLength !== undefined && value.length < schema.minLength)
    found.push(`${path} must be longer than or equal to ${schema.minLength} characters`)
  if (schema.maxLength !== undefined && value.length > schema.maxLength)
    found.push(`${path} must be shorter than or equal to ${schema.maxLength} characters`)
  if (schema.pattern !== undefined && !new RegExp(schema.pattern).test(value))
    found.push(schema.message ?? `${path} must match ${schema.pattern} regular expression`)
  if (schema.format !== undefined && !matchesFormat(schema.format, value))
    found.push(schema.message ?? `${path} ${FORMATS[schema.format] ?? `must be a valid ${schema.format}`}`)
  return found
}

function numberFaults(schema: Schema, value: unknown, path: string): string[] {
  if (typeof value !== 'number' || !Number.isFinite(value))
    return [`${path} must be a number conforming to the specified constraints`]
  const found: string[] = []
  if (schema.type === 'integer' && !Number.isInteger(value)) found.push(`${path} must be an integer number`)
  if (schema.minimum !== undefined && value < schema.minimum)
    found.push(`${path} must not be less than ${schema.minimum}`)
  if (schema.maximum !== undefined && value > schema.maximum)
    found.push(`${path} must not be greater than ${schema.maximum}`)
  return found
}

function arrayFaults(schema: Schema, value: unknown, path: string): string[] {
  if (!Array.isArray(value)) return [path ? `${path} must be an array` : 'Expected body to be an array']
  const found: string[] = []
  if (schema.minItems !== undefined && value.length < schema.minItems)
    found.push(`${path || 'body'} must contain at least ${schema.minItems} elements`)
  if (schema.maxItems !== undefined && value.length > schema.maxItems)
    found.push(`${path || 'body'} must contain no more than ${schema.maxItems} elements`)
  const items = schema.items
  if (!items) return found
  const nested = items.type === 'object' || items.type === 'array'
  value.forEach((item, index) => {
    if (nested) found.push(...allFaults(items, item, path ? `${path}.${index}` : String(index)))
    else if (allFaults(items, item, '').length) found.push(...allFaults(items, item, `each value in ${path || 'body'}`))
  })
  return found
}

function objectFaults(schema: Schema, value: unknown, path: string): string[] {
  if (!isObject(value)) return [`${path || 'body'} must be an object`]
  const found: string[] = []
  for (const [name, part] of Object.entries(schema.properties ?? {})) {
    const given = value[name]
    if (given === undefined && !schema.required?.includes(name)) continue
    found.push(...allFaults(part, given, path ? `${path}.${name}` : name))
  }
  return found
}

const compiled = new WeakMap<object, { Check(value: unknown): boolean }>()
/** Compiled when first used: compiling 300 schemas at once would add seconds to every start. */
export function fits(schema: TSchema, value: unknown) {
  let check = compiled.get(schema)
  if (!check) compiled.set(schema, (check = Compile(schema)))
  return check.Check(value)
}
