import { canonicalEmail } from '../../../kernel/email-addresses.ts'
import { after, SECOND } from '../../../kernel/clock.ts'
import { ApiError } from '../../../kernel/errors.ts'
import type { Caller, Ctx } from '../../../kernel/operation.ts'
import { effective } from '../../../kernel/settings.ts'
import * as sendings from '../../access/codes/sendings.service.ts'
import * as applications from '../../applications/applications/applications.service.ts'
import * as domainRestrictions from '../../policies/domain-restrictions/domain-restrictions.service.ts'
import { membershipErrors } from '../../people/memberships/memberships.errors.ts'
import { temporaryUsers } from '../../people/memberships/memberships.schemas.ts'
import * as passwordSettings from '../../policies/password-settings/password-settings.service.ts'
import * as events from '../../rights/events/events.service.ts'
import { rolesOf } from '../../rights/held/held.service.ts'
import * as roles from '../../rights/roles/roles.service.ts'
import { tenantErrors } from '../../accounts/tenants/tenants.errors.ts'
import { userErrors } from '../../people/users/users.errors.ts'
import { mustBeObjects, type UserWithRights } from '../../people/users/users.schemas.ts'
import * as users from '../../people/users/users.service.ts'
import { enterAll, type Checked, type Note } from './arrivals.service.ts'
import { knowledge, knowledgeOfIssuer } from './arrivals.sql.ts'
import { isChanged, letPass } from './letting-pass.ts'

/** A user to add to a tenant, as the wire describes them. */
export interface Newcomer {
  email?: string
  username?: string
  name?: string
  password?: string
  phoneNumber?: string
  profilePictureUrl?: string
  provider?: string
  metadata?: string
  vendorMetadata?: string
  externalId?: string
  mfaBypass?: boolean
  roleIds?: string[]
  /** send no mail; from an environment, it also says that the address is verified */
  skipInviteEmail?: boolean
  emailMetadata?: object
  /** the environment says that the address is the user's */
  verified?: boolean
  expirationInSeconds?: number
  /** the application to let the user into; the default one when absent */
  applicationId?: string | undefined
}

/** A newcomer with their tenant. */
export interface Arrival extends Newcomer {
  tenantId: string
  /** the environment's prehook has chosen them: they may be stronger than the caller */
  chosenRoleIds?: string[] | undefined
}

/**
 * Adds a user to a tenant: creates them, or takes the user who already has that e-mail address (or username), and leaves that
 * user's profile and password as they are. A new user is mailed an activation link, a known one an invitation.
 * @throws 409 for a member; 400 for unknown roles, too weak a password, or any password from a user; 403 for roles stronger
 * than the caller's, an address from a blocked domain, or a missing application; 404 when the tenant does not have the
 * application, or is not there
 */
export async function bringIn(ctx: Ctx, caller: Caller, tenantId: string, newcomer: Newcomer): Promise<UserWithRights> {
  const [entered] = await bringAllIn(ctx, caller, [{ ...newcomer, tenantId }])
  return entered!.made ?? users.read(ctx, entered!, tenantId)
}

/**
 * As `bringIn`, for several users or tenants: all are added, or none, together with what `note` writes. In the order of the
 * arrivals.
 */
export async function bringAllIn(ctx: Ctx, caller: Caller, arrivals: readonly Arrival[], note?: Note) {
  const first = await mustBeGood(ctx, caller, arrivals),
    passed = (await letPass(ctx, arrivals)).map(unlessRefused),
    checked = isChanged(arrivals, passed) ? await mustBeGood(ctx, caller, passed) : first
  await sendings.countFor(ctx, caller, checked.map(mailedTo))
  return enterAll(ctx, checked, note).catch(async (error: unknown) => {
    if (!(error instanceof ApiError) || error.status !== 409) throw error
    // another call may just have made one of the same users
    const again = await mustBeGood(ctx, caller, passed)
    if (!again.some(({ known }, i) => known && !checked[i]!.known)) throw error
    return enterAll(ctx, again, note)
  })
}

async function mustBeGood(ctx: Ctx, caller: Caller, arrivals: readonly Arrival[]): Promise<Checked[]> {
  return (await checkAll(ctx, caller, arrivals)).map(unlessRefused)
}
function unlessRefused<T>(one: T | ApiError): T {
  if (one instanceof ApiError) throw one
  return one
}

/**
 * As `bringAllIn`, without those whom something speaks against. `note` writes what is to be stored together with the others.
 * @returns why each of them is refused
 */
export async function bringMostIn(
  ctx: Ctx,
  caller: Caller,
  arrivals: readonly Arrival[],
  note: (refusals: readonly (ApiError | undefined)[], tx: Ctx) => Promise<void>,
) {
  const checked = await countMails(ctx, caller, await checkMost(ctx, caller, arrivals)),
    refusals = checked.map((one) => (one instanceof ApiError ? one : undefined))
  const good = checked.filter((one): one is Checked => !(one instanceof ApiError))
  const finish = async (tx: Ctx) => {
    await note(refusals, tx)
    await events.recordRefusal(tx, ...refusals.flatMap((refusal) => refusal?.event ?? []))
  }
  await (good.length ? enterAll(ctx, good, finish) : ctx.atomically(finish))
  return refusals
}

/** As `checkAll`, with what the environment's prehook says of those whom nothing else speaks against. */
async function checkMost(ctx: Ctx, caller: Caller, arrivals: readonly Arrival[]) {
  const checked = await checkAll(ctx, caller, arrivals),
    good = arrivals.filter((_, index) => !(checked[index] instanceof ApiError)),
    passed = await letPass(ctx, good)
  if (!isChanged(good, passed)) return checked
  const again = await checkAll(
    ctx,
    caller,
    passed.filter((one): one is Arrival => !(one instanceof ApiError)),
  )
  const results = passed.map((one) => (one instanceof ApiError ? one : again.shift()!))
  return checked.map((one) => (one instanceof ApiError ? one : results.shift()!))
}

/** Counts what is mailed to each. Those who get too much are refused. */
async function countMails(ctx: Ctx, caller: Caller, checked: readonly (Checked | ApiError)[]) {
  const recipients = checked.map((one) => (one instanceof ApiError ? null : mailedTo(one)))
  if (!(await sendings.refusalFor(ctx, caller, recipients))) return checked
  const refusals = await Promise.all(recipients.map((to) => sendings.refusalFor(ctx, caller, [to])))
  return checked.map((one, index) => refusals[index] ?? one)
}

type Known = Awaited<ReturnType<typeof know>>

/** Checks each for itself what can be checked before writing. @returns why each is refused, or what is to be written */
async function checkAll(ctx: Ctx, caller: Caller, arrivals: readonly Arrival[]): Promise<(Checked | ApiError)[]> {
  const known = await know(ctx, caller, arrivals),
    results: (Checked | ApiError)[] = [],
    /** tenants that have somebody by then */
    filled = new Set<string>()
  for (const arrival of arrivals) {
    const first = known.tenants.get(arrival.tenantId)?.isEmpty === true && !filled.has(arrival.tenantId)
    try {
      results.push(await check(ctx, caller, withMetadata(arrival), known, first))
      filled.add(arrival.tenantId)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      results.push(error)
    }
  }
  return results
}

/** Clients send the text `null` for no metadata. */
const withMetadata = (arrival: Arrival): Arrival =>
  arrival.metadata === 'null' ? { ...arrival, metadata: '{}' } : arrival

/** Reads what has to be known about all of them. */
async function know(ctx: Ctx, caller: Caller, arrivals: readonly Arrival[]) {
  const emails = arrivals.flatMap(({ email }) => (email === undefined ? [] : [canonicalEmail(email)])),
    usernames = arrivals.flatMap(({ email, username = '' }) => (email === undefined ? [canonicalEmail(username)] : [])),
    tenantIds = [...new Set(arrivals.map((arrival) => arrival.tenantId))],
    issuer = caller.kind === 'person' || caller.kind === 'agent' ? caller : undefined
  const asked = [ctx.clock.now(), emails, usernames, tenantIds] as const
  const [found] = issuer
    ? await ctx.sql(knowledgeOfIssuer, ...asked, issuer.userId, issuer.tenantId)
    : await ctx.sql(knowledge, ...asked)
  const { people, members, tenants, held } = found!
  return {
    byEmail: new Map(people.map((user) => [user.email, user])),
    byUsername: new Map(people.map((user) => [user.username, user])),
    members: new Map(members.map((member) => [`${member.userId} ${member.tenantId}`, member])),
    tenants: new Map(tenants.map((tenant) => [tenant.id, tenant])),
    issuer: found!.issuer,
    strength: issuer
      ? roles.strongest(await rolesOf(ctx, held))
      : caller.kind === 'machine'
        ? await roles.strengthOf(ctx, caller)
        : undefined,
    restrict: await domainRestrictions.restrictions(
      ctx,
      [...emails, ...people.flatMap(({ email }) => email ?? [])],
      tenantIds,
    ),
    enrolling: enrolling(ctx, tenantIds),
  }
}

/** The arrivals of a call are mostly for one application. */
function enrolling(ctx: Ctx, tenantIds: readonly string[]) {
  const found = new Map<string | undefined, ReturnType<typeof applications.enrolment>>()
  return async ({ applicationId, tenantId }: Arrival) => {
    const there = found.get(applicationId) ?? applications.enrolment(ctx, applicationId, tenantIds)
    found.set(applicationId, there)
    return (await there)(tenantId)
  }
}

/** Hashes the password as well, which must not happen in a transaction. */
async function check(ctx: Ctx, caller: Caller, arrival: Arrival, known: Known, first: boolean): Promise<Checked> {
  const { email, username, password, tenantId } = arrival,
    tenant = known.tenants.get(tenantId)
  if (!tenant) throw tenantErrors.notFound()
  if (caller.kind !== 'vendor' && password !== undefined) throw userErrors.passwordForbidden()
  if (email === undefined && username === undefined) throw userErrors.notNamed()
  mustBeObjects(arrival)
  const named = arrival.chosenRoleIds
      ? await roles.assignable(ctx, { kind: 'vendor' }, tenantId, arrival.chosenRoleIds)
      : await roles.assignable(ctx, caller, tenantId, arrival.roleIds ?? [], known.strength),
    expiresAt = await endOf(ctx, arrival)
  const user =
    email === undefined ? known.byUsername.get(canonicalEmail(username!)) : known.byEmail.get(canonicalEmail(email))
  const newcomers = named.length ? [] : await roles.initial(ctx, tenantId, { first })
  if (caller.kind !== 'vendor') await roles.assignable(ctx, caller, tenantId, newcomers, known.strength)
  const member = user && known.members.get(`${user.id} ${tenantId}`)
  if (member && !member.isOver) throw membershipErrors.alreadyMember()
  const address = user ? user.email : email
  if (address !== null && address !== undefined) known.restrict(address, [tenantId])
  if (!user && password !== undefined) await passwordSettings.mustSatisfy(ctx, password, [tenantId])
  return {
    arrival,
    tenant,
    known: user,
    wasMember: member !== undefined,
    roleIds: named.length ? named : newcomers,
    isFirst: !named.length && first,
    applicationId: await known.enrolling(arrival),
    expiresAt,
    passwordHash: user || password === undefined ? null : await ctx.deps.passwords.hash(password),
    vouched: caller.kind === 'vendor',
    issuer: known.issuer,
  }
}

/** The address that is mailed to, if any. */
const mailedTo = ({ arrival: { email, skipInviteEmail }, known }: Checked) =>
  skipInviteEmail ? null : known ? known.email : (email ?? null)

async function endOf(ctx: Ctx, { expirationInSeconds }: Newcomer) {
  if (expirationInSeconds === undefined) return null
  if (!(await effective(ctx, temporaryUsers)).enabled) throw membershipErrors.temporaryUsersOff()
  return after(ctx.clock.now(), expirationInSeconds * SECOND)
}
