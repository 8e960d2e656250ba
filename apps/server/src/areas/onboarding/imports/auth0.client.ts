import { createGunzip } from 'node:zlib'
import { pipeline, Readable } from 'node:stream'
import { baseAddress, isPassing, jsonObject, outbound, refusal, Refused } from '@henhouse/outbound'
import type { Ctx } from '../../../kernel/operation.ts'

/*
 * The part of Auth0's Management API v2 that an export of users needs: a token, an export job, its state, and its file of one
 * JSON object a line. The list of users would end at a thousand.
 */

const NAME = 'Auth0',
  TIMEOUT = 15_000,
  // its users are stored as they come
  FILE_TIMEOUT = 5 * 60_000,
  MOST_READ = 256 * 1024

export interface Account {
  readonly domain: string
  readonly clientId: string
  readonly secret: string
}
export type ExportState =
  { readonly state: 'waiting' | 'failed' } | { readonly state: 'done'; readonly location: string }

/** As an export writes them. Not all of them are there, nor are they what they are called for certain. */
export interface Auth0User {
  readonly user_id?: unknown
  readonly email?: unknown
  readonly email_verified?: unknown
  readonly username?: unknown
  readonly phone_number?: unknown
  readonly phone_verified?: unknown
  readonly name?: unknown
  readonly given_name?: unknown
  readonly family_name?: unknown
  readonly nickname?: unknown
  readonly picture?: unknown
  readonly blocked?: unknown
  readonly identities?: unknown
  readonly user_metadata?: unknown
  readonly app_metadata?: unknown
}
const FIELDS: readonly (keyof Auth0User)[] = [
  'user_id',
  'email',
  'email_verified',
  'username',
  'phone_number',
  'phone_verified',
  'name',
  'given_name',
  'family_name',
  'nickname',
  'picture',
  'blocked',
  'identities',
  'user_metadata',
  'app_metadata',
]

/** @throws Refused, for good when Auth0 does not accept the credentials */
export async function tokenFor(ctx: Ctx, { domain, clientId, secret }: Account) {
  const { access_token: token } = await call(ctx, { domain, secrets: [secret] }, '/oauth/token', {
    grant_type: 'client_credentials',
    client_id: clientId,
    client_secret: secret,
    audience: `https://${domain}/api/v2/`,
  })
  return mustBeText(token, 'no access_token')
}

/** @returns the id of the export */
export async function startExport(ctx: Ctx, domain: string, token: string) {
  const { id } = await call(ctx, { domain, secrets: [token], token }, '/api/v2/jobs/users-exports', {
    format: 'json',
    fields: FIELDS.map((name) => ({ name })),
  })
  return mustBeText(id, 'no id of a job')
}

export async function stateOf(ctx: Ctx, domain: string, token: string, exportId: string): Promise<ExportState> {
  const { status, location } = await call(
    ctx,
    { domain, secrets: [token], token },
    `/api/v2/jobs/${encodeURIComponent(exportId)}`,
  )
  if (status === 'completed') return { state: 'done', location: mustBeText(location, 'no location of the file') }
  return { state: status === 'failed' || status === 'expired' ? 'failed' : 'waiting' }
}

/** The users of the export's file, as they arrive. @throws Refused, for good when it is larger than `mostBytes` */
export async function* usersAt(ctx: Ctx, location: string, mostBytes: number): AsyncGenerator<Auth0User> {
  const { reach, open } = ctx.deps.outbound
  if (reach !== 'anywhere' && !location.startsWith('https:'))
    throw refused('the file of the export is not at an https address', false)
  const { status, body } = await open(
    NAME,
    location,
    { timeoutMs: TIMEOUT, wholeMs: FILE_TIMEOUT },
    { secrets: [location] },
  )
  if (status !== 200) {
    body.destroy()
    throw refused('the file of the export cannot be fetched', isPassing(status), status)
  }
  try {
    for await (const line of linesOf(unpacked(body), mostBytes)) yield jsonObject(line)
  } finally {
    body.destroy()
  }
}

/** The file is packed with gzip, as its name says. A proxy may have unpacked it. */
async function* unpacked(body: Readable): AsyncGenerator<Buffer> {
  const chunks = body[Symbol.asyncIterator]() as AsyncIterator<Buffer>,
    first = await chunks.next()
  if (first.done) return
  const whole = Readable.from(
    (async function* () {
      yield first.value
      for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value
    })(),
  )
  const isPacked = first.value[0] === 0x1f && first.value[1] === 0x8b
  // what goes wrong is thrown by the last of both
  yield* isPacked ? pipeline(whole, createGunzip(), () => {}) : whole
}

/** An object that is too long to be a user stands for none: its row is refused, and stops no other. */
const NOBODY = '{}'

async function* linesOf(file: AsyncIterable<Buffer>, mostBytes: number): AsyncGenerator<string> {
  let begun = '',
    isTooLong = false,
    bytes = 0
  const decoder = new TextDecoder()
  for await (const chunk of file) {
    bytes += chunk.length
    if (bytes > mostBytes) throw refused(`the export has more than ${mostBytes} bytes`, false)
    const lines = (begun + decoder.decode(chunk, { stream: true })).split('\n')
    begun = lines.pop()!
    for (const line of lines) {
      if (isTooLong) yield NOBODY
      else if (line.trim() !== '') yield line
      isTooLong = false
    }
    if (begun.length <= MOST_READ) continue
    isTooLong = true
    begun = ''
  }
  if (isTooLong) yield NOBODY
  else if (begun.trim() !== '') yield begun
}

interface Caller {
  domain: string
  token?: string
  secrets: string[]
}

async function call(ctx: Ctx, { domain, token, secrets }: Caller, path: string, content?: object) {
  const { auth0Url } = ctx.deps,
    base = baseAddress(NAME, auth0Url ?? `https://${domain}`)
  // what is configured, the operator has chosen
  const { open } = auth0Url === undefined ? ctx.deps.outbound : outbound('anywhere')
  const { status, body } = await open(
    NAME,
    `${base}${path}`,
    {
      method: content ? 'POST' : 'GET',
      headers: {
        accept: 'application/json',
        ...(content && { 'content-type': 'application/json' }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      ...(content && { body: JSON.stringify(content) }),
      timeoutMs: TIMEOUT,
      wholeMs: TIMEOUT,
    },
    { secrets },
  )
  const text = await beginning(body)
  if (status < 200 || status > 299)
    throw refusal(NAME, { status, retryable: isPassing(status), reason: reasonIn(text) }, { secrets })
  return jsonObject(text)
}

async function beginning(body: Readable) {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    length += chunk.length
    if (length > MOST_READ) break
  }
  return Buffer.concat(chunks).toString('utf8')
}

function reasonIn(text: string) {
  const { message, error_description: description, error } = jsonObject(text)
  return [description, message, error].find((one) => typeof one === 'string') ?? ''
}

const refused = (reason: string, retryable: boolean, status?: number) =>
  refusal(NAME, { status, retryable, reason }, { secrets: [] })

function mustBeText(value: unknown, lack: string) {
  if (typeof value !== 'string' || value === '')
    throw new Refused(`${NAME}: the reply has ${lack}`, { retryable: true })
  return value
}
