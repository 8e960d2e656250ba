import type { Database } from '@henhouse/database'
import { generateKeyPair } from '@henhouse/jwt'
import { outbound } from '@henhouse/outbound'
import { OWASP, type PasswordHasher } from '@henhouse/passwords'
import type { Logger } from 'pino'
import { systemClock } from '../apps/server/src/kernel/clock.ts'
import type { ServerDeps } from '../apps/server/src/kernel/deps.ts'
import { cryptoRandom } from '../apps/server/src/kernel/random.ts'
import { secretBox } from '../apps/server/src/kernel/secrets.ts'

export const HASH = OWASP

export const benchDeps = (database: Database, passwords: PasswordHasher, log: Logger): ServerDeps => ({
  database,
  passwords,
  log,
  systemClock,
  random: cryptoRandom,
  secrets: secretBox('a secret of the benchmark, long enough to be one'),
  newKeyPair: generateKeyPair,
  publicUrl: new URL('http://localhost:3100'),
  allowedOrigins: [],
  trustProxy: false,
  rateLimits: false,
  mail: 'hold',
  outbound: outbound([]),
  strict: false,
})
