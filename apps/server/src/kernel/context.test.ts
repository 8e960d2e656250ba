import { describe, expect, it } from 'vitest'
import { deps, newEnvironment } from '../../test/environment.ts'

describe.concurrent("a context's database", () => {
  it.each(['alone', 'in a transaction'])(
    'tries again what Postgres has ended as one of two who wait for each other: %s',
    async (how) => {
      const env = await newEnvironment(),
        ctx = await env.context(),
        // an index finds them in the order of their ids
        [first, second] = [(await env.newUser()).id, (await env.newUser()).id].sort() as [string, string],
        both = { where: { id: { in: [first, second] } } },
        client = await deps.database.pool.connect()
      const rename = async () =>
        void (await (how === 'alone'
          ? ctx.db.user.updateMany({ ...both, data: { name: 'Renamed' } })
          : ctx.atomically((tx) => tx.db.user.updateMany({ ...both, data: { name: 'Renamed' } }))))
      try {
        await client.query('begin')
        await client.query('select from "User" where id = $1 for update', [second])
        const renamed = rename()
        // long enough for the update to hold the first and wait for the second; if it comes later, it need not wait at all
        await new Promise((resolve) => setTimeout(resolve, 200))
        await client.query('update "User" set name = $2 where id = $1', [first, 'Other'])
        await client.query('commit')
        await renamed
        expect(await ctx.db.user.findMany({ ...both, select: { name: true } })).toEqual([
          { name: 'Renamed' },
          { name: 'Renamed' },
        ])
      } finally {
        client.release(true)
      }
    },
  )
})
