import { grouped } from '../../../kernel/paging.ts'
import { ancestorsOf, pathsOf, type Family } from '../tree/tree.service.ts'
import { userIdOf, type BoundCaller, type Caller, type Ctx } from '../../../kernel/operation.ts'
import { descent } from './family.sql.ts'

/** Whether a member may go down into the tenants below. `access` is the decision for this user; null: none was made. */
export const goesBelow = (access: boolean | null, type: string) =>
  type === 'alwaysOn' || (access ?? type === 'defaultOn')

const membershipsIn = (ctx: Ctx, userIds: readonly string[], tenantIds: readonly string[]) =>
  ctx.db.membership.findMany({
    where: {
      userId: { in: [...new Set(userIds)] },
      tenantId: { in: [...new Set(tenantIds)] },
      OR: [{ expiresAt: null }, { expiresAt: { gt: ctx.clock.now() } }],
    },
    select: {
      userId: true,
      tenantId: true,
      isDisabled: true,
      acceptedAt: true,
      user: { select: { subAccountAccess: true } },
      tenant: { select: { subAccountAccessType: true } },
    },
  })

/** Of a user's memberships in a tenant and those above it: the own one there, and those from which they go down. */
function sorted(rows: Awaited<ReturnType<typeof membershipsIn>>, tenantId: string) {
  // an invitation that is not accepted opens nothing
  const known = rows.filter((row) => row.isDisabled || row.acceptedAt)
  return {
    own: known.find((row) => row.tenantId === tenantId),
    open: known
      .filter((row) => !row.isDisabled && goesBelow(row.user.subAccountAccess, row.tenant.subAccountAccessType))
      .map((row) => row.tenantId),
  }
}

function doorsAmong(rows: Awaited<ReturnType<typeof membershipsIn>>, tenantId: string) {
  const { own, open } = sorted(rows, tenantId)
  return own?.isDisabled ? [] : open.filter((id) => id !== tenantId)
}

/**
 * The tenants above from which users come down into this one, with their roles up there: those where they are members
 * with access to sub-accounts. None where the tenant itself keeps the user out.
 */
export async function doorsTo(ctx: Ctx, userId: string, tenantId: string) {
  const above = await ancestorsOf(ctx, tenantId)
  return above.length ? doorsAmong(await membershipsIn(ctx, [userId], [tenantId, ...above]), tenantId) : []
}

/** A user in a tenant. */
export interface Place {
  readonly userId: string
  readonly tenantId: string
}

/** As `doorsTo`, for many places at once. The users' ids are in lower case. */
export async function doorsToAll(ctx: Ctx, places: readonly Place[]): Promise<string[][]> {
  const paths = await pathsOf(
    ctx,
    places.map((place) => place.tenantId),
  )
  if (![...paths.values()].some((path) => path.length > 1)) return places.map(() => [])
  const rows = grouped(
    await membershipsIn(
      ctx,
      places.map((place) => place.userId),
      [...paths.values()].flat(),
    ),
    (row) => row.userId,
  )
  return places.map(({ userId, tenantId }) => {
    const way = new Set(paths.get(tenantId))
    return doorsAmong(
      (rows.get(userId) ?? []).filter((row) => way.has(row.tenantId)),
      tenantId,
    )
  })
}

/**
 * Whether users may do below this tenant all that they may do in it: as members with access to sub-accounts, or because
 * they came down into it.
 */
async function opens(ctx: Ctx, userId: string, tenantId: string) {
  const above = await ancestorsOf(ctx, tenantId),
    { own, open } = sorted(await membershipsIn(ctx, [userId], [tenantId, ...above]), tenantId)
  return own ? open.includes(tenantId) : open.length > 0
}

/**
 * Whether callers whose token is for one tenant may act with it in another. Of a program of the tenant nobody has decided that
 * it goes below, so what the tenant has decided for its members holds.
 */
export async function reaches(ctx: Ctx, caller: BoundCaller, wanted: string) {
  const { tenantId } = caller
  if (!(await ancestorsOf(ctx, wanted)).includes(tenantId)) return false
  if (caller.kind === 'machine') {
    const tenant = await ctx.db.tenant.findFirst({ where: { id: tenantId }, select: { subAccountAccessType: true } })
    return !!tenant && goesBelow(null, tenant.subAccountAccessType)
  }
  return (await opens(ctx, caller.userId, tenantId)) && (await doorsTo(ctx, caller.userId, wanted)).length > 0
}

/**
 * The tenant and those below it in which callers may do what they may do in their own. Without access to sub-accounts,
 * users stay in their own.
 */
export async function familyOf(ctx: Ctx, caller: Caller, tenantId: string): Promise<Family> {
  const isBound = caller.kind !== 'vendor'
  const [found] = await ctx.sql(
    descent,
    ctx.clock.now(),
    tenantId,
    userIdOf(caller) ?? null,
    isBound ? caller.tenantId : null,
  )
  const { isParent, opens, isOpen } = found!
  return { tenantId, below: isParent && (!isBound || (caller.kind === 'machine' ? isOpen : opens)) }
}
