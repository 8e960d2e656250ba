import { createRequire } from 'node:module'
import { pino, type DestinationStream, type Logger } from 'pino'

/** Fields whose values never enter a log, at any depth. */
const HIDDEN = new Set([
  'authorization',
  'cookie',
  'set-cookie',
  'x-access-token',
  'x-api-key',
  'password',
  'newPassword',
  'passwordHash',
  'passwordHashConfig',
  'signerKey',
  'secret',
  'apiKey',
  'apiKeyHash',
  'token',
  'accessToken',
  'access_token',
  'refreshToken',
  'refresh_token',
  'mfaToken',
  'otcToken',
  'webauthnToken',
  'recoveryCode',
  'qrCode',
  'privateKey',
  'link',
  'html',
  'text',
])

export interface LogOptions {
  level: string
  /** for a person at a terminal; else one JSON object a line */
  pretty: boolean
  /** standard output when absent */
  destination?: DestinationStream
}

export function logger({
  level,
  pretty,
  destination = pretty ? prettyOutput() : pino.destination({ dest: 1, sync: true }),
}: LogOptions): Logger {
  return pino(
    {
      level,
      base: {},
      formatters: { log: withoutSecrets, bindings: withoutSecrets },
      serializers: { err: describe },
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    destination,
  )
}

/** Pino's own redaction works at fixed depths only, and costs ten times as much. */
function withoutSecrets(entry: Record<string, unknown>): Record<string, unknown> {
  let copy: Record<string, unknown> | undefined
  for (const [name, value] of Object.entries(entry)) {
    const clean = HIDDEN.has(name)
      ? '[hidden]'
      : isPlain(value)
        ? withoutSecrets(value)
        : Array.isArray(value)
          ? value.map((item: unknown) => (isPlain(item) ? withoutSecrets(item) : item))
          : value
    if (clean !== value) (copy ??= { ...entry })[name] = clean
  }
  return copy ?? entry
}
const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' &&
  value !== null &&
  (Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null)

/** Loaded with the first line, which at the emulator's usual level may never be written. */
function prettyOutput(): DestinationStream {
  let stream: DestinationStream | undefined
  return {
    write(line) {
      stream ??= (createRequire(import.meta.url)('pino-pretty') as (options: object) => DestinationStream)({
        sync: true,
        translateTime: 'SYS:HH:MM:ss',
        ignore: 'reqId',
      })
      stream.write(line)
    },
  }
}

interface Described {
  type: string
  message: string
  code?: string
  stack?: string
  cause?: Described
}

/**
 * An error without what drivers attach to it: the details of a failed statement hold the row, and Prisma's messages
 * hold the arguments of the call, before their last paragraph.
 */
function describe(error: unknown): Described {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error) }
  const { name, code, stack, cause } = error as Error & { code?: unknown }
  const message = name.startsWith('PrismaClient')
    ? error.message
        .trim()
        .split(/\n\s*\n/)
        .at(-1)!
    : error.message
  return {
    type: name,
    message,
    ...(typeof code === 'string' && { code }),
    ...(stack && {
      stack: stack
        .split('\n')
        .filter((line) => /^\s+at /.test(line))
        .join('\n'),
    }),
    ...(cause !== undefined && { cause: describe(cause) }),
  }
}
