import { MAX_FAULTS } from '../../../kernel/validation.ts'

/*
 * The claims of a template. Texts in them may hold variables in double braces. A value that is one variable and nothing
 * else keeps the JSON type of what it stands for; within a longer text that becomes text.
 */

export type Claims = Readonly<Record<string, unknown>>

/** What a token says by default, without `iat` and `exp`. */
export interface DefaultClaims extends Claims {
  readonly type: string
  readonly sub: string
  readonly aud: string
  readonly tenantId: string
  /** whose a program's token is */
  readonly userId?: string
  readonly email?: string | null
  readonly applicationId?: string
  /** only tokens of a session have one */
  readonly sid?: string
}

/** What the token's holder has in its tenant: ids of roles, and the keys of roles and permissions. */
export interface Held {
  readonly roleIds: readonly string[]
  readonly roles: readonly string[]
  readonly permissions: readonly string[]
}

/** What is known of a token before a template has a say. */
export interface Facts {
  readonly claims: DefaultClaims
  readonly held: Held
  /** the environment's */
  readonly clientId: string
  /** seconds, like the next */
  readonly iat: number
  readonly exp: number
}

const byDefault =
  (name: string) =>
  ({ claims }: Facts) =>
    claims[name]

const variables = new Map<string, (facts: Facts) => unknown>([
  ...['sub', 'iss', 'aud', 'sid', 'type', 'applicationId'].map((name) => [name, byDefault(name)] as const),
  ['iat', ({ iat }) => iat],
  ['exp', ({ exp }) => exp],
  ['clientId', ({ clientId }) => clientId],
  ['user.name', byDefault('name')],
  ['user.email', byDefault('email')],
  ['user.verified', byDefault('email_verified')],
  ['user.metadata', ({ claims }) => claims[claims.type === 'userToken' ? 'metadata' : 'userMetadata']],
  ['user.profilePictureUrl', byDefault('profilePictureUrl')],
  ['user.phoneNumber', byDefault('phoneNumber')],
  ['user.externalId', byDefault('externalId')],
  ['user.tenantId', byDefault('tenantId')],
  ['user.tenantIds', byDefault('tenantIds')],
  ['user.tenant.roles', ({ held }) => held.roles],
  ['user.tenant.permissions', ({ held }) => held.permissions],
])
/** A field of the user's metadata, at any depth. */
const FIELD = /^user\.metadata((?:\.[^.]{1,100}){1,5})$/
const isVariable = (name: string) => variables.has(name) || FIELD.test(name)

const isObject = (value: unknown): value is Claims =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** undefined: this token has no such thing */
function valueOf(name: string, facts: Facts): unknown {
  const read = variables.get(name)
  if (read) return read(facts)
  const path = FIELD.exec(name)?.[1]?.slice(1).split('.')
  return path?.reduce<unknown>(
    (at, key) => (isObject(at) && Object.hasOwn(at, key) ? at[key] : undefined),
    valueOf('user.metadata', facts),
  )
}

const VARIABLES = /\{\{([^{}]*)\}\}/g,
  ONE_VARIABLE = /^\{\{([^{}]*)\}\}$/
const variableIn = (value: unknown) => (typeof value === 'string' ? ONE_VARIABLE.exec(value)?.[1]?.trim() : undefined)

const MANDATORY = ['iss', 'sub', 'aud', 'exp', 'iat']
/**
 * What these claims may be, and nothing else. The server, or what trusts it, decides by them: a template cannot make
 * somebody out of somebody else, or give rights that nobody has given.
 */
const FIXED = new Map<string, readonly string[]>([
  ...['iss', 'sub', 'exp', 'iat', 'sid'].map((name): [string, string[]] => [name, [name]]),
  ['aud', ['clientId', 'applicationId', 'aud']],
  ['roles', ['user.tenant.roles']],
  ['permissions', ['user.tenant.permissions']],
])
/** As above; the server fills them in by itself. */
const RESERVED = new Map<string, readonly string[]>([
  ['type', ['type']],
  ['tenantId', ['user.tenantId']],
  ...['userId', 'superUser', 'act', 'amr', 'acr', 'auth_time', 'nonce', 'nbf', 'bound_to'].map(
    (name): [string, string[]] => [name, []],
  ),
])
/** The claims that are there whatever the template says, with their default values. */
const KEPT = ['iss', 'sub', 'sid', ...RESERVED.keys()]

const mayBe = (name: string, value: unknown, allowed: ReadonlyMap<string, readonly string[]>) =>
  allowed.get(name)?.includes(variableIn(value) ?? '') ?? true

const MAX_DEPTH = 5
const depthOf = (value: unknown): number =>
  typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : []
}

/** What is wrong with the claims of a template, in the words of the wire. */
export function faultsIn(claims: Claims): string[] {
  const at = 'templateSchema.claims',
    missing = MANDATORY.filter((name) => !Object.hasOwn(claims, name)),
    reserved = Object.entries(claims).filter(([name, value]) => !mayBe(name, value, RESERVED))
  if (depthOf(claims) > MAX_DEPTH + 1) return [`${at} must not be nested deeper than ${MAX_DEPTH} levels`]
  return [
    // clients know this sentence
    ...(reserved.length ? ['Claims reserved for internal use are not allowed'] : []),
    ...reserved.map(([name]) => `${at}.${name} is reserved`),
    ...missing.map((name) => `${at}.${name} should not be empty`),
    ...Object.entries(claims).flatMap(([name, value]) => faultsOf(`${at}.${name}`, name, value)),
  ].slice(0, MAX_FAULTS)
}

function faultsOf(at: string, name: string, value: unknown): string[] {
  if (!mayBe(name, value, FIXED)) {
    const allowed = FIXED.get(name)!.map((variable) => `{{${variable}}}`)
    return [`${at} must be one of the following values: ${allowed.join(', ')}`]
  }
  return textsIn(value).flatMap((text) => [
    ...[...text.matchAll(VARIABLES)]
      .filter(([, variable]) => !isVariable(variable!.trim()))
      .map(([written]) => `${at} has an unknown variable: ${written}`),
    ...(text.replace(VARIABLES, '').includes('{{') ? [`${at} has a variable without an end`] : []),
  ])
}

/** Bytes of JSON that the variables may stand for: as much as the default structure holds at most. */
const ROOM = 36 * 1024

interface Known {
  readonly value: unknown
  readonly text: string
  /** bytes of each in JSON */
  readonly room: number
  readonly textRoom: number
}
interface Filling {
  /** each variable is looked up once */
  known(name: string): Known
  room: number
}

const textOf = (value: unknown) =>
  typeof value === 'string' ? value : value === undefined || value === null ? '' : JSON.stringify(value)
const sizeOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value) ?? '')

function lookUp(facts: Facts) {
  const seen = new Map<string, Known>()
  return (name: string): Known => {
    const found = seen.get(name)
    if (found) return found
    const value = valueOf(name, facts),
      text = textOf(value),
      known = { value, text, room: sizeOf(value), textRoom: sizeOf(text) }
    seen.set(name, known)
    return known
  }
}

/** The value with its variables filled in; undefined for a variable that stands for nothing. */
function filled(value: unknown, filling: Filling): unknown {
  if (filling.room < 0) return undefined
  if (Array.isArray(value)) return value.map((item) => filled(item, filling)).filter((item) => item !== undefined)
  if (isObject(value))
    return Object.fromEntries(
      Object.entries(value)
        .map(([name, part]) => [name, filled(part, filling)] as const)
        .filter(([, part]) => part !== undefined),
    )
  if (typeof value !== 'string') return value
  const variable = variableIn(value)
  if (variable !== undefined) {
    const known = filling.known(variable)
    filling.room -= known.room
    return known.value
  }
  return value.replace(VARIABLES, (_, name: string) => {
    const known = filling.known(name.trim())
    filling.room -= known.textRoom
    return filling.room < 0 ? '' : known.text
  })
}

/** The claims of a token by a template. Those for which there is no room are left out. */
export function fill(template: Claims, facts: Facts): Claims {
  const known = lookUp(facts)
  let room = ROOM
  const own = Object.entries(template).flatMap(([name, value]) => {
    if (!mayBe(name, value, FIXED) || !mayBe(name, value, RESERVED)) return []
    const filling: Filling = { known, room },
      claim = filled(value, filling)
    if (claim === undefined || filling.room < 0) return []
    room = filling.room
    return [[name, claim] as const]
  })
  const kept = KEPT.flatMap((name) => (facts.claims[name] === undefined ? [] : [[name, facts.claims[name]] as const]))
  // a login for no application has none to be for
  return Object.fromEntries([['aud', facts.clientId] as const, ...own, ...kept])
}
