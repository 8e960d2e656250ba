import { may } from '../../../kernel/authorize.ts'
import { after, MINUTE } from '../../../kernel/clock.ts'
import { isUuid } from '../../../kernel/environments.ts'
import { ApiError } from '../../../kernel/errors.ts'
import type { Caller, Ctx, HttpCtx, TenantScope, UserScope } from '../../../kernel/operation.ts'
import { fingerprint } from '../../../kernel/random.ts'
import * as sendings from '../../access/codes/sendings.service.ts'
import * as applications from '../../applications/applications/applications.service.ts'
import * as domains from '../../policies/domain-restrictions/domain-restrictions.service.ts'
import * as ips from '../../policies/ip-restrictions/ip-restrictions.service.ts'
import * as identitySettings from '../../policies/identity-settings/identity-settings.service.ts'
import { requestedApplication } from '../../access/tokens/refresh-cookie.ts'
import * as activationMails from '../../people/activation-mails/activation-mails.service.ts'
import { loginErrors } from '../../sign-in/login/login.errors.ts'
import { linkToPage } from '../../delivery/mail/links.ts'
import * as mail from '../../delivery/mail/mail.service.ts'
import { isActive } from '../../delivery/mail/own-templates.ts'
import { membershipErrors } from '../../people/memberships/memberships.errors.ts'
import * as memberships from '../../people/memberships/memberships.service.ts'
import { needs } from '../../rights/permissions/permissions.keys.ts'
import { rolesNamed } from '../../rights/held/defined.ts'
import * as roles from '../../rights/roles/roles.service.ts'
import { tenantErrors } from '../../accounts/tenants/tenants.errors.ts'
import { userErrors } from '../../people/users/users.errors.ts'
import { mailDataOf, type Person } from '../../delivery/mail/person.ts'
import { invitationErrors, isLocked } from './invitations.errors.ts'
import { toInvite, type InviteRow, type InviteTerms, type NewInvite } from './invitations.schemas.ts'
import { keysOf, live, open } from '../../rights/held/held.service.ts'
import { ask } from '../../delivery/prehooks/asking.service.ts'
import { NoChanges, shown } from '../../delivery/prehooks/users.ts'
import * as events from '../../rights/events/events.service.ts'

/** Thirty days, as in the portal. */
const DEFAULT_MINUTES = 43_200
const withTenant = { tenant: { select: { name: true, status: true } } } as const

async function mustBeOn(ctx: Ctx) {
  if (!(await identitySettings.current(ctx)).allowTenantInvitations) throw invitationErrors.switchedOff()
}

const endOf = (ctx: Ctx, minutes: number) => after(ctx.clock.now(), minutes * MINUTE)

/**
 * Makes a link into the tenant, which replaces the user's older one. A member's link lets anybody in until it expires. A
 * link for a user who is not a member works for that user only, once.
 * @throws 400 for unknown roles or a locked tenant, 403 for roles stronger than the caller's or when invitations are off, 404 for an unknown tenant or user
 */
export async function create(
  ctx: Ctx,
  caller: Caller,
  { tenantId, userId, expiresInMinutes = DEFAULT_MINUTES, shouldSendEmail = false, roleIds = [] }: NewInvite,
) {
  await mustBeOn(ctx)
  const [tenant, user] = await Promise.all([
    ctx.db.tenant.findFirst({ where: { id: tenantId }, select: { status: true } }),
    userId === undefined || !isUuid(userId)
      ? null
      : ctx.db.user.findUnique({
          where: { id: userId },
          include: { memberships: { where: { tenantId, ...live(ctx) }, select: { userId: true } } },
        }),
  ])
  if (!tenant) throw tenantErrors.notFound()
  if (userId !== undefined && !user) throw userErrors.notFound()
  if (isLocked(tenant)) throw invitationErrors.linkToLockedTenant()
  const granted = await roles.assignable(ctx, caller, tenantId, roleIds)
  if (!granted.length) await memberships.mayBringIn(ctx, caller, tenantId)
  const token = ctx.random.token(),
    personal = !!user && !user.memberships.length && !user.superUser
  const fields = {
    personal,
    fromMember: caller.kind !== 'vendor' && !personal,
    tokenHash: fingerprint(token),
    token: ctx.deps.secrets.seal(token),
    shouldSendEmail,
    roleIds: granted,
    createdAt: ctx.clock.now(),
    expiresAt: endOf(ctx, expiresInMinutes),
  }
  const mailed = personal && shouldSendEmail && user.email !== null
  if (personal) await ask(ctx, 'USER_INVITE', () => ({ data: shown(user), tenantId, userId }), NoChanges)
  if (mailed) await sendings.countFor(ctx, caller, [user.email])
  return ctx.atomically(async (tx) => {
    const made = await put(tx, { ...fields, tenantId, userId: user?.id ?? null })
    if (mailed) await mailTo(tx, user, made, token)
    await events.record(tx, {
      key: 'invite.created',
      ...{ tenantId, userId: user?.id, subject: { kind: 'invite', id: made.id } },
    })
    return toInvite(tx, made)
  })
}

type Fields = Omit<InviteRow, 'id' | 'vendorId' | 'tenant'>
/** A user has one link in a tenant; of several made at once the last stays. */
async function put(tx: Ctx, row: Fields): Promise<InviteRow> {
  const id = tx.random.uuid(),
    mine = { tenantId: row.tenantId, userId: row.userId }
  const made = await tx.db.tenantInvite.createMany({ data: [{ ...row, id }], skipDuplicates: true })
  if (made.count) return tx.db.tenantInvite.findUniqueOrThrow({ where: { id }, include: withTenant })
  const changed = await tx.db.tenantInvite.updateMany({ where: mine, data: row })
  // the one that was there has been deleted meanwhile
  if (!changed.count) return put(tx, row)
  return tx.db.tenantInvite.findFirstOrThrow({ where: mine, include: withTenant })
}

async function mailTo(ctx: Ctx, user: Person, { tenantId, expiresAt }: InviteRow, invitationToken: string) {
  const redirectURL = await linkToPage(ctx, 'login', { invitationToken })
  return mail.send(ctx, {
    template: 'InviteToTenant',
    to: user.email!,
    userId: user.id,
    tenantId,
    lifetimeMs: expiresAt.getTime() - ctx.clock.now().getTime(),
    data: { ...mailDataOf(user), redirectURL },
  })
}

const of = (user: UserScope, tenant: TenantScope) => ({ userId: user.id, tenantId: tenant.id })

/** Returns expired links, too: they can be prolonged. @throws 404 */
export async function get(ctx: Ctx, user: UserScope, tenant: TenantScope) {
  const found = await ctx.db.tenantInvite.findFirst({ where: of(user, tenant), include: withTenant })
  if (!found) throw invitationErrors.inviteNotFound()
  return toInvite(ctx, found)
}

/** Prolongs the link, counted from now, and sets whether mails are sent about it. @throws 404, 403 when invitations are off */
export async function update(
  ctx: Ctx,
  user: UserScope,
  tenant: TenantScope,
  { expiresInMinutes, shouldSendEmail }: InviteTerms,
) {
  await mustBeOn(ctx)
  const { count } = await ctx.db.tenantInvite.updateMany({
    where: of(user, tenant),
    data: {
      ...(expiresInMinutes !== undefined && { expiresAt: endOf(ctx, expiresInMinutes) }),
      ...(shouldSendEmail !== undefined && { shouldSendEmail }),
    },
  })
  if (!count) throw invitationErrors.inviteNotFound()
  return get(ctx, user, tenant)
}

/** @throws 404 */
export async function remove(ctx: Ctx, where: { id: string } | { userId: string; tenantId: string }) {
  const { count } = await ctx.db.tenantInvite.deleteMany({ where })
  if (!count) throw invitationErrors.inviteNotFound()
}
export const removeOf = (ctx: Ctx, user: UserScope, tenant: TenantScope) => remove(ctx, of(user, tenant))

export async function list(ctx: Ctx) {
  return (
    await ctx.db.tenantInvite.findMany({ include: withTenant, orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] })
  ).map((row) => toInvite(ctx, row))
}

/** Whether there are links, and whether they are mailed. */
export async function configuration(ctx: Ctx) {
  return {
    tenantInvitationsAllowed: (await identitySettings.current(ctx)).allowTenantInvitations,
    emailsEnabled: await isActive(ctx, 'InviteToTenant'),
  }
}

/**
 * The link's invitation, if it can be used. A member's link works only while they are a member who could still make it.
 * @throws 404 for a bad token, 400 for a locked tenant, 403 when invitations are off
 */
async function usable(ctx: Ctx, token: string) {
  await mustBeOn(ctx)
  const found = await ctx.db.tenantInvite.findFirst({
    where: { tokenHash: fingerprint(token), expiresAt: { gt: ctx.clock.now() } },
    include: {
      ...withTenant,
      user: {
        select: {
          id: true,
          name: true,
          email: true,
          phoneNumber: true,
          profilePictureUrl: true,
          metadata: true,
          superUser: true,
          isLocked: true,
          memberships: { select: { tenantId: true }, where: open(ctx) },
        },
      },
    },
  })
  const host = found?.personal ? null : (found?.user ?? null)
  const isHome = host === null || host.superUser || host.memberships.some((m) => m.tenantId === found!.tenantId)
  if (!found || !isHome || host?.isLocked) throw invitationErrors.inviteNotFound()
  if (isLocked(found.tenant)) throw invitationErrors.tenantLocked()
  // some of the roles may have been deleted since
  const granted = await rolesNamed(ctx, found.roleIds, [found.tenantId])
  if (
    found.fromMember &&
    !(await couldMake(ctx, { id: found.id, userId: found.userId!, tenantId: found.tenantId }, granted))
  )
    throw invitationErrors.inviteNotFound()
  return { ...found, host, roleIds: granted.map((role) => role.id) }
}

/** A member's older links stop working when they lose the right to invite, or every role as strong as these. */
async function couldMake(
  ctx: Ctx,
  { id, ...maker }: { id: string; userId: string; tenantId: string },
  granted: readonly { level: number }[],
) {
  const { permissions } = await keysOf(ctx, maker.userId, maker.tenantId)
  if (!may(permissions, needs.invites.write)) return false
  const caller: Caller = { kind: 'agent', ...maker, by: { type: 'invitation', id }, permissions }
  const check = granted.length
    ? roles.mayAssign(ctx, caller, Math.min(...granted.map((role) => role.level)))
    : memberships.mayBringIn(ctx, caller, maker.tenantId)
  return check.then(
    () => true,
    (error: unknown) => {
      if (error instanceof ApiError && error.status === 403) return false
      throw error
    },
  )
}
export type Usable = Awaited<ReturnType<typeof usable>>

export const verify = async (ctx: Ctx, token: string) => toInvite(ctx, await usable(ctx, token))

/** The invitation for somebody without an account: not one made for a certain user. @throws as `usable`, 403 from an IP address that the tenant blocks */
export async function forNewcomer(ctx: HttpCtx, token: string) {
  const invite = await usable(ctx, token)
  if (invite.personal) throw invitationErrors.inviteNotFound()
  await ips.mustAllow(ctx, ctx.http.ip, invite.tenantId)
  return invite
}

/** Makes the user a member by the invitation, in the caller's transaction, and mails the member who made the link. @throws 404 when it was used up */
export async function use(
  tx: Ctx,
  { id, personal, tenantId, roleIds, host, shouldSendEmail }: Usable,
  user: Person & { activeTenantId?: string | null },
  applicationId: string | undefined,
) {
  if (personal) await remove(tx, { id })
  await memberships.add(tx, { userId: user.id, tenantId, roleIds })
  await applications.enrol(tx, { applicationId, userId: user.id, tenantId })
  await events.record(tx, { key: 'frontegg.user.joinedTenantUsingInvitationLink', userId: user.id, tenantId })
  if (!host || host.email === null || !shouldSendEmail) return
  await mail.send(tx, {
    template: 'UserUsedInvitation',
    to: host.email,
    userId: host.id,
    tenantId,
    data: mailDataOf(host, { issuer: user }),
  })
}

/**
 * The invitation for a user who has shown a first factor. Changes nothing: `join` may have to wait for a second factor.
 * @throws as `usable`, 403 where the user is disabled, or the tenant blocks their e-mail domain or IP address
 */
export async function forUser(ctx: HttpCtx, user: Person, token: string) {
  const invite = await usable(ctx, token),
    { tenantId } = invite
  if (invite.personal && invite.userId !== user.id) throw invitationErrors.inviteNotFound()
  await ips.mustAllow(ctx, ctx.http.ip, tenantId)
  const known = await membershipIn(ctx, user, tenantId)
  if (known?.isDisabled) throw membershipErrors.disabled()
  if (!known && user.email !== null) await domains.mustAllow(ctx, user.email, [tenantId])
  return { ...invite, isKnown: !!known, isIn: !!known?.acceptedAt }
}
const membershipIn = (ctx: Ctx, { id: userId }: Person, tenantId: string) =>
  ctx.db.membership.findFirst({
    where: { userId, tenantId, ...live(ctx) },
    select: { isDisabled: true, acceptedAt: true },
  })

/** The invitation waits until the owner of the address accepts it by mail. @throws 401 always */
async function mailTheWay(ctx: HttpCtx, user: Person, invite: Awaited<ReturnType<typeof forUser>>): Promise<never> {
  const { tenantId, roleIds } = invite,
    isMailed = user.email !== null && (await sendings.mayGetOne(ctx, user.email))
  await ctx.atomically(async (tx) => {
    if (!invite.isKnown) {
      await memberships.add(tx, { userId: user.id, tenantId, roleIds, invited: true })
      await applications.enrol(tx, { applicationId: requestedApplication(ctx), userId: user.id, tenantId })
    }
    if (isMailed) await activationMails.send(tx, user, tenantId)
  })
  throw loginErrors.notVerified(user.email ?? '')
}

/**
 * Lets a user who has just authenticated into the tenant of an invitation, unless they are a member already, and makes it
 * their active tenant. For every way to log in that takes an `invitationToken`. A user with an unproven past is mailed a
 * link instead, to accept the invitation and choose a password.
 * @returns where the user is active now
 * @throws as `forUser`, 401 for an unproven past
 */
export async function join(ctx: HttpCtx, user: Person, token: string) {
  const invite = await forUser(ctx, user, token),
    { tenantId } = invite
  if (!invite.isIn && (await ctx.db.user.count({ where: { id: user.id, unprovenPast: true } })))
    return mailTheWay(ctx, user, invite)
  if (invite.isKnown) {
    // the link also accepts an open invitation by mail
    await ctx.atomically(async (tx) => {
      const { count } = await tx.db.membership.updateMany({
        where: { userId: user.id, tenantId, acceptedAt: null },
        data: { acceptedAt: tx.clock.now() },
      })
      if (invite.personal) await tx.db.tenantInvite.deleteMany({ where: { id: invite.id } })
      if (count) await events.record(tx, { key: 'user.invitationAccepted', userId: user.id, tenantId })
    })
  } else {
    await ctx
      .atomically((tx) => use(tx, invite, user, requestedApplication(ctx)))
      .catch(async (error: unknown) => {
        // the same user joined twice at once
        if (!(error instanceof ApiError && error.status === 409 && (await membershipIn(ctx, user, tenantId))))
          throw error
      })
  }
  await ctx.db.user.updateMany({ where: { id: user.id }, data: { activeTenantId: tenantId } })
  return tenantId
}
