import { ApiError, onDuplicate } from '../../../kernel/errors.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import * as access from '../../access/sessions/access.service.ts'
import * as tenants from '../../accounts/tenants/tenants.service.ts'
import * as applications from '../../applications/applications/applications.service.ts'
import * as memberships from '../../people/memberships/memberships.service.ts'
import { userErrors } from '../../people/users/users.errors.ts'
import * as users from '../../people/users/users.service.ts'
import * as events from '../../rights/events/events.service.ts'
import * as domains from '../../policies/domain-restrictions/domain-restrictions.service.ts'
import { shown } from '../../delivery/prehooks/users.ts'
import * as newcomers from '../entry/newcomers.service.ts'
import { bySubject, type Arrived } from './arriving.sql.ts'
import { tenantIdsIn, type Profile } from './sources/profile.ts'
import type { Configuration, Source, TenantConfig } from './user-pools.schemas.ts'
import { handsOver } from './user-pools.service.ts'

interface Arrival {
  readonly source: Pick<Source, 'id'>
  readonly configuration: Configuration
  readonly profile: Profile
  /** that the login is for, if it names one */
  readonly applicationId: string | undefined
  /** where they come from, if they are here themselves */
  readonly ipAddress?: string
  /** whose name was typed, if that is somebody here */
  readonly user: { readonly id: string; readonly subject: string | null } | null
}

/**
 * The user whom a source has just known by their password. A new one is made; of one who was here before, what the source says
 * is taken over. Who they are is their id in the source, and no address: nobody becomes a user of this server by naming theirs.
 * @param password what they have shown; absent for one who has forgotten it
 * @returns null when they cannot be let in
 * @throws what a prehook says; 403 for an address that may not come in; 404 or 403 for an application that is not open to them
 */
export async function arrive(ctx: Ctx, arrival: Arrival, password?: string): Promise<string | null> {
  const { source, profile, user } = arrival
  // the name has a new owner in the source
  if (user && user.subject !== profile.subject) return refused(ctx, arrival, 'their name is that of another user here')
  const there = await known(ctx, source.id, profile)
  if (there) return (await returned(ctx, there, arrival, password)) ? there.id : null
  const resolved = await tenantsOf(ctx, arrival.configuration.tenantConfig, profile)
  if (!resolved) return refused(ctx, arrival, 'the source names no account of theirs')
  const said = await letPass(ctx, arrival, resolved),
    tenantIds = said.chosenTenantId === undefined ? resolved : [said.chosenTenantId]
  if (profile.email !== undefined) await domains.mustAllow(ctx, profile.email, tenantIds)
  const passwordHash =
    password !== undefined && handsOver(arrival.configuration) ? await ctx.deps.passwords.hash(password) : null
  try {
    return await make(ctx, arrival, said, tenantIds, passwordHash)
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 409 || error.isTheirs) throw error
    // a login at the same moment, or somebody who has the address or username here
    const now = await known(ctx, source.id, profile)
    return now?.id ?? refused(ctx, arrival, 'their address or username is that of another user here')
  }
}

const known = async (ctx: Ctx, sourceId: string, { subject }: Profile) =>
  (await ctx.sql(bySubject, sourceId, subject))[0]

function refused(ctx: Ctx, { source }: Arrival, reason: string) {
  ctx.log.warn({ userSourceId: source.id, reason }, 'a user of a user source was not let in')
  return null
}

/** Asks the environment's prehook about a newcomer. @throws what it says */
const letPass = (ctx: Ctx, { profile, applicationId, ipAddress }: Arrival, tenantIds: readonly string[]) =>
  newcomers.letPass(ctx, 'SIGN_UP_USER_POOL', () => ({
    data: shown({ ...profile, ...(ipAddress !== undefined && { ipAddress }) }),
    tenantId: tenantIds[0] ?? null,
    applicationId,
  }))

/** Takes over what the source says. @returns false when the password here decides, and not the source's */
async function returned(ctx: Ctx, there: Arrived, { configuration, profile }: Arrival, password?: string) {
  const migrates = handsOver(configuration)
  if (migrates && there.passwordHash !== null) return false
  const passwordHash = migrates && password !== undefined ? await ctx.deps.passwords.hash(password) : undefined
  const { name, profilePictureUrl } = profile
  const isProved = profile.verified && profile.email === there.email && !there.verified
  const fresh = {
    ...(name !== undefined && name !== there.name && { name }),
    ...(profilePictureUrl !== undefined && profilePictureUrl !== there.profilePictureUrl && { profilePictureUrl }),
  }
  const isTaken =
      configuration.syncOnLogin && Object.keys(fresh).length > 0 && (await mayBeTakenOver(ctx, there, fresh)),
    news = { ...(isTaken && fresh), ...(isProved && { verified: true }) }
  if (Object.keys(news).length || passwordHash !== undefined)
    await ctx.atomically(async (tx) => {
      // what was set up before the address was proved may be somebody else's
      if (isProved && there.unprovenPast) await voidPast(tx, there.id)
      if (Object.keys(news).length) await users.mark(tx, { id: there.id }, news)
      // unless a password has been set meanwhile
      if (passwordHash !== undefined)
        await tx.db.user.updateMany({
          where: { id: there.id, passwordHash: null },
          data: { passwordHash, passwordChangedAt: tx.clock.now(), managedBy: 'frontegg' },
        })
    })
  return true
}

/** Whether the environment's prehook lets a profile change. If it does not, the login goes on with the profile as it is. */
async function mayBeTakenOver(ctx: Ctx, { id }: Arrived, fresh: { name?: string; profilePictureUrl?: string }) {
  try {
    await users.mayBeUpdated(ctx, id, fresh)
    return true
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    ctx.log.warn({ userId: id, reason: error.message }, 'a profile of a user source was not taken over')
    return false
  }
}

/** As `access.voidUnprovenPast`, for somebody whom the source still knows. */
async function voidPast(tx: Ctx, userId: string) {
  const origin = await tx.db.userSourceUser.findFirst({ where: { userId } })
  await access.voidUnprovenPast(tx, userId)
  if (origin) await tx.db.userSourceUser.create({ data: origin })
}

/** The accounts of a newcomer that are there; none: one is made for them; undefined: they cannot come in. */
async function tenantsOf(ctx: Ctx, tenantConfig: TenantConfig, { attributes }: Profile) {
  if (tenantConfig.tenantResolverType === 'new') return []
  const wanted =
    tenantConfig.tenantResolverType === 'static'
      ? [tenantConfig.tenantId]
      : tenantIdsIn(attributes, 'tenantIdFieldName' in tenantConfig ? tenantConfig.tenantIdFieldName : 'tenantIds')
  const found = await ctx.db.tenant.findMany({ where: { id: { in: wanted } }, select: { id: true } })
  const there = wanted.filter((id) => found.some((tenant) => tenant.id === id))
  return there.length ? there : undefined
}

/**
 * Makes the user with their accounts, or nothing. An account that is there already believes an address only if the source
 * vouches for it: otherwise the user is invited there, and has to prove it first.
 */
async function make(
  ctx: Ctx,
  arrival: Arrival,
  said: newcomers.Said,
  tenantIds: readonly string[],
  passwordHash: string | null,
) {
  const { source, profile, applicationId } = arrival,
    { subject, email, username, profilePictureUrl, verified } = profile,
    { name = profile.name, metadata, subAccountAccess, chosenRoleIds: roleIds } = said,
    isProved = verified || email === undefined
  const made = tenantIds.length ? undefined : ctx.random.uuid(),
    homes = made === undefined ? tenantIds : [made]
  if (made !== undefined) await tenants.mayHappen(ctx, 'CREATE_TENANT', { tenantId: made, name })
  await newcomers.mustHaveRoles(ctx, said, homes)
  return ctx.atomically(async (tx) => {
    const user = await users.insert(tx, {
      name,
      verified: isProved,
      unprovenPast: !isProved,
      passwordHash,
      activeTenantId: homes[0]!,
      managedBy: handsOver(arrival.configuration) ? 'frontegg' : 'external',
      externalId: subject,
      ...(email !== undefined && { email }),
      ...(username !== undefined && { username }),
      ...(profilePictureUrl !== undefined && { profilePictureUrl }),
      ...(metadata !== undefined && { metadata }),
      ...(subAccountAccess !== undefined && { subAccountAccess }),
    })
    if (made !== undefined)
      await tenants.insert(tx, {
        tenantId: made,
        name: user.name,
        creatorName: user.name,
        ...(user.email !== null && { creatorEmail: user.email }),
      })
    for (const tenantId of homes) {
      const invited = tenantIds.length > 0 && !isProved
      await memberships.add(tx, { userId: user.id, tenantId, invited, ...(roleIds && { roleIds }) })
      await applications.enrol(tx, { applicationId, userId: user.id, tenantId })
    }
    await tx.db.userSourceUser
      .create({ data: { userId: user.id, userSourceId: source.id, subject, createdAt: tx.clock.now() } })
      // another login has brought them in
      .catch(onDuplicate(userErrors.emailTaken()))
    for (const tenantId of homes) await events.record(tx, { key: 'frontegg.user.created', userId: user.id, tenantId })
    return user.id
  })
}
