import { canonicalEmail } from '../../../kernel/email-addresses.ts'
import type { Ctx, HttpCtx } from '../../../kernel/operation.ts'
import * as captcha from '../../policies/captcha-policy/captcha-policy.service.ts'
import * as identitySettings from '../../policies/identity-settings/identity-settings.service.ts'
import { loginErrors } from '../login/login.errors.ts'
import * as entry from '../entry/entry.service.ts'
import { mustBeVerified } from '../entry/verified-address.service.ts'
import * as login from '../login/login.service.ts'
import { mfaErrors } from '../mfa/mfa.errors.ts'
import type { Assertion } from '../mfa/mfa.schemas.ts'
import * as webauthn from '../mfa/webauthn.service.ts'
import * as passkeys from './passkeys.service.ts'
import type { PasskeyPrelogin } from './passkeys.schemas.ts'

/** The credential shows who the user is, so the ceremony is not bound to a user. */
const ceremony = { kind: { purpose: 'passkey-login' }, userId: undefined, about: '' }

/**
 * The options to sign with. For an unknown user, or one without a passkey, they name a made-up credential, always the same one.
 * When the request names no user, the browser offers the passkeys it has.
 * @throws 400 where a second factor is forced on all
 */
export async function start(ctx: HttpCtx, { email, userId, recaptchaToken }: PasskeyPrelogin) {
  await captcha.mustPass(ctx, { token: recaptchaToken, email, ip: ctx.http.ip })
  await passkeys.mustBeOn(ctx, [])
  const named = (email && canonicalEmail(email.trim())) ?? userId?.toLowerCase(),
    known = await passkeys.ofNamed(ctx, { email, userId })
  return {
    options: await webauthn.startAssertion(
      ctx,
      ceremony,
      known.length || named === undefined ? known : [decoy(ctx, named)],
      { asPasskey: true },
    ),
  }
}

const decoy = ({ deps: { secrets }, vendorId }: Ctx, named: string) => ({
  credentialId: secrets.digest('decoys', `${vendorId} passkey ${named}`, 'base64url'),
  transports: [],
})

/** Logs in with a passkey's signature. @throws 400, 401, 403, 423 */
export async function finish(ctx: HttpCtx, assertion: Assertion) {
  const passkey = await ctx.db.passkey.findFirst({
    where: { credentialId: webauthn.base64url(assertion.id) },
    include: { user: true },
  })
  await captcha.mustPass(ctx, {
    token: assertion.recaptchaToken,
    email: passkey?.user.email ?? undefined,
    ip: ctx.http.ip,
  })
  if (!passkey) throw mfaErrors.wrongDevice()
  const { user, ...credential } = passkey
  const counter = await webauthn.finishAssertion(
    ctx,
    ceremony,
    webauthn.challengeIn(assertion.response.clientDataJSON) ?? '',
    assertion,
    credential,
    { asPasskey: true },
  )
  const { count } = await ctx.db.passkey.updateMany({
    where: { id: passkey.id, counter: passkey.counter },
    data: { counter, lastUsedAt: ctx.clock.now() },
  })
  if (!count) throw mfaErrors.wrongDevice()
  if (user.isLocked) throw loginErrors.locked()
  // a passkey does not verify it
  await mustBeVerified(ctx, user, await identitySettings.current(ctx))
  const place = await entry.placeFor(ctx, user, { invitationToken: assertion.invitationToken })
  await passkeys.mustBeOn(ctx, place.tenant.tenantIds)
  return login.complete(ctx, user, { place })
}
