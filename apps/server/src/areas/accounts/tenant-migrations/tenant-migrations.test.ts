import { describe, expect, test } from 'vitest'
import { deps, newEnvironment, UNKNOWN_ID, type TestEnvironment } from '../../../../test/environment.ts'

const url = '/tenants/resources/migrations/v1/tenants'
const start = async (env: TestEnvironment, tenants: string[]) => {
  const answer = await env.vendor('POST', url, { tenants })
  expect(answer).toMatchObject({ status: 202, body: { migrationId: expect.any(String) } })
  return answer.body.migrationId as string
}
const status = async (env: TestEnvironment, id: string) => (await env.vendor('GET', `${url}/status/${id}`)).body
const stored = async (env: TestEnvironment) =>
  (await (await env.context()).db.tenant.findMany({ orderBy: { id: 'asc' } })).map((row) => row.id)
const taken = (tenantId: string) => ({ tenantId, message: 'Tenant already exists' })

describe.concurrent('a migration of accounts', () => {
  test('makes a tenant of each id, later, and tells how far it is', async () => {
    const env = await newEnvironment(),
      id = await start(env, ['a', 'b', 'a'])
    expect(await status(env, id)).toEqual({ migrationId: id, state: 'pending', total: 2, migrated: 0, errors: [] })
    expect(await stored(env)).toEqual([])
    await env.runJobs()
    expect(await status(env, id)).toEqual({ migrationId: id, state: 'completed', total: 2, migrated: 2, errors: [] })
    expect(await stored(env)).toEqual(['a', 'b'])
    expect((await env.vendor('GET', '/tenants/resources/tenants/v1/a')).body).toMatchObject([
      { tenantId: 'a', name: 'a', metadata: '{}' },
    ])
  })

  test('goes on past an id that is taken or malformed', async () => {
    const env = await newEnvironment()
    await env.vendor('POST', '/tenants/resources/tenants/v1', { tenantId: 'b', name: 'B' })
    const id = await start(env, ['a', 'b', 'x,y', '', 'c'])
    await env.runJobs()
    const bad =
      'tenantId must be at most 255 visible ASCII characters, none of them a comma or a slash, and neither . nor ..'
    expect(await status(env, id)).toEqual({
      migrationId: id,
      state: 'completed',
      total: 5,
      migrated: 2,
      errors: [
        taken('b'),
        { tenantId: 'x,y', message: bad },
        { tenantId: '', message: expect.stringMatching(/empty/) },
      ],
    })
    expect(await stored(env)).toEqual(['a', 'b', 'c'])
    expect((await env.vendor('GET', '/tenants/resources/tenants/v1/b')).body[0].name).toBe('B')
  })

  test('that fails half-way goes on where it was: nothing is lost, nothing done twice', async () => {
    const env = await newEnvironment(),
      id = await start(env, ['a', 'b', 'c'])
    const { pool } = deps.database,
      other = await pool.connect()
    try {
      // somebody is just making the second one: the job waits, and is torn away from its query
      await other.query('begin')
      await other.query(
        `insert into "Tenant" ("vendorId", id, "rowId", name, "createdAt", "updatedAt") values ($1, 'b', gen_random_uuid(), 'B', now(), now())`,
        [env.id],
      )
      const { pid } = (await other.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]!
      const run = env.runJobs()
      const waiting = async () =>
        (
          await pool.query<{ pid: number }>('select pid from pg_stat_activity where $1 = any (pg_blocking_pids(pid))', [
            pid,
          ])
        ).rows[0]?.pid
      let worker: number | undefined
      for (let look = 0; look < 5000 && worker === undefined; look++) worker = await waiting()
      expect(await status(env, id)).toEqual({
        migrationId: id,
        state: 'in_progress',
        total: 3,
        migrated: 1,
        errors: [],
      })
      await pool.query('select pg_cancel_backend($1)', [worker])
      await run
    } finally {
      await other.query('rollback')
      other.release()
    }
    expect(await status(env, id)).toEqual({ migrationId: id, state: 'in_progress', total: 3, migrated: 1, errors: [] })
    expect(await stored(env)).toEqual(['a'])
    const [first] = (await env.vendor('GET', '/tenants/resources/tenants/v1/a')).body
    await env.clock.advance(60_000)
    await env.runJobs()
    expect(await status(env, id)).toEqual({ migrationId: id, state: 'completed', total: 3, migrated: 3, errors: [] })
    expect(await stored(env)).toEqual(['a', 'b', 'c'])
    expect((await env.vendor('GET', '/tenants/resources/tenants/v1/a')).body).toEqual([first])
  })

  test('whose worker died is taken over by another, and the dead one, should it wake up, changes nothing', async () => {
    const env = await newEnvironment(),
      id = await start(env, ['a', 'b', 'c'])
    const { pool } = deps.database,
      other = await pool.connect()
    try {
      await other.query('begin')
      await other.query(
        `insert into "Tenant" ("vendorId", id, "rowId", name, "createdAt", "updatedAt") values ($1, 'b', gen_random_uuid(), 'B', now(), now())`,
        [env.id],
      )
      const { pid } = (await other.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]!
      const waiting = async () =>
        (await pool.query('select from pg_stat_activity where $1 = any (pg_blocking_pids(pid))', [pid])).rowCount!
      const asleep = env.runJobs()
      for (let look = 0; look < 5000 && !(await waiting()); look++);
      // its lease runs out, and another worker takes the job
      await (
        await env.context()
      ).db.job.update({ where: { id }, data: { leaseUntil: new Date(deps.systemClock.now().getTime() - 1) } })
      const awake = env.runJobs()
      for (let look = 0; look < 5000 && (await waiting()) < 2; look++);
      await other.query('rollback')
      await Promise.all([asleep, awake])
    } finally {
      other.release()
    }
    await env.clock.advance(60_000)
    await env.runJobs()
    expect(await status(env, id)).toEqual({ migrationId: id, state: 'completed', total: 3, migrated: 3, errors: [] })
    expect(await stored(env)).toEqual(['a', 'b', 'c'])
  })

  test('that is given up says what it did not come to', async () => {
    const env = await newEnvironment(),
      id = await start(env, ['a', 'b', 'c']),
      ctx = await env.context()
    const { attempts, maxAttempts } = await ctx.db.job.findUniqueOrThrow({ where: { id } })
    expect(attempts).toBe(0)
    // what a row of crashes leaves behind
    await ctx.db.job.update({
      where: { id },
      data: {
        attempts: maxAttempts,
        progress: { done: 2, errors: [taken('a')] },
        leaseUntil: new Date(deps.systemClock.now().getTime() - 1),
      },
    })
    await env.runJobs()
    expect(await status(env, id)).toEqual({
      migrationId: id,
      state: 'failed',
      total: 3,
      migrated: 1,
      errors: [taken('a'), { tenantId: 'c', message: 'The migration was given up before it came to this account' }],
    })
    expect(await stored(env)).toEqual([])
  })

  test('is refused without ids, with malformed ones, and with too many', async () => {
    const env = await newEnvironment()
    for (const body of [
      {},
      { tenants: [] },
      { tenants: 'a' },
      { tenants: [1] },
      { tenants: Array.from({ length: 1001 }, (_, index) => `t${index}`) },
    ])
      expect((await env.vendor('POST', url, body)).status).toBe(400)
    expect(await (await env.context()).db.job.count()).toBe(0)
  })

  test("is nobody's but management's, and unknown elsewhere", async () => {
    const env = await newEnvironment(),
      other = await newEnvironment()
    const id = await start(env, ['a']),
      admin = await env.user({ roleKeys: ['Admin'] })
    expect((await admin('POST', url, { tenants: ['b'] })).status).toBe(401)
    expect((await admin('GET', `${url}/status/${id}`)).status).toBe(401)
    expect(await other.vendor('GET', `${url}/status/${id}`)).toMatchObject({
      status: 404,
      body: { errors: ['Migration not found'] },
    })
    for (const unknown of [UNKNOWN_ID, 'x'])
      expect((await env.vendor('GET', `${url}/status/${unknown}`)).status).toBe(404)
    // another kind of job is no migration
    const ctx = await env.context(),
      now = ctx.clock.now()
    const mail = await ctx.db.job.create({
      data: {
        id: ctx.random.uuid(),
        name: 'deliver-mail',
        payload: {},
        runAt: now,
        maxAttempts: 1,
        state: 'done',
        createdAt: now,
      },
    })
    expect((await env.vendor('GET', `${url}/status/${mail.id}`)).status).toBe(404)
  })
})
