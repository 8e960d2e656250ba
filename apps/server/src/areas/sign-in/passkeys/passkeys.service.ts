import { isUuid } from '../../../kernel/environments.ts'
import { onDuplicate, onMissing } from '../../../kernel/errors.ts'
import type { Ctx, HttpCtx, UserScope } from '../../../kernel/operation.ts'
import type { NewCredential } from '../mfa/mfa.schemas.ts'
import * as webauthn from '../mfa/webauthn.service.ts'
import type { Ceremony } from '../mfa/webauthn.service.ts'
import * as identitySettings from '../../policies/identity-settings/identity-settings.service.ts'
import * as mfaPolicy from '../../policies/mfa-policy/mfa-policy.service.ts'
import * as userEmails from '../../people/user-emails/user-emails.service.ts'
import { userErrors } from '../../people/users/users.errors.ts'
import * as users from '../../people/users/users.service.ts'
import { passkeyErrors } from './passkeys.errors.ts'
import * as events from '../../rights/events/events.service.ts'

const registration = { purpose: 'passkey-registration' }
const ofOneself = (user: UserScope): Ceremony => ({ kind: registration, userId: user.id, about: '' })

export const list = (ctx: Ctx, user: UserScope) =>
  ctx.db.passkey.findMany({ where: { userId: user.id }, orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] })

/** A passkey is one factor, so it is not enough where two are forced. @throws 400, also where all users log in elsewhere */
export async function mustBeOn(ctx: Ctx, tenantIds: readonly string[]) {
  await identitySettings.mustBeLocal(ctx)
  if ((await mfaPolicy.requirement(ctx, tenantIds)).enforceMFAType !== 'DontForce') throw passkeyErrors.off()
}

/** The options to make a passkey. @throws 400 */
export async function start(ctx: HttpCtx, user: UserScope) {
  const person = await mayHaveOne(ctx, user.id)
  return {
    options: await webauthn.startRegistration(ctx, ofOneself(user), {
      user: person,
      known: await list(ctx, user),
      asPasskey: true,
    }),
  }
}

/** Stores the new passkey. @throws 400, 401, 409 */
export async function register(ctx: HttpCtx, user: UserScope, credential: NewCredential) {
  await mayHaveOne(ctx, user.id)
  const challenge = webauthn.challengeIn(credential.response.clientDataJSON) ?? ''
  const made = await webauthn.finishRegistration(ctx, ofOneself(user), challenge, credential, { asPasskey: true })
  return ctx.atomically(async (tx) => {
    const passkey = await tx.db.passkey
      .create({
        data: {
          ...made,
          id: tx.random.uuid(),
          userId: user.id,
          deviceType: credential.deviceType ?? 'Platform',
          createdAt: tx.clock.now(),
        },
      })
      .catch(onDuplicate(passkeyErrors.taken()))
    await events.record(tx, {
      key: 'user.passkeyAdded',
      ...{ userId: user.id, subject: { kind: 'passkey', id: passkey.id } },
    })
    return passkey
  })
}

async function mayHaveOne(ctx: Ctx, id: string) {
  const user = await ctx.db.user
    .findUniqueOrThrow({
      where: { id },
      select: { id: true, email: true, name: true, activeTenantId: true, superUser: true },
    })
    .catch(onMissing(userErrors.notFound()))
  await mustBeOn(ctx, (await users.activeTenantOf(ctx, user))?.tenantIds ?? [])
  return user
}

/** @throws 404 */
export async function remove(ctx: Ctx, user: UserScope, id: string) {
  const { count } = await ctx.db.passkey.deleteMany({ where: { id, userId: user.id } })
  if (!count) throw passkeyErrors.notFound()
}

/** The passkeys of the named user. For an unknown user it takes the same time. */
export async function ofNamed(
  ctx: Ctx,
  { email, userId }: { email?: string | undefined; userId?: string | undefined },
) {
  const user =
    email !== undefined
      ? await userEmails.ownerOf(ctx, email.trim())
      : userId !== undefined && isUuid(userId)
        ? { id: userId }
        : null
  return ctx.db.passkey.findMany({ where: { userId: user?.id ?? ctx.random.uuid() }, orderBy: { createdAt: 'asc' } })
}
