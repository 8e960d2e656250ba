import type { User } from '@henhouse/database'
import { ApiError, invalid } from '../../../kernel/errors.ts'
import type { Ctx, HttpCtx } from '../../../kernel/operation.ts'
import { requestedApplication } from '../../access/tokens/refresh-cookie.ts'
import * as userEmails from '../../people/user-emails/user-emails.service.ts'
import { mustBeObjects } from '../../people/users/users.schemas.ts'
import * as users from '../../people/users/users.service.ts'
import * as domains from '../../policies/domain-restrictions/domain-restrictions.service.ts'
import * as identitySettings from '../../policies/identity-settings/identity-settings.service.ts'
import * as events from '../../rights/events/events.service.ts'
import * as socialProviders from '../../policies/social-providers/social-providers.service.ts'
import type { Usable } from '../../policies/social-providers/social-providers.service.ts'
import * as entry from '../entry/entry.service.ts'
import { mustBeVerified } from '../entry/verified-address.service.ts'
import { loginErrors } from '../login/login.errors.ts'
import * as login from '../login/login.service.ts'
import { signUpErrors } from '../signup/signup.errors.ts'
import { homeOf, letPass, moveIn, tenantIdOf } from '../signup/signup.flow.ts'
import * as idTokens from './id-tokens.service.ts'
import type { Claims, Profile } from './providers.ts'
import * as roundTrip from './round-trip.service.ts'
import * as userPools from '../user-pools/asking.service.ts'
import type { Source } from '../user-pools/user-pools.schemas.ts'
import { claimsOf, profileOf } from './social.client.ts'
import { socialErrors } from './social.errors.ts'
import type { Newcomer, Shown, SocialAnswer } from './social.schemas.ts'

/** The end of a login with a provider, step by step. Who comes is known by the provider's own id of them, never by an address. */
export async function logInBy(ctx: HttpCtx, type: string, shown: Shown, given: Newcomer): Promise<SocialAnswer> {
  mustBeObjects(given)
  const { user, isNewUser } = await told(ctx, type, shown, given)
  if (user.isLocked) throw loginErrors.locked()
  await mustBeVerified(ctx, user, await identitySettings.current(ctx))
  const invitationToken = isNewUser ? undefined : given.invitationToken,
    place = await entry.placeFor(ctx, user, { invitationToken })
  return {
    ...(await login.complete(ctx, user, { place })),
    ...(user.email !== null && { email: user.email }),
    isNewUser,
    tenantId: place.tenant.id,
    name: user.name,
  }
}

/** Whom the provider, or the federated server of a user source, tells of. This login has used up its code, or its token. @throws 400, 401, 404, 503 */
async function told(
  ctx: HttpCtx,
  type: string,
  { code, id_token: token, nonce, ...way }: Shown,
  given: Newcomer,
): Promise<Known> {
  if (token) {
    const provider = await socialProviders.usable(ctx, type)
    return known(ctx, provider, await idTokens.profileOf(ctx, provider, token, nonce), given)
  }
  if (!code) throw invalid('code should not be empty')
  const { provider, source, ties, query } = await roundTrip.end(ctx, type, { ...way, code })
  return source
    ? fromSource(ctx, source, await claimsOf(ctx, provider, ties, query))
    : known(ctx, provider, await profileOf(ctx, provider, ties, query), given)
}

/** The user of a source, by its own rules. @throws 401, and as `arrive` */
async function fromSource(ctx: HttpCtx, source: Source, claims: Claims): Promise<Known> {
  const arrived = await userPools.bringBack(ctx, source, claims),
    user = arrived && (await ctx.db.user.findUnique({ where: { id: arrived.userId } }))
  if (!user) throw socialErrors.wrong()
  return { user, isNewUser: arrived.isNewUser }
}

interface Known {
  readonly user: User
  readonly isNewUser: boolean
}

/** The user whom the provider means: known to be theirs, the owner of the address that it vouches for, or a new one. */
async function known(
  ctx: HttpCtx,
  provider: Usable,
  profile: Profile,
  given: Newcomer,
  isAgain = false,
): Promise<Known> {
  const before = await ofIdentity(ctx, provider, profile)
  if (before) return { user: before, isNewUser: false }
  const { email } = profile
  if (email === undefined) throw socialErrors.noVerifiedEmail()
  const owner = await userEmails.ownerOf(ctx, email)
  if (owner) return { user: await merged(ctx, provider, profile, owner, email), isNewUser: false }
  try {
    return { user: await newcomer(ctx, provider, { ...profile, email }, given), isNewUser: true }
  } catch (error) {
    // the same user has come twice at once
    if (isAgain || !(error instanceof ApiError && error.status === 409) || error.isTheirs) throw error
    return known(ctx, provider, profile, given, true)
  }
}

const ofIdentity = async (ctx: Ctx, { id: providerId }: Usable, { subject }: Profile) =>
  (await ctx.db.socialIdentity.findFirst({ where: { providerId, subject }, select: { user: true } }))?.user

/**
 * From now on the provider logs this user in. Only if both sides have proved the address: somebody else may have signed up
 * with it, and waits with a password of their own for its owner to come (see `unprovenPast`).
 */
async function merged(ctx: HttpCtx, provider: Usable, profile: Profile, owner: User, email: string) {
  if (owner.isLocked) throw loginErrors.locked()
  await mustHaveProved(ctx, owner)
  await ctx.atomically(async (tx) => {
    await users.locked(tx, owner.id)
    const still = await userEmails.ownerOf(tx, email)
    if (still?.id !== owner.id || !still.verified) throw socialErrors.wrong()
    await identify(tx, provider, profile, owner.id)
  })
  // another call may have been faster
  const user = await ofIdentity(ctx, provider, profile)
  if (!user) throw socialErrors.wrong()
  return user
}

/** Mails them the way to prove it. @throws 401 */
const mustHaveProved = (ctx: HttpCtx, owner: User) => mustBeVerified(ctx, owner, { allowNotVerifiedUsersLogin: false })

const identify = (tx: Ctx, { id: providerId }: Usable, { subject }: Profile, userId: string) =>
  tx.db.socialIdentity.createMany({
    data: [{ id: tx.random.uuid(), providerId, subject, userId, createdAt: tx.clock.now() }],
    skipDuplicates: true,
  })

/** Signs up, by the rules of every sign-up; the provider has proved the address. @throws 403, 404, 409, and what a prehook says */
async function newcomer(ctx: HttpCtx, provider: Usable, profile: Profile & { email: string }, given: Newcomer) {
  const { email, picture } = profile
  if (!(await identitySettings.current(ctx)).allowSignups) throw signUpErrors.switchedOff()
  const applicant = {
      email,
      name: users.nameOf(profile),
      ...(picture !== undefined && { profilePictureUrl: picture }),
      ...(given.metadata !== undefined && { metadata: given.metadata }),
    },
    asked = await homeOf(ctx, {
      companyName: given.companyName?.trim() || applicant.name,
      ...(given.invitationToken && { invitationToken: given.invitationToken }),
    })
  const { changed, home } = await letPass(ctx, { ...applicant, provider: provider.type }, asked),
    { chosenRoleIds, subAccountAccess } = changed,
    tenantId = tenantIdOf(home)
  await domains.mustAllow(ctx, email, 'companyName' in home ? undefined : [tenantId])
  const applicationId = requestedApplication(ctx)
  return ctx.atomically(async (tx) => {
    const user = await users.insert(tx, {
      email,
      name: changed.name,
      verified: true,
      provider: provider.type,
      activeTenantId: tenantId,
      ...(changed.profilePictureUrl !== undefined && { profilePictureUrl: changed.profilePictureUrl }),
      ...(changed.metadata !== undefined && { metadata: changed.metadata }),
      ...(subAccountAccess !== undefined && { subAccountAccess }),
    })
    await identify(tx, provider, profile, user.id)
    await moveIn(tx, home, user, applicationId, chosenRoleIds)
    await events.record(tx, { key: 'frontegg.user.signedUp', userId: user.id, tenantId })
    return user
  })
}
