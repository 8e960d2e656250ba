import type { Prisma } from '@henhouse/database'
import { issue, mustAnswer, type ChallengeKind } from '../../../kernel/challenges.ts'
import { after, HOUR } from '../../../kernel/clock.ts'
import { isUuid } from '../../../kernel/environments.ts'
import type { Ctx, TenantScope, UserCaller, UserScope, VendorCaller } from '../../../kernel/operation.ts'
import { inOrderOf, page, slice } from '../../../kernel/paging.ts'
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

const verification: ChallengeKind = { purpose: 'email', typed: true }
const CODE_MS = HOUR

/** Whose e-mail address this is, with all columns: for logging in and the like. Beside a user's own, which may be unverified, those that it has verified. */
export const ownerOf = async (ctx: Ctx, email: string) => {
  const address = email.toLowerCase()
  return (
    (
      await ctx.db.userEmail.findFirst({
        where: { email: address, OR: [{ verified: true }, { user: { email: address } }] },
        select: { user: true },
      })
    )?.user ?? null
  )
}

/** A page of the addresses of those users whom the caller sees in lists. */
export async function list(
  ctx: Ctx,
  caller: VendorCaller | UserCaller,
  tenant: TenantScope | undefined,
  query: UserEmailQuery,
) {
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
    ...(_email !== undefined && { email: _email.toLowerCase() }),
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
 * Gives the user one more address, and mails it a code unless it is known to be the user's. For one that is there and still
 * to be verified just that is done.
 * @throws 404 for the user; 409 for an address that is verified already, or somebody else's; 403 for one from a domain that is kept out
 */
export async function add(ctx: Ctx, userId: string, written: string, { verified }: { verified: boolean }) {
  const email = written.toLowerCase()
  await mayTake(ctx, userId, email)
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
    const row = await tx.db.userEmail.findFirstOrThrow({ where: { userId, email }, include: withPrimary })
    return { made: !known, userEmail: toUserEmail(row) }
  })
}

/** The user can read what is sent to the address. @throws 403 for a domain that is kept out by now; 401 or 400 for the code; 409 when somebody else has been faster */
export async function verify(ctx: Ctx, user: UserScope, { email, code }: { email: string; code: string }) {
  await mayTake(ctx, user.id, email.toLowerCase())
  await mustAnswerFor(ctx, user, verification, email, code)
  await ctx.atomically((tx) => hold(tx, user.id, email.toLowerCase()))
}

/** @throws 404; 400 for the primary one */
export function remove(ctx: Ctx, userId: string, emailId: string) {
  return ctx.atomically(async (tx) => {
    const user = await users.locked(tx, userId)
    const found = await tx.db.userEmail.findFirst({ where: { id: emailId, userId }, select: { email: true } })
    if (!found) throw userEmailErrors.notFound()
    if (found.email === user.email) throw userEmailErrors.isPrimary()
    await tx.db.userEmail.deleteMany({ where: { id: emailId, userId } })
    await revokeFor(tx, userId, verification, found.email)
  })
}

/** Makes one of the user's verified addresses its own (`User.email`), and tells the one that was. @throws 404; 400 for one that is not verified */
export function setPrimary(ctx: Ctx, userId: string, written: string, from?: Origin) {
  const email = written.toLowerCase()
  return ctx.atomically(async (tx) => {
    const user = await users.locked(tx, userId)
    const found = await tx.db.userEmail.findFirst({ where: { userId, email }, select: { verified: true } })
    if (!found) throw userEmailErrors.notFound()
    if (email === user.email) return
    if (!found.verified) throw userEmailErrors.notVerified()
    await users.mark(tx, { id: userId }, { email, verified: true })
    await tellFormer(tx, user, from)
  })
}

/** As `setPrimary`, by the user itself. @throws 403 where users may not change their address */
export async function choosePrimary(ctx: OwnCtx, user: UserScope, email: string) {
  await mustBeAllowed(ctx)
  await setPrimary(ctx, user.id, email, originOf(ctx))
}

/** @throws 403 */
export async function mustBeAllowed(ctx: Ctx) {
  if (!(await userEmailsPolicy.current(ctx)).allowEmailChange) throw userEmailErrors.changeOff()
}

/** Whether the user may come by an address that is neither its own nor verified so far: its environment and all its tenants must. @throws 403 */
export async function mayTake(ctx: Ctx, userId: string, email: string) {
  if (!(await ctx.db.userEmail.count({ where: { userId, email, OR: [{ verified: true }, { user: { email } }] } })))
    await domains.mustAllow(ctx, email, await tenantIdsOf(ctx, userId))
}

/** Tells an address that it no longer is the user's own; nobody who never showed that it was. */
export async function tellFormer(tx: Ctx, former: Person & { verified: boolean }, from?: Origin) {
  if (former.email !== null && former.verified)
    await mail.send(tx, {
      template: 'EmailAddressChanged',
      to: former.email,
      userId: former.id,
      data: mailDataOf(former, { from }),
    })
}

/** Not shown to be anybody's, and nobody's own: such an address gives way. */
const unproved = (email: string) => ({
  email,
  verified: false,
  user: { OR: [{ email: null }, { email: { not: email } }] },
})

/** @throws 409 for an address that is somebody else's. What is claimed now may still be taken before it is verified: the index decides then. */
export async function mustBeFree(ctx: Ctx, userId: string, email: string) {
  if (await ctx.db.userEmail.count({ where: { email, userId: { not: userId }, NOT: unproved(email) } }))
    throw userErrors.emailTaken()
}

/**
 * Writes the address down as the user's. Somebody else's unproved claim gives way to a proof at once, to another claim when
 * its code has run out: nobody keeps an address from its holder by naming it.
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

/** The address is the user's beyond doubt, and its own if it has none. @throws 409 when it is somebody else's */
async function hold(tx: Ctx, userId: string, email: string) {
  const user = await users.locked(tx, userId)
  await claim(tx, userId, email, { verified: true })
  // of the own one the user's row says whether it is verified
  if (user.email === null || user.email === email) await users.mark(tx, { id: userId }, { email, verified: true })
}

/** A new code for this address in the place of any before. */
export async function sendCode(tx: Ctx, user: Person, kind: ChallengeKind, email: string) {
  const code = tx.random.digits(6)
  await revokeFor(tx, user.id, kind, email)
  await issue(tx, kind, { secret: code, lifetimeMs: CODE_MS, userId: user.id, data: { email } })
  await mail.send(tx, {
    template: 'VerifyNewEmail',
    to: email,
    userId: user.id,
    data: { ...mailDataOf(user), email, code },
  })
}

/** @throws 401 for a wrong code, or none for that address; 400 for one that is over */
export async function mustAnswerFor(
  ctx: Ctx,
  { id: userId }: UserScope,
  kind: ChallengeKind,
  email: string,
  code: string,
) {
  const latest = await ctx.db.challenge.findFirst({
    where: { userId, purpose: kind.purpose, data: { path: ['email'], equals: email.toLowerCase() } },
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
