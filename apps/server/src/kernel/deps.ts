import type { Database } from '@henhouse/database'
import type { KeyPair } from '@henhouse/jwt'
import type { MailProvider } from '@henhouse/mail'
import type { AwsCredentials, Outbound } from '@henhouse/outbound'
import type { PasswordHasher } from '@henhouse/passwords'
import type { SmsProvider } from '@henhouse/sms'
import type { Logger } from 'pino'
import type { Clock } from './clock.ts'
import type { Random } from './random.ts'
import type { SecretBox } from './secrets.ts'

/**
 * What a process is built from; the same for every environment in it. The way to the database is not here: contexts
 * have it, by environment.
 */
export interface Deps {
  readonly systemClock: Clock
  readonly random: Random
  readonly passwords: PasswordHasher
  readonly secrets: SecretBox
  readonly log: Logger
  /** An RSA pair for a new environment. */
  newKeyPair(): Promise<KeyPair>
  /** Where browsers reach the default environment; the others have a label before its host. */
  readonly publicUrl: URL
  /**
   * Emulator without a public URL: it may be reached at several addresses, and each call has the one that it came to as its
   * `publicUrl`. This is the one in what is stored. Absent: there is one address.
   */
  readonly usualUrl?: URL
  /** Origins that may call with cookies, beside the server's own; `*` lets any (emulator). */
  readonly allowedOrigins: readonly string[] | '*'
  /** What Android apps send as the origin of a passkey: `android:apk-key-hash:<hash of the signing certificate>`. */
  readonly androidOrigins?: readonly string[]
  readonly trustProxy: boolean | string
  /** Whether operations' `limits` apply. Limits that keep codes from being guessed always apply. */
  readonly rateLimits: boolean
  /**
   * Carries the mail of environments without a provider of their own. `'hold'`: nothing ever leaves the machine
   * (emulator).
   */
  readonly mail: MailProvider | 'hold'
  /** The sender of mail that `mail` carries; without one it is `no-reply@` the environment's host. */
  readonly mailFrom?: string
  /** Carries text messages. Absent: they cannot be sent. `'hold'`: none ever leaves the machine (emulator). */
  readonly sms?: SmsProvider | 'hold'
  /** This server's own identity at AWS, which environments' SES roles must trust. */
  readonly aws?: { readonly source: AwsCredentials; readonly externalId?: string }
  /** Where mail providers are reached when not at their usual addresses: another region's, a private endpoint, a double. */
  readonly mailEndpoints?: {
    readonly sendgrid?: string
    readonly mailgun?: string
    readonly ses?: string
    readonly sts?: string
  }
  /** Where Twilio is reached when not at its usual address. */
  readonly smsEndpoints?: { readonly twilio?: string }
  /** Where captchas are checked, in the protocol of reCAPTCHA's `siteverify`. Absent (emulator, tests): the token `score:0.7` has that score, any other is wrong. */
  readonly captchaUrl?: string
  /** Where breached passwords are looked up, in Have I Been Pwned's range protocol: five digits of a SHA-1 are appended. Absent: a short list of our own, and no network. */
  readonly breachedPasswordsUrl?: string
  /** How many days the audit trail goes back; 90 when absent. */
  readonly auditDays?: number
  /** The most bytes of a file of users to import; 100 MiB when absent. */
  readonly mostImportBytes?: number
  /** Where Auth0 is asked for users: a proxy, a double. Absent: at the domain that the call or the source of users names. */
  readonly auth0Url?: string
  /** Where built-in login providers are, by their types, when not at their usual addresses: a double. */
  readonly socialUrls?: Readonly<Record<string, string>>
  /**
   * The only way to an address that an environment has chosen: of its hooks, its identity providers, its databases of users.
   * In production it goes to public ones and to networks that the operator allows, in the emulator and in tests anywhere.
   */
  readonly outbound: Outbound
  /** Where sources of users are asked when not at their usual addresses: a private endpoint, a double. For Auth0, `auth0Url`. */
  readonly userPoolEndpoints?: {
    readonly cognito?: string
    readonly firebase?: string
    readonly google?: string
  }
  /** Who may read `/metrics`: anybody (emulator), or the holder of a token. Absent: there are none. */
  readonly metrics?: 'open' | { readonly token: string } | undefined
  /** Fail on an undeclared status or a reply that does not fit its schema (tests). */
  readonly strict: boolean
}

/**
 * What a server is built from. Its database is not limited to an environment: only the kernel and the programs have it.
 */
export interface ServerDeps extends Deps {
  readonly database: Database
}
