import type { Prisma } from '@henhouse/database'
import { codeErrors, issue, mustAnswer, revoke, type ChallengeKind } from '../../../kernel/challenges.ts'
import { after, MINUTE } from '../../../kernel/clock.ts'
import { isUuid } from '../../../kernel/environments.ts'
import type { Caller, Ctx, TenantScope, UserScope } from '../../../kernel/operation.ts'
import { inOrderOf, page, slice } from '../../../kernel/paging.ts'
import { countSending } from '../../access/codes/sendings.service.ts'
import * as sms from '../../delivery/sms/sms.service.ts'
import { selection } from '../users/user-list.service.ts'
import { userErrors } from '../users/users.errors.ts'
import * as users from '../users/users.service.ts'
import { phoneNumberErrors } from './phone-numbers.errors.ts'
import { toPhoneNumber, type PhoneNumberQuery } from './phone-numbers.schemas.ts'
import { phoneNumbersOf } from './phone-numbers.sql.ts'
import * as events from '../../rights/events/events.service.ts'

/** The code proves that the user has the phone. */
const verification: ChallengeKind = { purpose: 'phone-number', typed: true }
const removal: ChallengeKind = { purpose: 'phone-number-removal', typed: true }
export const CODE_MS = 10 * MINUTE

/** The user who has verified this number, with all columns: for logins and the like. */
export const ownerOf = async (ctx: Ctx, phoneNumber: string) =>
  (
    await ctx.db.phoneNumber.findFirst({
      where: { phoneNumber: users.plain(phoneNumber), verified: true },
      select: { user: true },
    })
  )?.user ?? null

/** A page of the numbers of the users that the caller may list. */
export async function list(ctx: Ctx, caller: Caller, tenant: TenantScope | undefined, query: PhoneNumberQuery) {
  const { _sortBy = 'createdAt', _order, _phoneNumber, userIds } = query,
    direction = _order === 'DESC' ? 'desc' : 'asc'
  const { where: user, crowd } = await selection(ctx, caller, tenant, {})
  if (crowd && _phoneNumber === undefined && !userIds) {
    const { ids, total } = await phoneNumbersOf(ctx, crowd, _sortBy, query)
    return page(
      inOrderOf(ids, await ctx.db.phoneNumber.findMany({ where: { id: { in: ids } } })).map(toPhoneNumber),
      total,
      query,
    )
  }
  const where: Prisma.PhoneNumberWhereInput = {
    user,
    ...(_phoneNumber !== undefined && { phoneNumber: users.plain(_phoneNumber) }),
    ...(userIds && { userId: { in: userIds.filter(isUuid) } }),
  }
  const [rows, total] = await Promise.all([
    ctx.db.phoneNumber.findMany({ where, orderBy: [{ [_sortBy]: direction }, { id: direction }], ...slice(query) }),
    ctx.db.phoneNumber.count({ where }),
  ])
  return page(rows.map(toPhoneNumber), total, query)
}

export const own = async (ctx: Ctx, user: UserScope) =>
  (
    await ctx.db.phoneNumber.findMany({ where: { userId: user.id }, orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] })
  ).map(toPhoneNumber)

/**
 * Adds an unverified number. If the user has added it before, sends another code.
 * @returns the code's token, unless no code is wanted
 * @throws 409 for a number that is verified already, or somebody else's
 */
export async function add(ctx: Ctx, user: UserScope, written: string, { verify }: { verify: boolean }) {
  const phoneNumber = users.plain(written),
    userId = user.id
  if (verify) await countSending(ctx, userId, phoneNumber)
  return ctx.atomically(async (tx) => {
    await users.locked(tx, userId)
    if (await tx.db.phoneNumber.count({ where: { userId, phoneNumber, verified: true } }))
      throw userErrors.phoneNumberTaken()
    await claim(tx, userId, phoneNumber, { verified: false })
    await events.record(tx, { key: 'user.phoneNumberAdded', userId })
    return verify
      ? { otcToken: await sendCode(tx, verification, { userId, to: phoneNumber, data: { phoneNumber } }) }
      : {}
  })
}

/** Sends a code to a number. With the code, the number is added and verified. @throws 409 for a number that is somebody else's */
export async function preverify(ctx: Ctx, user: UserScope, written: string) {
  const phoneNumber = users.plain(written),
    userId = user.id
  await mustBeFree(ctx, userId, phoneNumber)
  await countSending(ctx, userId, phoneNumber)
  return {
    otcToken: await ctx.atomically((tx) =>
      sendCode(tx, verification, { userId, to: phoneNumber, data: { phoneNumber } }),
    ),
  }
}

/** Verifies a number with its code. @throws 401 or 400 for the code; 409 when somebody else was faster */
export async function verify(ctx: Ctx, user: UserScope, { otcToken, code }: { otcToken: string; code: string }) {
  const { data } = await mustAnswer(ctx, verification, otcToken, code, user.id),
    { phoneNumber } = data as { phoneNumber: string }
  await users.mayBeUpdated(ctx, user.id, { phoneNumber })
  await ctx.atomically(async (tx) => {
    await hold(tx, user.id, phoneNumber)
    await events.record(tx, { key: 'user.phoneNumberVerified', userId: user.id })
  })
}

/** Sends the code for `confirmRemoval` to the number. @throws 404 */
export async function askRemoval(ctx: Ctx, user: UserScope, phoneId: string) {
  const { phoneNumber } = await mustBeOwn(ctx, user.id, phoneId)
  await countSending(ctx, user.id, phoneNumber)
  return {
    phoneId,
    otcToken: await ctx.atomically((tx) =>
      sendCode(tx, removal, { userId: user.id, to: phoneNumber, data: { phoneId } }),
    ),
  }
}

/** @throws 404; 401 or 400 for the code */
export async function confirmRemoval(
  ctx: Ctx,
  user: UserScope,
  phoneId: string,
  { otcToken, code }: { otcToken: string; code: string },
) {
  await mustBeOwn(ctx, user.id, phoneId)
  const { data } = await mustAnswer(ctx, removal, otcToken, code, user.id)
  if ((data as { phoneId: string }).phoneId !== phoneId) throw codeErrors.wrong()
  await remove(ctx, user.id, phoneId)
}

/** Adds a verified number on management's word. @throws 404 for the user; 409 for a number that is verified already, or somebody else's */
export async function addVerified(ctx: Ctx, userId: string, written: string) {
  const phoneNumber = users.plain(written)
  await users.mayBeUpdated(ctx, userId, { phoneNumber })
  await events.recording(ctx, { key: 'user.phoneNumberAdded', userId }, async (tx) => {
    await users.locked(tx, userId)
    if (await tx.db.phoneNumber.count({ where: { userId, phoneNumber, verified: true } }))
      throw userErrors.phoneNumberTaken()
    await hold(tx, userId, phoneNumber)
  })
}

/** Deletes a number. The oldest remaining verified one becomes the user's own. @throws 404 */
export async function remove(ctx: Ctx, userId: string, phoneId: string) {
  await users.mayBeUpdated(ctx, userId)
  await events.recording(ctx, { key: 'user.phoneNumberRemoved', userId, details: { phoneId } }, async (tx) => {
    const user = await users.locked(tx, userId),
      { phoneNumber } = await mustBeOwn(tx, userId, phoneId)
    if (user.phoneNumber === phoneNumber) {
      const next = await tx.db.phoneNumber.findFirst({
        where: { userId, verified: true, id: { not: phoneId } },
        orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
        select: { phoneNumber: true },
      })
      await users.mark(tx, { id: userId }, { phoneNumber: next?.phoneNumber ?? null })
    }
    await tx.db.phoneNumber.deleteMany({ where: { id: phoneId, userId } })
    await revoke(tx, userId, [removal])
  })
}

async function mustBeOwn(ctx: Ctx, userId: string, phoneId: string) {
  const found = await ctx.db.phoneNumber.findFirst({ where: { id: phoneId, userId }, select: { phoneNumber: true } })
  if (!found) throw phoneNumberErrors.notFound()
  return found
}

/** An unverified number that is no user's own. Another user can take it over. */
const unproved = (phoneNumber: string) => ({
  phoneNumber,
  verified: false,
  user: { OR: [{ phoneNumber: null }, { phoneNumber: { not: phoneNumber } }] },
})

/** @throws 409 for a number that is somebody else's. A free number may still be taken before it is verified: the unique index decides. */
export async function mustBeFree(ctx: Ctx, userId: string, phoneNumber: string) {
  if (await ctx.db.phoneNumber.count({ where: { phoneNumber, userId: { not: userId }, NOT: unproved(phoneNumber) } }))
    throw userErrors.phoneNumberTaken()
}

/**
 * Stores the number for the user. Replaces another user's unverified number at once if this one is verified, else when the
 * other's code has expired. So nobody can block a number by adding it.
 */
async function claim(tx: Ctx, userId: string, phoneNumber: string, { verified }: { verified: boolean }) {
  const now = tx.clock.now()
  await tx.db.phoneNumber.deleteMany({
    where: {
      ...unproved(phoneNumber),
      userId: { not: userId },
      ...(!verified && { updatedAt: { lte: after(now, -CODE_MS) } }),
    },
  })
  await tx.db.phoneNumber.createMany({
    data: [{ id: tx.random.uuid(), userId, phoneNumber, verified, createdAt: now, updatedAt: now }],
    skipDuplicates: true,
  })
  const { count } = await tx.db.phoneNumber.updateMany({
    where: { userId, phoneNumber },
    data: { updatedAt: now, ...(verified && { verified }) },
  })
  if (!count) throw userErrors.phoneNumberTaken()
}

/** Stores the number as verified, and as the user's own if they have none. @throws 409 when it is somebody else's */
export async function hold(tx: Ctx, userId: string, phoneNumber: string) {
  const user = await users.locked(tx, userId)
  await claim(tx, userId, phoneNumber, { verified: true })
  if (user.phoneNumber === null) await users.mark(tx, { id: userId }, { phoneNumber })
  return user
}

/** Sends a new code, which replaces any older one. @returns the token that names the code */
export async function sendCode(
  tx: Ctx,
  kind: ChallengeKind,
  { userId, to, data }: { userId: string; to: string; data: object },
) {
  const code = tx.random.digits(6)
  await revoke(tx, userId, [kind])
  const { id } = await issue(tx, kind, { secret: code, lifetimeMs: CODE_MS, userId, data })
  await sms.send(tx, { template: 'PhoneVerification', to, userId, data: { code } })
  return id
}
