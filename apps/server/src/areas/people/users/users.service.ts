import type { Prisma, User } from '@henhouse/database'
import { canonicalEmail } from '../../../kernel/email-addresses.ts'
import type { ChallengeKind } from '../../../kernel/challenges.ts'
import { errors, onDuplicate, onMissing } from '../../../kernel/errors.ts'
import type { Caller, Ctx, TenantScope, UserScope } from '../../../kernel/operation.ts'
import { doorsTo } from '../../rights/held/sub-account-access.service.ts'
import * as memberships from '../memberships/memberships.service.ts'
import * as roles from '../../rights/roles/roles.service.ts'
import * as access from '../../access/sessions/access.service.ts'
import type { ActiveTenant } from '../../access/tokens/access-tokens.service.ts'
import { userErrors } from './users.errors.ts'
import { profileByEmail, profileById, type Profile } from './profiles.sql.ts'
import { mustBeObjects, secretColumns, type UserChange, type UserWithRights } from './users.schemas.ts'
import { rightsBy, withRoles } from './user-rights.service.ts'
import { live, rolesOf } from '../../rights/held/held.service.ts'
import { ask } from '../../delivery/prehooks/asking.service.ts'
import { NoChanges, ProfileChanges, profileIn, shown } from '../../delivery/prehooks/users.ts'
import * as events from '../../rights/events/events.service.ts'

export const byUsername = (ctx: Ctx, username: string) =>
  ctx.db.user.findFirst({ where: { username: canonicalEmail(username) } })

type Arriving = Pick<User, 'id' | 'activeTenantId' | 'superUser'>

/** A tenant that a user belongs to. */
export interface Membership {
  readonly tenantId: string
  readonly isDisabled: boolean
  readonly isAccepted: boolean
}

/**
 * Where a login or refresh takes place: the tenant chosen last if it still lets the user in, else the first that does;
 * undefined for a user whom no tenant lets in. A superuser may enter every tenant that has not disabled them, a member with
 * access to sub-accounts those below.
 */
export async function activeTenantOf(ctx: Ctx, user: Arriving): Promise<ActiveTenant | undefined> {
  const all = await ctx.db.membership.findMany({
    where: { userId: user.id, ...live(ctx) },
    select: { tenantId: true, isDisabled: true, acceptedAt: true },
    orderBy: [{ createdAt: 'asc' }, { tenantId: 'asc' }],
  })
  return activeTenantAmong(
    ctx,
    user,
    all.map(({ acceptedAt, ...rest }) => ({ ...rest, isAccepted: acceptedAt !== null })),
  )
}

/**
 * As `activeTenantOf`, given the user's memberships that have not run out, the oldest first.
 * @param arriving a tenant whose invitation the user is about to accept
 */
export async function activeTenantAmong(
  ctx: Ctx,
  user: Arriving,
  all: readonly Membership[],
  arriving?: string | null,
): Promise<ActiveTenant | undefined> {
  const open = all.filter((m) => !m.isDisabled && (m.isAccepted || m.tenantId === arriving)).map((m) => m.tenantId),
    closed = all.filter((m) => m.isDisabled).map((m) => m.tenantId),
    chosen = user.activeTenantId
  const beyond = () =>
    user.superUser ? ofSuperuser(ctx, chosen, open[0], closed) : ofVisitor(ctx, user.id, chosen, open[0])
  const id = open.find((tenantId) => tenantId === chosen) ?? (await beyond())
  return id === undefined ? undefined : { id, tenantIds: open.includes(id) ? open : [...open, id] }
}

/** The chosen tenant, even if the superuser is not a member; else the first of their own, else the oldest of all. */
async function ofSuperuser(ctx: Ctx, chosen: string | null, own: string | undefined, closed: string[]) {
  const there =
    chosen !== null &&
    !closed.includes(chosen) &&
    (await ctx.db.tenant.findFirst({ where: { id: chosen }, select: { id: true } }))
  if (there) return there.id
  return (
    own ??
    (
      await ctx.db.tenant.findFirst({
        where: { id: { notIn: closed } },
        orderBy: { createdAt: 'asc' },
        select: { id: true },
      })
    )?.id
  )
}

/** The chosen tenant, if the user reaches it from one above; else the first of their own. */
const ofVisitor = async (ctx: Ctx, userId: string, chosen: string | null, own: string | undefined) =>
  own !== undefined && chosen !== null && (await doorsTo(ctx, userId, chosen)).length ? chosen : own

/**
 * Where a user must be for a call about a tenant. `member`: in it. `self`: the user makes the call, or it is made for them.
 * They may also come down from a tenant above, and a superuser may be in every one.
 */
interface Within {
  tenant: Pick<TenantScope, 'id'> | undefined
  as: 'member' | 'self'
}

/** A user with their tenants and the roles there, and their rights in the given tenant, else in the one where they are active. @throws 404 */
export async function read(
  ctx: Ctx,
  who: { id: string } | { email: string },
  tenantId?: string,
  within?: Within,
): Promise<UserWithRights> {
  const { row, here, held } = await profile(ctx, who, tenantId ?? within?.tenant?.id, within)
  return { row, tenantId: here ?? undefined, ...(await rightsBy(ctx, await rolesOf(ctx, held))) }
}

/** As `read`, without the rights. */
export const find = async (ctx: Ctx, who: { id: string } | { email: string }, within?: Within) =>
  (await profile(ctx, who, within?.tenant?.id, within)).row

async function profile(
  ctx: Ctx,
  who: { id: string } | { email: string },
  tenantId: string | undefined,
  within: Within | undefined,
) {
  const [by, value] = 'id' in who ? [profileById, who.id] : [profileByEmail, who.email]
  const [found] = await ctx.sql(by, ctx.clock.now(), value, tenantId ?? null)
  if (!found || (within?.tenant && !isWithin(found, within.tenant.id, within.as))) throw userErrors.notFound()
  await withRoles(ctx, [found])
  return { row: found, here: found.here, held: found.held }
}

const isWithin = ({ places, superUser, comesDown }: Profile, tenantId: string, as: Within['as']) =>
  places.some((place) => place.tenantId === tenantId) || (as === 'self' && (superUser || comesDown))

/**
 * The user with this id; with a tenant, only if they are a member. For what holds in all the user's tenants: one to which
 * they are only invited cannot change it.
 */
export const arrivedOf = (
  ctx: Ctx,
  { kind }: Pick<Caller, 'kind'>,
  id: string,
  tenant: Pick<TenantScope, 'id'> | undefined,
) => ({
  id,
  ...(tenant && membersOf(ctx, { tenantId: tenant.id, ...(kind !== 'vendor' && { acceptedAt: { not: null } }) })),
})
/** The user who makes the call, or for whom it is made. A superuser may be in every tenant; others may reach some from above. */
export async function self(ctx: Ctx, user: UserScope, tenant: TenantScope | undefined) {
  return {
    id: user.id,
    ...(tenant && {
      OR: [
        { superUser: true },
        membersOf(ctx, { tenantId: { in: [tenant.id, ...(await doorsTo(ctx, user.id, tenant.id))] } }),
      ],
    }),
  }
}
/** As `read`, for the user of `self`. */
export const readSelf = (ctx: Ctx, user: UserScope, tenant: TenantScope | undefined) =>
  read(ctx, user, undefined, { tenant, as: 'self' })
export const membersOf = (ctx: Ctx, places: Prisma.MembershipWhereInput) => ({
  memberships: { some: { ...places, ...live(ctx) } },
})

/** What prehooks see of a user. @throws 404 */
async function mustBeShown(ctx: Ctx, where: Prisma.UserWhereInput) {
  const found = await ctx.db.user.findFirst({ where, omit: secretColumns })
  if (!found) throw userErrors.notFound()
  return found
}

/** Whether a user may be deleted, or taken out of a tenant: the environment's prehook is asked. @throws what it says, 404 */
export async function mayBeRemoved(ctx: Ctx, userId: string, tenantId: string | undefined) {
  await ask(
    ctx,
    'USER_DELETE',
    async () => ({ data: shown(await mustBeShown(ctx, { id: userId })), tenantId, userId }),
    NoChanges,
  )
}

/** What prehooks are told of a change, of all that they see of a user. */
type Shown = Partial<Pick<User, 'email' | 'username' | 'phoneNumber' | 'name' | 'profilePictureUrl'>>

/**
 * Whether a user may be changed so: the environment's prehook is asked. Not in a transaction. `update` does so by itself.
 * @param change of an address or number that is one of several, this one @throws what it says, 404
 */
export async function mayBeUpdated(ctx: Ctx, userId: string, change: Shown = {}, tenantId?: string) {
  await ask(
    ctx,
    'USER_UPDATE',
    async () => ({ data: shown({ ...(await mustBeShown(ctx, { id: userId })), ...change }), userId, tenantId }),
    NoChanges,
  )
}

/** Changes the given fields, as a prehook lets them. @throws 404, 409 when the phone number is somebody else's, what the prehook says */
export async function update(
  ctx: Ctx,
  where: Prisma.UserWhereInput & { id: string },
  { phoneNumber, ...fields }: UserChange,
) {
  mustBeObjects(fields)
  const { user } = await ask(
    ctx,
    'USER_UPDATE',
    async () => {
      const found = await mustBeShown(ctx, where)
      return {
        data: shown({ ...found, ...fields, ...(phoneNumber !== undefined && { phoneNumber }) }),
        userId: found.id,
      }
    },
    ProfileChanges,
  )
  Object.assign(fields, profileIn(user))
  mustBeObjects(fields)
  await events.recording(ctx, { key: 'frontegg.user.updated', userId: where.id }, (tx) =>
    mark(tx, where, { ...fields, ...(phoneNumber !== undefined && { phoneNumber: plain(phoneNumber) }) }),
  )
}

/**
 * As `update`, of the user of the call. Another number asks for a recent login, as everything that logs in does. @throws 403, too
 */
export async function updateSelf(
  ctx: Ctx,
  caller: Caller,
  self: Prisma.UserWhereInput & { id: string },
  change: UserChange,
) {
  const { phoneNumber } = change
  const mayChange = caller.kind === 'vendor' || (caller.kind === 'person' && caller.mayChangeLogin)
  if (phoneNumber !== undefined && !mayChange) {
    const isKept = await ctx.db.user.count({ where: { ...self, phoneNumber: plain(phoneNumber) } })
    if (!isKept) throw caller.kind === 'person' ? errors.loginTooOld() : errors.onlyPeople()
  }
  await update(ctx, self, change)
}

/** Phone numbers are stored without the dashes that they may be written with. */
export const plain = (phoneNumber: string) => phoneNumber.replaceAll('-', '')

/** Marks the user's own number (`User.phoneNumber`), if any, as verified. The caller must have good reason to trust it. */
export async function vouchForNumber(
  ctx: Ctx,
  { id: userId, phoneNumber }: { id: string; phoneNumber: string | null },
) {
  if (phoneNumber !== null)
    await ctx.db.phoneNumber.updateMany({
      where: { userId, phoneNumber },
      data: { verified: true, updatedAt: ctx.clock.now() },
    })
}

/** The token that sets a new password, and the code that is exchanged for it. */
export const passwordResets = [
  { purpose: 'password-reset' },
  { purpose: 'password-reset-code', typed: true },
] as const satisfies readonly ChallengeKind[]

/** Whether the user's password is still the one from when this was issued: a new password ends it. */
export const hasPasswordSince = (
  { passwordChangedAt }: { passwordChangedAt: Date | null },
  handedOut: { createdAt: Date },
) => passwordChangedAt === null || passwordChangedAt <= handedOut.createdAt

/** Keeps the user from logging in anywhere, and ends their sessions. */
export function lock(ctx: Ctx, userId: string) {
  return ctx.atomically(async (tx) => {
    await mark(tx, { id: userId }, { isLocked: true, lockedAt: tx.clock.now() })
    await access.end(tx, userId)
  })
}
export const unlock = (ctx: Ctx, userId: string) =>
  mark(ctx, { id: userId }, { isLocked: false, lockedAt: null, failedLogins: 0 })

/** @throws 404 */
export async function mark(ctx: Ctx, where: Prisma.UserWhereInput, data: Prisma.UserUpdateManyMutationInput) {
  const { count } = await ctx.db.user
    .updateMany({ where, data: { ...data, updatedAt: ctx.clock.now() } })
    .catch(onDuplicate(userErrors.phoneNumberTaken()))
  if (!count) throw userErrors.notFound()
}

/** Locks the user's row until the transaction ends. @throws 404 */
export const locked = (tx: Ctx, userId: string) =>
  tx.db.user
    .update({ where: { id: userId }, data: { updatedAt: tx.clock.now() }, omit: secretColumns })
    .catch(onMissing(userErrors.notFound()))

/** Makes transactions about one user run one after the other. For an unknown user (undefined) it takes the same time. */
export const queueAt = (tx: Ctx, userId: string | undefined) =>
  tx.db.user.updateMany({ where: { id: userId ?? tx.random.uuid() }, data: { updatedAt: tx.clock.now() } })

/** With a tenant, ends the membership there; without one (management only), deletes the user and all that was theirs. */
export async function remove(ctx: Ctx, caller: Caller, userId: string, tenant: TenantScope | undefined) {
  await roles.mayManage(ctx, caller, tenant, userId)
  await mayBeRemoved(ctx, userId, tenant?.id)
  if (tenant) return memberships.remove(ctx, userId, tenant.id)
  await ctx.atomically(async (tx) => {
    // while there is something to tell of
    await events.record(tx, { key: 'frontegg.user.deleted', userId, tenantId: null })
    const { count } = await tx.db.user.deleteMany({ where: { id: userId } })
    if (!count) throw userErrors.notFound()
  })
}

export type NewUser = Pick<
  Prisma.UserUncheckedCreateInput,
  | 'email'
  | 'username'
  | 'phoneNumber'
  | 'profilePictureUrl'
  | 'provider'
  | 'managedBy'
  | 'externalId'
  | 'metadata'
  | 'vendorMetadata'
  | 'mfaBypass'
  | 'passwordHash'
  | 'unprovenPast'
  | 'activeTenantId'
  | 'subAccountAccess'
> & { name?: string | undefined; verified: boolean }

/** What a user is called who has not said it. */
export const nameOf = ({
  name,
  email,
  username,
}: Partial<Record<'name' | 'email' | 'username', string | null | undefined>>) =>
  name || email?.split('@')[0] || username || ''

/** What is stored of a new user. */
export function rowOf(ctx: Ctx, { email, username, phoneNumber, name, ...others }: NewUser) {
  const now = ctx.clock.now()
  return {
    ...others,
    id: ctx.random.uuid(),
    email: email ? canonicalEmail(email) : null,
    username: username === undefined || username === null ? null : canonicalEmail(username),
    phoneNumber: phoneNumber ? plain(phoneNumber) : null,
    name: nameOf({ name, email, username }),
    passwordChangedAt: others.passwordHash ? now : null,
    createdAt: now,
    updatedAt: now,
  }
}

/** What of a user somebody else has, by the index that says so. */
export function taken(constraint: string) {
  if (constraint.includes('email')) return userErrors.emailTaken()
  return constraint.includes('username') ? userErrors.usernameTaken() : userErrors.phoneNumberTaken()
}

/** Makes a user. The caller adds the membership. @throws 409 when the e-mail address, username or phone number is taken */
export const insert = (ctx: Ctx, user: NewUser) =>
  ctx.db.user.create({ data: rowOf(ctx, user) }).catch(onDuplicate(taken))
