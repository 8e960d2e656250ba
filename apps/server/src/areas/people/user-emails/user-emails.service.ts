import type { Prisma } from '@henhouse/database'
import { canonicalEmail } from '../../../kernel/email-addresses.ts'
import { issue, mustAnswer, type ChallengeKind } from '../../../kernel/challenges.ts'
import { after, HOUR } from '../../../kernel/clock.ts'
import { isUuid } from '../../../kernel/environments.ts'
import type { Caller, Ctx, TenantScope, UserScope } from '../../../kernel/operation.ts'
import { inOrderOf, page, slice } from '../../../kernel/paging.ts'
import { countSending } from '../../access/codes/sendings.service.ts'
import * as domains from '../../policies/domain-restrictions/domain-restrictions.service.ts'
import * as mail from '../../delivery/mail/mail.service.ts'
import * as userEmailsPolicy from '../../policies/user-emails-policy/user-emails-policy.service.ts'
import { selection } from '../users/user-list.service.ts'
import { userErrors } from '../users/users.errors.ts'
import { mailDataOf, originOf, type Origin, type OwnCtx, type Person } from '../../delivery/mail/person.ts'
import * as users from '../users/users.service.ts'
import { userEmailErrors } from './user-emails.errors.ts'
import { toUserEmail, withPrimary, type UserEmailQuery } from './user-emails.schemas.ts'
import { tenantIdsOf } from '../../rights/held/held.service.ts'
import { emailsOf } from './user-emails.sql.ts'
import * as events from '../../rights/events/events.service.ts'

const verification: ChallengeKind = { purpose: 'email', typed: true }
const CODE_MS = HOUR

/** The user with this e-mail address, with all columns: for logins and the like. The address is their own, verified or not, or another verified one. */
export const ownerOf = async (ctx: Ctx, email: string) => {
  const address = canonicalEmail(email)
  return (
    (
      await ctx.db.userEmail.findFirst({
        where: { email: address, OR: [{ verified: true }, { user: { email: address } }] },
        select: { user: true },
      })
    )?.user ?? null
  )
}

/** A page of the addresses of the users that the caller may list. */
export async function list(ctx: Ctx, caller: Caller, tenant: TenantScope | undefined, query: UserEmailQuery) {
  const { _sortBy = 'createdAt', _order, _email, userIds } = query,
    direction = _order === 'DESC' ? 'desc' : 'asc'
  const { where: user, crowd } = await selection(ctx, caller, tenant, {})
  if (crowd && _email === undefined && userIds === undefined) {
    const { ids, total } = await emailsOf(ctx, crowd, _sortBy, query)
    return page(
      inOrderOf(ids, await ctx.db.userEmail.findMany({ where: { id: { in: ids } }, include: withPrimary })).map(
        toUserEmail,
      ),
      total,
      query,
    )
  }
  const where: Prisma.UserEmailWhereInput = {
    user,
    ...(_email !== undefined && { email: canonicalEmail(_email) }),
    ...(userIds !== undefined && { userId: { in: userIds.split(',').filter(isUuid) } }),
  }
  const [rows, total] = await Promise.all([
    ctx.db.userEmail.findMany({
      where,
      include: withPrimary,
      orderBy: [{ [_sortBy]: direction }, { id: direction }],
      ...slice(query),
    }),
    ctx.db.userEmail.count({ where }),
  ])
  return page(rows.map(toUserEmail), total, query)
}

export const own = async (ctx: Ctx, user: UserScope) =>
  (
    await ctx.db.userEmail.findMany({
      where: { userId: user.id },
      include: withPrimary,
      orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
    })
  ).map(toUserEmail)

/**
 * Adds an address, and mails it a code unless it counts as verified. If the user has added it before, mails another code or
 * verifies it.
 * @throws 404 for the user; 409 for an address that is verified already, or somebody else's; 403 for a blocked domain
 */
export async function add(ctx: Ctx, userId: string, written: string, { verified }: { verified: boolean }) {
  const email = canonicalEmail(written)
  await mayTake(ctx, userId, email)
  if (verified) await users.mayBeUpdated(ctx, userId, { email })
  else await countSending(ctx, userId, email)
  return ctx.atomically(async (tx) => {
    const user = await users.locked(tx, userId)
    const known = await tx.db.userEmail.findFirst({ where: { userId, email }, select: { verified: true } })
    if (known?.verified) throw userErrors.emailTaken()
    if (verified) {
      await hold(tx, userId, email)
    } else {
      await claim(tx, userId, email, { verified })
      await sendCode(tx, user, verification, email)
    }
    await events.record(tx, { key: 'user.emailAdded', userId, details: { verified } })
    const row = await tx.db.userEmail.findFirstOrThrow({ where: { userId, email }, include: withPrimary })
    return { made: !known, userEmail: toUserEmail(row) }
  })
}

/** Verifies an address with its code. @throws 403 for a domain that is blocked by now; 401 or 400 for the code; 409 when somebody else was faster */
export async function verify(ctx: Ctx, user: UserScope, { email, code }: { email: string; code: string }) {
  await mayTake(ctx, user.id, canonicalEmail(email))
  await mustAnswerFor(ctx, user, verification, email, code)
  await users.mayBeUpdated(ctx, user.id, { email: canonicalEmail(email) })
  await ctx.atomically(async (tx) => {
    await hold(tx, user.id, canonicalEmail(email))
    await events.record(tx, { key: 'user.emailVerified', userId: user.id })
  })
}

/** @throws 404; 400 for the primary one; what a prehook says */
export async function remove(ctx: Ctx, userId: string, emailId: string) {
  await users.mayBeUpdated(ctx, userId)
  await events.recording(ctx, { key: 'user.emailRemoved', userId, details: { emailId } }, async (tx) => {
    const user = await users.locked(tx, userId)
    const found = await tx.db.userEmail.findFirst({ where: { id: emailId, userId }, select: { email: true } })
    if (!found) throw userEmailErrors.notFound()
    if (found.email === user.email) throw userEmailErrors.isPrimary()
    await tx.db.userEmail.deleteMany({ where: { id: emailId, userId } })
    await revokeFor(tx, userId, verification, found.email)
  })
}

/** Makes one of the user's verified addresses the primary one (`User.email`), and mails the former one. @throws 404; 400 for one that is not verified; what a prehook says */
export async function setPrimary(ctx: Ctx, userId: string, written: string, from?: Origin) {
  const email = canonicalEmail(written)
  await users.mayBeUpdated(ctx, userId, { email })
  await events.recording(ctx, { key: 'user.primaryEmailChanged', userId }, async (tx) => {
    const user = await users.locked(tx, userId)
    const found = await tx.db.userEmail.findFirst({ where: { userId, email }, select: { verified: true } })
    if (!found) throw userEmailErrors.notFound()
    if (email === user.email) return
    if (!found.verified) throw userEmailErrors.notVerified()
    await users.mark(tx, { id: userId }, { email, verified: true })
    await tellFormer(tx, user, from)
  })
}

/** As `setPrimary`, by the user themselves. @throws 403 where users may not change their address */
export async function choosePrimary(ctx: OwnCtx, user: UserScope, email: string) {
  await mustBeAllowed(ctx)
  await setPrimary(ctx, user.id, email, originOf(ctx))
}

/** @throws 403 */
export async function mustBeAllowed(ctx: Ctx) {
  if (!(await userEmailsPolicy.current(ctx)).allowEmailChange) throw userEmailErrors.changeOff()
}

/** For a new address: the environment and all the user's tenants must allow its domain. @throws 403 */
export async function mayTake(ctx: Ctx, userId: string, email: string) {
  if (!(await ctx.db.userEmail.count({ where: { userId, email, OR: [{ verified: true }, { user: { email } }] } })))
    await domains.mustAllow(ctx, email, await tenantIdsOf(ctx, userId))
}

/** Mails the former primary address that it was replaced, if it was verified. */
export async function tellFormer(tx: Ctx, former: Person & { verified: boolean }, from?: Origin) {
  if (former.email !== null && former.verified)
    await mail.send(tx, {
      template: 'EmailAddressChanged',
      to: former.email,
      userId: former.id,
      data: mailDataOf(former, { from }),
    })
}

/** An unverified address that is no user's primary one. Another user can take it over. */
const unproved = (email: string) => ({
  email,
  verified: false,
  user: { OR: [{ email: null }, { email: { not: email } }] },
})

/** @throws 409 for an address that is somebody else's. A free address may still be taken before it is verified: the unique index decides. */
export async function mustBeFree(ctx: Ctx, userId: string, email: string) {
  if (await ctx.db.userEmail.count({ where: { email, userId: { not: userId }, NOT: unproved(email) } }))
    throw userErrors.emailTaken()
}

/**
 * Stores the address for the user. Replaces another user's unverified address at once if this one is verified, else when the
 * other's code has expired. So nobody can block an address by adding it.
 */
async function claim(tx: Ctx, userId: string, email: string, { verified }: { verified: boolean }) {
  const now = tx.clock.now()
  await tx.db.userEmail.deleteMany({
    where: {
      ...unproved(email),
      userId: { not: userId },
      ...(!verified && { updatedAt: { lte: after(now, -CODE_MS) } }),
    },
  })
  await tx.db.userEmail.createMany({
    data: [{ id: tx.random.uuid(), userId, email, verified, createdAt: now, updatedAt: now }],
    skipDuplicates: true,
  })
  const { count } = await tx.db.userEmail.updateMany({
    where: { userId, email },
    data: { updatedAt: now, ...(verified && { verified }) },
  })
  if (!count) throw userErrors.emailTaken()
}

/** Stores the address as verified, and as the primary one if the user has none. @throws 409 when it is somebody else's */
async function hold(tx: Ctx, userId: string, email: string) {
  const user = await users.locked(tx, userId)
  await claim(tx, userId, email, { verified: true })
  // for the primary address, the user's row holds `verified`
  if (user.email === null || user.email === email) await users.mark(tx, { id: userId }, { email, verified: true })
}

/** Makes a new code for this address, which replaces any older one. */
export async function sendCode(tx: Ctx, user: Person, kind: ChallengeKind, email: string) {
  const code = tx.random.digits(6)
  await revokeFor(tx, user.id, kind, email)
  await issue(tx, kind, { secret: code, lifetimeMs: CODE_MS, userId: user.id, data: { email } })
  await mail.send(tx, {
    template: 'VerifyNewEmail',
    to: email,
    userId: user.id,
    lifetimeMs: CODE_MS,
    data: { ...mailDataOf(user), email, code },
  })
}

/** @throws 401 for a wrong code, or an address without one; 400 for an expired or used one */
export async function mustAnswerFor(
  ctx: Ctx,
  { id: userId }: UserScope,
  kind: ChallengeKind,
  email: string,
  code: string,
) {
  const latest = await ctx.db.challenge.findFirst({
    where: { userId, purpose: kind.purpose, data: { path: ['email'], equals: canonicalEmail(email) } },
    orderBy: [{ consumedAt: { sort: 'asc', nulls: 'first' } }, { createdAt: 'desc' }],
    select: { id: true },
  })
  await mustAnswer(ctx, kind, latest?.id ?? '', code, userId)
}

async function revokeFor(tx: Ctx, userId: string, { purpose }: ChallengeKind, email: string) {
  await tx.db.challenge.deleteMany({
    where: { userId, purpose, consumedAt: null, data: { path: ['email'], equals: email } },
  })
}
