import { isDeepStrictEqual } from 'node:util'
import { openDatabase } from '@henhouse/database'
import { Type } from 'typebox'
import { describe, expect, inject, test, vi } from 'vitest'
import { identityConfiguration } from '../src/areas/policies/identity-settings/identity-settings.schemas.ts'
import { keysOf } from '../src/areas/rights/held/held.service.ts'
import { contextFor } from '../src/kernel/context.ts'
import { declaredDefinitions } from '../src/kernel/definitions.ts'
import { hearOthers } from '../src/kernel/memory.ts'
import type { Ctx, Operation, TenantScope } from '../src/kernel/operation.ts'
import * as settings from '../src/kernel/settings.ts'
import { deps, newEnvironment, newServer, operations, unique, type TestEnvironment } from './environment.ts'
import { furnished, idFor, type Ids } from './furnished.ts'
import { ruleForAll } from './jwt-templates.ts'
import { fillPath, sampleBody } from './samples.ts'

const configurations = '/identity/resources/configurations/v1',
  roles = '/identity/resources/roles/v1'

/** What the database has; what is kept in memory of the environment and the tenant must be the same. */
async function currentOf(ctx: Ctx, tenantId: string, after: string) {
  const all = await Promise.all(declaredDefinitions.map(({ compare }) => compare(ctx, tenantId)))
  for (const [index, [read, stored]] of all.entries())
    if (!isDeepStrictEqual(read, stored))
      expect(read, `${declaredDefinitions[index]!.name} after ${after}`).toEqual(stored)
  return all.map(([, stored]) => stored)
}

describe.concurrent('definitions', () => {
  test('are made of tables that tell of every change, and no other table does', async () => {
    const { rows } = await deps.database.pool.query<{ table: string; triggers: string[] }>(`
      select c.relname as table, array_agg(t.tgname::text order by t.tgname) as triggers
      from pg_trigger t join pg_class c on c.oid = t.tgrelid
      where t.tgname like 'tell_of_%' and t.tgenabled = 'O' and c.relnamespace = current_schema()::regnamespace group by 1`)
    const made = new Set([
      'Vendor',
      'SigningKey',
      'Workspace',
      'CustomDomain',
      ...declaredDefinitions.flatMap(({ models }) => models),
    ])
    expect(rows.map((row) => row.table).toSorted()).toEqual([...made].toSorted())
    for (const { table, triggers } of rows)
      expect(triggers, table).toEqual(['tell_of_delete', 'tell_of_insert', 'tell_of_update'])
    expect(declaredDefinitions.length).toBeGreaterThan(3)
  })

  test('are current after whatever is written, however it is written', async () => {
    const env = await newEnvironment(),
      ctx = await env.context(),
      tenantId = await env.newTenant(),
      { prisma, pool } = deps.database
    const row = { createdAt: new Date(), updatedAt: new Date() },
      ids = { role: ctx.random.uuid(), permission: ctx.random.uuid() }
    const newRole = (key: string, tenantId?: string) => ({
      id: ctx.random.uuid(),
      key,
      name: key,
      level: 1,
      ...(tenantId !== undefined && { tenantId }),
      ...row,
    })
    const writes: Record<string, () => Promise<unknown>> = {
      create: () => ctx.db.role.create({ data: { ...newRole('a'), id: ids.role } }),
      'create of a nested row': () =>
        ctx.db.permission.create({
          data: { id: ids.permission, key: 'p', name: 'p', ...row, roles: { create: { roleId: ids.role } } },
        }),
      createMany: () => ctx.db.role.createMany({ data: [newRole('b', tenantId), newRole('c')] }),
      'update with nested deletion': () =>
        ctx.db.role.update({ where: { id: ids.role }, data: { permissions: { deleteMany: {} } } }),
      updateMany: () => ctx.db.role.updateMany({ where: { key: 'b' }, data: { level: 5 } }),
      upsert: () => ctx.db.role.upsert({ where: { id: ids.role }, create: newRole('a'), update: { level: 6 } }),
      'a write below a row of another table': () =>
        ctx.db.tenant.update({
          where: { vendorId_id: { vendorId: env.id, id: tenantId } },
          data: { roles: { create: newRole('d') } },
        }),
      deleteMany: () => ctx.db.role.deleteMany({ where: { key: 'c' } }),
      'a transaction': () =>
        ctx.atomically(async (tx) => {
          await tx.db.role.updateMany({ where: { key: 'a' }, data: { level: 7 } })
          await settings.save(tx, numbers, { a: 1 }, { id: tenantId } as TenantScope)
        }),
      'the unscoped client': () => prisma.role.updateMany({ where: { vendorId: env.id }, data: { level: 8 } }),
      'an unscoped transaction': () =>
        prisma.$transaction([prisma.permission.delete({ where: { id: ids.permission } })]),
      'a statement': () => pool.query('update "Setting" set value = $2 where "vendorId" = $1', [env.id, '{"a":9}']),
      'a statement with several parts': () =>
        pool.query(
          'with r as (delete from "Role" where "vendorId" = $1 and key = $2) update "Application" set "isActive" = false where "vendorId" = $1',
          [env.id, 'a'],
        ),
      'a cascade': () => ctx.db.tenant.deleteMany({ where: { id: tenantId } }),
    }
    let before = await currentOf(ctx, tenantId, 'nothing')
    for (const [how, write] of Object.entries(writes)) {
      await write()
      const after = await currentOf(ctx, tenantId, how)
      // otherwise the step proves nothing
      expect(after, how).not.toEqual(before)
      before = after
    }
  })

  test("are an environment's own", async () => {
    const [env, other] = [await newEnvironment(), await newEnvironment()]
    const shown = async ({ vendor }: TestEnvironment) => (await vendor('GET', configurations)).body.allowSignups
    expect([await shown(env), await shown(other)]).toEqual([true, true])
    await env.vendor('POST', configurations, { allowSignups: false })
    expect([await shown(env), await shown(other)]).toEqual([false, true])
  })

  test('are read once, and by a transaction that changes them', async () => {
    const env = await newEnvironment(),
      ctx = await env.context(),
      tenant = { id: await env.newTenant() } as TenantScope
    const shown = async (of: Ctx) => [
      (await settings.effective(of, numbers)).a,
      (await settings.effective(of, numbers, tenant)).a,
    ]
    expect(await shown(ctx)).toEqual([0, 0])
    await expect(
      ctx.atomically(async (tx) => {
        expect(await shown(tx)).toEqual([0, 0])
        await settings.save(tx, numbers, { a: 1 })
        await settings.save(tx, numbers, { a: 2 }, tenant)
        expect(await shown(tx)).toEqual([1, 2])
        expect(await shown(ctx)).toEqual([0, 0])
        throw new Error('undone')
      }),
    ).rejects.toThrow('undone')
    expect(await shown(ctx)).toEqual([0, 0])
    await ctx.atomically((tx) => settings.save(tx, numbers, { a: 3 }))
    expect(await shown(ctx)).toEqual([3, 3])
  })

  test('never go back, however readings and changes meet', async () => {
    const env = await newEnvironment(),
      ctx = await env.context(),
      tenant = { id: await env.newTenant() } as TenantScope
    let written = 0,
      isOver = false
    const shown = async (of: Ctx) => [
      (await settings.effective(of, numbers)).a,
      (await settings.effective(of, numbers, tenant)).a,
    ]
    async function reader() {
      for (let count = 0; ; count++) {
        const least = written
        if (isOver) return count
        for (const a of await shown(ctx)) expect(a).toBeGreaterThanOrEqual(least)
        // lets others on
        await new Promise((resolve) => setTimeout(resolve, 1))
      }
    }
    const readers = [reader(), reader(), reader(), ctx.atomically((tx) => shown(tx)).then(reader)]
    for (let a = 1; a <= 20; a++) {
      const write = async (of: Ctx) => {
        await settings.save(of, numbers, { a })
        await settings.save(of, numbers, { a }, tenant)
      }
      await (a % 2 ? write(ctx) : ctx.atomically(write))
      written = a
      expect(await shown(ctx)).toEqual([a, a])
    }
    isOver = true
    for (const count of await Promise.all(readers)) expect(count).toBeGreaterThan(20)
  })
})

const numbers = settings.setting('numbers', Type.Object({ a: Type.Integer() }), { a: 0 })

/** A server of another process, as far as memory goes. */
async function newReplica(onTestFinished: (end: () => Promise<void>) => void) {
  const url = new URL(inject('databaseUrl')),
    name = unique('replica')
  url.searchParams.set('application_name', name)
  const database = openDatabase(url.href, { max: 3 })
  onTestFinished(database.close)
  const server = await newServer({ database })
  return {
    database,
    name,
    server,
    context: async (id: string) => contextFor({ ...deps, database }, (await server.environments.byId(id))!, deps.log),
  }
}
/** Less than the time after which a replica looks again by itself. */
const soon = { timeout: 4000, interval: 5 }
const listeners = async (name: string, what: string) =>
  (
    await deps.database.pool.query(
      `select ${what} from pg_stat_activity where application_name = $1 and query in ('select', 'listen "henhouse_changes"')`,
      [name],
    )
  ).rowCount

describe.concurrent('another replica', () => {
  test('hears of changes, of whatever process', async ({ onTestFinished }) => {
    const env = await newEnvironment(),
      replica = await newReplica(onTestFinished),
      user = await env.newUser({ roleKeys: ['ReadOnly'] })
    hearOthers({ ...deps, database: replica.database })
    await vi.waitFor(async () => expect(await listeners(replica.name, '1')).toBe(1), soon)
    const there = env.client(
      { authorization: `Bearer ${await env.token({ type: 'vendor', vendorId: env.id })}` },
      replica.server,
    )
    const allowed = async () => (await there('GET', configurations)).body.allowSignups
    const keys = async () => (await keysOf(await replica.context(env.id), user.id, user.tenantId)).roles
    expect([await allowed(), await keys()]).toEqual([true, ['ReadOnly']])

    await env.vendor('POST', configurations, { allowSignups: false })
    await vi.waitFor(async () => expect(await allowed()).toBe(false), soon)
    const { body } = await env.vendor('GET', roles)
    const { id } = body.find((role: { key: string }) => role.key === 'ReadOnly')
    await env.vendor('PATCH', `${roles}/${id}`, { key: 'Renamed' })
    await vi.waitFor(async () => expect(await keys()).toEqual(['Renamed']), soon)
    await env.clock.freeze(new Date('2031-01-01'))
    await vi.waitFor(
      async () => expect((await replica.context(env.id)).clock.now()).toEqual(new Date('2031-01-01')),
      soon,
    )
  })

  test('hears again after its connection was cut, and of what it has missed', async ({ onTestFinished }) => {
    const env = await newEnvironment(),
      replica = await newReplica(onTestFinished),
      ctx = await replica.context(env.id)
    const allowed = async () => (await settings.effective(ctx, identityConfiguration)).allowSignups
    hearOthers({ ...deps, database: replica.database })
    await vi.waitFor(async () => expect(await listeners(replica.name, '1')).toBe(1), soon)
    for (const allowSignups of [false, true, false]) {
      await vi.waitFor(async () => expect(await listeners(replica.name, 'pg_terminate_backend(pid)')).toBe(1), soon)
      await env.vendor('POST', configurations, { allowSignups })
      await vi.waitFor(async () => expect(await allowed()).toBe(allowSignups), { ...soon, timeout: 6000 })
    }
  })
})

/**
 * The operations that change a definition when each is called once, as below: what that proves something about. It shows when
 * one of them is no longer tried, and names a new one.
 */
const changing = `
  activateOauthV1 addPermissionToRolesV1 assignUserSourceV1 changeGroupsConfigurationV1 classifyPermissionsV1
  createApplicationV1 createAuth0UserSourceV1 createCaptchaPolicyV1 createCognitoUserSourceV1
  createCustomCodeUserSourceV1 createCustomProviderV1 createEventConfigurationV1 createFederationUserSourceV1
  createFirebaseUserSourceV1 createLockoutPolicyV1 createMfaPolicyV1 createPasswordHistoryPolicyV1
  createPermissionsV1 createRoleV2 createRolesV1 createWebhook deactivateOauthV1 deleteApplicationV1
  deleteCustomProviderV1 deleteEventConfigurationV1 deleteJwtTemplateTargetingV1 deleteJwtTemplateV1
  deleteMailConfigurationV1 deleteMailTemplateV1 deletePermissionCategoryV1 deletePermissionV1 deleteRedirectUriV1
  deleteRoleV1 deleteSmsConfigurationV1 deleteTenantV1 deleteUserSourceV1 deleteWebhook putMfaPolicyV1
  replaceCaptchaPolicyV1 replaceDomainRestrictionsV1 replaceJwtTemplateTargetingV1 setActivationStrategyV1
  setDelegationV1 setDomainConfigurationV1 setEnvironmentSessionConfigurationV1 setInvitationStrategyV1
  setIpConfigurationV1 setMailConfigurationV1 setMailConfigurationV2 setMailTemplateV1 setMetadata setMfaStrategyV1
  setNamedSocialProviderV2 setOauthConfigurationV1 setPasswordPolicyV1 setPasswordRotationV1 setRolePermissionsV1
  setRoleTenantV1 setSessionConfigurationV1 setSmsConfigurationV1 setTemporaryUsersConfigurationV1
  setUserEmailsPolicyV1 unassignUserSourceV1 updateApplicationV1 updateAuth0UserSourceV1 updateCognitoUserSourceV1
  updateConfigurationV1 updateCustomCodeUserSourceV1 updateCustomProviderV1 updateFederationUserSourceV1
  updateFirebaseUserSourceV1 updateJwtTemplateTargetingV1 updateJwtTemplateV1 updateLockoutPolicyV1
  updateMfaConfigurationV1 updateMfaPolicyV1 updatePasswordHistoryPolicyV1 updatePermissionV1 updateRoleV1
  updateWebhook createAndroidAppV1 createIosAppV1 deleteAndroidAppV1 deleteIosAppV1 setImpersonationV1`
  .trim()
  .split(/\s+/)

/** Bodies that fit the ids, where the registry's sample does not. */
const bodies: Record<string, (ids: Ids) => unknown> = {
  createRoleV2: ({ roleId }) => ({ key: unique(), name: 'R', baseRoleId: roleId, permissionIds: [] }),
  createEventConfigurationV1: () => ({ url: 'https://a.example', events: ['e'], displayName: 'W', key: unique() }),
  createIosAppV1: () => ({ appId: 'ABCDE12345.com.example.app' }),
  createWebhook: () => ({ url: 'https://a.example', eventKeys: ['e'] }),
  updateWebhook: () => ({ eventKeys: ['e', 'f'] }),
  updateJwtTemplateV1: () => ({ expiration: 700 }),
  updateCustomProviderV1: () => ({ displayName: 'Renamed' }),
  replaceJwtTemplateTargetingV1: ({ jwtTemplateKey }) => ({ rules: [ruleForAll(jwtTemplateKey)] }),
  updateJwtTemplateTargetingV1: ({ jwtTemplateKey }) => ({ rules: [ruleForAll(jwtTemplateKey)] }),
  assignUserSourceV1: ({ auth0SourceId, appId }) => ({ userSourceId: auth0SourceId, appIds: [appId] }),
  // not the keys that others have by now
  updateRoleV1: () => ({ name: 'Renamed' }),
  updatePermissionV1: () => ({ name: 'Renamed' }),
  // the default one cannot be deleted
  updateApplicationV1: () => ({ appURL: 'https://renamed.example' }),
  setMailTemplateV1: () => ({ type: 'OTC', active: false }),
  setSmsConfigurationV1: () => ({ accountId: `AC${'0'.repeat(32)}`, token: 't', senderName: 'Acme' }),
  setIpConfigurationV1: () => ({ isActive: true, strategy: 'BLOCK' }),
}

/** The sample with ids of things that are there. */
function withIds(value: unknown, ids: Ids, name = ''): unknown {
  const known = ids as unknown as Record<string, string | undefined>
  if (typeof value === 'string') return known[name] ?? value
  if (Array.isArray(value)) {
    const id = known[name.replace(/s$/, '')]
    return id === undefined ? value.map((item) => withIds(item, ids)) : [id]
  }
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, withIds(part, ids, key)]))
}

/** What is about one thing (the first word of the tag) stays together; what ends most comes last. */
const writing = operations
  .filter((op) => op.method !== 'GET')
  .toSorted((a, b) => (a.tag < b.tag ? -1 : Number(a.tag > b.tag)))
const PARTS = 4
/** By where the operations with its tag begin: so that a new one splits no others. */
const partOf = ({ tag }: Operation) => Math.floor((writing.findIndex((op) => op.tag === tag) * PARTS) / writing.length)
// a category is deleted while it has its permission, and a tenant and a user are there for all others
const lateness = ({ id, method }: Operation) =>
  /^delete(Current|Sub)?(Tenant|User)V/.test(id)
    ? 9
    : id.startsWith('deletePermissionCategory')
      ? 2
      : ['POST', 'PUT', 'PATCH', 'DELETE'].indexOf(method)

describe.concurrent('after every operation that writes', () => {
  test.for([0, 1, 2, 3])('definitions are current (part %i)', async (part) => {
    const env = await newEnvironment(),
      ids = await furnished(env),
      ctx = await env.context()
    // the role is to get the permission here
    await ctx.db.rolePermission.deleteMany({ where: { roleId: ids.roleId } })
    const admin = await env.user({ tenantId: ids.tenantId, roleKeys: ['Admin'] }),
      vendor = env.as(ids.tenantId, ids.userId)
    const found: string[] = [],
      operations = writing.filter((op) => partOf(op) === part).toSorted((a, b) => lateness(a) - lateness(b))
    let before = await currentOf(ctx, ids.tenantId, 'nothing')
    for (const op of operations) {
      const client = op.auth === 'user' ? admin : vendor,
        path = fillPath(op, (name) => (op.auth === 'public' ? unique() : idFor(op, name, ids)))
      await client(op.method, path, bodies[op.id]?.(ids) ?? withIds(sampleBody(op, true), ids))
      const after = await currentOf(ctx, ids.tenantId, op.id)
      if (!isDeepStrictEqual(after, before)) found.push(op.id)
      before = after
    }
    const here = operations.map(({ id }) => id)
    expect(found.toSorted()).toEqual(changing.filter((id) => here.includes(id)).toSorted())
  })
})
