import type { Ctx, TenantScope, UserScope } from '../../../kernel/operation.ts'
import { doorsTo } from '../../rights/held/sub-account-access.service.ts'
import * as invitations from '../invitations/invitations.service.ts'
import * as domains from '../../policies/domain-restrictions/domain-restrictions.service.ts'
import { membershipErrors } from '../../people/memberships/memberships.errors.ts'
import * as memberships from '../../people/memberships/memberships.service.ts'
import { tenantErrors } from '../../accounts/tenants/tenants.errors.ts'
import * as tenants from '../../accounts/tenants/tenants.service.ts'
import { userErrors } from '../../people/users/users.errors.ts'
import * as sendings from '../../access/codes/sendings.service.ts'
import * as access from '../../access/sessions/access.service.ts'
import type { Circumstances, Person } from '../../delivery/mail/person.ts'
import { activeTenantOf, mark, queueAt } from '../../people/users/users.service.ts'
import { live, open } from '../../rights/held/held.service.ts'
import { ask } from '../../delivery/prehooks/asking.service.ts'
import { NoChanges, shown } from '../../delivery/prehooks/users.ts'
import * as events from '../../rights/events/events.service.ts'

/** Sets the user's active tenant from the next token on, at their own request. @throws 404 for a tenant that does not know them, 403 for one that has disabled them */
export async function choose(ctx: Ctx, user: UserScope, tenantId: string) {
  const member = await ctx.db.membership.findFirst({
    where: { userId: user.id, tenantId, ...live(ctx) },
    select: { isDisabled: true, acceptedAt: true },
  })
  if (member?.isDisabled) throw membershipErrors.disabled()
  if (
    !member?.acceptedAt &&
    !(await doorsTo(ctx, user.id, tenantId)).length &&
    !(await isSuperuserOf(ctx, user, tenantId))
  )
    throw tenantErrors.notFound()
  await mark(ctx, { id: user.id }, { activeTenantId: tenantId })
}

async function isSuperuserOf(ctx: Ctx, user: UserScope, tenantId: string) {
  const [superuser, tenant] = await Promise.all([
    ctx.db.user.findFirst({ where: { id: user.id, superUser: true }, select: { id: true } }),
    ctx.db.tenant.findFirst({ where: { id: tenantId }, select: { id: true } }),
  ])
  return !!superuser && !!tenant
}

interface Placement {
  tenantId: string
  validateTenantExist?: boolean | undefined
}

/** Sets the user's active tenant for management, and makes them a member there if they are not. @throws 403 for an address from a domain that is blocked there */
export async function setActive(ctx: Ctx, userId: string, placement: Placement) {
  const user = await prepare(ctx, userId, placement),
    { tenantId } = placement
  await ctx.atomically(async (tx) => {
    // equal requests at once wait for each other, and all succeed
    await queueAt(tx, userId)
    const known = await tx.db.membership.findFirst({
      where: { userId, tenantId, ...live(tx) },
      select: { acceptedAt: true },
    })
    if (!known) await welcome(tx, user, tenantId, { quietly: true, vouched: true })
    else if (!known.acceptedAt) await invitations.take(tx, userId, tenantId)
    await mark(tx, { id: userId }, { activeTenantId: tenantId })
    await events.record(tx, { key: 'user.activeTenantChosen', userId, tenantId })
  })
}

/** Makes the user a member of one more tenant, and invites them unless the call says not to. @throws 409 for a member */
export async function join(
  ctx: Ctx,
  userId: string,
  { skipInviteEmail = false, ...placement }: Placement & { skipInviteEmail?: boolean | undefined },
) {
  const user = await prepare(ctx, userId, placement)
  if (!skipInviteEmail) await sendings.countFor(ctx, { kind: 'vendor' }, [user.email])
  await welcome(ctx, user, placement.tenantId, { quietly: skipInviteEmail, vouched: true })
}

/** The user must exist. The tenant must exist if the call demands it, else a missing one is made. */
async function prepare(ctx: Ctx, userId: string, { tenantId, validateTenantExist }: Placement) {
  const [user, tenant] = await Promise.all([
    ctx.db.user.findUnique({ where: { id: userId } }),
    ctx.db.tenant.findFirst({ where: { id: tenantId }, select: { id: true } }),
  ])
  if (!user) throw userErrors.notFound()
  if (!tenant && validateTenantExist) throw tenantErrors.notFound()
  await mayBeInvited(ctx, user, tenantId)
  // another call may have made it in the meantime
  if (!tenant)
    await tenants.create(ctx, { tenantId }).catch((error: unknown) => {
      if (!isTaken(error)) throw error
    })
  return user
}
/** Asks the environment's prehook about a user who is no member there yet. @throws what it says */
async function mayBeInvited(ctx: Ctx, user: Person, tenantId: string) {
  const where = { userId: user.id, tenantId, ...live(ctx) }
  const question = async () =>
    (await ctx.db.membership.count({ where })) ? undefined : { data: shown(user), tenantId, userId: user.id }
  await ask(ctx, 'USER_INVITE', question, NoChanges)
}

const isTaken = (error: unknown) => (error as { status?: number }).status === 409

type Welcome = Circumstances & {
  quietly: boolean
  vouched: boolean
  roleIds?: readonly string[]
  expiresAt?: Date | null
}

/**
 * Adds an existing user, with an invitation by mail unless the call says not to, or they have no address. If an environment
 * (`vouched`) wants no mail, the user is in at once, without what they set up before their address was proved. If a user
 * wants none, the invitation still waits to be accepted. @throws 409 for a member, 403 for an address from a blocked domain
 */
function welcome(
  ctx: Ctx,
  user: Person,
  tenantId: string,
  { quietly, vouched, emailMetadata, issuer, ...membership }: Welcome,
) {
  const invited = user.email !== null && !(quietly && vouched)
  return ctx.atomically(async (tx) => {
    await memberships.add(tx, { ...membership, userId: user.id, tenantId, invited })
    if (user.email !== null) await domains.mustAllow(tx, user.email, [tenantId])
    if (!invited) await access.voidUnprovenPast(tx, user.id)
    if (invited && !quietly) await invitations.sendInvitation(tx, user, tenantId, { emailMetadata, issuer })
    await events.record(tx, { key: 'frontegg.user.invitedToTenant', userId: user.id, tenantId })
  })
}

/** The most tenants shown to a superuser, who may enter all of them. */
const MOST = 2000

/**
 * The tenants that let the user in, in the order in which they joined, and the active one: that of the call, else of the next
 * login. Sub-accounts that the user has access to are not listed (the hierarchy has them), but may be active. @throws 404
 */
export async function tenantsOf(ctx: Ctx, user: UserScope, tenant: TenantScope | undefined) {
  const row = await ctx.db.user.findUnique({
    where: { id: user.id },
    select: { id: true, activeTenantId: true, superUser: true },
  })
  if (!row) throw userErrors.notFound()
  const all = row.superUser ? await everyTenant(ctx, user.id) : await ownTenants(ctx, user.id)
  const activeId = tenant?.id ?? (row.superUser ? (await activeTenantOf(ctx, row))?.id : row.activeTenantId)
  const isBeyond =
    activeId &&
    !all.some(({ id }) => id === activeId) &&
    (row.superUser || (await doorsTo(ctx, user.id, activeId)).length)
  const beyond = isBeyond ? await ctx.db.tenant.findFirst({ where: { id: activeId } }) : null
  return { tenants: all, activeTenant: beyond ?? all.find(({ id }) => id === activeId) ?? all[0] ?? null }
}

async function ownTenants(ctx: Ctx, userId: string) {
  const rows = await ctx.db.membership.findMany({
    where: { userId, ...open(ctx) },
    select: { tenant: true },
    orderBy: [{ createdAt: 'asc' }, { tenantId: 'asc' }],
  })
  return rows.map((row) => row.tenant)
}

const everyTenant = (ctx: Ctx, userId: string) =>
  ctx.db.tenant.findMany({
    where: { memberships: { none: { userId, isDisabled: true } } },
    orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
    take: MOST,
  })
