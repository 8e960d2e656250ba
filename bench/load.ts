// npm run bench:load [-- --only=<part of a name> --seconds=3 --minutes=1]
// How Henhouse bears many connections, a second replica, and time.
import { availableParallelism } from 'node:os'
import pg from 'pg'
import { environmentToken, profile, refresh, type Case } from './cases.ts'
import { prepare, type Fixture } from './fixture.ts'
import { cell, chosen, load, measure, option, summary, type Turn } from './measure.ts'
import { caller, postgres, start, type Call } from './servers.ts'
import { memoryOf, postmasterOf } from './usage.ts'

const LEVELS = [1, 10, 50, 200],
  AT = 50,
  ROUNDS = 3,
  SECONDS = Number(option('seconds') ?? 3),
  MINUTES = Number(option('minutes') ?? 1)

type Replica = Awaited<ReturnType<typeof start>>

/** To each replica in turn. */
const roundRobin = (replicas: readonly Replica[]): Call => {
  const calls = replicas.map(({ pool }) => caller(pool))
  let next = 0
  return (...request) => calls[next++ % calls.length]!(...request)
}

/** One after the other: hashing two hundred passwords at once would take longer than a request may. */
async function turnsOf(one: Case, replicas: readonly Replica[], fixture: Fixture, count: number) {
  const call = roundRobin(replicas),
    turns: Turn[] = []
  for (let worker = 0; worker < count; worker++) turns.push(await one.prepare(call, fixture, worker))
  return turns
}

async function rounds(turns: readonly Turn[], pids: readonly number[], postmaster: number | undefined) {
  await load(turns, 1)
  const found = []
  for (let i = 0; i < ROUNDS; i++) found.push(await measure(turns, SECONDS, pids, postmaster))
  return summary(found)
}

async function connections(one: Case, replica: Replica, fixture: Fixture, postmaster: number | undefined) {
  console.log(
    `\n${one.name.padEnd(24)}${'a second'.padStart(10)}${'median ms'.padStart(11)}${'p99 ms'.padStart(9)}${'p99/median'.padStart(12)}${'CPU ms'.padStart(9)}${'Postgres'.padStart(10)}`,
  )
  const turns = await turnsOf(one, [replica], fixture, Math.max(...LEVELS)),
    throughput = new Map<number, number>()
  for (const level of LEVELS) {
    const { perSecond, medianMs, p99Ms, serverCpuMs, postgresCpuMs } = await rounds(
      turns.slice(0, level),
      [replica.pid],
      postmaster,
    )
    throughput.set(level, perSecond)
    console.log(
      `${`connections: ${level}`.padEnd(24)}${cell(perSecond, 10)}${cell(medianMs, 11)}${cell(p99Ms, 9)}${cell(p99Ms / medianMs, 12)}${cell(serverCpuMs, 9)}${cell(postgresCpuMs, 10)}`,
    )
  }
  console.log(`throughput of 200 to 10: ${(throughput.get(200)! / throughput.get(10)!).toFixed(2)}`)
}

async function replicas(one: Case, both: readonly Replica[], fixture: Fixture, postmaster: number | undefined) {
  const [alone, together] = [await turnsOf(one, both.slice(0, 1), fixture, AT), await turnsOf(one, both, fixture, AT)],
    pids = both.map(({ pid }) => pid)
  const single = await rounds(alone, pids.slice(0, 1), postmaster),
    double = await rounds(together, pids, postmaster)
  console.log(
    `${one.name.padEnd(24)}${cell(single.perSecond, 10)}${cell(double.perSecond, 10)}${cell(double.perSecond / single.perSecond, 10, 2)}`,
  )
}

/** How long after one replica has answered a change the other one still knows the old. */
async function hearing(both: readonly Replica[], fixture: Fixture) {
  const [first, second] = both.map(({ pool }) => caller(pool)) as [Call, Call],
    path = '/identity/resources/configurations/v1'
  const headers = { authorization: `Bearer ${await environmentToken(first, fixture)}` },
    found: number[] = []
  for (let i = 1; i <= 30; i++) {
    await second('GET', path, 200, undefined, headers)
    await first('POST', path, 201, { defaultTokenExpiration: 1000 + i }, headers)
    const changed = performance.now()
    const seen = async () => Number((await second('GET', path, 200, undefined, headers)).body['defaultTokenExpiration'])
    while ((await seen()) !== 1000 + i) if (performance.now() - changed > 10_000) throw new Error('it hears nothing')
    found.push(performance.now() - changed)
  }
  found.sort((a, b) => a - b)
  console.log(
    `\nms until the other replica knows a change: median ${cell(found[15], 0)}, longest ${cell(found[29], 0)}`,
  )
}

/** All cases at once, for minutes. */
async function endure(all: readonly Case[], replica: Replica, fixture: Fixture) {
  const turns: Turn[] = []
  for (const one of all) turns.push(...(await turnsOf(one, [replica], fixture, AT / all.length)))
  console.log(`\nmemory in MB, every 10 s for ${MINUTES} min with ${turns.length} connections:`)
  const found: (number | undefined)[] = [memoryOf(replica.pid)]
  for (let at = 0; at < MINUTES * 6; at++) {
    await load(turns, 10)
    found.push(memoryOf(replica.pid))
  }
  console.log(found.map((mb) => cell(mb, 0, 0)).join(' '))
}

const server = await postgres(),
  wanted = chosen([profile, refresh])
try {
  const fixture = await prepare(await server.create('load')),
    database = new pg.Pool({ connectionString: fixture.databaseUrl, max: 1 }),
    postmaster = await postmasterOf(database),
    first = await start('henhouse.ts', fixture, 4310, Math.max(...LEVELS))
  console.log(
    `${ROUNDS} × ${SECONDS} s; Node ${process.versions.node}; ${availableParallelism()} cores shared by servers, load and Postgres`,
  )
  for (const one of wanted) await connections(one, first, fixture, postmaster)
  const second = await start('henhouse.ts', fixture, 4311, Math.max(...LEVELS))
  console.log(
    `\n${`connections: ${AT}`.padEnd(24)}${'1 replica'.padStart(10)}${'2'.padStart(10)}${'ratio'.padStart(10)}`,
  )
  for (const one of wanted) await replicas(one, [first, second], fixture, postmaster)
  await hearing([first, second], fixture)
  await second.stop()
  if (MINUTES > 0) await endure(wanted, first, fixture)
  await first.stop()
  await database.end()
} finally {
  await server.stop()
}
