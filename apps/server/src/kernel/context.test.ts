import { describe, expect, it } from 'vitest'
import { deps, newEnvironment } from '../../test/environment.ts'

describe.concurrent('a context\'s database', () => {
  it.each(['alone', 'in a transaction'])('tries again what Postgres has ended as one of two who wait for each other: %s', async (how) => {
    const env = await newEnvironment(), ctx = await env.context(), { id, tenantId } = await env.newUser(), client = await deps.database.pool.connect()
    const rename = async () => void await (how === 'alone' ? ctx.db.user.update({ where: { id }, data: { name: 'Renamed' } }) : ctx.atomically((tx) => tx.db.user.update({ where: { id }, data: { name: 'Renamed' } })))
    const waiting = async () => (await deps.database.pool.query(`select from pg_stat_activity where wait_event_type = 'Lock' and $1 = any (pg_blocking_pids(pid))`, [(client as unknown as { processID: number }).processID])).rowCount
    try {
      await client.query('begin')
      await client.query('select from "Membership" where "userId" = $1 and "tenantId" = $2 for update', [id, tenantId])
      const renamed = rename()
      await expect.poll(waiting, { interval: 20, timeout: 5000 }).toBe(1)
      // whoever has waited for longer is ended
      await client.query('update "User" set name = $2 where id = $1', [id, 'Other'])
      await client.query('commit')
      await renamed
      expect(await ctx.db.user.findUnique({ where: { id }, select: { name: true } })).toEqual({ name: 'Renamed' })
    } finally {
      client.release(true)
    }
  })
})
