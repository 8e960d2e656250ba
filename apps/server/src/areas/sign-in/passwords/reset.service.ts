import type { User } from '@henhouse/database'
import { canonicalEmail } from '../../../kernel/email-addresses.ts'
import { find, issue, mustAnswer, redeem, revoke, type ChallengeKind } from '../../../kernel/challenges.ts'
import { DAY, MINUTE } from '../../../kernel/clock.ts'
import { discreetly } from '../../../kernel/discretion.ts'
import { isUuid } from '../../../kernel/environments.ts'
import { ApiError, invalid } from '../../../kernel/errors.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import * as identitySettings from '../../policies/identity-settings/identity-settings.service.ts'
import { loginErrors } from '../login/login.errors.ts'
import { linkTo } from '../../delivery/mail/links.ts'
import * as mail from '../../delivery/mail/mail.service.ts'
import * as phoneNumbers from '../../people/phone-numbers/phone-numbers.service.ts'
import { mustBeUnchanged, type Seen } from '../../access/tokens/refresh-tokens.service.ts'
import { smsErrors } from '../../delivery/sms/sms.errors.ts'
import { masked } from '../../delivery/sms/sms.schemas.ts'
import * as sms from '../../delivery/sms/sms.service.ts'
import * as userEmails from '../../people/user-emails/user-emails.service.ts'
import { userErrors } from '../../people/users/users.errors.ts'
import { mailDataOf, nobody } from '../../delivery/mail/person.ts'
import * as users from '../../people/users/users.service.ts'
import { passwordsErrors } from './passwords.errors.ts'
import type { ForgottenPassword, Identified, NewPassword, ResetToken } from './passwords.schemas.ts'
import * as userPools from '../user-pools/user-pools.service.ts'
import * as passwords from './passwords.service.ts'
import * as events from '../../rights/events/events.service.ts'

const FORGOT = 'frontegg.user.forgotPassword'

const [token, code] = users.passwordResets
export const TOKEN_MS = DAY
const CODE_MS = 10 * MINUTE

/** In the first version the e-mail address may stand alone. */
export function identifiedBy({ email, identifier, identifierType, emailMetadata }: ForgottenPassword): Identified {
  const given = identifier ?? email
  if (!given?.trim()) throw invalid('email should not be empty')
  return {
    identifier: given,
    identifierType: identifier === undefined ? 'email' : (identifierType ?? 'email'),
    ...(emailMetadata && { emailMetadata }),
  }
}

/** Mails a link. For an unknown user it does the same work but writes no mail, so that neither answer nor time reveals who has an account. */
export async function mailLink(ctx: Ctx, wanted: Identified) {
  const { user, to } = await recipient(ctx, wanted, 'email'),
    secret = ctx.random.token(),
    person = user ?? nobody(ctx, to)
  const id = await renew(ctx, token, { secret, lifetimeMs: TOKEN_MS, user, data: { email: to }, forgot: true }),
    redirectURL = await address(ctx, person.id, secret)
  await discreetly(ctx, !!user, (tx) =>
    mail.send(tx, {
      template: 'ResetPassword',
      to,
      userId: user?.id,
      tenantId: user?.activeTenantId ?? undefined,
      lifetimeMs: TOKEN_MS,
      data: { ...mailDataOf(person, wanted), redirectURL },
    }),
  )
  return { sessionId: id, isKnown: user !== null }
}

/** Sends a code to the user's phone; for an unknown user, as above. @throws 400 when no SMS provider is configured */
export async function sendCode(ctx: Ctx, wanted: Identified) {
  const { user, to } = await recipient(ctx, wanted, 'phoneNumber'),
    secret = ctx.random.digits(6)
  const id = await renew(ctx, code, { secret, lifetimeMs: CODE_MS, user, data: { to }, forgot: true })
  await discreetly(ctx, !!user, (tx) =>
    sms.send(tx, {
      template: 'ResetPassword',
      to,
      userId: user?.id,
      tenantId: user?.activeTenantId ?? undefined,
      data: { code: secret },
    }),
  )
    // a message about the number may reach only callers who know it
    .catch((error: unknown) => {
      throw error instanceof ApiError ? smsErrors.notSent(masked(wanted.identifier)) : error
    })
  return { sessionId: id }
}

/** Exchanges the code for a token to set the password with. @throws 401 or 400 for the code */
export async function exchangeCode(ctx: Ctx, { sessionId, otcToken }: { sessionId: string; otcToken: string }) {
  const used = await mustAnswer(ctx, code, sessionId, otcToken)
  const user =
    used.userId === null
      ? null
      : await ctx.db.user.findUnique({ where: { id: used.userId }, select: { id: true, passwordChangedAt: true } })
  if (!user || !users.hasPasswordSince(user, used)) throw passwordsErrors.invalidToken()
  return { userId: user.id, token: await tokenFor(ctx, user) }
}

/** A token for a user who has authenticated in another way. @throws 401 when the password has been changed since, 423 */
export async function tokenFor(ctx: Ctx, seen: Seen) {
  const secret = ctx.random.token()
  await ctx.atomically(async (tx) => {
    await mustBeUnchanged(tx, seen)
    await renew(tx, token, { secret, lifetimeMs: TOKEN_MS, user: seen })
  })
  return secret
}

/** A link for management to hand out itself; nothing is sent. @throws 404 */
export async function linkFor(ctx: Ctx, userId: string) {
  const user = await ctx.db.user.findUnique({ where: { id: userId }, select: { id: true, email: true } })
  if (!user) throw userErrors.notFound()
  return { userId: user.id, ...(await makeLink(ctx, user)) }
}

/** The link counts as mailed: using it verifies the address. */
export async function makeLink(ctx: Ctx, user: Pick<User, 'id' | 'email'>, template?: 'PwnedPassword') {
  const secret = ctx.random.token()
  await renew(ctx, token, {
    secret,
    lifetimeMs: TOKEN_MS,
    user,
    data: user.email === null ? {} : { email: user.email },
  })
  return { token: secret, link: await address(ctx, user.id, secret, template) }
}

/** @throws 400 for an unknown or replaced token, 410 for an expired or used one */
export async function validate(ctx: Ctx, { userId, token: secret }: ResetToken) {
  const found = await lookUp(ctx, userId, secret)
  if (found.state === 'ok') return
  throw found.state === 'unknown' ? passwordsErrors.invalidToken() : passwordsErrors.tokenOver()
}

/** Sets the password. Checks everything before the token is used up, so that a weak password does not cost the token. A lock stays. @throws 400 */
export async function finish(ctx: Ctx, { userId, token: secret, password }: NewPassword) {
  if ((await lookUp(ctx, userId, secret)).state !== 'ok') throw passwordsErrors.invalidToken()
  const passwordHash = await passwords.accepted(ctx, userId, password)
  await ctx.atomically(async (tx) => {
    // locks the user first, as everything that issues tokens does
    const user = await users.locked(tx, userId),
      used = await redeem(tx, token, secret)
    if (used.state !== 'ok') throw passwordsErrors.invalidToken()
    const { email } = used.challenge.data as { email?: string }
    await passwords.put(tx, userId, passwordHash, { verified: email !== undefined && email === user.email })
  })
}

/** A token is also dead when the password has changed since, or when all accounts have disabled the user. */
async function lookUp(ctx: Ctx, userId: string, secret: string) {
  const found = isUuid(userId) ? await find(ctx, token, secret) : { state: 'unknown' as const }
  if (found.state !== 'ok') return found
  const { challenge } = found
  const user =
    challenge.userId === userId.toLowerCase() ? await ctx.db.user.findUnique({ where: { id: userId } }) : null
  return user && users.hasPasswordSince(user, challenge) && !(await isKeptOut(ctx, user))
    ? found
    : { state: 'unknown' as const }
}

async function isKeptOut(ctx: Ctx, { id, superUser }: Pick<User, 'id' | 'superUser'>) {
  const rows = await ctx.db.membership.findMany({
      where: { userId: id },
      select: { isDisabled: true, expiresAt: true },
    }),
    now = ctx.clock.now()
  return (
    !superUser &&
    rows.length > 0 &&
    rows.every((row) => row.isDisabled || (row.expiresAt !== null && row.expiresAt <= now))
  )
}

/** The user and the place to send to: the given address or number, else the user's own. Null: no user may have it. @throws 400 where there are no passwords */
async function recipient(
  ctx: Ctx,
  { identifier, identifierType }: Identified,
  channel: 'email' | 'phoneNumber',
): Promise<{ user: User | null; to: string }> {
  if (!(await identitySettings.current(ctx)).authStrategy.endsWith('Password')) throw loginErrors.strategyOff()
  const given = identifierType === 'phoneNumber' ? users.plain(identifier.trim()) : canonicalEmail(identifier.trim())
  const user = await { email: userEmails.ownerOf, phoneNumber: phoneNumbers.ownerOf, username: users.byUsername }[
    identifierType
  ](ctx, given)
  const to = identifierType === channel ? given : (user?.[channel] ?? null)
  // runs for an unknown user, too, so that the answer takes the same time. An unverified number may be a stranger's
  const keptOut = await isKeptOut(ctx, user ?? { id: ctx.random.uuid(), superUser: false }),
    isElsewhere = user?.managedBy === 'external' && (await userPools.keepsUser(ctx, user.id)),
    owner = channel === 'phoneNumber' ? await phoneNumbers.ownerOf(ctx, to ?? given) : user
  // a user with another provider, or of a source that keeps its users, has their password there
  const mayHaveIt =
    user && to !== null && user.provider === 'local' && !keptOut && !isElsewhere && owner?.id === user.id
  return mayHaveIt ? { user, to } : { user: null, to: given }
}

interface Renewal {
  secret: string
  lifetimeMs: number
  user: (Pick<User, 'id'> & { activeTenantId?: string | null }) | null
  data?: object
  /** somebody has said so, who may be anybody */
  forgot?: true
}

/** Makes a new token or code, which replaces any older one. Those for unknown users are stored, too, so that wrong answers count alike. */
function renew(ctx: Ctx, kind: ChallengeKind, { secret, lifetimeMs, user, data, forgot }: Renewal) {
  return ctx.atomically(async (tx) => {
    await users.queueAt(tx, user?.id)
    await revoke(tx, user?.id ?? tx.random.uuid(), users.passwordResets)
    const { id } = await issue(tx, kind, {
      secret,
      lifetimeMs,
      // what nobody asked for about themselves is not kept
      ...(user && { userId: user.id, ...(data && { data }) }),
    })
    if (forgot && user) await events.record(tx, { key: FORGOT, userId: user.id, tenantId: user.activeTenantId })
    // takes as long for nobody
    else if (forgot) await events.recordNothing(tx, FORGOT)
    return id
  })
}

const address = (
  ctx: Ctx,
  userId: string,
  secret: string,
  template: 'ResetPassword' | 'PwnedPassword' = 'ResetPassword',
) => linkTo(ctx, template, { userId, token: secret })
