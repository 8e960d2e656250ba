import { createHash } from 'node:crypto'

/** A refusal that administrators want to know of. */
export interface Refusal {
  readonly key: string
  readonly tenantId: string | null
  /** small facts */
  readonly details: Readonly<Record<string, string>>
}

/** A failure that the caller is meant to see. Any other error becomes a 500. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number
  readonly code: string | undefined
  readonly messages: readonly string[]
  /** of the reply, beside the usual ones */
  headers?: Readonly<Record<string, string>>
  /** the word of RFC 6749 §5.2 for it, where the caller speaks OAuth */
  oauthError?: string
  /** for the audit trail and webhooks: written when all else that the call did is undone */
  event?: Refusal
  /** the environment's own server has chosen the status: no operation can declare it */
  isTheirs?: true
  constructor(status: number, code: string | undefined, messages: readonly string[]) {
    super(messages.join(', '))
    this.status = status
    this.code = code
    this.messages = messages
  }
}

/**
 * The code of a message that has no fixed one: `ER-00` and the first eight hexadecimal digits of the SHA-256 of the
 * message in lower case, letters and digits only.
 */
export const messageCode = (message: string) =>
  `ER-00${createHash('sha256')
    .update(message.toLowerCase().replace(/[^a-z0-9]/g, ''))
    .digest('hex')
    .slice(0, 8)}`

export interface Failure {
  readonly status: number
  readonly code: string | null | undefined
  readonly message: string
}

/** As `failure`, with the word that OAuth has for it. */
export const oauthFailure = (status: number, oauthError: string, message: string) => {
  const make = failure(status, null, message)
  return Object.assign(() => Object.assign(make(), { oauthError }), { status, code: null, message })
}

/**
 * Declares one kind of failure; call the result to make the error.
 * @param code a fixed code, `'computed'` for the one computed from the message, null for none
 */
export function failure<A extends unknown[] = []>(
  status: number,
  code: string | null,
  message: string | ((...args: A) => string),
) {
  const make = (...args: A) => {
    const text = typeof message === 'string' ? message : message(...args)
    return new ApiError(status, code === 'computed' ? messageCode(text) : (code ?? undefined), [text])
  }
  return Object.assign(make, { status, code, message: typeof message === 'string' ? message : '' })
}

/** 400: every fault of the input at once, each with its computed code. */
export const invalid = (...messages: [string, ...string[]]) => new ApiError(400, messageCode(messages[0]), messages)

/** The envelope of every error reply. */
export const envelope = (error: ApiError) => ({
  errors: [...error.messages],
  ...(error.code && { errorCode: error.code }),
  ...(error.messages.length > 1 && { errorCodes: error.messages.map(messageCode) }),
})

/** What OAuth clients read of an error (RFC 6749 §5.2). */
export const oauthFields = ({ status, messages, oauthError }: ApiError) => ({
  error: oauthError ?? (status === 429 || status >= 500 ? 'temporarily_unavailable' : 'invalid_request'),
  // it may hold no other characters
  error_description: messages.join('. ').replaceAll(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, '?'),
})

export const errors = {
  malformedJson: failure(400, 'ER-00006', 'Invalid input json'),
  tooMuchJson: failure(400, 'computed', 'Input json has too many or too deeply nested values'),
  malformedForm: failure(400, 'computed', 'Invalid input form'),
  unsupported: failure(415, null, 'Unsupported media type'),
  tooLarge: failure(413, null, 'Request is too large'),
  unauthorized: failure(401, null, 'Unauthorized'),
  notVendor: failure(401, null, 'Failed to verify vendor JWT'),
  forbidden: failure(403, 'ER-00008', (permission: string) => `Missing permission ${permission}`),
  noTenant: failure(403, 'ER-00008', 'Tenant ID is not specified'),
  noUser: failure(403, 'ER-00008', 'User ID is not specified'),
  foreignPage: failure(403, null, 'Pages of other sites may not use cookies here'),
  loginTooOld: failure(403, 'computed', 'Log in again to change how you log in'),
  /** programs and delegates have a user's rights, but no login */
  onlyPeople: failure(403, 'computed', 'Only a user who has logged in may do this'),
  notFound: failure(404, 'ER-00004', (what: string = 'Resource') => `${what} not found`),
  conflict: failure(409, 'computed', 'The request contradicts what is stored'),
  badValue: failure(400, 'computed', 'A value cannot be stored'),
  unserved: failure(501, null, (route: string, what: string) => `Henhouse does not serve ${route}: ${what}`),
  tooMany: failure(429, null, 'Too many requests'),
  /** for a moment: the caller is to come again */
  unavailable: () => {
    const error = new ApiError(503, undefined, ['Service unavailable'])
    error.headers = { 'retry-after': '1' }
    return error
  },
}

/** A violated constraint, as `db` or `sql` reports it, alone or in a transaction. */
interface DatabaseFailure {
  code?: string
  /** Postgres's own */
  constraint?: string
  /** Prisma's, of a statement and at COMMIT */
  meta?: { driverAdapterError?: { cause?: Cause } }
  cause?: Cause
}
interface Cause {
  originalCode?: string
  constraint?: { fields?: string[]; index?: string }
}
/** The constraint that was violated, if that is what Postgres's code says. */
function hurt(e: unknown, state: string) {
  if (sqlState(e) !== state) return undefined
  const { constraint, meta, cause = meta?.driverAdapterError?.cause } = e as DatabaseFailure
  return { constraint: constraint ?? cause?.constraint?.index ?? cause?.constraint?.fields?.join(',') ?? '' }
}

/**
 * `.catch(onDuplicate(roleErrors.keyTaken()))`: the unique index decides, never check-then-insert. A function gets the
 * index or its columns.
 */
export const onDuplicate =
  (error: ApiError | ((constraint: string) => ApiError)) =>
  (e: unknown): never => {
    const found = hurt(e, '23505')
    if (!found) throw e
    throw typeof error === 'function' ? error(found.constraint) : error
  }
/** A trigger or check does not let the row be so. */
export const onRefusedRow =
  (error: ApiError) =>
  (e: unknown): never => {
    throw sqlState(e) === '23514' ? error : e
  }
/** Postgres's own code of what a statement has come to, sent by `db` or by `sql`. */
function sqlState(e: unknown) {
  const { code, meta, cause } = (e ?? {}) as DatabaseFailure
  return [meta?.driverAdapterError?.cause?.originalCode, cause?.originalCode, code].find((text) =>
    /^[0-9A-Z]{5}$/.test(text ?? ''),
  )
}
/** What the caller is told of a failure that no operation expects, when it is their input or their timing that is at fault. */
export function callersFault(e: unknown) {
  const state = sqlState(e) ?? ''
  if (state === '23503') return errors.notFound(lostThing(e))
  if (state === '23505' || state === '23514') return errors.conflict()
  return state.startsWith('22') ? errors.badValue() : undefined
}

/** What a foreign key points at, from its name: `MembershipRole_vendorId_roleId_fkey` → `Role`. */
function lostThing(e: unknown) {
  const column = /_vendorId_([a-zA-Z]+?)Id/.exec(hurt(e, '23503')?.constraint ?? '')?.[1]
  return column && `${column[0]!.toUpperCase()}${column.slice(1)}`
}

/** The row to update or delete is not there. */
export const onMissing =
  (error: ApiError) =>
  (e: unknown): never => {
    throw (e as DatabaseFailure | undefined)?.code === 'P2025' ? error : e
  }
/** A foreign key points nowhere. */
export const pointsNowhere = (e: unknown) => sqlState(e) === '23503'
export const onUnknownReference =
  (error: ApiError) =>
  (e: unknown): never => {
    throw pointsNowhere(e) ? error : e
  }

/** What a failure may say of the database's absence: Postgres's and the system's codes, Prisma's, and the kinds of Prisma's driver. */
const AWAY = new RegExp(
  `^(${[
    '57P0[1-5]|08...|53300',
    'E(CONNREFUSED|CONNRESET|CONNABORTED|PIPE|TIMEDOUT|HOSTUNREACH|NETUNREACH|NOTFOUND|AI_AGAIN)',
    'P1001|P1002|P1008|P1017|P2024|P2028|P2037',
    'DatabaseNotReachable|ConnectionClosed|SocketTimeout|TooManyConnections',
  ].join('|')})$`,
)
/** What the driver says of it without a code. */
const AWAY_WORDS =
  /^(Connection terminated|timeout exceeded when trying to connect|Client (was closed|has encountered a connection error) and is not queryable)/

interface PossiblyAway {
  code?: string
  kind?: string
  /** where Prisma's driver keeps Postgres's code */
  originalCode?: string
  message?: string
  meta?: { code?: string; driverAdapterError?: unknown }
  cause?: unknown
}
/** The database could not be reached, or went away: what failed may work in a moment. */
export function isDatabaseAway(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false
  const { code, kind, originalCode, message, meta, cause } = error as PossiblyAway
  return (
    [code, kind, originalCode, meta?.code].some((name) => name !== undefined && AWAY.test(name)) ||
    AWAY_WORDS.test(message ?? '') ||
    isDatabaseAway(meta?.driverAdapterError) ||
    isDatabaseAway(cause)
  )
}
