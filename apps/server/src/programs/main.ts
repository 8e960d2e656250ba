import { EMULATOR, productionConfig } from '../config/config.ts'
import { productionDeps } from './production-deps.ts'
import type { ServerDeps } from '../kernel/deps.ts'
import { startWorker } from '../kernel/jobs.ts'
import { logger } from '../kernel/log.ts'
import { hearOthers } from '../kernel/memory.ts'
import { fingerprint } from '../kernel/random.ts'
import { buildServer } from '../server.ts'
import { drain, endOnSignal, giveUp, listen, StartFailure } from './start.ts'

/** Production. */
async function main() {
  const { config, secrets } = productionConfig()
  const log = logger({ level: config.logLevel, pretty: process.stdout.isTTY })
  log.info({ config }, 'starting')
  const deps = await productionDeps(config, secrets, log)
  await mustBePrivate(deps)
  if (secrets.smtpUrl === undefined)
    log.warn('HENHOUSE_SMTP_URL is not set: only environments with a mail provider of their own send mail')
  if (secrets.sms === undefined)
    log.warn(
      'neither HENHOUSE_TWILIO_ACCOUNT_SID nor HENHOUSE_SMS_URL is set: only environments with an account of their own send text messages',
    )

  const server = await buildServer(deps)
  hearOthers(deps)
  await listen(server, config)
  const worker = startWorker(server.worker)
  const graceMs = config.drainSeconds * 1000
  endOnSignal(
    log,
    async () => {
      await drain(server, worker, graceMs)
      if (deps.mail !== 'hold') await deps.mail.close?.()
      await deps.database.close()
    },
    graceMs,
  )
}

/** @throws StartFailure when the emulator's credentials would open this server */
async function mustBePrivate({ database: { prisma }, log }: ServerDeps) {
  const known = await prisma.vendor.findFirst({
    where: { OR: [{ id: EMULATOR.clientId }, { apiKeyHash: fingerprint(EMULATOR.apiKey) }] },
    select: { id: true },
  })
  if (known)
    throw new StartFailure(
      "This database has an environment with the emulator's client id or API key, which everybody knows: production needs a database of its own",
    )
  if (!(await prisma.vendor.findFirst({ select: { id: true } })))
    log.warn('there is no environment yet: make one with `npm run environment:create -- --name main`')
}

main().catch(giveUp)
