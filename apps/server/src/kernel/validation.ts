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
  /** our own: the most bytes, of a text in UTF-8, of anything else as JSON */
  maxBytes?: number
  /** OpenAPI's: names the property whose constant tells the branches of a union apart */
  discriminator?: { propertyName: string }
  /** our own: replaces the text derived from the keyword */
  message?: string
}

/**
 * The most characters of a text that lists are ordered by, or that something is found by: an index entry holds 2.7 kB.
 */
export const INDEXED_LENGTH = 255
/** An id of ours, in a path, a query or a body. A malformed one in a path is simply not found. */
export const Id = Type.String({ format: 'uuid', maxLength: INDEXED_LENGTH })
/** One line: line breaks and tabs in it become blanks (see `tidy`). */
export const Name = Type.String({ minLength: 1, maxLength: INDEXED_LENGTH, format: 'one-line' })
/** As `Name`, where an empty one stands for none. */
export const NameOrNone = Type.String({ maxLength: INDEXED_LENGTH, format: 'one-line' })
/** An id or key from a client. It may be none of ours. */
export const Key = Type.String({ maxLength: INDEXED_LENGTH })
export const FilledKey = Type.String({ minLength: 1, maxLength: INDEXED_LENGTH })
/** An e-mail address from a client, or a name in its place. It need not be valid. */
export const Address = Type.String({ maxLength: 320 })
export const FilledAddress = Type.String({ minLength: 1, maxLength: 320 })
export const Keys = Type.Array(Key, { maxItems: 1000 })
/** Ids in one query parameter, joined by commas. */
export const JoinedKeys = Type.String({ maxLength: 16_384 })
/** A description, a URL, a filter. */
export const Text = Type.String({ maxLength: 4095 })
/** A token that a client was given and hands back. */
export const Token = Type.String({ maxLength: 8192 })
export const FilledToken = Type.String({ minLength: 1, maxLength: 8192 })
/** A code that a person types. */
export const Code = Type.String({ minLength: 1, maxLength: 64 })
/** A user's metadata is a claim of their access tokens, and a token must fit a header. */
const METADATA_BYTES = 16_384
/** The text of a JSON object. */
export const MetadataText = Type.String({ maxLength: METADATA_BYTES, maxBytes: METADATA_BYTES })
/** An object with any fields. */
export const Metadata = Type.Object({}, { additionalProperties: true, maxBytes: METADATA_BYTES })
/** Any JSON. */
export const Json = Type.Unknown({ maxBytes: METADATA_BYTES })
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

/** How deep a JSON text may nest, and how many values it may have: parsing more costs too much. */
const MAX_DEPTH = 100,
  MAX_VALUES = 100_000
const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c]
const isOpening = (code: number) => code === 0x5b || code === 0x7b
const isClosing = (code: number) => code === 0x5d || code === 0x7d

/** Checked before the text is parsed. Commas and opening brackets stand for the values. */
export function isTooMuchJson(text: string) {
  let depth = 0,
    values = 0,
    inText = false
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === QUOTE) inText = !inText
    else if (inText) i += Number(code === BACKSLASH)
    else if (isOpening(code)) depth++
    else if (isClosing(code)) depth--
    if (!inText && (code === COMMA || isOpening(code))) values++
    if (depth > MAX_DEPTH || values > MAX_VALUES) return true
  }
  return false
}

/** Postgres stores no JSON with half a surrogate pair or a NUL in it. */
export const isStorable = (value: unknown) => !/(?<!\\)(?:\\\\)*\\u(?:d[89a-f]|0000)/.test(JSON.stringify(value) ?? '')

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const nullable = (schema: Schema): boolean =>
  schema.type === 'null' ||
  !!schema.anyOf?.some(nullable) ||
  (!schema.type && !schema.anyOf && !schema.enum && schema.const === undefined)

const isTooLong = ({ maxItems }: Schema, value: readonly unknown[]) => maxItems !== undefined && value.length > maxItems

/**
 * Drops undeclared fields (they are ignored, not refused), nulls in place of optional fields (clients send them for
 * "not given"), and the line breaks of names.
 */
export function tidy(schema: Schema, value: unknown): unknown {
  // texts and lists that are too long are refused, whatever they hold
  if (typeof value === 'string')
    return schema.format === 'one-line' && value.length <= (schema.maxLength ?? 0)
      ? value.replace(/\s*[\t-\r\u0085\u2028\u2029]\s*/g, ' ')
      : value
  if (Array.isArray(value) && schema.type === 'array')
    return schema.items && !isTooLong(schema, value) ? value.map((item) => tidy(schema.items!, item)) : value
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
    const parts = [given]
      .flat()
      .flatMap((v) => String(v).split(','))
      .filter((v) => v !== '')
    return isTooLong(schema, parts) ? parts : parts.map((v) => convert(schema.items ?? {}, v))
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
  string: ['minLength', 'maxLength', 'maxBytes', 'pattern', 'format'],
  number: ['minimum', 'maximum'],
  integer: ['minimum', 'maximum'],
  boolean: [],
  null: [],
  array: ['items', 'minItems', 'maxItems'],
  object: ['properties', 'required', 'additionalProperties', 'patternProperties', 'maxBytes'],
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
  if (type === undefined) return ['maxBytes']
  return CHECKED[type] ?? []
}
const isTaggedBy = (name: string) => (branch: Schema) => branch.properties?.[name]?.const !== undefined

/** Validation stops here: nobody reads more. */
export const MAX_FAULTS = 20

/** The first faults of the value, in the words that the API's clients know. */
export function faults(schema: Schema, value: unknown, path = ''): string[] {
  const found = new Set<string>()
  find(schema, value, path, found)
  return [...found].slice(0, MAX_FAULTS)
}

/** Adds the faults to `found`, until that is full. */
function find(schema: Schema, value: unknown, path: string, found: Set<string>): void {
  if (found.size >= MAX_FAULTS) return
  if (schema.anyOf) return findInUnion(schema, value, path, found)
  for (const fault of ownFaults(schema, value, path)) found.add(fault)
  if (schema.type === 'array' && Array.isArray(value) && schema.items && !isTooLong(schema, value))
    findInItems(schema.items, value, path, found)
  if (schema.type === 'object' && isObject(value)) findInProperties(schema, value, path, found)
}

/** The faults of the value itself, without those of its entries and fields. */
function ownFaults(schema: Schema, value: unknown, path: string): string[] {
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
      return isObject(value) ? weightFaults(schema, value, path) : [`${path || 'body'} must be an object`]
    default:
      return weightFaults(schema, value, path)
  }
}

function findInUnion(schema: Schema, value: unknown, path: string, found: Set<string>) {
  if (schema.discriminator) return findInTagged(schema, value, path, found)
  let first: Set<string> | undefined
  for (const branch of schema.anyOf!) {
    const here = new Set<string>()
    find(branch, value, path, here)
    if (!here.size) return
    if (branch.type !== 'null') first ??= here
  }
  const constants = schema.anyOf!.filter((s) => s.const !== undefined).map((s) => String(s.const))
  if (constants.length > 1) found.add(`${path} must be one of the following values: ${constants.join(', ')}`)
  else for (const fault of first ?? []) found.add(fault)
}

/** The faults of the branch that was meant. */
function findInTagged(schema: Schema, value: unknown, path: string, found: Set<string>) {
  const branch = tagged(schema, value),
    { propertyName } = schema.discriminator!
  if (branch || !isObject(value)) return find(branch ?? { type: 'object' }, value, path, found)
  const known = schema.anyOf!.map((s) => String(s.properties?.[propertyName]?.const))
  found.add(`${path ? `${path}.` : ''}${propertyName} must be one of the following values: ${known.join(', ')}`)
}

function findInItems(items: Schema, value: readonly unknown[], path: string, found: Set<string>) {
  const nested = items.type === 'object' || items.type === 'array'
  for (const [index, item] of value.entries()) {
    if (found.size >= MAX_FAULTS) return
    find(items, item, nested ? (path ? `${path}.${index}` : String(index)) : `each value in ${path || 'body'}`, found)
  }
}

function findInProperties(schema: Schema, value: Record<string, unknown>, path: string, found: Set<string>) {
  for (const [name, part] of Object.entries(schema.properties ?? {})) {
    const given = value[name]
    if (given === undefined && !schema.required?.includes(name)) continue
    find(part, given, path ? `${path}.${name}` : name, found)
  }
}

function weightFaults({ maxBytes }: Schema, value: unknown, path: string): string[] {
  if (maxBytes === undefined || value === undefined) return []
  const bytes = Buffer.byteLength(typeof value === 'string' ? value : JSON.stringify(value))
  return bytes > maxBytes ? [`${path || 'body'} must be shorter than or equal to ${maxBytes} bytes`] : []
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
  // patterns and formats take long on long texts
  if (schema.maxLength !== undefined && value.length > schema.maxLength)
    return [...found, `${path} must be shorter than or equal to ${schema.maxLength} characters`]
  found.push(...weightFaults(schema, value, path))
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
  return found
}

const compiled = new WeakMap<object, { Check(value: unknown): boolean }>()
/** Compiled when first used: compiling 300 schemas at once would add seconds to every start. */
export function fits(schema: TSchema, value: unknown) {
  let check = compiled.get(schema)
  if (!check) compiled.set(schema, (check = Compile(schema)))
  return check.Check(value)
}
