import { ancestorsOf, isParent, type Family } from '../tree/tree.service.ts'
import type { Ctx, UserCaller, VendorCaller } from '../../../kernel/operation.ts'

/** Whether a member may go down into the tenants below. `access` is the decision for this user; null: none was made. */
export const goesBelow = (access: boolean | null, type: string) =>
  type === 'alwaysOn' || (access ?? type === 'defaultOn')

/** The user's memberships in the tenant and those above it. */
async function membershipsUpFrom(ctx: Ctx, userId: string, tenantId: string, above: readonly string[]) {
  const rows = await ctx.db.membership.findMany({
    where: {
      userId,
      tenantId: { in: [tenantId, ...above] },
      OR: [{ expiresAt: null }, { expiresAt: { gt: ctx.clock.now() } }],
    },
    select: {
      tenantId: true,
      isDisabled: true,
      acceptedAt: true,
      user: { select: { subAccountAccess: true } },
      tenant: { select: { subAccountAccessType: true } },
    },
  })
  // an invitation that is not accepted opens nothing
  const known = rows.filter((row) => row.isDisabled || row.acceptedAt)
  return {
    own: known.find((row) => row.tenantId === tenantId),
    open: known
      .filter((row) => !row.isDisabled && goesBelow(row.user.subAccountAccess, row.tenant.subAccountAccessType))
      .map((row) => row.tenantId),
  }
}

/**
 * The tenants above from which users come down into this one, with their roles up there: those where they are members
 * with access to sub-accounts. None where the tenant itself keeps the user out.
 */
export async function doorsTo(ctx: Ctx, userId: string, tenantId: string) {
  const above = await ancestorsOf(ctx, tenantId)
  if (!above.length) return []
  const { own, open } = await membershipsUpFrom(ctx, userId, tenantId, above)
  return own?.isDisabled ? [] : open.filter((id) => id !== tenantId)
}

/**
 * Whether users may do below this tenant all that they may do in it: as members with access to sub-accounts, or because
 * they came down into it.
 */
async function opens(ctx: Ctx, userId: string, tenantId: string) {
  const { own, open } = await membershipsUpFrom(ctx, userId, tenantId, await ancestorsOf(ctx, tenantId))
  return own ? open.includes(tenantId) : open.length > 0
}

/** Whether a user whose token is for one tenant may act with it in another. */
export async function reaches(ctx: Ctx, { userId, tenantId }: { userId: string; tenantId: string }, wanted: string) {
  if (!(await ancestorsOf(ctx, wanted)).includes(tenantId)) return false
  return (await opens(ctx, userId, tenantId)) && (await doorsTo(ctx, userId, wanted)).length > 0
}

/**
 * The tenant and those below it in which callers may do what they may do in their own. Without access to sub-accounts,
 * users stay in their own.
 */
export const familyOf = async (ctx: Ctx, caller: VendorCaller | UserCaller, tenantId: string): Promise<Family> => ({
  tenantId,
  below:
    (await isParent(ctx, tenantId)) && (caller.kind !== 'user' || (await opens(ctx, caller.userId, caller.tenantId))),
})
