import { describe, expect, it } from 'vitest'
import { deps, newEnvironment } from '../../test/environment.ts'

describe.concurrent("a context's database", () => {
  it.each(['alone', 'in a transaction'])(
    'tries again what Postgres has ended as one of two who wait for each other: %s',
    async (how) => {
      const env = await newEnvironment(),
        ctx = await env.context(),
        { id, tenantId } = await env.newUser(),
        client = await deps.database.pool.connect()
      const rename = async () =>
        void (await (how === 'alone'
          ? ctx.db.user.update({ where: { id }, data: { name: 'Renamed' } })
          : ctx.atomically((tx) => tx.db.user.update({ where: { id }, data: { name: 'Renamed' } }))))
      try {
        await client.query('begin')
        await client.query('select from "Membership" where "userId" = $1 and "tenantId" = $2 for update', [
          id,
          tenantId,
        ])
        const renamed = rename()
        // long enough for the update to wait for the lock; if it comes later, it need not wait at all
        await new Promise((resolve) => setTimeout(resolve, 200))
        await client.query('update "User" set name = $2 where id = $1', [id, 'Other'])
        await client.query('commit')
        await renamed
        expect(await ctx.db.user.findUnique({ where: { id }, select: { name: true } })).toEqual({ name: 'Renamed' })
      } finally {
        client.release(true)
      }
    },
  )
})
