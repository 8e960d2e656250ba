import type { Database } from '@henhouse/database'
import type { KeyPair } from '@henhouse/jwt'
import type { MailProvider } from '@henhouse/mail'
import type { PasswordHasher } from '@henhouse/passwords'
import type { Logger } from 'pino'
import type { Clock } from './clock.ts'
import type { Random } from './random.ts'
import type { SecretBox } from './secrets.ts'

/** What one process is built from; the same for every environment in it. */
export interface Deps {
  readonly database: Database
  readonly systemClock: Clock
  readonly random: Random
  readonly passwords: PasswordHasher
  readonly secrets: SecretBox
  readonly log: Logger
  /** An RSA pair for a new environment. */
  newKeyPair(): Promise<KeyPair>
  /** Where a browser reaches the default environment; the others are found under a label before its host. */
  readonly publicUrl: URL
  /** Origins that may call with cookies, beside the server's own; `*` lets any (emulator). */
  readonly allowedOrigins: readonly string[] | '*'
  readonly trustProxy: boolean | string
  /** Carries the mail of environments that have configured no provider. `'hold'`: nothing ever leaves the machine (emulator). */
  readonly mail: MailProvider | 'hold'
  /** Fail on an undeclared status or a reply that does not fit its schema (tests). */
  readonly strict: boolean
}
