import type { Challenge } from '@henhouse/database'
import { after, MINUTE } from '../../../kernel/clock.ts'
import { ApiError } from '../../../kernel/errors.ts'
import { forget, spend, spending } from '../../../kernel/limits.ts'
import type { Ctx, HttpCtx, PersonCaller } from '../../../kernel/operation.ts'
import { fingerprint } from '../../../kernel/random.ts'
import * as guesses from '../../access/guesses/guesses.service.ts'
import { loginErrors } from '../login/login.errors.ts'
import type { LoginAnswer } from '../entry/entry.schemas.ts'
import * as mfaPolicy from '../../policies/mfa-policy/mfa-policy.service.ts'
import * as refreshTokens from '../../access/tokens/refresh-tokens.service.ts'
import { refuseChanged, type OpenSession, type Subject } from '../../access/tokens/refresh-tokens.service.ts'
import { sessionErrors } from '../../access/sessions/sessions.errors.ts'
import * as sessions from '../../access/sessions/sessions.service.ts'
import type { ActiveTenant } from '../../access/tokens/access-tokens.service.ts'
import * as users from '../../people/users/users.service.ts'
import { listOf, mailable, mfaTokens, type Kind } from './mfa-devices.service.ts'
import { issuing, tokenShown, trying as tryingToken, using as usingToken, type DeviceRow } from './mfa-tokens.sql.ts'
import { mfaErrors } from './mfa.errors.ts'
import { toMfaDevices, type MfaDevices } from './mfa.schemas.ts'
import * as remembered from './remembered-devices.service.ts'
import { newSecret, qrCodeOf } from './totp.ts'

const LIFETIME_MS = 10 * MINUTE

export interface Demand {
  readonly answer?: LoginAnswer
  /** a second factor would be required, but something stands in for it */
  readonly settled: boolean
}

/** Whether a user who has shown the first factor needs a second one, and the answer that asks for it. */
export async function demandOf(
  ctx: HttpCtx,
  user: Subject,
  tenant: ActiveTenant,
  invitationToken: string | undefined,
): Promise<Demand> {
  if (user.mfaBypass) return { settled: false }
  const rule = await mfaPolicy.requirement(ctx, tenant.tenantIds)
  if (!user.mfaEnrolled && rule.enforceMFAType === 'DontForce') return { settled: false }
  if (await remembered.recognizes(ctx, user.id, rule)) return { settled: true }
  return {
    settled: false,
    answer: await ask(
      ctx,
      user,
      tenant.id,
      invitationToken === undefined ? {} : { invitation: ctx.deps.secrets.seal(invitationToken) },
    ),
  }
}

/** Whether a session without a second factor needs one before it goes on in this tenant. */
export async function isWantedOf(ctx: Ctx, { mfaPassed, user }: OpenSession, { tenantIds }: ActiveTenant) {
  if (mfaPassed || user.mfaBypass) return false
  return (await mfaPolicy.requirement(ctx, tenantIds)).enforceMFAType !== 'DontForce'
}
export const demandOfSession = async (ctx: Ctx, session: OpenSession, tenant: ActiveTenant) =>
  (await isWantedOf(ctx, session, tenant)) ? ask(ctx, session.user, tenant.id, { askedIn: session.id }) : undefined

/** The session, with its user, if it lives. @throws 401 */
export async function livingSession(ctx: Ctx, caller: Pick<PersonCaller, 'userId' | 'sessionId'>) {
  const session = await refreshTokens.sessionOf(ctx, caller)
  if (!session) throw sessionErrors.ended()
  refreshTokens.mustLive(ctx, session, (await sessions.rulesOf(ctx, session.tenantId))(session.tenantId))
  return session
}

/** Whether the user has a second factor; a verified address counts where codes are mailed. */
export const isEnrolled = async (ctx: Ctx, user: Subject) =>
  user.mfaEnrolled || (await mailable(ctx, user)) !== undefined

/** What an MFA token stands for besides its user and tenant. */
export interface TokenData {
  /** the secret of an authenticator app that may be enrolled with it; sealed, like the recovery code */
  readonly secret?: string
  readonly recoveryCode?: string
  /** the session to step up; the new session replaces it */
  readonly sessionId?: string
  /** the session that goes on in another tenant */
  readonly askedIn?: string
  /** the invitation to accept at the end; sealed */
  readonly invitation?: string
}

export interface Asked {
  mfaToken: string
  mfaEnrolled: boolean
  mfaDevices: MfaDevices
  enrolment?: { secret: string; recoveryCode: string }
}

/** A token for a user who must show a second factor. A user without one may enrol one with it. @throws as `mustBeUnchanged` */
export async function issueToken(ctx: Ctx, user: Subject, tenantId: string, data: TokenData = {}): Promise<Asked> {
  const [rows, email] = await Promise.all([listOf(ctx, user.id), mailable(ctx, user)])
  const mfaEnrolled = rows.length > 0 || email !== undefined,
    mfaToken = ctx.random.token()
  const enrolment = mfaEnrolled ? undefined : { secret: newSecret(), recoveryCode: ctx.random.uuid() }
  const { seal } = ctx.deps.secrets
  const sealed: TokenData = enrolment
    ? { ...data, secret: seal(enrolment.secret), recoveryCode: seal(enrolment.recoveryCode) }
    : data
  await store(ctx, user, { mfaToken, tenantId, data: sealed })
  return { mfaToken, mfaEnrolled, mfaDevices: toMfaDevices(rows, email), ...(enrolment && { enrolment }) }
}

async function store(
  ctx: Ctx,
  { id, passwordChangedAt }: Subject,
  { mfaToken, tenantId, data }: { mfaToken: string; tenantId: string; data: TokenData },
) {
  const now = ctx.clock.now()
  const stored = await ctx.sql(
    issuing,
    now,
    id,
    passwordChangedAt,
    ctx.random.uuid(),
    mfaTokens.purpose,
    tenantId,
    fingerprint(mfaToken),
    mfaTokens.maxAttempts,
    after(now, LIFETIME_MS),
    JSON.stringify(data),
  )
  if (!stored.length) await refuseChanged(ctx, id)
}

async function ask(ctx: Ctx, user: Subject, tenantId: string, data: TokenData = {}): Promise<LoginAnswer> {
  const { enrolment, ...asked } = await issueToken(ctx, user, tenantId, data)
  return {
    mfaRequired: true,
    ...asked,
    ...(user.email !== null && { userEmail: user.email }),
    ...(enrolment && (await bootstrap(ctx, user, enrolment))),
  }
}

/** What a user without a second factor needs to enrol one. */
async function bootstrap(ctx: Ctx, user: Subject, { secret, recoveryCode }: { secret: string; recoveryCode: string }) {
  const mfaStrategies = await mfaPolicy.activeStrategies(ctx)
  return {
    mfaStrategies,
    recoveryCode,
    ...(mfaStrategies.includes('AuthenticatorApp') && (await scannable(ctx, user, secret))),
  }
}

/** A secret in the form that authenticator apps take. */
export async function scannable(ctx: Ctx, { email, name }: { email: string | null; name: string }, secret: string) {
  const { serviceName: issuer } = await mfaPolicy.configuration(ctx)
  return { secret, qrCode: await qrCodeOf(secret, { issuer, label: email ?? name }) }
}

export interface Attempt {
  readonly challenge: Pick<Challenge, 'id' | 'tenantId'>
  readonly user: Subject
  readonly data: TokenData
  /** of the user, the oldest first */
  readonly devices: readonly Device[]
}
type Device = Omit<DeviceRow, 'counter'> & { readonly counter: bigint | null }

/** What a token stands for. A new password ends the tokens from before it, and a session those that it asked for. @throws 401 for a token that is not valid, 423 */
export async function attemptOf(ctx: Ctx, mfaToken: string): Promise<Attempt> {
  const [row] = await ctx.sql(tokenShown, ctx.clock.now(), mfaTokens.purpose, fingerprint(mfaToken))
  if (!row || !users.hasPasswordSince(row, row)) throw mfaErrors.badToken()
  if (row.isLocked) throw loginErrors.locked()
  const data = row.data as TokenData,
    sessionId = data.sessionId ?? data.askedIn
  if (sessionId !== undefined) await livingSession(ctx, { userId: row.id, sessionId })
  return {
    challenge: { ...row, id: row.challengeId },
    user: row,
    data,
    devices: row.devices.map((device) => ({
      ...device,
      counter: device.counter === null ? null : BigInt(device.counter),
    })),
  }
}

/** The device of the token's user that they are asked for. @throws 404 */
export function deviceOf({ devices }: Attempt, kind: Kind, id: string) {
  const found = devices.find((device) => device.kind === kind && device.id === id.toLowerCase())
  if (!found) throw mfaErrors.noDevice()
  return found
}

/** Counts a try. Call it before a code is checked, so that simultaneous tries cannot pass the limit. @throws 401, 429 */
export async function countTry(ctx: Ctx, { challenge, user }: Attempt) {
  const { key, expiresAt, heed } = spending(ctx, triesOf(user.id), TRIES)
  const [row] = await ctx.sql(tryingToken, ctx.clock.now(), challenge.id, key, expiresAt)
  if (!row) throw mfaErrors.badToken()
  heed(row.count)
}

/** Uses the token up after a right second factor, and clears the count of tries. Of many calls at once, one succeeds. @throws 401 */
export async function useUp(ctx: Ctx, { challenge, user }: Attempt) {
  const used = await ctx.sql(usingToken, ctx.clock.now(), challenge.id, spending(ctx, triesOf(user.id), TRIES).key)
  if (!used.length) throw mfaErrors.badToken()
}

/** Counts and makes a try of a factor that the user has. A wrong one also counts as a wrong password. @throws as `check`, 401, 423, 429 */
export async function trying<T>(ctx: Ctx, attempt: Attempt, check: () => Promise<T>): Promise<T> {
  await countTry(ctx, attempt)
  return check().catch(async (error: unknown) => {
    if (error instanceof ApiError && error.status === 401) await guesses.wrong(ctx, attempt.user, attempt.user.id)
    throw error
  })
}

/** Limits the tries of one user over all tokens. */
const TRIES = { most: 20, perMs: 10 * MINUTE }
const triesOf = (userId: string) => ({ name: 'second factor', about: userId })

/**
 * As `countTry`, over all tokens: with the password, a guesser can get any number of tokens (OWASP Multifactor Authentication
 * Cheat Sheet; RFC 4226 §7.3). Only a right code clears the count. Do not call it in a transaction. @throws 429
 */
export const countTryOf = (ctx: Ctx, userId: string) => spend(ctx, triesOf(userId), TRIES)
export const forgetTries = (ctx: Ctx, userId: string) => forget(ctx, triesOf(userId), TRIES)
