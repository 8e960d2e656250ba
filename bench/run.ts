// npm run bench [-- --only=<part of a name> --seconds=3 --json]
// Compares endpoints of Henhouse with a bare Fastify + pg server that does the same work.
import { availableParallelism } from 'node:os'
import pg from 'pg'
import { cases, type Case } from './cases.ts'
import { HASH } from './deps.ts'
import { prepare, type Fixture } from './fixture.ts'
import { cell, chosen, measure, option, summary, type Measured, type Result } from './measure.ts'
import { caller, postgres, start } from './servers.ts'
import { memoryOf, postmasterOf } from './usage.ts'

const CONNECTIONS = 10,
  ROUNDS = 3,
  SECONDS = Number(option('seconds') ?? 3),
  isJson = process.argv.includes('--json')

type Side = Awaited<ReturnType<typeof start>>
interface Bench {
  fixture: Fixture
  database: pg.Pool
  postmaster: number | undefined
}

async function round({ fixture, database, postmaster }: Bench, one: Case, { pool, pid }: Side, seconds: number) {
  await one.before?.(database, fixture)
  const call = caller(pool),
    workers = Array.from({ length: one.connections ?? CONNECTIONS }, (_, worker) => worker),
    turns = await Promise.all(workers.map((worker) => one.prepare(call, fixture, worker)))
  return measure(turns, seconds, [pid], postmaster)
}

async function compare(bench: Bench, one: Case, sides: readonly [Side, Side]) {
  const rounds: [Measured[], Measured[]] = [[], []]
  for (const side of sides) await round(bench, one, side, 0.5)
  // in turns, so that other load on the machine hits both
  for (let i = 0; i < ROUNDS; i++)
    for (const [index, side] of sides.entries()) rounds[index]!.push(await round(bench, one, side, SECONDS))
  const [henhouse, bare] = rounds.map(summary) as [Result, Result]
  return { name: one.name, ratio: henhouse.perSecond / bare.perSecond, henhouse, bare }
}
type Row = Awaited<ReturnType<typeof compare>>

const setting = {
  connections: CONNECTIONS,
  rounds: ROUNDS,
  seconds: SECONDS,
  hash: HASH,
  node: process.versions.node,
  cores: availableParallelism(),
}
const NAME = 32,
  WIDTHS = [9, 7, 7, 9, 8, 8, 8, 9, 8, 10, 8]
const heading = () => {
  console.log(
    `argon2id m=${HASH.memoryCost} KiB, t=${HASH.timeCost}, p=${HASH.parallelism}; RS256; ${CONNECTIONS} connections; Node ${process.versions.node}; ${availableParallelism()} cores shared by server, load and Postgres; ${ROUNDS} × ${SECONDS} s\n`,
  )
  const line = (widths: readonly number[], words: readonly string[]) =>
    console.log(''.padEnd(NAME) + words.map((word, i) => word.padStart(widths[i]!)).join(''))
  line([23, 17, 16, 17, 18], ['requests a second', 'ms', 'ms, bare', 'CPU ms', 'Postgres CPU ms'])
  line(WIDTHS, ['henhouse', 'bare', 'ratio', 'median', 'p99', 'median', 'p99', 'henhouse', 'bare', 'henhouse', 'bare'])
}
const print = ({ name, ratio, henhouse, bare }: Row) => {
  const values = [henhouse.perSecond, bare.perSecond, ratio].concat(
    [henhouse, bare].flatMap(({ medianMs, p99Ms }) => [medianMs, p99Ms]),
  )
  const cpu = [henhouse.serverCpuMs, bare.serverCpuMs, henhouse.postgresCpuMs, bare.postgresCpuMs]
  console.log(name.padEnd(NAME) + [...values, ...cpu].map((value, i) => cell(value, WIDTHS[i]!)).join(''))
}

const server = await postgres()
try {
  const fixture = await prepare(await server.create('bench')),
    database = new pg.Pool({ connectionString: fixture.databaseUrl, max: 1 }),
    bench = { fixture, database, postmaster: await postmasterOf(database) }
  const sides = [
    await start('henhouse.ts', fixture, 4310, CONNECTIONS),
    await start('baseline.ts', fixture, 4311, CONNECTIONS),
  ] as const
  const rows: Row[] = []
  if (!isJson) heading()
  for (const one of chosen(cases)) {
    rows.push(await compare(bench, one, sides))
    if (!isJson) print(rows.at(-1)!)
  }
  const [henhouse, bare] = sides.map(({ pid }) => memoryOf(pid))
  if (isJson) console.log(JSON.stringify({ ...setting, cases: rows, memoryMb: { henhouse, bare } }, undefined, 2))
  else console.log(`\nmemory at the end, in MB: henhouse ${cell(henhouse, 0, 0)}, bare ${cell(bare, 0, 0)}`)
  for (const side of sides) await side.stop()
  await database.end()
} finally {
  await server.stop()
}
