import { expect, vi } from 'vitest'
import { deps } from './environment.ts'

export type Query = (statement: string, values?: readonly unknown[]) => Promise<unknown>

/**
 * Locks rows with the statement `lock`, on a separate connection, and starts `attempt`. Once the attempt waits for the rows, runs
 * `meanwhile` on that connection and commits. So the race has one certain outcome.
 * @returns the result of the attempt
 */
export async function inTheWay<T>(
  lock: readonly [statement: string, ...values: unknown[]],
  attempt: () => Promise<T>,
  meanwhile: (query: Query) => Promise<unknown> = async () => {},
): Promise<T> {
  const { pool } = deps.database,
    other = await pool.connect()
  try {
    await other.query('begin')
    const [statement, ...values] = lock
    await other.query(statement, values)
    const { pid } = (await other.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]!
    const attempted = attempt()
    const waiting = () => pool.query('select from pg_stat_activity where $1 = any (pg_blocking_pids(pid))', [pid])
    await vi.waitFor(async () => expect((await waiting()).rowCount).toBeGreaterThan(0), {
      timeout: 20_000,
      interval: 5,
    })
    await meanwhile((text, parameters) => other.query(text, parameters as unknown[]))
    await other.query('commit')
    return await attempted
  } finally {
    other.release(true)
  }
}
