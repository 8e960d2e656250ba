import { canonicalEmail } from '../../../kernel/email-addresses.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import * as settings from '../../../kernel/settings.ts'
import { captchaErrors } from './captcha-policy.errors.ts'
import { captchaPolicy, type NewCaptchaPolicy, type StoredPolicy } from './captcha-policy.schemas.ts'
import { siteverify } from './siteverify.ts'

/** With the secret in clear, as management reads it. @throws 404 */
export const policy = async (ctx: Ctx) =>
  opened(ctx, await settings.mustBeStored(ctx, captchaPolicy, captchaErrors.notFound()))

export async function createPolicy(ctx: Ctx, fields: NewCaptchaPolicy) {
  await keysMustWork(ctx, fields)
  return opened(ctx, await settings.create(ctx, captchaPolicy, sealed(ctx, fields), captchaErrors.taken()))
}

/** Replaces the policy. @throws 404 when there is none */
export async function replacePolicy(ctx: Ctx, fields: NewCaptchaPolicy) {
  await settings.mustBeStored(ctx, captchaPolicy, captchaErrors.notFound())
  await keysMustWork(ctx, fields)
  return opened(ctx, await settings.save(ctx, captchaPolicy, sealed(ctx, fields)))
}

/** What a login page may know. */
export async function publicPolicy(ctx: Ctx) {
  const { enabled, siteKey } = await settings.effective(ctx, captchaPolicy)
  return { enabled, ...(enabled && { siteKey }) }
}

/**
 * Lets callers pass who need no captcha or bring a good one. Call it before a login, sign-up or reset looks anything
 * up.
 * When the captcha service does not answer, nobody passes.
 * @throws 400
 */
export async function mustPass(
  ctx: Ctx,
  { token, email, ip }: { token?: string | undefined; email?: string | undefined; ip?: string },
) {
  const { enabled, secretKey, minScore, ignoredEmails } = await settings.effective(ctx, captchaPolicy)
  if (!enabled) return
  const address = email && canonicalEmail(email.trim())
  if (address && ignoredEmails.some((ignored) => canonicalEmail(ignored.trim()) === address)) return
  if (!token) throw captchaErrors.missing()
  const verdict = await siteverify(ctx, ctx.deps.secrets.open(secretKey), token, ip)
  if (!verdict) throw captchaErrors.unavailable()
  // checkboxes give no score, only a yes or no
  if (!verdict.success || (verdict.score ?? 1) < minScore) throw captchaErrors.wrong()
}

/**
 * A wrong secret would lock everybody out, so the service is asked about it first. When it does not answer, the secret
 * is accepted.
 */
async function keysMustWork(ctx: Ctx, { enabled, secretKey }: NewCaptchaPolicy) {
  if (!enabled || ctx.deps.captchaUrl === undefined) return
  const verdict = await siteverify(ctx, secretKey, 'is the secret known?')
  if (verdict?.['error-codes']?.includes('invalid-input-secret')) throw captchaErrors.keysRefused()
}

const sealed = (ctx: Ctx, { ignoredEmails = [], ...fields }: NewCaptchaPolicy): StoredPolicy => ({
  ...fields,
  ignoredEmails,
  secretKey: ctx.deps.secrets.seal(fields.secretKey),
})
const opened = (ctx: Ctx, row: settings.Stored<StoredPolicy>) => ({
  ...row,
  value: { ...row.value, secretKey: ctx.deps.secrets.open(row.value.secretKey) },
})
