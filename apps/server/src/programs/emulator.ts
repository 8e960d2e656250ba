import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { startEmbeddedPostgres } from '@henhouse/database'
import { outbound } from '@henhouse/outbound'
import { passwordHasher } from '@henhouse/passwords'
import { EMULATOR, emulatorConfig, type EmulatorConfig } from '../config/config.ts'
import { banner } from '../emulator/banner.ts'
import { addControlPlane } from '../emulator/control-plane.ts'
import { faultyOutbound } from '../emulator/faults.ts'
import { keyPool, type KeyPool } from '../emulator/key-pool.ts'
import { nameBasedId, plantMissing } from '../emulator/planting.ts'
import { readSeedFile } from '../emulator/seed-file.ts'
import { demo, type SeedEnvironment } from '../emulator/seed.schemas.ts'
import { watching } from '../emulator/watch.ts'
import { systemClock } from '../kernel/clock.ts'
import type { ServerDeps } from '../kernel/deps.ts'
import { baseUrl } from '../kernel/environments.ts'
import { startWorker } from '../kernel/jobs.ts'
import { logger } from '../kernel/log.ts'
import { hearOthers } from '../kernel/memory.ts'
import { cryptoRandom } from '../kernel/random.ts'
import { secretBox, type SecretBox } from '../kernel/secrets.ts'
import { buildServer } from '../server.ts'
import { drain, endOnSignal, giveUp, listen, openMigrated, StartFailure } from './start.ts'

const USAGE = `Usage: npm start -- [options]

Starts the emulator: the whole server on an embedded Postgres, with known credentials, a steerable clock and an outbox in
place of mail. Everything is public: it is no place for real data.

  --port <number>   the port to listen on (3100, or HENHOUSE_PORT); 0 takes a free one
  --ephemeral       keep nothing: a new database that is gone when the emulator ends
  --seed <file>     environments, tenants, users, roles, permissions and settings to start with, as YAML
  --help

Environment variables, all optional: HENHOUSE_PORT, HENHOUSE_HOST (0.0.0.0 lets others in), HENHOUSE_PUBLIC_URL,
HENHOUSE_CLIENT_ID, HENHOUSE_API_KEY, HENHOUSE_DATA (.henhouse), DATABASE_URL (a Postgres to use in place of the
embedded one), HENHOUSE_RATE_LIMITS (off; on refuses as production does), LOG_LEVEL (warn; info shows every request).`

/** The same app as in production, with a control plane. */
async function main() {
  const options = readArguments()
  const config = emulatorConfig()
  const environments = withCredentials(
    options.seed === undefined ? [demo] : await readSeedFile(resolve(config.directory, options.seed)),
    config,
  )
  const port = options.port ?? config.port
  // also what it says of itself when it may be reached under other names
  const url = config.publicUrl ?? new URL(`http://localhost:${port || (await freePort())}`)
  const say = (line: string) => {
    process.stdout.write(`${line}\n`)
  }

  const keys = keyPool(8)
  const postgres = await startPostgres(config, options.ephemeral, say)
  const secrets = secretBox(options.ephemeral ? cryptoRandom.token() : await keptKey(config.data))
  const plain = await emulatorDeps(config, url, { databaseUrl: postgres.url, secrets }, keys, say)
  const watched = watching(plain),
    deps = { ...plain, outbound: faultyOutbound(plain.outbound, watched.faults, plain.database) },
    server = await buildServer(deps, watched.watch)
  hearOthers(deps)
  await addControlPlane(server, { open: !LOOPBACK.has(config.host), watching: watched })
  await plantMissing(deps, environments, (name) => say(`Making the environment ${name}`))
  await listen(server, { host: config.host, port: port || Number(url.port) })
  const worker = startWorker(server.worker)
  keys.open()

  void postgres.ended.then((error) => {
    if (error) giveUp(error)
  })
  endOnSignal(deps.log, async () => {
    await drain(server, worker)
    await keys.close()
    await deps.database.close()
    await postgres.stop()
  })
  say(banner(environments, url, postgres.where))
  tellParent(environments, url)
}

/** A program that has forked this one need not read the banner. */
function tellParent(environments: ReturnType<typeof withCredentials>, url: URL) {
  const shown = environments.map(({ name, host = null, default: isDefault, clientId, apiKey, ...seed }) => ({
    id: clientId,
    ...{ name, isDefault, clientId, apiKey, seed },
    baseUrl: baseUrl(url, { name, host, isDefault }),
  }))
  process.send?.({ henhouse: { url: url.href.replace(/\/$/, ''), environments: shown } })
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '::1'])

/**
 * The credentials: each environment's own, else the overrides (for the default one), else derived from its name, so the
 * same at every start.
 */
function withCredentials(environments: readonly SeedEnvironment[], config: EmulatorConfig) {
  const chosen = Math.max(
    0,
    environments.findIndex((environment) => environment.default),
  )
  return environments.map((environment, index) => {
    const isDefault = index === chosen
    return {
      ...environment,
      default: isDefault,
      clientId:
        environment.clientId?.toLowerCase() ??
        (isDefault ? config.clientId : nameBasedId(EMULATOR.clientId, `environment ${environment.name}`)),
      apiKey:
        environment.apiKey ??
        (isDefault ? config.apiKey : nameBasedId(EMULATOR.apiKey, `environment ${environment.name}`)),
    }
  })
}

interface Postgres {
  url: string
  where: string
  ended: Promise<Error | undefined>
  stop(): Promise<void>
}

async function startPostgres(
  { databaseUrl, data }: EmulatorConfig,
  ephemeral: boolean,
  say: (line: string) => void,
): Promise<Postgres> {
  if (databaseUrl !== undefined) {
    if (ephemeral) throw new StartFailure('--ephemeral needs the embedded Postgres, and DATABASE_URL names another one')
    return {
      url: databaseUrl,
      where: 'the database of DATABASE_URL',
      ended: new Promise(() => {}),
      stop: async () => {},
    }
  }
  const kept = join(data, 'postgres'),
    dataDir = ephemeral ? await mkdtemp(join(tmpdir(), 'henhouse-')) : resolve(kept)
  say(ephemeral ? 'Starting a throw-away Postgres' : 'Starting Postgres')
  const server = await startEmbeddedPostgres({
    dataDir,
    temporary: ephemeral,
    onProgress: say,
    // a crash of the machine may cost the last moments, and nothing else; ephemeral data need not reach the disk at all
    settings: { synchronous_commit: 'off', ...(ephemeral && { fsync: 'off', full_page_writes: 'off' }) },
  }).catch((error: Error) => {
    throw new StartFailure(error.message)
  })
  return { ...server, where: ephemeral ? 'none is kept' : kept }
}

/** What the secrets of the data folder are encrypted with: made once, at random. */
async function keptKey(data: string) {
  const file = join(data, 'encryption-key')
  await mkdir(data, { recursive: true })
  await writeFile(file, cryptoRandom.token(), { flag: 'wx', mode: 0o600 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw new StartFailure(`The key of the data folder cannot be kept: ${error.message}`)
  })
  return readFile(file, 'utf8')
}

async function emulatorDeps(
  config: EmulatorConfig,
  publicUrl: URL,
  { databaseUrl, secrets }: { databaseUrl: string; secrets: SecretBox },
  keys: KeyPool,
  say: (line: string) => void,
): Promise<ServerDeps> {
  const database = await openMigrated(databaseUrl, {
    secrets,
    connections: 10,
    onMigrated: (names) => say(`Applied ${names.length} migration${names.length === 1 ? '' : 's'}`),
    otherKey:
      'The secrets in this database are encrypted with another key than the one in the data folder (HENHOUSE_DATA). Give the emulator a database of its own, or the folder that it had before',
  })
  return {
    database,
    secrets,
    publicUrl,
    ...(!config.publicUrl && { usualUrl: publicUrl }),
    systemClock,
    random: cryptoRandom,
    passwords: passwordHasher(config.passwords),
    log: logger({ level: config.logLevel, pretty: process.stdout.isTTY }),
    newKeyPair: () => keys.take(),
    allowedOrigins: '*',
    androidOrigins: config.androidOrigins,
    socialUrls: config.socialUrls,
    trustProxy: config.trustProxy,
    rateLimits: config.rateLimits,
    mail: 'hold',
    sms: 'hold',
    metrics: 'open',
    outbound: outbound('anywhere'),
    strict: false,
  }
}

function freePort(): Promise<number> {
  return new Promise((found, failed) => {
    const server = createServer()
      .once('error', failed)
      .listen(0, '127.0.0.1', () => {
        const { port } = server.address() as AddressInfo
        server.close(() => found(port))
      })
  })
}

function readArguments(): { port: number | undefined; ephemeral: boolean; seed: string | undefined } {
  let values
  try {
    ;({ values } = parseArgs({
      options: {
        port: { type: 'string' },
        ephemeral: { type: 'boolean' },
        seed: { type: 'string' },
        help: { type: 'boolean' },
      },
    }))
  } catch (error) {
    throw new StartFailure(`${(error as Error).message}\n\n${USAGE}`)
  }
  if (values.help) {
    process.stdout.write(`${USAGE}\n`)
    process.exit(0)
  }
  const { port, ephemeral = false, seed } = values
  if (port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) <= 65_535))
    throw new StartFailure(`--port must be a number from 0 to 65535: ${port} is not one`)
  return { port: port === undefined ? undefined : Number(port), ephemeral, seed }
}

main().catch(giveUp)
