import type { Ctx, TenantScope } from '../../../kernel/operation.ts'
import * as settings from '../../../kernel/settings.ts'
import { lockoutErrors } from './lockout-policy.errors.ts'
import { lockoutPolicy, type NewLockoutPolicy } from './lockout-policy.schemas.ts'

/** What the tenant has stored or, without a tenant, the environment. @throws 404 */
export const policy = (ctx: Ctx, tenant: TenantScope | undefined) =>
  settings.mustBeStored(ctx, lockoutPolicy, lockoutErrors.notDefined(), tenant)

export const createPolicy = (ctx: Ctx, tenant: TenantScope | undefined, value: NewLockoutPolicy) =>
  settings.create(ctx, lockoutPolicy, value, lockoutErrors.taken(), tenant)

export async function updatePolicy(ctx: Ctx, tenant: TenantScope | undefined, value: NewLockoutPolicy) {
  await policy(ctx, tenant)
  return settings.save(ctx, lockoutPolicy, value, tenant)
}

/**
 * How many wrong passwords in a row lock a user of these tenants; undefined when none do. A tenant's policy replaces
 * the environment's; of several tenants' policies the strictest counts. Takes the same work without tenants.
 */
export async function limitOf(ctx: Ctx, tenantIds: readonly string[]) {
  const of = await settings.layers(ctx, tenantIds, { anew: true }),
    policies = settings.inForce(of, lockoutPolicy, tenantIds, { override: true })
  const limits = policies.filter((p) => p.enabled).map((p) => p.maxAttempts)
  return limits.length ? Math.min(...limits) : undefined
}
