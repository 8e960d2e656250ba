import type { Ctx, TenantScope } from '../../kernel/operation.ts'
import * as settings from '../../kernel/settings.ts'
import * as memberships from '../memberships/memberships.service.ts'
import { lockoutErrors } from './lockout-policy.errors.ts'
import { lockoutPolicy, type NewLockoutPolicy } from './lockout-policy.schemas.ts'

/** What the tenant itself, or without one the environment, has stored. @throws 404 */
export const policy = (ctx: Ctx, tenant: TenantScope | undefined) => settings.mustBeStored(ctx, lockoutPolicy, lockoutErrors.notDefined(), tenant)

export const createPolicy = (ctx: Ctx, tenant: TenantScope | undefined, value: NewLockoutPolicy) => settings.create(ctx, lockoutPolicy, value, lockoutErrors.taken(), tenant)

export async function updatePolicy(ctx: Ctx, tenant: TenantScope | undefined, value: NewLockoutPolicy) {
  await policy(ctx, tenant)
  return settings.save(ctx, lockoutPolicy, value, tenant)
}

/**
 * How many wrong passwords in a row lock a user; undefined when none do. A tenant's policy stands in the place of the
 * environment's; of several tenants' the strictest counts.
 */
async function limitOf(ctx: Ctx, userId: string) {
  const tenantIds = await memberships.tenantIdsOf(ctx, userId)
  const policies = settings.inForce(await settings.layers(ctx, [lockoutPolicy], tenantIds), lockoutPolicy, tenantIds, { override: true })
  const limits = policies.filter((p) => p.enabled).map((p) => p.maxAttempts)
  return limits.length ? Math.min(...limits) : undefined
}

/**
 * Counts a wrong password, exactly also when many arrive at once, and locks the user at the limit. To be called outside
 * of any transaction that the refusal of the login would roll back.
 * @returns whether this very one has locked the user, who should then be told by mail (UnlockUser)
 */
export async function failed(ctx: Ctx, userId: string): Promise<{ locked: boolean }> {
  const limit = await limitOf(ctx, userId)
  if (limit === undefined) return { locked: false }
  await ctx.db.user.updateMany({ where: { id: userId }, data: { failedLogins: { increment: 1 } } })
  const now = ctx.clock.now()
  const { count } = await ctx.db.user.updateMany({ where: { id: userId, isLocked: false, failedLogins: { gte: limit } }, data: { isLocked: true, lockedAt: now, updatedAt: now } })
  return { locked: count === 1 }
}

/** Starts the count again: after a right password, and when a user is unlocked. */
export async function succeeded(ctx: Ctx, userId: string) {
  await ctx.db.user.updateMany({ where: { id: userId, failedLogins: { gt: 0 } }, data: { failedLogins: 0 } })
}
