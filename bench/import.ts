// npm run bench:import [-- --rows=100000]
// How fast users of a file are imported, and what that takes: CPU, memory of the server, and what the database writes.
import { request } from 'node:http'
import { Readable } from 'node:stream'
import pg from 'pg'
import { prepare, type Fixture } from './fixture.ts'
import { cell, option } from './measure.ts'
import { postgres, start } from './servers.ts'
import { cpuOf, memoryOf, postgresCpu, postmasterOf } from './usage.ts'

const ROWS = Number(option('rows') ?? 100_000),
  PORT = 4312,
  BASE = `http://127.0.0.1:${PORT}`,
  BULK = `${BASE}/identity/resources/migrations/v1/local/bulk`

/** Of addresses and names as long as real ones are. */
function* file(tenantId: string) {
  yield 'email,tenantId,name,externalId,metadata\n'
  for (let from = 0; from < ROWS; from += 500) {
    let block = ''
    for (let i = from; i < Math.min(from + 500, ROWS); i++)
      block += `person.number${i}@mail${i % 97}.example.com,${tenantId},Given${i % 991} Family${i},legacy-${i},"{""plan"":""p${i % 7}""}"\n`
    yield block
  }
}

async function upload(token: string, tenantId: string) {
  const edge = 'edge-of-the-bench'
  const body = Readable.from(
    (function* () {
      yield `--${edge}\r\ncontent-disposition: form-data; name="csv"; filename="users.csv"\r\ncontent-type: text/csv\r\n\r\n`
      yield* file(tenantId)
      yield `\r\n--${edge}--\r\n`
    })(),
  )
  const answer = await new Promise<string>((resolve, reject) => {
    const call = request(
      `${BULK}/csv`,
      {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': `multipart/form-data; boundary=${edge}` },
      },
      (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (part: string) => (text += part))
        response.once('end', () => (response.statusCode === 202 ? resolve(text) : reject(new Error(text))))
      },
    )
    call.once('error', reject)
    body.pipe(call)
  })
  return (JSON.parse(answer) as { migrationId: string }).migrationId
}

async function tokenOf({ vendorId, apiKey }: Fixture) {
  const answer = await fetch(`${BASE}/auth/vendor`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ clientId: vendorId, secret: apiKey }),
  })
  return ((await answer.json()) as { token: string }).token
}

interface Status {
  state: string
  migrated: number
  errors: object[]
}
/** Until it has ended. */
async function ended(token: string, id: string): Promise<Status> {
  for (;;) {
    const answer = await fetch(`${BULK}/status/${id}`, { headers: { authorization: `Bearer ${token}` } }),
      found = (await answer.json()) as Status
    if (found.state === 'completed' || found.state === 'failed') return found
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

/** The log that everything goes through, in bytes so far. */
const writtenBy = async (database: pg.Pool) =>
  Number(
    (await database.query<{ bytes: string }>(`select pg_current_wal_lsn() - '0/0'::pg_lsn as bytes`)).rows[0]!.bytes,
  )

const server = await postgres()
try {
  const fixture = await prepare(await server.create('import')),
    database = new pg.Pool({ connectionString: fixture.databaseUrl, max: 1 }),
    replica = await start('henhouse.ts', { ...fixture, jobs: true }, PORT, 1),
    token = await tokenOf(fixture),
    postmaster = await postmasterOf(database)
  // warm, as a server is that has run for a while
  await new Promise((resolve) => setTimeout(resolve, 2000))
  const idle = memoryOf(replica.pid) ?? NaN,
    peak = { upload: 0, jobs: 0 }
  let phase: keyof typeof peak = 'upload'
  const watch = setInterval(() => {
    peak[phase] = Math.max(peak[phase], memoryOf(replica.pid) ?? NaN)
  }, 50)
  const before = await writtenBy(database),
    begin = performance.now(),
    id = await upload(token, fixture.tenantId),
    uploaded = performance.now(),
    between = await writtenBy(database)
  phase = 'jobs'
  const cpu = () => ({
      server: cpuOf(replica.pid) ?? NaN,
      postgres: (postmaster === undefined ? undefined : postgresCpu(postmaster)) ?? NaN,
    }),
    cpuBefore = cpu(),
    result = await ended(token, id),
    cpuAfter = cpu(),
    end = performance.now(),
    after = await writtenBy(database)
  clearInterval(watch)
  if (result.state !== 'completed' || result.migrated !== ROWS) throw new Error(JSON.stringify(result).slice(0, 500))
  const seconds = (ms: number) => ms / 1000
  const table: [string, number, string][] = [
    ['rows', ROWS, ''],
    ['upload', seconds(uploaded - begin), 's'],
    ['import', seconds(end - uploaded), 's'],
    ['rows a second, of the import', ROWS / seconds(end - uploaded), ''],
    ['rows a second, of both', ROWS / seconds(end - begin), ''],
    ['CPU a row, of the server', ((cpuAfter.server - cpuBefore.server) * 1000) / ROWS, 'µs'],
    ['CPU a row, of Postgres', ((cpuAfter.postgres - cpuBefore.postgres) * 1000) / ROWS, 'µs'],
    ['memory when idle', idle, 'MB'],
    ['more while it is uploaded', peak.upload - idle, 'MB'],
    ['more while it is imported', peak.jobs - idle, 'MB'],
    ['log a row, of the upload', (between - before) / ROWS, 'bytes'],
    ['log a row, of the import', (after - between) / ROWS, 'bytes'],
  ]
  for (const [name, value, unit] of table) console.log(`${name.padEnd(32)}${cell(value, 10)} ${unit}`)
  await replica.stop()
  await database.end()
} finally {
  await server.stop()
}
