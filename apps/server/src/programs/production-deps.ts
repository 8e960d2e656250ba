import { generateKeyPair } from '@henhouse/jwt'
import { smtp, type MailProvider } from '@henhouse/mail'
import { outbound, Refused } from '@henhouse/outbound'
import { passwordHasher } from '@henhouse/passwords'
import { http, twilio } from '@henhouse/sms'
import type { Logger } from 'pino'
import type { ProductionConfig, ProductionSecrets } from '../config/config.ts'
import { systemClock } from '../kernel/clock.ts'
import type { ServerDeps } from '../kernel/deps.ts'
import { cryptoRandom } from '../kernel/random.ts'
import { secretBox } from '../kernel/secrets.ts'
import { openMigrated } from './start.ts'

/**
 * What a production server is built from, with its database open and migrated.
 * @throws StartFailure when the database cannot be used
 */
export async function productionDeps(
  config: ProductionConfig,
  { databaseUrl, encryptionKey, smtpUrl, metricsToken, aws, sms }: ProductionSecrets,
  log: Logger,
): Promise<ServerDeps> {
  const secrets = secretBox(encryptionKey)
  const database = await openMigrated(databaseUrl, {
    secrets,
    connections: config.connections,
    preparedStatements: config.preparedStatements,
    otherKey: 'HENHOUSE_ENCRYPTION_KEY is not the key that the secrets in this database were encrypted with',
    onMigrated: (names) => log.info({ names }, 'migrations applied'),
  })
  return {
    database,
    secrets,
    log,
    systemClock,
    random: cryptoRandom,
    passwords: passwordHasher(config.passwords, config.hashing),
    newKeyPair: generateKeyPair,
    publicUrl: config.publicUrl,
    allowedOrigins: config.allowedOrigins,
    androidOrigins: config.androidOrigins,
    trustProxy: config.trustProxy,
    rateLimits: config.rateLimits,
    mail: smtpUrl === undefined ? noProvider : smtp({ url: smtpUrl }),
    ...(config.mailFrom !== undefined && { mailFrom: config.mailFrom }),
    captchaUrl: config.captchaUrl,
    ...(config.breachedPasswordsUrl !== undefined && { breachedPasswordsUrl: config.breachedPasswordsUrl }),
    auditDays: config.auditDays,
    mostImportBytes: config.importMegabytes * 1024 * 1024,
    ...(config.auth0Url !== undefined && { auth0Url: config.auth0Url }),
    ...(metricsToken !== undefined && { metrics: { token: metricsToken } }),
    ...(aws && { aws }),
    ...(sms && { sms: sms.kind === 'twilio' ? twilio(sms) : http(sms) }),
    outbound: outbound(config.privateNetworks),
    socialUrls: config.socialUrls,
    strict: false,
  }
}

/** Without a provider, mail is retried as usual, and then shown as failed. */
const noProvider: MailProvider = {
  name: 'none',
  send: () =>
    Promise.reject(
      new Refused('nobody carries the mail: set HENHOUSE_SMTP_URL, or configure a provider for the environment', {
        retryable: true,
      }),
    ),
}
