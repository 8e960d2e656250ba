import type { ServerDeps } from './deps.ts'

/**
 * Rows that are no longer needed, and when: a condition on a row `t`. Times are on the environment's own clock
 * (`env.now`).
 */
export interface Rubbish {
  readonly table: string
  readonly when: string
}

/** The kernel's own. */
const rubbishOfKernel: readonly Rubbish[] = [
  { table: 'Challenge', when: `t."expiresAt" < env.now - interval '7 days'` },
  { table: 'Job', when: `t.state <> 'queued' and t."finishedAt" < env.now - interval '30 days'` },
  { table: 'Message', when: `t.status <> 'pending' and t."createdAt" < env.now - interval '90 days'` },
]
const BATCH = 5000

/**
 * Deletes what expired long ago, in all environments, in small steps that hold no lock for long. Any number of replicas
 * may run it.
 */
export async function cleanUp(
  { database, systemClock }: Pick<ServerDeps, 'database' | 'systemClock'>,
  rubbish: readonly Rubbish[],
) {
  // belongs to no environment, and runs on the machine's clock
  await database.pool.query('delete from "Tally" where "expiresAt" < $1', [systemClock.now()])
  for (const { table, when } of [...rubbishOfKernel, ...rubbish]) {
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
