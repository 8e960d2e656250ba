import { isIP } from 'node:net'
import { availableParallelism } from 'node:os'
import { OWASP, type HashingLimits, type HashParameters } from '@henhouse/passwords'
import type { AwsCredentials } from '@henhouse/outbound'
import { checkHttp, checkTwilio, type HttpOptions, type TwilioOptions } from '@henhouse/sms'
import { unknownNames, type Name } from './names.ts'

/*
 * The only reader of process.env. Each program reads its configuration once, at its start, and reports all faults at
 * once.
 * Secrets stand apart in `secrets`, so that the rest can be logged.
 */

/** The emulator's public defaults: documents, CI and fixtures rely on them, and production refuses them. */
export const EMULATOR = {
  clientId: '11111111-1111-4111-8111-111111111111',
  apiKey: '22222222-2222-4222-8222-222222222222',
} as const

type LogLevel = (typeof LOG_LEVELS)[number]
const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

export interface ProductionConfig {
  readonly host: string
  readonly port: number
  readonly publicUrl: URL
  readonly allowedOrigins: readonly string[]
  /** of Android apps whose users log in with passkeys */
  readonly androidOrigins: readonly string[]
  readonly trustProxy: boolean | string
  readonly rateLimits: boolean
  readonly passwords: HashParameters
  readonly hashing: Required<HashingLimits>
  /** the sender of mail that HENHOUSE_SMTP_URL carries */
  readonly mailFrom: string | undefined
  /** where captchas are checked */
  readonly captchaUrl: string
  /** where breached passwords are looked up; undefined: in a short list of our own */
  readonly breachedPasswordsUrl: string | undefined
  /** where users are imported from Auth0; undefined: at the domain that the call names */
  readonly auth0Url: string | undefined
  /** networks that environments' hooks and providers may be in, beside the public addresses */
  readonly privateNetworks: readonly string[]
  /** days that the audit trail goes back */
  readonly auditDays: number
  /** where built-in login providers are, by their types, if not at their usual addresses */
  readonly socialUrls: Readonly<Record<string, string>>
  /** megabytes of a file of users to import, at most */
  readonly importMegabytes: number
  /** connections to the database at most */
  readonly connections: number
  /** whether the database's connections keep statements prepared */
  readonly preparedStatements: boolean
  /** how long the server says that it is not ready before it stops listening */
  readonly drainSeconds: number
  readonly logLevel: LogLevel
}
export interface ProductionSecrets {
  readonly databaseUrl: string
  readonly encryptionKey: string
  readonly smtpUrl: string | undefined
  /** opens /metrics, which is not there without it */
  readonly metricsToken: string | undefined
  /** this server's own identity at AWS, for environments that let it send through their SES */
  readonly aws: AwsIdentity | undefined
  /** what carries text messages; undefined: none can be sent */
  readonly sms: SmsCarrier | undefined
}
interface AwsIdentity {
  readonly source: AwsCredentials
  readonly externalId?: string
}
type SmsCarrier = ({ readonly kind: 'twilio' } & TwilioOptions) | ({ readonly kind: 'http' } & HttpOptions)

export interface EmulatorConfig {
  readonly host: string
  readonly port: number
  /** where browsers find it, when that is not http://localhost:<port> */
  readonly publicUrl: URL | undefined
  readonly clientId: string
  readonly apiKey: string
  /** the folder of its data */
  readonly data: string
  /** a Postgres to use in place of the embedded one */
  readonly databaseUrl: string | undefined
  /** of Android apps whose users log in with passkeys */
  readonly androidOrigins: readonly string[]
  /** whose `X-Forwarded-*` headers are believed */
  readonly trustProxy: boolean | string
  /** where built-in login providers are, by their types, if not at their usual addresses */
  readonly socialUrls: Readonly<Record<string, string>>
  readonly passwords: HashParameters
  readonly rateLimits: boolean
  readonly logLevel: LogLevel
  /** the folder that relative paths on the command line start from */
  readonly directory: string
}

type Variables = Readonly<Record<string, string | undefined>>

/** Everything that is wrong with the variables, at once. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly faults: readonly string[]
  constructor(faults: readonly string[]) {
    super(`The configuration cannot be used:\n${faults.map((fault) => `  ${fault}`).join('\n')}`)
    this.faults = faults
  }
}

const HAVE_I_BEEN_PWNED = 'https://api.pwnedpasswords.com/range'

/** @throws ConfigError */
export function productionConfig(variables: Variables = process.env): {
  config: ProductionConfig
  secrets: ProductionSecrets
} {
  const { required, optional, fault, finish } = reader(variables)
  const databaseUrl = required(
    'DATABASE_URL',
    postgresUrl,
    'the Postgres (15 or later) to keep everything in: postgres://user:password@host:5432/name',
  )
  const publicUrl = required('HENHOUSE_PUBLIC_URL', namedUrl, 'where browsers reach it: https://id.example.com')
  const encryptionKey = required(
    'HENHOUSE_ENCRYPTION_KEY',
    strongKey,
    `what secrets are encrypted with before they are stored; ${MAKE_KEY}`,
  )
  const passwords = costlyHashing(optional, fault)
  const config = {
    host: optional('HENHOUSE_HOST', text, '0.0.0.0'),
    port: optional('HENHOUSE_PORT', portNumber, 3100),
    publicUrl,
    allowedOrigins: optional('HENHOUSE_ALLOWED_ORIGINS', origins, []),
    androidOrigins: optional('HENHOUSE_ANDROID_ORIGINS', androidOrigins, []),
    trustProxy: optional('HENHOUSE_TRUST_PROXY', proxies, false),
    rateLimits: optional('HENHOUSE_RATE_LIMITS', onOrOff, true),
    passwords,
    hashing: hashingLimits(optional),
    mailFrom: optional('HENHOUSE_MAIL_FROM', mailAddress, undefined),
    captchaUrl: optional('HENHOUSE_CAPTCHA_URL', serviceUrl, 'https://www.google.com/recaptcha/api/siteverify'),
    breachedPasswordsUrl: optional('HENHOUSE_BREACHED_PASSWORDS_URL', serviceUrlOrNone, HAVE_I_BEEN_PWNED),
    auditDays: optional('HENHOUSE_AUDIT_DAYS', integer(1, 36_500), 90),
    ...outgoing(optional),
    importMegabytes: optional('HENHOUSE_IMPORT_MEGABYTES', integer(1, 10_000), 100),
    connections: optional('HENHOUSE_DATABASE_CONNECTIONS', integer(1, 1000), 10),
    preparedStatements: optional('HENHOUSE_PREPARED_STATEMENTS', onOrOff, true),
    drainSeconds: optional('HENHOUSE_DRAIN_SECONDS', integer(0, 600), 5),
    logLevel: optional('LOG_LEVEL', oneOf(LOG_LEVELS), 'info'),
  }
  return finish<{ config: ProductionConfig; secrets: ProductionSecrets }>({
    config,
    secrets: {
      databaseUrl,
      encryptionKey,
      smtpUrl: optional('HENHOUSE_SMTP_URL', smtpAddress, undefined),
      metricsToken: optional('HENHOUSE_METRICS_TOKEN', longWord, undefined),
      aws: awsIdentity(optional, fault),
      sms: smsCarrier(optional, fault),
    },
  })
}

/** Nothing is required. @throws ConfigError */
export function emulatorConfig(variables: Variables = process.env): EmulatorConfig {
  const { optional, fault, finish } = reader(variables)
  if (variables['NODE_ENV'] === 'production')
    fault('NODE_ENV', 'is production, and the emulator gives everybody everything: run `npm run start:production`')
  return finish<EmulatorConfig>({
    // both of the machine's own addresses: some clients take localhost for 127.0.0.1, others for ::1
    host: optional('HENHOUSE_HOST', text, 'localhost'),
    port: optional('HENHOUSE_PORT', portNumber, 3100),
    publicUrl: optional('HENHOUSE_PUBLIC_URL', namedUrl, undefined),
    clientId: optional('HENHOUSE_CLIENT_ID', uuid, EMULATOR.clientId),
    apiKey: optional('HENHOUSE_API_KEY', secretWord, EMULATOR.apiKey),
    data: optional('HENHOUSE_DATA', text, '.henhouse'),
    databaseUrl: optional('DATABASE_URL', postgresUrl, undefined),
    androidOrigins: optional('HENHOUSE_ANDROID_ORIGINS', androidOrigins, []),
    socialUrls: optional('HENHOUSE_SOCIAL_URLS', socialUrls, {}),
    passwords: hashParameters(optional),
    rateLimits: optional('HENHOUSE_RATE_LIMITS', onOrOff, false),
    logLevel: optional('LOG_LEVEL', oneOf(LOG_LEVELS), 'warn'),
    trustProxy: optional('HENHOUSE_TRUST_PROXY', proxies, false),
    // npm runs scripts in the project's folder, wherever it was called
    directory: optional('INIT_CWD', text, process.cwd()),
  })
}

type Parse<T> = (value: string) => T
/** Says what is wrong with a value; its text follows the variable's name. */
class Fault extends Error {}

function reader(variables: Variables) {
  const faults = unknownNames(variables).map(({ name, nearest }) => `${name} is unknown: did you mean ${nearest}?`)
  const fault = (name: string, what: string) => {
    faults.push(`${name} ${what}`)
  }
  // a faulty value reads as undefined: `finish` throws before anybody uses it
  function parsed<T>(name: string, value: string, parse: Parse<T>): T {
    try {
      return parse(value)
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      fault(name, error.message)
      return undefined as T
    }
  }
  // compose files pass unset variables on as empty ones
  const given = (name: Name) => variables[name]?.trim() || undefined
  return {
    fault,
    optional<T, A>(name: Name, parse: Parse<T>, absent: A): T | A {
      const value = given(name)
      return value === undefined ? absent : parsed(name, value, parse)
    },
    required<T>(name: Name, parse: Parse<T>, what: string): T {
      const value = given(name)
      if (value !== undefined) return parsed(name, value, parse)
      fault(name, `is missing: ${what}`)
      return undefined as T
    },
    finish<T>(read: T): T {
      if (faults.length) throw new ConfigError(faults)
      return read
    },
  }
}
type Optional = ReturnType<typeof reader>['optional']

const text: Parse<string> = (value) => value

const oneOf =
  <const V extends readonly string[]>(values: V): Parse<V[number]> =>
  (value) => {
    if (!values.includes(value)) throw new Fault(`must be one of ${values.join(', ')}`)
    return value
  }

const onOrOff: Parse<boolean> = (value) => oneOf(['on', 'off'])(value) === 'on'

const integer =
  (least: number, most: number): Parse<number> =>
  (value) => {
    const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN
    if (!(number >= least && number <= most)) throw new Fault(`must be a whole number from ${least} to ${most}`)
    return number
  }

const portNumber: Parse<number> = (value) => {
  if (value.startsWith('tcp://'))
    throw new Fault(
      'holds an address: Kubernetes sets it for a Service of the name "henhouse". Set it yourself, or turn enableServiceLinks off',
    )
  return integer(0, 65_535)(value)
}

const uuid: Parse<string> = (value) => {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value)) throw new Fault('must be a UUID')
  return value.toLowerCase()
}

const secretWord: Parse<string> = (value) => {
  if (/\s/.test(value)) throw new Fault('must be one word')
  return value
}

const longWord: Parse<string> = (value) => {
  if (value.length < 16) throw new Fault('must have at least 16 characters')
  return secretWord(value)
}

function url(value: string, protocols: readonly string[], example: string): URL {
  if (!URL.canParse(value) || !protocols.includes(new URL(value).protocol) || !new URL(value).hostname)
    throw new Fault(`must be an address such as ${example}`)
  return new URL(value)
}

const mailAddress: Parse<string> = (value) => {
  if (!/^[^\s@<>,"]+@[^\s@<>,"]+$/.test(value)) throw new Fault('must be an e-mail address')
  return value
}

/** As many hashes at once as there are cores, and one less than Node has threads for such work: files and names of hosts need one, too. */
const hashingLimits = (optional: Optional) => ({
  atOnce: Math.max(1, Math.min(availableParallelism(), optional('UV_THREADPOOL_SIZE', integer(1, 1024), 4) - 1)),
  queue: optional('HENHOUSE_PASSWORD_QUEUE', integer(1, 100_000), 200),
})

/** The variables that AWS's own tools read. */
function awsIdentity(optional: Optional, fault: (name: string, what: string) => void): AwsIdentity | undefined {
  const accessKeyId = optional('AWS_ACCESS_KEY_ID', text, undefined),
    secretAccessKey = optional('AWS_SECRET_ACCESS_KEY', text, undefined)
  if (accessKeyId === undefined && secretAccessKey === undefined) return undefined
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    fault(
      accessKeyId === undefined ? 'AWS_ACCESS_KEY_ID' : 'AWS_SECRET_ACCESS_KEY',
      'is missing, and the other half of the pair is set',
    )
    return undefined
  }
  const externalId = optional('HENHOUSE_AWS_EXTERNAL_ID', text, undefined)
  return {
    source: { accessKeyId, secretAccessKey, sessionToken: optional('AWS_SESSION_TOKEN', text, undefined) },
    ...(externalId !== undefined && { externalId }),
  }
}

/** Twilio, or any gateway that takes a message as JSON. */
function smsCarrier(optional: Optional, fault: (name: string, what: string) => void): SmsCarrier | undefined {
  const read = (name: Name) => optional(name, text, undefined)
  const accountSid = read('HENHOUSE_TWILIO_ACCOUNT_SID'),
    authToken = read('HENHOUSE_TWILIO_AUTH_TOKEN'),
    from = read('HENHOUSE_TWILIO_FROM')
  const gateway = read('HENHOUSE_SMS_URL'),
    authorization = read('HENHOUSE_SMS_AUTHORIZATION')
  try {
    if (accountSid !== undefined) {
      if (authToken === undefined || from === undefined)
        throw new TypeError('HENHOUSE_TWILIO_AUTH_TOKEN and HENHOUSE_TWILIO_FROM are needed as well')
      const account = { accountSid, authToken, ...(from.startsWith('MG') ? { messagingServiceSid: from } : { from }) }
      checkTwilio(account)
      return { kind: 'twilio', ...account }
    }
    if (gateway === undefined) return undefined
    const address = { url: gateway, ...(authorization !== undefined && { headers: { authorization } }) }
    checkHttp(address)
    return { kind: 'http', ...address }
  } catch (error) {
    fault(
      accountSid === undefined ? 'HENHOUSE_SMS_URL' : 'HENHOUSE_TWILIO_ACCOUNT_SID',
      `cannot be used: ${(error as TypeError).message}`,
    )
    return undefined
  }
}

const postgresUrl: Parse<string> = (value) => {
  url(value, ['postgres:', 'postgresql:'], 'postgres://user:password@host:5432/name')
  return value
}

const smtpAddress: Parse<string> = (value) => {
  url(value, ['smtp:', 'smtps:'], 'smtp://user:password@host:587')
  return value
}

const httpUrl: Parse<URL> = (value) => {
  const found = url(value, ['https:', 'http:'], 'https://id.example.com')
  if (found.pathname !== '/' || found.search || found.hash || found.username || found.password)
    throw new Fault('must be a scheme and a host, with a port perhaps and nothing else: https://id.example.com')
  return found
}

/** Other environments are found, and their tokens told apart, by a name before the host: an address can have none. */
const namedUrl: Parse<URL> = (value) => {
  const found = httpUrl(value)
  if (isIP(found.hostname.replace(/^\[|\]$/g, '')))
    throw new Fault(
      `must have a host name, as environments have their names before it, and ${found.hostname} is an address: write localhost for this machine, or give the address a name`,
    )
  return found
}

const serviceUrl: Parse<string> = (value) => url(value, ['https:', 'http:'], 'https://service.example.com/path').href

/** `none`: for servers without access to the outside. */
const serviceUrlOrNone: Parse<string | undefined> = (value) => (value === 'none' ? undefined : serviceUrl(value))

const list = (value: string) =>
  value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')

const origins: Parse<string[]> = (value) =>
  list(value).map((origin) => {
    if (origin === '*')
      throw new Fault('must name each origin: `*` would let every web page act for anybody who is logged in')
    if (!URL.canParse(origin) || !/^https?:/.test(origin) || new URL(origin).href !== `${new URL(origin).origin}/`)
      throw new Fault(`must be origins such as https://app.example.com, separated by commas: ${origin} is not one`)
    return new URL(origin).origin
  })

/** `google=https://google.example,github=…`: a stand-in for each. */
const socialUrls: Parse<Readonly<Record<string, string>>> = (value) =>
  Object.fromEntries(
    list(value).map((pair) => {
      const [, type, address] = /^([a-z]+)=(.+)$/.exec(pair) ?? []
      if (type === undefined || address === undefined || !SOCIAL_TYPES.includes(type))
        throw new Fault(
          `must be pairs such as google=https://google.example, separated by commas, of ${SOCIAL_TYPES.join(', ')}: ${pair} is not one`,
        )
      // as issuers are written: no slash at the end
      return [type, serviceUrl(address).replace(/\/+$/, '')]
    }),
  )
const SOCIAL_TYPES = 'apple facebook github gitlab google linkedin microsoft slack twitter'.split(' ')

/** Base64url of a SHA-256, as `apksigner verify --print-certs` gives it in hexadecimal digits. */
const androidOrigins: Parse<string[]> = (value) =>
  list(value).map((origin) => {
    if (!/^android:apk-key-hash:[\w-]{43}$/.test(origin))
      throw new Fault(
        `must be origins such as android:apk-key-hash:<43 letters, digits, - and _>, with commas between them: ${origin} is none`,
      )
    return origin
  })

/** `true` trusts every sender: only right behind a proxy that is the only way in. */
const proxies: Parse<boolean | string> = (value) => {
  if (value === 'true' || value === 'false') return value === 'true'
  for (const part of list(value))
    if (!['loopback', 'linklocal', 'uniquelocal'].includes(part) && !isNetwork(part))
      throw new Fault(
        `must be true, false, or the proxies' addresses or networks, separated by commas, such as 10.0.0.0/8: ${part} is not one`,
      )
  return list(value).join(',')
}

const networks: Parse<readonly string[]> = (value) => {
  const wrong = list(value).find((part) => !isNetwork(part))
  if (wrong !== undefined)
    throw new Fault(`must be addresses or networks, separated by commas, such as 10.0.0.0/8: ${wrong} is not one`)
  return list(value)
}

function isNetwork(text: string) {
  const [address = '', bits, ...more] = text.split('/'),
    most = isIP(address) === 4 ? 32 : 128
  return isIP(address) !== 0 && !more.length && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most))
}

/** Where calls of environments may go. */
const outgoing = (optional: Optional) => ({
  auth0Url: optional('HENHOUSE_AUTH0_URL', serviceUrl, undefined),
  privateNetworks: optional('HENHOUSE_PRIVATE_NETWORKS', networks, []),
  socialUrls: optional('HENHOUSE_SOCIAL_URLS', socialUrls, {}),
})

function hashParameters(optional: Optional): HashParameters {
  return {
    memoryCost: optional('HENHOUSE_ARGON2_MEMORY', integer(64, 1024 * 1024), OWASP.memoryCost),
    timeCost: optional('HENHOUSE_ARGON2_ITERATIONS', integer(1, 64), OWASP.timeCost),
    parallelism: optional('HENHOUSE_ARGON2_PARALLELISM', integer(1, 8), OWASP.parallelism),
  }
}

/** As `hashParameters`, but not below what is safe. */
function costlyHashing(optional: Optional, fault: (name: string, what: string) => void) {
  const passwords = hashParameters(optional)
  if (!reachesOwasp(passwords))
    fault(
      'HENHOUSE_ARGON2_MEMORY',
      `with HENHOUSE_ARGON2_ITERATIONS and HENHOUSE_ARGON2_PARALLELISM is below what OWASP asks for: at least ${OWASP_CHOICES.map(([m, t]) => `${m} KiB with ${t}`).join(', or ')}`,
    )
  return passwords
}

/** Equally strong choices of the OWASP Password Storage Cheat Sheet for argon2id: KiB of memory, passes. */
const OWASP_CHOICES = [
  [47_104, 1],
  [19_456, 2],
  [12_288, 3],
  [9216, 4],
  [7168, 5],
] as const
const reachesOwasp = ({ memoryCost, timeCost }: HashParameters) =>
  // a faulty number has been reported already
  [memoryCost, timeCost].includes(undefined as never) ||
  OWASP_CHOICES.some(([memory, passes]) => memoryCost >= memory && timeCost >= passes)

const MAKE_KEY = 'make one with `openssl rand -base64 32`'
// at least six letters: shorter words turn up by chance in real keys
const COMMON =
  /change.?me|passw[o0]rd|passphrase|secret|default|example|henhouse|frontegg|encrypt|placeholder|insecure|development|production|letmein|qwerty|your.?key/i

/** Refuses keys that are not random. It refuses fewer than one random key in a million. */
const strongKey: Parse<string> = (value) => {
  if (value.length < 32) throw new Fault(`must have at least 32 characters; ${MAKE_KEY}`)
  if (COMMON.test(value)) throw new Fault(`holds a word that others would try; ${MAKE_KEY}`)
  if (new Set(value).size < 8 || isRepetition(value) || isSequence(value))
    throw new Fault(`follows a pattern that others would try; ${MAKE_KEY}`)
  return value
}

/** The same text over and over: `abcabcabc…`. */
const isRepetition = (value: string) =>
  Array.from({ length: Math.floor(value.length / 2) }, (_, index) => index + 1).some((period) =>
    value.startsWith(value.slice(period)),
  )

/** Mostly neighbours in the alphabet: `abcdefgh…0123456789`. */
function isSequence(value: string) {
  const steps = Array.from({ length: value.length - 1 }, (_, index) =>
    Math.abs(value.charCodeAt(index + 1) - value.charCodeAt(index)),
  )
  return steps.filter((step) => step <= 1).length > steps.length / 2
}
