import { setTimeout as pause } from 'node:timers/promises'
import type { Chance } from '../apps/server/test/chance.ts'
import { NAME, type World } from './world.ts'

interface Blow {
  name: string
  /** how often, compared with the others */
  weight: number
  /** false: there was nothing to break */
  strike(): Promise<unknown>
}
/** Starts that go on while more is broken, but not much more: a busy machine would never start a server. */
type Starts = Promise<void>[]
const BLOWS_WHILE_STARTING = 2

/** Breaks one thing after the other, and counts what it did. When it ends, everything runs again. */
export async function rage(world: World, chance: Chance, counts: Map<string, number>, isOver: () => boolean) {
  const starts: Starts = [],
    blows = blowsTo(world, chance, starts),
    pot = blows.flatMap((blow) => Array.from({ length: blow.weight }, () => blow))
  let borne = 0
  // the first blow is a kill: also a short soak has one
  for (let blow = blows[0]!; !isOver(); blow = chance.oneOf(pot)) {
    if ((await blow.strike()) === false) continue
    counts.set(blow.name, (counts.get(blow.name) ?? 0) + 1)
    await pause(200 + chance.below(1300))
    if (starts.length && ++borne > BLOWS_WHILE_STARTING) {
      await Promise.all(starts.splice(0))
      borne = 0
    }
  }
  await Promise.all(starts)
}

function blowsTo({ place, wire, query, replicas }: World, { below, random }: Chance, starts: Starts): Blow[] {
  const pids = async () =>
    (await query<{ pid: number }>('select pid from pg_stat_activity where application_name = $1', [NAME])).map(
      ({ pid }) => pid,
    )
  const terminate = async (share: number) =>
    query('select pg_terminate_backend(pid) from unnest($1::int[]) as pid', [
      (await pids()).filter(() => random() < share),
    ])
  const away = async (work: () => Promise<unknown>) => {
    wire.close()
    await work()
    await wire.open()
  }
  /** Nothing while another one starts: most of the time one server is up. */
  const restartServers = async (count: number, signal: 'SIGKILL' | 'SIGTERM') => {
    if (!replicas.every(({ isUp }) => isUp())) return false
    const some = below(2) ? replicas.slice(0, count) : replicas.slice(-count)
    await Promise.all(some.map(({ end }) => end(signal)))
    await lapse(query)
    starts.push(...some.map(({ begin }) => begin()))
    return true
  }
  const { restart } = place
  return [
    { name: 'server killed', weight: 4, strike: () => restartServers(1, 'SIGKILL') },
    { name: 'all servers killed', weight: 1, strike: () => restartServers(replicas.length, 'SIGKILL') },
    { name: 'server ended', weight: 1, strike: () => restartServers(1, 'SIGTERM') },
    { name: 'all connections terminated', weight: 4, strike: () => terminate(1) },
    { name: 'some connections terminated', weight: 4, strike: () => terminate(0.3) },
    {
      name: 'some sockets cut',
      weight: 4,
      strike: async () => {
        for (const client of wire.connections()) if (random() < 0.4) client.destroy()
      },
    },
    { name: 'database out of reach', weight: 2, strike: () => away(() => pause(200 + below(2500))) },
    ...(restart
      ? [
          { name: 'Postgres restarted', weight: 1, strike: restart },
          { name: 'Postgres crashed', weight: 1, strike: async () => crash(await pids()) },
        ]
      : []),
  ]
}

/** Postgres ends all processes, and recovers from its log, when one of them dies without a farewell. */
async function crash([pid]: readonly number[]) {
  if (pid !== undefined) process.kill(pid, 'SIGKILL')
}

/**
 * The leases of all jobs end, as if a minute had passed without a sign of their workers. Some of these live: they lose
 * their jobs to others.
 */
export const lapse = (query: World['query'], attempts = 5) =>
  query(`update "Job" set "leaseUntil" = null where state = 'queued' and attempts < $1`, [attempts])
