import { after, DAY } from '../../../kernel/clock.ts'
import type { Ctx, TenantScope } from '../../../kernel/operation.ts'
import * as settings from '../../../kernel/settings.ts'
import * as memberships from '../../people/memberships/memberships.service.ts'
import * as access from '../../access/sessions/access.service.ts'
import { lockoutErrors } from './lockout-policy.errors.ts'
import { lockoutPolicy, type NewLockoutPolicy } from './lockout-policy.schemas.ts'

/** What the tenant itself, or without one the environment, has stored. @throws 404 */
export const policy = (ctx: Ctx, tenant: TenantScope | undefined) =>
  settings.mustBeStored(ctx, lockoutPolicy, lockoutErrors.notDefined(), tenant)

export const createPolicy = (ctx: Ctx, tenant: TenantScope | undefined, value: NewLockoutPolicy) =>
  settings.create(ctx, lockoutPolicy, value, lockoutErrors.taken(), tenant)

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
  const policies = settings.inForce(await settings.layers(ctx, [lockoutPolicy], tenantIds), lockoutPolicy, tenantIds, {
    override: true,
  })
  const limits = policies.filter((p) => p.enabled).map((p) => p.maxAttempts)
  return limits.length ? Math.min(...limits) : undefined
}

/** Whose password was guessed at: a user's, or, for nobody's, the name that was typed. */
export type Target = { userId: string } | { name: string }

/**
 * Counts a wrong password or second factor, exactly also when many arrive at once, and at the limit locks the user and ends
 * what is under way in its name. Names that are nobody's are counted alike, for the same work. To be called outside of any
 * transaction that the refusal of the login would roll back.
 * @returns `counted`: false for one that came when there had been enough; `locked`: this very one was the last, and the user
 * should be told by mail (UnlockUser)
 */
export async function failed(ctx: Ctx, target: Target): Promise<{ counted: boolean; locked: boolean }> {
  const limit = await limitOf(ctx, 'userId' in target ? target.userId : ctx.random.uuid())
  if (limit === undefined) return { counted: true, locked: false }
  return ctx.atomically((tx) =>
    'userId' in target ? countOf(tx, target.userId, limit) : countOfName(tx, target.name, limit),
  )
}

async function countOf(tx: Ctx, id: string, limit: number) {
  const now = tx.clock.now()
  const { count } = await tx.db.user.updateMany({
    where: { id, isLocked: false, failedLogins: { lt: limit } },
    data: { failedLogins: { increment: 1 } },
  })
  const last = await tx.db.user.updateMany({
    where: { id, isLocked: false, failedLogins: { gte: limit } },
    data: { isLocked: true, lockedAt: now, updatedAt: now },
  })
  if (last.count) await access.end(tx, id)
  return { counted: count === 1, locked: last.count === 1 }
}

/** For how long a name that is nobody's is remembered after the last guess. Whoever waits longer learns that it is. */
const NAME_MS = 30 * DAY

async function countOfName(tx: Ctx, name: string, limit: number) {
  const id = idOf(tx, name),
    now = tx.clock.now(),
    expiresAt = after(now, NAME_MS)
  await tx.db.challenge.createMany({
    data: [{ id, purpose: 'lockout', secretHash: hashOf(tx, name), maxAttempts: limit, createdAt: now, expiresAt }],
    skipDuplicates: true,
  })
  const [row] = await tx.db.challenge.updateManyAndReturn({
    where: { id, attempts: { lt: limit } },
    data: { attempts: { increment: 1 }, maxAttempts: limit, expiresAt },
    select: { attempts: true },
  })
  const locked = row?.attempts === limit
  if (locked) await access.end(tx, tx.random.uuid())
  return { counted: row !== undefined, locked }
}

/** Whether a name that is nobody's has been guessed at so often that it would be locked. */
export async function isNameLocked(ctx: Ctx, name: string) {
  const row = await ctx.db.challenge.findFirst({
    where: { id: idOf(ctx, name) },
    select: { attempts: true, maxAttempts: true },
  })
  return row !== null && row.attempts >= row.maxAttempts
}

/** Names are few enough to try, so they are kept under the server's key. */
const hashOf = (ctx: Ctx, name: string) =>
  ctx.deps.secrets.digest(`${ctx.vendorId} lockout ${name.trim().toLowerCase()}`)
/** One row of a name, whoever comes first. */
const idOf = (ctx: Ctx, name: string) =>
  hashOf(ctx, name).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5')
