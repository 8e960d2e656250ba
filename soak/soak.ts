import { setTimeout as pause } from 'node:timers/promises'
import { chance } from '../apps/server/test/chance.ts'
import { lapse, rage } from './chaos.ts'
import { emptyLedger, identity, settleIn, users, work, type Fixture, type Ledger, type Self } from './clients.ts'
import { count, type Row } from './count.ts'
import { requests } from './requests.ts'
import { NAME, startWorld, type Fault, type Postgres, type World } from './world.ts'

const CLIENTS = 6

export interface Report {
  rows: Row[]
  blows: Map<string, number>
  /** by the first digit of their status */
  answers: Map<string, number>
  faults: { what: string; detail: unknown }[]
}

/**
 * Clients work while servers and connections to the database are killed. Then it counts what was acknowledged. The seed
 * decides what is done and broken; when each of it happens is up to the machine.
 */
export async function soak(place: Postgres, { seed, seconds }: { seed: number; seconds: number }): Promise<Report> {
  const report: Report = { rows: [], blows: new Map(), answers: new Map(), faults: [] }
  const fault: Fault = (what, detail) => {
    report.faults.push({ what, detail })
  }
  const world = await startWorld(place, chance(seed), fault)
  try {
    const bases = world.replicas.map(({ base }) => base)
    const { ask } = requests(bases, chance(seed), report.answers, fault),
      fixture = await prepare(world, ask)
    const clients = Array.from({ length: CLIENTS }, (_, index): Self => {
      const own = chance(seed + index + 1)
      const common = { fixture, mail: world.mail, fault, ledger: emptyLedger() }
      return { ...common, ...requests(bases, own, report.answers, fault), chance: own }
    })
    await Promise.all(clients.map(settleIn))
    const end = performance.now() + seconds * 1000,
      isOver = () => performance.now() > end
    await Promise.all([
      rage(world, chance(seed), report.blows, isOver),
      ...clients.map((client) => work(client, isOver)),
    ])
    await recovered(world, fixture, fault)
    await settled(world, fault)
    report.rows = await count({ world, ask, fixture, ledger: merged(clients.map(({ ledger }) => ledger)), fault })
    for (const code of await Promise.all(world.replicas.map(({ end }) => end('SIGTERM'))))
      if (code !== 0) fault('a server that has nothing to do does not end cleanly', code)
  } catch (error) {
    fault('the soak could not go on', error)
  } finally {
    await world.stop()
  }
  return report
}

const merged = (ledgers: readonly Ledger[]): Ledger => ({
  accounts: ledgers.flatMap(({ accounts }) => accounts),
  invitations: ledgers.flatMap(({ invitations }) => invitations),
  bulks: ledgers.flatMap(({ bulks }) => bulks),
  tasks: ledgers.flatMap(({ tasks }) => tasks),
  readers: new Map(ledgers.flatMap(({ readers }) => [...readers])),
})

type Ask = ReturnType<typeof requests>['ask']

/** More than a call changes at once. */
const TENANTS = 51

async function prepare({ credentials }: World, ask: Ask): Promise<Fixture> {
  const call = async (status: number, ...of: Parameters<Ask>) => {
    const answer = await ask(...of)
    if (answer.status !== status) throw new Error(`${of[0].path} was answered ${JSON.stringify(answer)}`)
    return answer.body
  }
  const { token } = await call(200, { path: '/auth/vendor', body: credentials })
  const tenants = Array.from({ length: TENANTS }, (_, index) => `tenant-${index}`)
  for (const tenantId of tenants)
    await call(201, { path: '/tenants/resources/tenants/v1', token, body: { tenantId, name: tenantId } })
  const [first, ...more] = tenants
  const { id } = await call(201, {
    path: `${identity}/vendor-only/users/v1`,
    token,
    body: { email: 'traveller@example.com', tenantId: first },
  })
  for (const tenantId of more)
    await call(201, { path: `${users}/${id}/tenant`, token, body: { tenantId, skipInviteEmail: true } })
  const roles = (await call(200, { method: 'GET', path: `${identity}/roles/v1`, token })) as {
    id: string
    key: string
  }[]
  return { vendorToken: token, tenants, traveller: id, readOnly: roles.find(({ key }) => key === 'ReadOnly')!.id }
}

const RECOVERY_MS = 30_000

/** Both servers have come back by themselves, with all their connections. */
async function recovered({ replicas, query }: World, { vendorToken: token }: Fixture, fault: Fault) {
  const limit = performance.now() + RECOVERY_MS
  for (const { base } of replicas) {
    const read = () =>
      fetch(`${base}${identity}/roles/v1`, { headers: { authorization: `Bearer ${token}` } }).then(
        async (response) => (await response.text()) !== '' && response.ok,
        () => false,
      )
    while (!(await Promise.all(Array.from({ length: 20 }, read))).every(Boolean)) {
      if (performance.now() > limit) return fault('a server does not come back by itself', base)
      await pause(200)
    }
  }
  const left = await query(
    `select pid, query from pg_stat_activity
     where application_name = $1 and state like 'idle in transaction%' and state_change < now() - interval '5 s'`,
    [NAME],
  )
  if (left.length) fault('transactions were left open', left)
}

const QUEUE_MS = 120_000

/** All jobs run to their end, without waiting for the leases of dead workers and for their next tries. */
async function settled({ query }: World, fault: Fault) {
  await lapse(query, 1000)
  const limit = performance.now() + QUEUE_MS
  for (;;) {
    await query(
      `update "Job" set "runAt" = "createdAt" where state = 'queued' and attempts > 0 and "leaseUntil" is null`,
    )
    const left = await query(`select name, attempts, error from "Job" where state = 'queued'`)
    if (!left.length) return
    if (performance.now() > limit) return fault('jobs do not end', left)
    await pause(200)
  }
}
