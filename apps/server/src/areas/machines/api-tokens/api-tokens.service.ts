import { after, MINUTE } from '../../../kernel/clock.ts'
import { onMissing, onUnknownReference } from '../../../kernel/errors.ts'
import { queueAt } from '../../../kernel/limits.ts'
import { userIdOf, type Caller, type Ctx, type TenantScope, type UserScope } from '../../../kernel/operation.ts'
import { fingerprint } from '../../../kernel/random.ts'
import * as identitySettings from '../../policies/identity-settings/identity-settings.service.ts'
import type { IdentityConfiguration } from '../../policies/identity-settings/identity-settings.schemas.ts'
import { definedRights, rolesNamed } from '../../rights/held/defined.ts'
import { keysOfRoles } from '../../rights/held/held.service.ts'
import { entrustable, entrustPermissions } from '../../rights/roles/entrusting.service.ts'
import { userErrors } from '../../people/users/users.errors.ts'
import { tenantErrors } from '../../accounts/tenants/tenants.errors.ts'
import { apiTokenErrors } from './api-tokens.errors.ts'
import {
  withRights,
  type NewTenantApiToken,
  type NewUserApiToken,
  type TenantApiTokenChange,
} from './api-tokens.schemas.ts'
import * as events from '../../rights/events/events.service.ts'

/** Whether programs log in by API tokens. */
export const areOn = ({ apiTokensEnabled, machineToMachineAuthStrategy }: IdentityConfiguration) =>
  apiTokensEnabled && machineToMachineAuthStrategy === 'ClientCredentials'
/** @throws 403 where they do not */
export function mustBeOn(configuration: IdentityConfiguration) {
  if (!areOn(configuration)) throw apiTokenErrors.disabled()
}

const inOrder = [{ createdAt: 'asc' as const }, { id: 'asc' as const }]
/** A tenant's own tokens, not those of its members. */
const of = (tenant: TenantScope) => ({ tenantId: tenant.id, userId: null })

/** How many a tenant may have, and each of its members there, with those that have expired: a list shows all of them. */
const MOST = 1000

/** Makes one more for an owner. Others who make one in the tenant wait, so that no two take the last place. @throws 400 */
const addTo = <T>(ctx: Ctx, owner: { tenantId: string; userId: string | null }, create: (tx: Ctx) => Promise<T>) =>
  ctx.atomically(async (tx) => {
    await queueAt(tx, 'api tokens', owner.tenantId)
    if ((await tx.db.apiToken.count({ where: owner })) >= MOST) throw apiTokenErrors.tooMany()
    return create(tx)
  })

/** The tenant's tokens, the oldest first, expired ones among them. */
export const listOfTenant = (ctx: Ctx, tenant: TenantScope) =>
  ctx.db.apiToken.findMany({ where: of(tenant), include: withRights, orderBy: inOrder })

/**
 * Makes a token that acts for the tenant. Users give it only roles and permissions that they have themselves.
 * @returns it, and the secret, which nobody can read again
 * @throws 403 where there are no API tokens; 400 for one too many; as `mayGive`
 */
export async function createForTenant(
  ctx: Ctx,
  caller: Caller,
  tenant: TenantScope,
  { roleIds, permissionIds, ...details }: NewTenantApiToken,
) {
  mustBeOn(await identitySettings.current(ctx))
  const strength = await mayGive(ctx, caller, tenant, { roleIds, permissionIds }),
    secret = ctx.random.uuid(),
    rights = chosen(roleIds, permissionIds)
  const row = await addTo(ctx, of(tenant), (tx) =>
    tx.db.apiToken.create({
      data: {
        ...newRow(ctx, tenant, secret, details),
        createdByUserId: userIdOf(caller) ?? null,
        level: rights.roles.length ? null : strength,
        roles: { createMany: { data: rights.roles } },
        permissions: { createMany: { data: rights.permissions } },
      },
      include: withRights,
    }),
  )
    // the tenant, a role or a permission has gone meanwhile
    .catch(onUnknownReference(tenantErrors.notFound()))
  return { row, secret }
}

/**
 * Changes what is given. Users change only tokens that may do no more than they. Access tokens that are out already keep
 * what they say, and may do what is given now.
 * @throws 404; as `mayGive`
 */
export async function updateOfTenant(
  ctx: Ctx,
  caller: Caller,
  tenant: TenantScope,
  id: string,
  { roleIds, permissionIds, ...details }: TenantApiTokenChange,
) {
  const where = { ...of(tenant), id }
  const before = await ctx.db.apiToken.findFirst({ where, include: withRights })
  if (!before) throw apiTokenErrors.notFound()
  const strength = await mayGive(ctx, caller, tenant, {
    roleIds: [...before.roles.map((role) => role.roleId), ...(roleIds ?? [])],
    permissionIds: [...before.permissions.map((permission) => permission.permissionId), ...(permissionIds ?? [])],
  })
  const rights = roleIds || permissionIds ? chosen(roleIds, permissionIds) : undefined
  return ctx.db.apiToken
    .update({
      where,
      data: {
        ...details,
        ...(rights && {
          level: rights.roles.length ? null : strength,
          roles: { deleteMany: {}, createMany: { data: rights.roles, skipDuplicates: true } },
          permissions: { deleteMany: {}, createMany: { data: rights.permissions, skipDuplicates: true } },
        }),
      },
      include: withRights,
    })
    .catch(onMissing(apiTokenErrors.notFound()))
    .catch(onUnknownReference(apiTokenErrors.notFound()))
}

/** Its refresh tokens go with it. @throws 404 */
export const removeOfTenant = (ctx: Ctx, tenant: TenantScope, id: string) => removeOne(ctx, { ...of(tenant), id })

const removeOne = (ctx: Ctx, where: { tenantId: string; userId: string | null; id: string }) =>
  ctx.atomically(async (tx) => {
    const { id, tenantId, userId } = where,
      kind = userId === null ? 'tenantApiToken' : 'userApiToken'
    // while there is something to tell of
    await events.record(tx, { key: `frontegg.${kind}.deleted`, ...{ tenantId, userId, subject: { kind, id } } })
    const { count } = await tx.db.apiToken.deleteMany({ where })
    if (!count) throw apiTokenErrors.notFound()
  })

/** The user's tokens in the tenant, the oldest first. @throws 404 for a user who is not a member there */
export async function listOfUser(ctx: Ctx, caller: Caller, tenant: TenantScope, user: UserScope) {
  const where = { tenantId: tenant.id, userId: user.id }
  // a user's own place is proved
  if (caller.kind === 'vendor' && !(await ctx.db.membership.findFirst({ where, select: { userId: true } })))
    throw userErrors.notFound()
  return ctx.db.apiToken.findMany({ where, orderBy: inOrder })
}

/**
 * Makes a token that acts for the user in the tenant, with the roles that they have there at the time.
 * @returns it, and the secret, which nobody can read again
 * @throws 403 where there are no API tokens; 400 for one too many; 404 for a user who is not a member there, and only comes down from a tenant above
 */
export async function createForUser(ctx: Ctx, tenant: TenantScope, user: UserScope, details: NewUserApiToken) {
  mustBeOn(await identitySettings.current(ctx))
  const secret = ctx.random.uuid()
  const row = await addTo(ctx, { tenantId: tenant.id, userId: user.id }, (tx) =>
    tx.db.apiToken.create({
      data: { ...newRow(ctx, tenant, secret, details), userId: user.id, createdByUserId: user.id },
    }),
  ).catch(onUnknownReference(userErrors.notFound()))
  return { row, secret }
}

/** @throws 404 */
export const removeOfUser = (ctx: Ctx, tenant: TenantScope, user: UserScope, id: string) =>
  removeOne(ctx, { id, tenantId: tenant.id, userId: user.id })

function newRow(
  ctx: Ctx,
  tenant: TenantScope,
  secret: string,
  { description, metadata = {}, expiresInMinutes }: NewUserApiToken,
) {
  const now = ctx.clock.now()
  return {
    id: ctx.random.uuid(),
    tenantId: tenant.id,
    // 122 random bits: nobody can try them all, so a fast hash is enough
    secretHash: fingerprint(secret),
    description: description ?? null,
    metadata,
    createdAt: now,
    expiresAt: expiresInMinutes === undefined ? null : after(now, expiresInMinutes * MINUTE),
  }
}

interface Rights {
  readonly roleIds: readonly string[]
  readonly permissionIds: readonly string[]
}

/**
 * Whether the caller may give all these to a token of the tenant: users give no more than they have.
 * @returns how strong a token is that gets permissions and no role
 * @throws 400 for a role that is unknown there, 404 for an unknown permission, 403 for what is more than the caller has
 */
async function mayGive(
  ctx: Ctx,
  caller: Caller,
  tenant: TenantScope,
  { roleIds = [], permissionIds = [] }: { [K in keyof Rights]: Rights[K] | undefined },
) {
  await entrustable(ctx, caller, tenant.id, roleIds)
  return entrustPermissions(ctx, caller, permissionIds)
}

/** The rows of what a token gets, each once: with roles no permissions. */
const chosen = (roleIds: readonly string[] = [], permissionIds: readonly string[] = []) => ({
  roles: once(roleIds).map((roleId) => ({ roleId })),
  permissions: once(roleIds.length ? [] : permissionIds).map((permissionId) => ({ permissionId })),
})
const once = (ids: readonly string[]) => [...new Set(ids.map((id) => id.toLowerCase()))]

/** The keys of a tenant's token: of its roles and what is in them, or of its permissions. */
export async function keysOf(ctx: Ctx, tenantId: string, { roleIds, permissionIds }: Rights) {
  if (roleIds.length) return keysOfRoles(ctx, await rolesNamed(ctx, roleIds, [tenantId]))
  const { permissions } = await definedRights(ctx)
  return { roleIds: [], roles: [], permissions: permissionIds.flatMap((id) => permissions.get(id)?.key ?? []) }
}
