import type { User } from '@henhouse/database'
import { canonicalEmail } from '../../../kernel/email-addresses.ts'
import { issue, revoke, type ChallengeKind } from '../../../kernel/challenges.ts'
import { SECOND } from '../../../kernel/clock.ts'
import { discreetly } from '../../../kernel/discretion.ts'
import { isUuid } from '../../../kernel/environments.ts'
import { ApiError, invalid } from '../../../kernel/errors.ts'
import type { Ctx, HttpCtx } from '../../../kernel/operation.ts'
import { fingerprint } from '../../../kernel/random.ts'
import * as captcha from '../../policies/captcha-policy/captcha-policy.service.ts'
import * as identitySettings from '../../policies/identity-settings/identity-settings.service.ts'
import type { IdentityConfiguration } from '../../policies/identity-settings/identity-settings.schemas.ts'
import { loginErrors } from '../login/login.errors.ts'
import { linkTo } from '../../delivery/mail/links.ts'
import * as mail from '../../delivery/mail/mail.service.ts'
import * as phoneNumbers from '../../people/phone-numbers/phone-numbers.service.ts'
import { smsErrors } from '../../delivery/sms/sms.errors.ts'
import { masked } from '../../delivery/sms/sms.schemas.ts'
import * as sms from '../../delivery/sms/sms.service.ts'
import * as userEmails from '../../people/user-emails/user-emails.service.ts'
import { mailDataOf, nobody } from '../../delivery/mail/person.ts'
import * as users from '../../people/users/users.service.ts'
import * as device from './device.ts'
import { passwordlessErrors } from './passwordless.errors.ts'
import type { PersonOrPhone } from './passwordless.schemas.ts'

export type Method = 'magiclink' | 'code' | 'smscode'
interface Way extends ChallengeKind {
  readonly strategies: readonly IdentityConfiguration['authStrategy'][]
}
export const ways: Record<Method, Way> = {
  magiclink: { purpose: 'magic-link', strategies: ['MagicLink', 'UsernameAndMagicLink'] },
  code: { purpose: 'login-code', typed: true, strategies: ['Code', 'UsernameAndCode'] },
  smscode: { purpose: 'login-sms', typed: true, strategies: ['SmsCode', 'UsernameAndSms'] },
}

/** What an attempt stores besides the hash of its link or code. */
export interface AttemptData {
  /** hash of the secret in the browser's cookie */
  device: string
  /** keyed hash of the requesting IP address (a plain hash could be found by trying all addresses); the code's key contains it, so that code and address find the attempt */
  ip: string
  /** the address or number it was sent to; using it verifies that */
  to: string
  /** sealed token */
  invitation?: string
}

/** @throws 400 where this way to log in is off */
export async function mustBeAllowed(ctx: Ctx, method: Method) {
  const configuration = await identitySettings.current(ctx)
  if (!ways[method].strategies.includes(configuration.authStrategy)) throw loginErrors.strategyOff()
  return configuration
}

/** Mails a link or a code. For an unknown user it does the same work, but sends no mail. @throws 400 */
export async function byMail(ctx: HttpCtx, method: 'magiclink' | 'code', person: PersonOrPhone) {
  const configuration = await admitted(ctx, method, person)
  const user = await wanted(ctx, person),
    to = canonicalEmail(person.email?.trim() ?? '') || user?.email || null
  const recipient = to === null ? null : user
  const secret = method === 'magiclink' ? ctx.random.token() : ctx.random.digits(6)
  await begin(ctx, { method, secret, user: recipient, to: to ?? 'nobody', configuration, person })
  const content =
    method === 'magiclink' ? { redirectURL: await linkTo(ctx, 'MagicLink', { token: secret }) } : { code: secret }
  await discreetly(ctx, !!recipient, (tx) =>
    mail.send(tx, {
      template: method === 'magiclink' ? 'MagicLink' : 'OTC',
      to: to ?? 'nobody',
      userId: recipient?.id,
      tenantId: recipient?.activeTenantId ?? undefined,
      lifetimeMs: configuration.defaultPasswordlessTokenExpiration * SECOND,
      data: { ...mailDataOf(recipient ?? nobody(ctx, null)), ...content },
    }),
  )
}

/**
 * Sends a code to a phone. An unknown number is answered like a known one. A user who is named in another way and has no
 * number of their own is answered like an unknown user.
 * @throws 400
 */
export async function bySms(ctx: HttpCtx, person: PersonOrPhone) {
  const configuration = await admitted(ctx, 'smscode', person)
  const user = await wanted(ctx, person),
    typed = byPhone(person) ? users.plain(person.phoneNumber!.trim()) : undefined
  const to = typed ?? (await numberOf(ctx, user))
  if (to === null) throw passwordlessErrors.noPhone()
  const secret = ctx.random.digits(6)
  await begin(ctx, { method: 'smscode', secret, user, to, configuration, person })
  await discreetly(ctx, !!user, (tx) =>
    sms.send(tx, {
      template: 'SignIn',
      to,
      userId: user?.id,
      tenantId: user?.activeTenantId ?? undefined,
      data: { code: secret },
    }),
  ).catch((error: unknown) => {
    throw error instanceof ApiError ? smsErrors.notSent(masked(to)) : error
  })
  return { phoneNumber: masked(to) }
}

async function admitted(ctx: HttpCtx, method: Method, person: PersonOrPhone) {
  const { email, recaptchaToken } = person
  if (
    !email?.trim() &&
    !person.userId?.trim() &&
    !person.username?.trim() &&
    !(method === 'smscode' && byPhone(person))
  )
    throw invalid('Either email or username must be provided')
  await captcha.mustPass(ctx, { token: recaptchaToken, email, ip: ctx.http.ip })
  return mustBeAllowed(ctx, method)
}

const byPhone = ({ email, userId, username, phoneNumber }: PersonOrPhone) =>
  !email?.trim() && !userId?.trim() && !username?.trim() && !!phoneNumber?.trim()

async function wanted(ctx: Ctx, { email, userId, username, phoneNumber }: PersonOrPhone): Promise<User | null> {
  if (email?.trim()) return userEmails.ownerOf(ctx, email.trim())
  if (userId?.trim()) return isUuid(userId) ? ctx.db.user.findUnique({ where: { id: userId } }) : null
  if (username?.trim()) return users.byUsername(ctx, username.trim())
  const number = users.plain(phoneNumber!.trim())
  const [owner, newcomer] = [
    await phoneNumbers.ownerOf(ctx, number),
    await ctx.db.user.findFirst({ where: { ...newcomers, phoneNumber: number } }),
  ]
  return owner ?? newcomer
}

/**
 * Users who have signed up with a number prove it by their first login. All others must have proved theirs: a number that
 * somebody only named may be a stranger's, and the code would lead the stranger into an account that is not theirs alone.
 */
const newcomers = { lastLogin: null, email: null, username: null, passwordHash: null } as const

/** The user's own number, if they have proved it. For an unknown user it takes the same time. */
async function numberOf(ctx: Ctx, user: User | null) {
  const owner = await phoneNumbers.ownerOf(ctx, user?.phoneNumber ?? '')
  return owner && owner.id === user?.id ? user.phoneNumber : null
}

interface Beginning {
  method: Method
  secret: string
  user: User | null
  to: string
  configuration: IdentityConfiguration
  person: PersonOrPhone
}

/** Makes a new attempt, which replaces the user's older one. Attempts for unknown users are stored, too, so that wrong answers count alike. */
async function begin(
  ctx: HttpCtx,
  { method, secret, user, to, configuration, person: { invitationToken } }: Beginning,
) {
  const browser = ctx.random.token(),
    lifetimeMs = configuration.defaultPasswordlessTokenExpiration * SECOND
  const data: AttemptData = {
    device: fingerprint(browser),
    ip: ctx.deps.secrets.digest('ip addresses', ctx.http.ip),
    to,
    ...(invitationToken && { invitation: ctx.deps.secrets.seal(invitationToken) }),
  }
  const { id } = await ctx.atomically(async (tx) => {
    await users.queueAt(tx, user?.id)
    await revoke(tx, user?.id ?? tx.random.uuid(), Object.values(ways))
    return issue(tx, ways[method], { secret, lifetimeMs, data, salt: data.ip, ...(user && { userId: user.id }) })
  })
  device.mark(ctx, id, browser, configuration)
}
