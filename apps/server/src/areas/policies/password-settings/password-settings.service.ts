import { after, MINUTE } from '../../../kernel/clock.ts'
import { invalid } from '../../../kernel/errors.ts'
import type { Ctx, TenantScope } from '../../../kernel/operation.ts'
import * as settings from '../../../kernel/settings.ts'
import { identityConfiguration } from '../identity-settings/identity-settings.schemas.ts'
import { timesBreached } from './breached.ts'
import { passwordErrors } from './password-settings.errors.ts'
import {
  flatTestsOf,
  historyPolicy,
  passwordRules,
  rotation,
  type NewHistoryPolicy,
  type PasswordPolicyChange,
  type RotationChange,
} from './password-settings.schemas.ts'
import { faultsOf, initialRules, strictest, type Rules } from './strength.ts'

/**
 * What an environment says about its accounts' own rules. Off: they can only be stricter. On: they replace the
 * environment's.
 */
type Override =
  'allowOverridePasswordComplexity' | 'allowOverridePasswordExpiration' | 'allowOverrideEnforcePasswordHistory'
const mayOverride = (of: settings.Layers, which: Override) =>
  ({ ...identityConfiguration.initial, ...of(identityConfiguration, null) })[which]

/** The rules of a tenant alone or, without a tenant, the environment's. */
export async function rules(ctx: Ctx, tenant: Pick<TenantScope, 'id'> | undefined): Promise<Rules> {
  const of = await settings.layers(ctx, tenant ? [tenant.id] : [])
  return { ...initialRules, ...of(passwordRules, null), ...(tenant && of(passwordRules, tenant.id)) }
}

/** Changes the given rules and leaves the others. */
export async function changeRules(
  ctx: Ctx,
  tenant: TenantScope | undefined,
  given: PasswordPolicyChange,
): Promise<Rules> {
  const { optionalTests: _o, requiredTests: _r, ...limits } = given
  const change = { ...limits, ...flatTestsOf(given) }
  const next = { ...(await rules(ctx, tenant)), ...change }
  if (next.minLength > next.maxLength) throw passwordErrors.minOverMax()
  await settings.patch(ctx, passwordRules, change, tenant)
  return rules(ctx, tenant)
}

/** The rules that a password must keep: the strictest of the environment and all the tenants. */
export async function strictestRules(ctx: Ctx, tenantIds: readonly string[]): Promise<Rules> {
  const of = await settings.layers(ctx, tenantIds)
  const environment: Rules = { ...initialRules, ...of(passwordRules, null) }
  const [first, ...others] = tenantIds.map((id): Rules => ({ ...environment, ...of(passwordRules, id) }))
  if (!first) return environment
  return mayOverride(of, 'allowOverridePasswordComplexity')
    ? strictest([first, ...others])
    : strictest([environment, first, ...others])
}

/**
 * Call this with every password that a user chooses, outside transactions (it may ask a service whether it was
 * breached).
 * @param tenantIds the user's tenants, future ones included
 * @throws 400 with the text of every test it fails, or when it was breached and the policy forbids that
 */
export async function mustSatisfy(ctx: Ctx, password: string, tenantIds: readonly string[]) {
  const wanted = await strictestRules(ctx, tenantIds)
  const [first, ...others] = faultsOf(password, wanted)
  if (first !== undefined) throw invalid(first, ...others)
  if (wanted.blockPwnedPasswords && (await timesBreached(ctx, password))) throw passwordErrors.breached()
}

export { timesBreached }

/** What the tenant has stored or, without a tenant, the environment. @throws 404 */
export const history = (ctx: Ctx, tenant: TenantScope | undefined) =>
  settings.mustBeStored(ctx, historyPolicy, passwordErrors.noHistoryPolicy(), tenant)

export const createHistory = (ctx: Ctx, tenant: TenantScope | undefined, value: NewHistoryPolicy) =>
  settings.create(ctx, historyPolicy, value, passwordErrors.historyPolicyTaken(), tenant)

export async function updateHistory(ctx: Ctx, tenant: TenantScope | undefined, value: NewHistoryPolicy) {
  await history(ctx, tenant)
  return settings.save(ctx, historyPolicy, value, tenant)
}

/** How many passwords a new one must differ from, the present one included. */
async function historySize(ctx: Ctx, tenantIds: readonly string[]) {
  const of = await settings.layers(ctx, tenantIds)
  const policies = settings.inForce(of, historyPolicy, tenantIds, {
    override: mayOverride(of, 'allowOverrideEnforcePasswordHistory'),
  })
  return Math.max(0, ...policies.filter((p) => p.enabled).map((p) => p.historySize))
}

/**
 * Refuses a password that the user had lately. Call it outside transactions: it compares with slow hashes.
 * @throws 400
 */
export async function mustBeNew(ctx: Ctx, userId: string, password: string, tenantIds: readonly string[]) {
  const size = await historySize(ctx, tenantIds)
  if (!size) return
  const [user, old] = await Promise.all([
    ctx.db.user.findUnique({ where: { id: userId }, select: { passwordHash: true } }),
    ctx.db.passwordHistory.findMany({
      where: { userId },
      select: { hash: true },
      orderBy: { sequence: 'desc' },
      take: size,
    }),
  ])
  const hashes = [
    ...new Set([...(user?.passwordHash ? [user.passwordHash] : []), ...old.map((row) => row.hash)]),
  ].slice(0, size)
  const matches = await Promise.all(hashes.map((hash) => ctx.deps.passwords.verify(hash, password)))
  if (matches.includes(true)) throw passwordErrors.usedBefore(size)
}

/**
 * Keeps the hash that a new password replaces (null: there was none), in the same transaction. It keeps no more than
 * the policy asks for: nothing without one.
 */
export async function remember(ctx: Ctx, userId: string, replaced: string | null, tenantIds: readonly string[]) {
  const size = await historySize(ctx, tenantIds)
  if (replaced !== null && size > 1)
    await ctx.db.passwordHistory.create({
      data: { id: ctx.random.uuid(), userId, hash: replaced, createdAt: ctx.clock.now() },
    })
  const [oldest] = await ctx.db.passwordHistory.findMany({
    where: { userId },
    select: { sequence: true },
    orderBy: { sequence: 'desc' },
    skip: Math.max(0, size - 1),
    take: 1,
  })
  if (oldest) await ctx.db.passwordHistory.deleteMany({ where: { userId, sequence: { lte: oldest.sequence } } })
}

/** What the tenant has stored or, without a tenant, the environment. @throws 404 */
export const rotationOf = (ctx: Ctx, tenant: TenantScope | undefined) =>
  settings.mustBeStored(ctx, rotation, passwordErrors.noRotation(), tenant)

export async function changeRotation(ctx: Ctx, tenant: TenantScope | undefined, change: RotationChange) {
  await settings.patch(ctx, rotation, change, tenant)
}

export type Expiry = { expired: true } | { expiresInMinutes: number; notificationPeriod: number }

/**
 * Whether a user's password has expired or (in minutes, as in the policy) is about to; undefined when there is nothing
 * to say. A password of unknown age is as old as the user. Of several policies the shortest period counts.
 */
export async function expiry(
  ctx: Ctx,
  user: { passwordHash: string | null; passwordChangedAt: Date | null; createdAt: Date },
  tenantIds: readonly string[],
): Promise<Expiry | undefined> {
  if (user.passwordHash === null) return undefined
  const of = await settings.layers(ctx, tenantIds)
  const policies = settings
    .inForce(of, rotation, tenantIds, { override: mayOverride(of, 'allowOverridePasswordExpiration') })
    .filter((p) => p.isActive)
  if (!policies.length) return undefined
  const { rotationPeriod, notificationPeriod } = policies.reduce((a, b) =>
    b.rotationPeriod < a.rotationPeriod ? b : a,
  )
  const end = after(user.passwordChangedAt ?? user.createdAt, rotationPeriod * MINUTE)
  const expiresInMinutes = Math.ceil((end.getTime() - ctx.clock.now().getTime()) / MINUTE)
  if (expiresInMinutes <= 0) return { expired: true }
  return expiresInMinutes <= notificationPeriod ? { expiresInMinutes, notificationPeriod } : undefined
}
