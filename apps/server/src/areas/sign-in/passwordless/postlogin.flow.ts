import type { Challenge, User } from '@henhouse/database'
import { networkOf } from '../../../kernel/addresses.ts'
import { codeErrors, find, hashOf, mustAnswer, useUp } from '../../../kernel/challenges.ts'
import { MINUTE } from '../../../kernel/clock.ts'
import { ApiError } from '../../../kernel/errors.ts'
import { giveBack, spend } from '../../../kernel/limits.ts'
import type { HttpCtx } from '../../../kernel/operation.ts'
import * as guesses from '../../access/guesses/guesses.service.ts'
import type { IdentityConfiguration } from '../../policies/identity-settings/identity-settings.schemas.ts'
import { loginErrors } from '../login/login.errors.ts'
import type { LoginAnswer } from '../entry/entry.schemas.ts'
import * as login from '../login/login.service.ts'
import { mustBeVerified } from '../entry/verified-address.service.ts'
import * as users from '../../people/users/users.service.ts'
import * as device from './device.ts'
import { passwordlessErrors } from './passwordless.errors.ts'
import type { Shown } from './passwordless.schemas.ts'
import { mustBeAllowed, ways, type AttemptData, type Method } from './prelogin.service.ts'

/** The second half of a login without a password, step by step. @throws 400 or 401 for the link or code, 429 after too many codes, and as every login */
export async function postlogin(ctx: HttpCtx, method: Method, { token, invitationToken }: Shown): Promise<LoginAnswer> {
  const configuration = await mustBeAllowed(ctx, method)
  // this login has used up the link or code
  const proof = await (method === 'magiclink'
    ? linkRight(ctx, token, configuration)
    : codeRight(ctx, method, token, configuration))
  device.forget(ctx)
  const { to, invitation } = proof.data as unknown as AttemptData
  const user = await addressProved(ctx, method, to, await userOf(ctx, proof))
  await mustBeVerified(ctx, user, configuration)
  return login.complete(ctx, user, {
    // given now, or earlier with the request for the link or code, which may be used in another browser
    invitationToken: invitationToken || (invitation && ctx.deps.secrets.open(invitation)),
  })
}

/** Another device does not use the link up, so it still works on the right one. */
async function linkRight(ctx: HttpCtx, token: string, { forceSameDeviceOnAuth }: IdentityConfiguration) {
  const found = await find(ctx, ways.magiclink, token)
  if (found.state === 'unknown') throw passwordlessErrors.linkNotFound()
  const { challenge, state } = found
  if (state === 'ok' && forceSameDeviceOnAuth && !device.matches(device.shown(ctx), challenge))
    return refused(ctx, challenge, passwordlessErrors.otherDevice())
  if (state === 'ok' && (await useUp(ctx, challenge)).state === 'ok') return challenge
  return refused(ctx, challenge, passwordlessErrors.linkExpired())
}

/** A link or code that does not log in is written down, as a wrong password is. @throws the refusal */
async function refused(ctx: HttpCtx, { userId }: Pick<Challenge, 'userId'>, refusal: unknown): Promise<never> {
  // with too many guesses, nothing was compared
  if (refusal instanceof ApiError && refusal.status !== 429) await guesses.wrongCode(ctx, userId)
  throw refusal
}

/**
 * The limits of wrong codes from one IP address. Six digits allow few guesses. Without a cookie a guess may match any attempt
 * from that address, so the limit is lower.
 */
const WRONG_CODES = { withCookie: { most: 50, perMs: 15 * MINUTE }, withoutCookie: { most: 10, perMs: 15 * MINUTE } }

/**
 * A code does not name its attempt; the browser's cookie does. A client without cookies is accepted when the code was
 * requested from the same IP address and no other attempt could be meant.
 */
async function codeRight(ctx: HttpCtx, method: Method, code: string, { forceSameDeviceOnAuth }: IdentityConfiguration) {
  const known = await attemptOfDevice(ctx, method)
  if (!known && forceSameDeviceOnAuth) throw passwordlessErrors.otherDevice()
  const kind = known ? 'withCookie' : 'withoutCookie',
    tries = { name: `login code ${kind}`, about: networkOf(ctx.http.ip) }
  // counts as wrong until it is checked, so that simultaneous tries cannot pass the limit
  await spend(ctx, tries, WRONG_CODES[kind])
  const attempt = known ?? (await attemptOfAddress(ctx, method, code))
  const challenge = await mustAnswer(ctx, ways[method], attempt.id, code, undefined, attempt.ip).catch(
    (error: unknown) => refused(ctx, attempt, error),
  )
  await giveBack(ctx, tries, WRONG_CODES[kind])
  return challenge
}

async function attemptOfDevice(ctx: HttpCtx, method: Method) {
  const known = device.shown(ctx)
  if (!known.length) return undefined
  const attempts = await ctx.db.challenge.findMany({
    where: { id: { in: known.map(({ attemptId }) => attemptId) }, purpose: ways[method].purpose },
  })
  const attempt = attempts.find((one) => device.matches(known, one))
  return attempt && { id: attempt.id, userId: attempt.userId, ip: (attempt.data as unknown as AttemptData).ip }
}

async function attemptOfAddress(ctx: HttpCtx, method: Method, code: string) {
  const ip = ctx.deps.secrets.digest('ip addresses', ctx.http.ip)
  const [first, second] = await ctx.db.challenge.findMany({
    where: {
      purpose: ways[method].purpose,
      secretHash: hashOf(ctx, ways[method], code, ip),
      consumedAt: null,
      expiresAt: { gt: ctx.clock.now() },
    },
    select: { id: true, userId: true },
    take: 2,
  })
  if (!first || second) throw codeErrors.wrong()
  return { ...first, ip }
}

async function userOf(ctx: HttpCtx, proof: Challenge) {
  const { userId } = proof
  const user = userId === null ? null : await ctx.db.user.findUnique({ where: { id: userId } })
  // a guessed code of an attempt for an unknown user, or the password has changed since the code was sent
  if (!user || !users.hasPasswordSince(user, proof)) return refused(ctx, proof, codeErrors.wrong())
  if (user.isLocked) throw loginErrors.locked()
  return user
}

/** Verifies only the address or number that the code was sent to, if it is still the user's. */
async function addressProved(ctx: HttpCtx, method: Method, to: AttemptData['to'], user: User) {
  if (method === 'smscode') {
    if (to === user.phoneNumber) await users.vouchForNumber(ctx, user)
    return user
  }
  if (user.verified || to !== user.email) return user
  await users.mark(ctx, { id: user.id, email: to }, { verified: true })
  return { ...user, verified: true }
}
