import { after, MINUTE } from '../../../kernel/clock.ts'
import { baseUrl } from '../../../kernel/environments.ts'
import { userIdOf, type Caller, type Ctx, type TenantScope, type UserScope } from '../../../kernel/operation.ts'
import { signToken } from '../../../kernel/tokens.ts'
import { membershipErrors } from '../../people/memberships/memberships.errors.ts'
import * as identitySettings from '../../policies/identity-settings/identity-settings.service.ts'
import { keysOfHeld, live } from '../../rights/held/held.service.ts'
import { entrustable } from '../../rights/roles/entrusting.service.ts'
import { accessTokenErrors } from './access-tokens.errors.ts'
import type { NewAccessToken, NewTenantAccessToken } from './access-tokens.schemas.ts'
import { activeOf, creating, livingOf, queueing, type Kind } from './access-tokens.sql.ts'

/** Where SDKs look for roles and permissions, they find that they have to ask. */
const ASK = { roles: ['FETCH-ROLES-BY-API'], permissions: ['FETCH-PERMISSIONS-BY-API'] }
const SECONDS = 60

async function areOn(ctx: Ctx) {
  const { apiTokensEnabled, machineToMachineAuthStrategy } = await identitySettings.current(ctx)
  return apiTokensEnabled && machineToMachineAuthStrategy === 'AccessToken'
}
/** @throws 403 where the environment has machines log in instead, or wants none */
async function mustBeOn(ctx: Ctx) {
  if (!(await areOn(ctx))) throw accessTokenErrors.off()
}

const inOrder = [{ createdAt: 'asc' }, { id: 'asc' }] as const

/** The tokens of the tenant itself, the oldest first, with those that have expired. */
export async function listOfTenant(ctx: Ctx, tenant: TenantScope) {
  const rows = await ctx.db.accessToken.findMany({
    where: { tenantId: tenant.id, userId: null },
    include: { roles: { select: { roleId: true } } },
    orderBy: [...inOrder],
  })
  return rows.map(({ roles, ...row }) => ({ ...row, roleIds: roles.map(({ roleId }) => roleId) }))
}

/** The user's own tokens in the tenant, the oldest first. @throws 404 for a user who is no member */
export async function listOfUser(ctx: Ctx, tenant: TenantScope, user: UserScope) {
  const member = await ctx.db.membership.findFirst({
    where: { userId: user.id, tenantId: tenant.id, ...live(ctx) },
    select: { accessTokens: { orderBy: [...inOrder] } },
  })
  if (!member) throw membershipErrors.notFound()
  return member.accessTokens
}

/**
 * A token that speaks for the tenant, with these roles.
 * @throws 403 when there are to be none, or the caller may not give the roles; 400 for an unknown role, or one token too many
 */
export async function createForTenant(
  ctx: Ctx,
  caller: Caller,
  tenant: TenantScope,
  { roleIds = [], ...wanted }: NewTenantAccessToken,
) {
  const given = await entrustable(ctx, caller, tenant.id, roleIds)
  await mustBeOn(ctx)
  const createdByUserId = userIdOf(caller) ?? null
  const made = await create(ctx, { tenantId: tenant.id, userId: null, createdByUserId, roleIds: given }, wanted)
  return { ...made, row: { ...made.row, roleIds: given, createdByUserId } }
}

/** A token that speaks for a member, with the roles that they have when it is used. @throws as `createForTenant`; 404 for a user who is no member */
export async function createForUser(ctx: Ctx, tenant: TenantScope, user: UserScope, wanted: NewAccessToken) {
  await mustBeOn(ctx)
  return create(ctx, { tenantId: tenant.id, userId: user.id, createdByUserId: null, roleIds: [] }, wanted)
}

interface Owner {
  readonly tenantId: string
  readonly userId: string | null
  readonly createdByUserId: string | null
  readonly roleIds: readonly string[]
}

async function create(ctx: Ctx, owner: Owner, { description, expiresInMinutes }: NewAccessToken) {
  const now = ctx.clock.now()
  const row = {
    id: ctx.random.uuid(),
    description: description ?? null,
    createdAt: now,
    expiresAt: expiresInMinutes === undefined ? null : after(now, expiresInMinutes * MINUTE),
  }
  const secret = signed(ctx, row.id, owner, expiresInMinutes)
  await ctx.atomically(async (tx) => {
    await tx.sql(queueing)
    const [found] = await tx.sql(
      creating,
      now,
      row.id,
      owner.tenantId,
      owner.userId,
      owner.createdByUserId,
      row.description,
      row.expiresAt,
      owner.roleIds,
    )
    const { made, mayOwn, fits } = found!
    if (made) return
    if (!mayOwn) throw membershipErrors.notFound()
    throw fits ? accessTokenErrors.tooMany() : accessTokenErrors.tooManyInAccount()
  })
  return { secret, row }
}

/** The claims are those that SDKs read. All else is looked up when the token is used, so nobody has to be told of a change. */
const signed = (ctx: Ctx, id: string, { tenantId, userId }: Owner, expiresInMinutes: number | undefined) =>
  signToken(
    ctx,
    {
      sub: id,
      type: userId === null ? 'tenantAccessToken' : 'userAccessToken',
      tenantId,
      ...(userId !== null && { userId }),
      ...ASK,
      aud: ctx.vendorId,
      iss: baseUrl(ctx.deps.publicUrl, ctx.environment),
    },
    { expiresIn: expiresInMinutes === undefined ? 'never' : Math.floor(expiresInMinutes * SECONDS) },
  )

/** @throws 404 */
export async function remove(ctx: Ctx, tenant: TenantScope, user: UserScope | undefined, id: string) {
  const { count } = await ctx.db.accessToken.deleteMany({
    where: { id, tenantId: tenant.id, userId: user?.id ?? null },
  })
  if (!count) throw accessTokenErrors.notFound()
}

/** The ids of the tokens that are alive, in a tenant or everywhere. @throws 403 as `mustBeOn` */
export async function active(ctx: Ctx, kind: Kind, tenant: TenantScope | undefined) {
  await mustBeOn(ctx)
  const [found] = await ctx.sql(activeOf[kind], ctx.clock.now(), tenant?.id ?? null)
  return found!.ids
}

/** What a token that is alive may do now. @throws 404, 403 as `mustBeOn` */
export async function lookUp(ctx: Ctx, kind: Kind, tenant: TenantScope | undefined, id: string) {
  await mustBeOn(ctx)
  const found = await find(ctx, kind, tenant, id)
  if (!found) throw accessTokenErrors.notFound()
  return found
}

/**
 * The token with this id, as long as it is alive: it has not expired, it and its tenant are there, its member is let in and
 * not locked, and the environment wants such tokens. `kind` and `id` are the `type` and `sub` of a token whose signature and
 * time have been checked.
 */
export const alive = async (ctx: Ctx, kind: Kind, id: string) =>
  (await areOn(ctx)) ? find(ctx, kind, undefined, id) : undefined

async function find(ctx: Ctx, kind: Kind, tenant: TenantScope | undefined, id: string) {
  const [row] = await ctx.sql(livingOf[kind], ctx.clock.now(), id, tenant?.id ?? null)
  if (!row) return undefined
  const { held, ...token } = row
  return { id, ...token, ...(await keysOfHeld(ctx, held)) }
}
