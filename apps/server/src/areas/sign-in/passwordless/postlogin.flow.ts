import type { Challenge, User } from '@henhouse/database'
import { networkOf } from '../../../kernel/addresses.ts'
import { codeErrors, find, hashOf, mustAnswer, redeem } from '../../../kernel/challenges.ts'
import { MINUTE } from '../../../kernel/clock.ts'
import { giveBack, spend } from '../../../kernel/limits.ts'
import type { HttpCtx } from '../../../kernel/operation.ts'
import type { IdentityConfiguration } from '../../policies/identity-settings/identity-settings.schemas.ts'
import { loginErrors } from '../login/login.errors.ts'
import type { LoginAnswer } from '../entry/entry.schemas.ts'
import * as login from '../login/login.service.ts'
import { mustBeVerified } from '../login/verified-address.service.ts'
import * as users from '../../people/users/users.service.ts'
import * as device from './device.ts'
import { passwordlessErrors } from './passwordless.errors.ts'
import type { Shown } from './passwordless.schemas.ts'
import { mustBeAllowed, ways, type AttemptData, type Method } from './prelogin.service.ts'

/** What is known so far; a step that comes later may count on those before it. */
interface Attempt {
  readonly method: Method
  readonly shown: Shown
  readonly configuration?: IdentityConfiguration
  /** used up by this very attempt */
  readonly proof?: Challenge
  readonly user?: User
  readonly answer?: LoginAnswer
}
type Step = (ctx: HttpCtx, attempt: Attempt) => Attempt | Promise<Attempt>

/** The second half of a login without a password, in the order in which it happens. */
const steps: readonly Step[] = [
  strategyAllowed,
  linkOrCodeRight,
  userNotLocked,
  addressProved,
  emailVerified,
  sessionStarted,
]

/** @throws 400 or 401 for the link or code, 429 after too many codes, and as every login */
export async function postlogin(ctx: HttpCtx, method: Method, shown: Shown): Promise<LoginAnswer> {
  let attempt: Attempt = { method, shown }
  for (const step of steps) attempt = await step(ctx, attempt)
  return attempt.answer!
}

async function strategyAllowed(ctx: HttpCtx, attempt: Attempt) {
  return { ...attempt, configuration: await mustBeAllowed(ctx, attempt.method) }
}

async function linkOrCodeRight(ctx: HttpCtx, attempt: Attempt) {
  const proof = await (attempt.method === 'magiclink' ? linkRight : codeRight)(ctx, attempt)
  device.forget(ctx)
  return { ...attempt, proof }
}

/** On another device it is not used up: it may be tried again on the right one. */
async function linkRight(ctx: HttpCtx, { shown: { token }, configuration }: Attempt) {
  const found = await find(ctx, ways.magiclink, token)
  if (
    found.state === 'ok' &&
    configuration!.forceSameDeviceOnAuth &&
    !device.matches(device.shown(ctx), found.challenge)
  )
    throw passwordlessErrors.otherDevice()
  const used = found.state === 'ok' ? await redeem(ctx, ways.magiclink, token) : found
  if (used.state === 'unknown') throw passwordlessErrors.linkNotFound()
  if (used.state !== 'ok') throw passwordlessErrors.linkExpired()
  return used.challenge
}

/**
 * How many wrong codes one address may send, whatever else is limited. Six digits bear few guesses; those without a cookie
 * may be about any attempt that was made from the address, so they must be fewer.
 */
const WRONG_CODES = { withCookie: { most: 50, perMs: 15 * MINUTE }, withoutCookie: { most: 10, perMs: 15 * MINUTE } }

/**
 * The code says nothing of whose it is. The browser's cookie does; clients that keep none are believed where the code was
 * asked for from the same address, and there is no other attempt that it could be for.
 */
async function codeRight(ctx: HttpCtx, { method, shown, configuration }: Attempt) {
  const code = shown.token.trim(),
    known = await attemptOfDevice(ctx, method)
  if (!known && configuration!.forceSameDeviceOnAuth) throw passwordlessErrors.otherDevice()
  const kind = known ? 'withCookie' : 'withoutCookie',
    tries = { name: `login code ${kind}`, about: networkOf(ctx.http.ip) }
  // counts as a wrong one for as long as it is looked at: no more are tried at once than one after the other
  await spend(ctx, tries, WRONG_CODES[kind])
  const { id, ip } = known ?? (await attemptOfAddress(ctx, method, code))
  const challenge = await mustAnswer(ctx, ways[method], id, code, undefined, ip)
  await giveBack(ctx, tries, WRONG_CODES[kind])
  return challenge
}

async function attemptOfDevice(ctx: HttpCtx, method: Method) {
  const known = device.shown(ctx)
  const attempt =
    known && (await ctx.db.challenge.findFirst({ where: { id: known.attemptId, purpose: ways[method].purpose } }))
  return attempt && device.matches(known, attempt)
    ? { id: attempt.id, ip: (attempt.data as unknown as AttemptData).ip }
    : undefined
}

async function attemptOfAddress(ctx: HttpCtx, method: Method, code: string) {
  const ip = ctx.deps.secrets.digest(ctx.http.ip)
  const [first, second] = await ctx.db.challenge.findMany({
    where: {
      purpose: ways[method].purpose,
      secretHash: hashOf(ctx, ways[method], code, ip),
      consumedAt: null,
      expiresAt: { gt: ctx.clock.now() },
    },
    select: { id: true },
    take: 2,
  })
  if (!first || second) throw codeErrors.wrong()
  return { id: first.id, ip }
}

async function userNotLocked(ctx: HttpCtx, attempt: Attempt) {
  const { userId } = attempt.proof!
  const user = userId === null ? null : await ctx.db.user.findUnique({ where: { id: userId } })
  // nobody's code, guessed; or a new password came between the code and this
  if (!user || !users.hasPasswordSince(user, attempt.proof!)) throw codeErrors.wrong()
  if (user.isLocked) throw loginErrors.locked()
  return { ...attempt, user }
}

/** Only what it was sent to, if that is still the user's. */
async function addressProved(ctx: HttpCtx, attempt: Attempt) {
  const user = attempt.user!,
    { to } = attempt.proof!.data as unknown as AttemptData
  if (attempt.method === 'smscode') {
    if (to === user.phoneNumber) await users.vouchForNumber(ctx, user)
    return attempt
  }
  if (user.verified || to !== user.email) return attempt
  await users.mark(ctx, { id: user.id, email: to }, { verified: true })
  return { ...attempt, user: { ...user, verified: true } }
}

async function emailVerified(ctx: HttpCtx, attempt: Attempt) {
  await mustBeVerified(ctx, attempt.user!, attempt.configuration!)
  return attempt
}

/** Invited by what is given now, or came with the request for the link or code, which may be used in another browser. */
async function sessionStarted(ctx: HttpCtx, attempt: Attempt) {
  const { invitation } = attempt.proof!.data as unknown as AttemptData
  const invitationToken = attempt.shown.invitationToken || (invitation && ctx.deps.secrets.open(invitation))
  return { ...attempt, answer: await login.complete(ctx, attempt.user!, { invitationToken }) }
}
