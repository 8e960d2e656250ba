import { randomUUID } from 'node:crypto'
import { createDatabase, dropDatabase, openDatabase } from '@henhouse/database'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { deps, newEnvironment, type TestEnvironment } from '../../../../test/environment.ts'
import { freePort, start } from '../../../../test/program.ts'
import { createEnvironment } from '../../environments/environments.service.ts'
import { cleanUp } from '../../../kernel/cleanup.ts'
import { runDue, type WorkerParts } from '../../../kernel/jobs.ts'
import { secretBox } from '../../../kernel/secrets.ts'
import { rubbish } from '../../../jobs.ts'
import { server } from '../../../../test/environment.ts'

const url = '/identity/resources/migrations/v1/local/bulk'
const people = (tenantId: string, count: number) =>
  Array.from({ length: count }, (_, i) => ({ tenantId, email: `u${i}@example.com`, name: `User ${i}` }))
const status = async (env: TestEnvironment, id: string) => (await env.vendor('GET', `${url}/status/${id}`)).body

describe('an import under way', () => {
  test('that fails in the middle goes on where it was: nobody is lost or made twice', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant()
    const { migrationId } = (await env.vendor('POST', url, { users: people(tenantId, 900) })).body
    const { pool } = deps.database
    // somebody holds the 600th address until the job is torn away from its statement
    const other = await pool.connect()
    try {
      await other.query('begin')
      await other.query(
        `insert into "User" ("vendorId", id, email, name, "createdAt", "updatedAt") values ($1, gen_random_uuid(), 'u600@example.com', 'X', now(), now())`,
        [env.id],
      )
      const running = env.runJobs()
      await expect.poll(async () => (await status(env, migrationId)).migrated, { timeout: 20_000 }).toBe(600)
      expect(await status(env, migrationId)).toMatchObject({ state: 'in_progress', total: 900 })
      const waiting = async () =>
        (
          await pool.query<{ pid: number }>(
            `select pid from pg_stat_activity where wait_event_type = 'Lock' and query like '%"UserImportPart"%' and datname = current_database()`,
          )
        ).rows
      await expect.poll(async () => (await waiting()).length, { timeout: 20_000 }).toBeGreaterThan(0)
      for (const { pid } of await waiting()) await pool.query('select pg_terminate_backend($1)', [pid])
      await running
      await other.query('rollback')
    } finally {
      other.release()
    }
    expect(await status(env, migrationId)).toMatchObject({ state: 'in_progress', migrated: 600 })
    await env.clock.advance(60_000)
    await env.runJobs()
    expect(await status(env, migrationId)).toMatchObject({ state: 'completed', migrated: 900, errors: [] })
    expect(await (await env.context()).db.user.count({ where: {} })).toBe(900)
  })

  test('whose part cannot be stored at all goes on with the next, and names the rows of that part', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant(),
      { db } = await env.context()
    const { migrationId } = (await env.vendor('POST', url, { users: people(tenantId, 250) })).body
    await db.job.updateMany({ where: { name: 'import-users' }, data: { maxAttempts: 1 } })
    const { pool } = deps.database,
      other = await pool.connect()
    try {
      await other.query('begin')
      await other.query(
        `insert into "User" ("vendorId", id, email, name, "createdAt", "updatedAt") values ($1, gen_random_uuid(), 'u150@example.com', 'X', now(), now())`,
        [env.id],
      )
      const running = env.runJobs()
      const waiting = async () =>
        (
          await pool.query<{ pid: number }>(
            `select pid from pg_stat_activity where wait_event_type = 'Lock' and query like '%"UserImportPart"%' and datname = current_database()`,
          )
        ).rows
      await expect.poll(async () => (await waiting()).length, { timeout: 20_000 }).toBeGreaterThan(0)
      for (const { pid } of await waiting()) await pool.query('select pg_terminate_backend($1)', [pid])
      await running
    } finally {
      await other.query('rollback')
      other.release()
    }
    const found = await status(env, migrationId)
    expect(found).toMatchObject({ state: 'completed', total: 250, migrated: 150 })
    expect(found.errors).toHaveLength(100)
    expect(found.errors[50]).toEqual({ index: 150, field: null, email: 'u150@example.com', message: 'Internal error' })
  })

  test('with a role that goes meanwhile leaves out those who were to have it', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant(),
      [role] = (await env.vendor('POST', '/identity/resources/roles/v1', [{ key: 'short', name: 'S' }])).body
    const list = people(tenantId, 30).map((user, i) => (i === 7 ? { ...user, roleIds: ['short'] } : user)),
      { migrationId } = (await env.vendor('POST', url, { users: list })).body
    // so that the role is known here
    await env.vendor('POST', '/identity/resources/migrations/v1/local', {
      tenantId,
      email: 'x@example.com',
      roleIds: ['short'],
    })
    // by another replica, of whom nobody hears here
    const replica = openDatabase(inject('databaseUrl'), { max: 1 })
    await replica.pool.query('delete from "Role" where id = $1', [role.id])
    await replica.close()
    await env.runJobs()
    expect(await status(env, migrationId)).toMatchObject({
      ...{ state: 'completed', migrated: 29 },
      errors: [{ index: 7, email: 'u7@example.com' }],
    })
  })

  test('is given up after the last try: it says so, and nothing secret of it is left', async () => {
    const env = await newEnvironment(),
      { db } = await env.context(),
      { migrationId } = (await env.vendor('POST', url, { users: people(await env.newTenant(), 3) })).body
    // sealed with a key that is lost
    await db.userImportPart.updateMany({
      where: { importId: migrationId },
      data: { rows: secretBox('another secret, and a long one at that').seal('[]') },
    })
    await db.job.updateMany({ where: { name: 'import-users' }, data: { maxAttempts: 1 } })
    await env.runJobs()
    expect(await status(env, migrationId)).toMatchObject({
      ...{ state: 'failed', total: 3, migrated: 0 },
      errors: [{ index: null, field: null, email: null, message: 'The migration was given up' }],
    })
    expect(await db.userImportPart.findMany({ where: { importId: migrationId } })).toMatchObject([{ rows: null }])
    expect(await db.userImport.findMany({ where: {} })).toMatchObject([{ settings: null }])
  })

  test('leaves its worker to others after some parts', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant()
    const ids: string[] = []
    for (let i = 0; i < 3; i++)
      ids.push((await env.vendor('POST', url, { users: people(tenantId, 1000) })).body.migrationId)
    const { db } = await env.context()
    // as one import of thirty parts
    for (const [i, id] of ids.slice(1).entries()) {
      const parts = await db.userImportPart.findMany({ where: { importId: id } })
      await db.userImportPart.createMany({
        data: parts.map((part) => ({
          ...{ importId: ids[0]!, rows: part.rows, start: part.start, number: part.number + 10 * (i + 1) },
        })),
      })
      await db.userImport.deleteMany({ where: { id } })
    }
    const [job] = await db.job.findMany({ where: { payload: { path: ['importId'], equals: ids[0]! } } })
    await env.runJobs()
    expect(await status(env, ids[0]!)).toMatchObject({ state: 'completed', migrated: 3000 })
    expect(await db.job.count({ where: { id: job!.id } })).toBe(0)
    expect(await db.user.count({ where: {} })).toBe(1000)
  })

  test('is forgotten a month after its end, and an upload that broke off after a day', async () => {
    const env = await newEnvironment(),
      { db, random, clock } = await env.context(),
      now = clock.now()
    const row = (state: string, finishedAt: Date | null) => ({
      ...{ id: random.uuid(), format: 'csv', state, createdAt: now, finishedAt },
    })
    await db.userImport.createMany({ data: [row('completed', now), row('receiving', null), row('in_progress', null)] })
    const states = async () => (await db.userImport.findMany({ orderBy: { state: 'asc' } })).map(({ state }) => state)
    const { deps: parts } = server.worker
    await cleanUp(parts, rubbish)
    expect(await states()).toEqual(['completed', 'in_progress', 'receiving'])
    await env.clock.advance(25 * 3_600_000)
    await cleanUp(parts, rubbish)
    expect(await states()).toEqual(['completed', 'in_progress'])
    await env.clock.advance(30 * 86_400_000)
    await cleanUp(parts, rubbish)
    expect(await states()).toEqual(['in_progress'])
  })

  test('is done once when two workers have it', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant(),
      { db } = await env.context()
    const { migrationId } = (await env.vendor('POST', url, { users: people(tenantId, 1000) })).body
    const job = (await db.job.findMany({ where: { name: 'import-users' } }))[0]!
    const worker: WorkerParts = { ...server.worker, leaseMs: 60_000 }
    const first = runDue(worker, env.id)
    // the first one counts as dead, and is not
    await db.job.updateMany({ where: { id: job.id }, data: { leaseUntil: new Date(0) } })
    await Promise.all([first, runDue(worker, env.id)])
    await env.clock.advance(120_000)
    await db.job.updateMany({ where: { name: 'import-users' }, data: { leaseUntil: new Date(0) } })
    await env.runJobs()
    expect(await status(env, migrationId)).toMatchObject({ state: 'completed', migrated: 1000, errors: [] })
    expect(await db.user.count({ where: {} })).toBe(1000)
  })
})

const SLOW = 120_000

test(
  'an import that is killed with its server goes on with the next one',
  async () => {
    const databases = inject('databaseUrl'),
      name = `henhouse_import_${randomUUID().slice(0, 8)}`
    onTestFinished(() => dropDatabase(databases, name))
    const databaseUrl = await createDatabase(databases, name),
      key = 'rT8v+Qm3ZkWn5yLxB0aJ7cUdEfGhPiSo2XqVbN1MtYw=',
      port = await freePort(),
      base = `http://127.0.0.1:${port}`
    const run = async () => {
      const program = start('main.ts', [], {
        ...{ DATABASE_URL: databaseUrl, HENHOUSE_ENCRYPTION_KEY: key, HENHOUSE_PUBLIC_URL: 'https://id.example.com' },
        ...{ HENHOUSE_PORT: String(port), HENHOUSE_HOST: '127.0.0.1', NODE_ENV: 'production' },
      })
      onTestFinished(() => {
        program.process.kill('SIGKILL')
      })
      await program.says('Server listening')
      return program
    }
    const first = await run(),
      database = openDatabase(databaseUrl)
    onTestFinished(() => database.close())
    const { environment, apiKey } = await createEnvironment(
      { ...deps, database, secrets: secretBox(key) },
      { name: 'acme', isDefault: true },
    )
    const call = async (method: string, path: string, body?: object, token?: string) => {
      const answer = await fetch(`${base}${path}`, {
        method,
        headers: {
          ...(body && { 'content-type': 'application/json' }),
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
        },
        ...(body && { body: JSON.stringify(body) }),
      })
      return (await answer.json()) as Record<string, string>
    }
    const { token } = await call('POST', '/auth/vendor', { clientId: environment.id, secret: apiKey }),
      { tenantId } = await call('POST', '/tenants/resources/tenants/v1', { name: 'Coop', tenantId: 'coop' }, token)
    const COUNT = 4000,
      form = new FormData()
    const lines = Array.from({ length: COUNT }, (_, i) => `u${i}@example.com,${tenantId},User ${i}`)
    form.append('csv', new Blob([`email,tenantId,name\n${lines.join('\n')}\n`]), 'users.csv')
    const upload = await fetch(`${base}${url}/csv`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: form,
    })
    expect(upload.status).toBe(202)
    const { migrationId } = (await upload.json()) as { migrationId: string }
    const migrated = async () =>
      Number((await call('GET', `${url}/status/${migrationId}`, undefined, token))['migrated'])
    await expect.poll(migrated, { timeout: 30_000, interval: 20 }).toBeGreaterThan(0)
    first.process.kill('SIGKILL')
    await first.ended
    const { prisma } = database,
      count = () => prisma.user.count({ where: { vendorId: environment.id } }),
      parts = async () => (await prisma.userImportPart.aggregate({ _sum: { migrated: true } }))._sum.migrated
    const before = await count()
    expect(before).toBeGreaterThan(0)
    expect(before).toBeLessThan(COUNT)
    // what was stored is what was noted
    expect(await parts()).toBe(before)
    await run()
    // the lease of the dead worker runs out
    await prisma.job.updateMany({ where: { name: 'import-users' }, data: { leaseUntil: new Date(0) } })
    await expect.poll(migrated, { timeout: 60_000, interval: 200 }).toBe(COUNT)
    expect(await count()).toBe(COUNT)
    expect(await prisma.userImportPart.count({ where: { rows: { not: null } } })).toBe(0)
  },
  SLOW,
)
