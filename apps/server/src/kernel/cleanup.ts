import type { Deps } from './deps.ts'

/** What is of no more use, and after how long: times are of the environment's own clock (`env.now`). */
const rubbish: [table: string, when: string][] = [
  ['Challenge', `t."expiresAt" < env.now - interval '7 days'`],
  // used ones stay until they expire: one that is shown again is how a theft is noticed
  ['RefreshToken', `t."expiresAt" < env.now - interval '1 day'`],
  ['Session', `least(t."expiresAt", t."endedAt") < env.now - interval '30 days'`],
  ['RememberedDevice', `t."expiresAt" < env.now`],
  ['Job', `t.state <> 'queued' and t."finishedAt" < env.now - interval '30 days'`],
  ['Message', `t.status <> 'pending' and t."createdAt" < env.now - interval '90 days'`],
]
const BATCH = 5000

/** Deletes what has long expired, in all environments, in small steps that hold no lock for long. Any number of replicas may do it. */
export async function cleanUp({ database, systemClock }: Pick<Deps, 'database' | 'systemClock'>) {
  // belongs to no environment, and is kept on the machine's clock
  await database.pool.query('delete from "Tally" where "expiresAt" < $1', [systemClock.now()])
  for (const [table, when] of rubbish) {
    for (let count = BATCH; count === BATCH;) {
      const { rowCount } = await database.pool.query(
        `
        with env as (select id, coalesce("clockFrozenAt", $1::timestamptz + "clockOffsetMs" * interval '1 millisecond') as now from "Vendor")
        delete from "${table}" where ctid in (select t.ctid from "${table}" t join env on env.id = t."vendorId" where ${when} limit ${BATCH})`,
        [systemClock.now()],
      )
      count = rowCount ?? 0
    }
  }
}
