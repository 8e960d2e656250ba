import { createDatabase, dropDatabase, migrate, openDatabase } from '@henhouse/database'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { createEnvironment } from '../src/areas/environments/environments.service.ts'
import { contextFor } from '../src/kernel/context.ts'
import { runDue } from '../src/kernel/jobs.ts'
import type { Ctx } from '../src/kernel/operation.ts'
import { cryptoRandom } from '../src/kernel/random.ts'
import { signToken } from '../src/kernel/tokens.ts'
import { fill } from './crowd.ts'
import { deps, newServer, unique } from './environment.ts'

/*
 * Work on all members of a tenant must not be one transaction: with a hundred thousand members it would time out. These tests use
 * a few thousand, in a database of their own, because a trigger in it plays a server that crashes.
 */

const MEMBERS = 1500,
  name = `henhouse_crowded_${cryptoRandom.uuid().replaceAll('-', '')}`
let database: ReturnType<typeof openDatabase>, server: Awaited<ReturnType<typeof newServer>>

beforeAll(async () => {
  const url = await createDatabase(inject('databaseUrl'), name)
  await migrate(url)
  database = openDatabase(url, { max: 4 })
  server = await newServer({ database })
})

afterAll(async () => {
  await database.close()
  await dropDatabase(inject('databaseUrl'), name)
})

async function crowdedTenant({ tenants = 3 } = {}) {
  const own = { ...deps, database }
  const { environment } = await createEnvironment(own, { name: unique('crowd') }),
    ctx = contextFor(own, environment, deps.log)
  const {
    bigTenantId: tenantId,
    tenantId: other,
    parentTenantId,
  } = await fill(own, ctx, { users: MEMBERS + 20, tenants, members: MEMBERS })
  // some are in another tenant, too
  await database.pool.query(
    `
    insert into "Membership" ("vendorId", "userId", "tenantId", "createdAt")
    select "vendorId", "userId", $2, "createdAt" from "Membership" where "vendorId" = $3 and "tenantId" = $1 order by "userId" limit 10`,
    [tenantId, other, environment.id],
  )
  const token = signToken(ctx, { type: 'vendor', vendorId: environment.id, scopes: [] }, { expiresIn: 3600 })
  const call = async (method: 'GET' | 'POST' | 'DELETE', url: string, payload?: object) =>
    (
      await server.http.inject({
        method,
        url,
        headers: { authorization: `Bearer ${token}` },
        ...(payload && { payload }),
      })
    ).statusCode
  const counts = async () => ({
    members: await ctx.db.membership.count({ where: { tenantId } }),
    users: await ctx.db.user.count(),
  })
  /** a user who is deleted with the tenant */
  const oneOf = async ({ skip }: { skip: number }) =>
    (
      await ctx.db.membership.findFirstOrThrow({
        where: { tenantId, user: { memberships: { every: { tenantId } } } },
        orderBy: { createdAt: 'asc' },
        skip,
      })
    ).userId
  return {
    ctx,
    environment,
    tenantId,
    other,
    parentTenantId,
    call,
    counts,
    oneOf,
    url: `/tenants/resources/tenants/v1/${tenantId}`,
  }
}

/** The worker at the time when the job is due that finishes the broken work. */
const later = () => ({
  ...server.worker,
  deps: { ...server.worker.deps, systemClock: { now: () => new Date(deps.systemClock.now().getTime() + 61_000) } },
})

/** Makes the statement fail that does this to the row. */
async function breakAt(id: string, event = 'delete', table = 'User') {
  await database.pool.query(`
    create or replace function broken() returns trigger language plpgsql as $$ begin raise exception 'the server breaks down'; end $$;
    create trigger broken before ${event} on "${table}" for each row when (old.id = '${id}') execute function broken()`)
  return () => database.pool.query(`drop trigger broken on "${table}"`)
}

/** As the audit trail has them. */
async function deletedUsers(ctx: Ctx) {
  const lines = await ctx.db.event.findMany({ where: { key: 'frontegg.user.deleted' }, select: { userId: true } })
  expect(new Set(lines.map(({ userId }) => userId)).size).toBe(lines.length)
  return lines
}

describe('deleting a tenant with many members', () => {
  test('deletes everything, and leaves no job', async () => {
    const { ctx, call, counts, other, url } = await crowdedTenant()
    expect(await call('DELETE', url)).toBe(200)
    expect(await counts()).toEqual({ members: 0, users: 30 })
    expect(await deletedUsers(ctx)).toHaveLength(MEMBERS - 10)
    expect(await ctx.db.membership.count({ where: { tenantId: other } })).toBeGreaterThanOrEqual(20)
    expect(await ctx.db.job.count()).toBe(0)
    expect(await call('DELETE', url)).toBe(404)
  })

  test('works in steps, keeps everybody out from the first step on, and goes on by itself after a crash', async () => {
    const { ctx, environment, tenantId, call, counts, oneOf, url } = await crowdedTenant()
    await ctx.db.apiToken.create({
      data: { id: ctx.random.uuid(), tenantId, secretHash: 'h', createdAt: ctx.clock.now() },
    })
    const mend = await breakAt(await oneOf({ skip: 1100 }))
    expect(await call('DELETE', url)).toBe(500)
    expect((await counts()).members).toBe(500)
    expect(await ctx.db.membership.count({ where: { tenantId, isDisabled: false } })).toBe(0)
    expect(await ctx.db.apiToken.count()).toBe(0)
    await mend()
    await runDue(server.worker, environment.id)
    expect((await counts()).members).toBe(500)
    await runDue(later(), environment.id)
    expect(await counts()).toEqual({ members: 0, users: 30 })
    expect(await deletedUsers(ctx)).toHaveLength(MEMBERS - 10)
    expect(await ctx.db.tenant.count({ where: { id: tenantId } })).toBe(0)
    expect(await ctx.db.job.count()).toBe(0)
  })

  test('works in steps for one with many tenants right below it, too: they move up with everything below them', async () => {
    const { ctx, environment, parentTenantId, call } = await crowdedTenant({ tenants: 2500 }),
      below = await ctx.db.tenant.findMany({
        where: { path: { has: parentTenantId } },
        orderBy: { id: 'asc' },
        select: { id: true, path: true },
      })
    expect(below).toHaveLength(2499)
    const last = below.filter(({ path }) => path.length === 2).at(-1)!
    const mend = await breakAt(last.id, 'update', 'Tenant')
    expect(await call('DELETE', `/tenants/resources/tenants/v1/${parentTenantId}`)).toBe(500)
    expect(await ctx.db.tenant.count({ where: { path: { has: parentTenantId } } })).toBeLessThan(700)
    await mend()
    await runDue(later(), environment.id)
    const rows = await ctx.db.tenant.findMany({
      where: { id: { in: below.map(({ id }) => id) } },
      orderBy: { id: 'asc' },
      select: { id: true, path: true },
    })
    expect(rows).toEqual(
      below.filter(({ id }) => id !== parentTenantId).map(({ id, path }) => ({ id, path: path.slice(1) })),
    )
    expect(await ctx.db.job.count()).toBe(0)
  })

  test('spares a new tenant with the same id', async () => {
    const { ctx, environment, tenantId, call, oneOf, url } = await crowdedTenant()
    const mend = await breakAt(await oneOf({ skip: 0 }))
    expect(await call('DELETE', url)).toBe(500)
    await mend()
    const [left] = await ctx.db.job.findMany()
    expect(await call('DELETE', url)).toBe(200)
    expect(await call('POST', '/tenants/resources/tenants/v1', { tenantId })).toBe(201)
    await ctx.db.job.create({ data: { ...left!, payload: left!.payload as object, progress: {}, runAt: new Date(0) } })
    await runDue(server.worker, environment.id)
    expect(await ctx.db.job.count()).toBe(0)
    expect(await ctx.db.tenant.count({ where: { id: tenantId } })).toBe(1)
  })
})
