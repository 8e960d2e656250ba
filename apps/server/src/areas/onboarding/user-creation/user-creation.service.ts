import { canonicalEmail } from '../../../kernel/email-addresses.ts'
import { after, SECOND } from '../../../kernel/clock.ts'
import { ApiError } from '../../../kernel/errors.ts'
import type { Ctx, UserCaller, VendorCaller } from '../../../kernel/operation.ts'
import { effective } from '../../../kernel/settings.ts'
import * as sendings from '../../access/codes/sendings.service.ts'
import * as activationMails from '../../people/activation-mails/activation-mails.service.ts'
import * as applications from '../../applications/applications/applications.service.ts'
import * as domainRestrictions from '../../policies/domain-restrictions/domain-restrictions.service.ts'
import { membershipErrors } from '../../people/memberships/memberships.errors.ts'
import { temporaryUsers } from '../../people/memberships/memberships.schemas.ts'
import * as memberships from '../../people/memberships/memberships.service.ts'
import * as passwordSettings from '../../policies/password-settings/password-settings.service.ts'
import * as roles from '../../rights/roles/roles.service.ts'
import { live } from '../../rights/held/held.service.ts'
import { welcome } from '../user-tenants/user-tenants.service.ts'
import { userErrors } from '../../people/users/users.errors.ts'
import { mustBeObjects } from '../../people/users/users.schemas.ts'
import type { Person } from '../../delivery/mail/person.ts'
import * as users from '../../people/users/users.service.ts'

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

/** Runs in the transaction that stores the memberships. */
type Note = (tx: Ctx) => Promise<void>

/** A newcomer with their tenant. */
export interface Arrival extends Newcomer {
  tenantId: string
}

/**
 * Adds a user to a tenant: creates them, or takes the user who already has that e-mail address (or username), and leaves that
 * user's profile and password as they are. A new user is mailed an activation link, a known one an invitation.
 * @returns the user's id
 * @throws 409 for a member; 400 for unknown roles, too weak a password, or any password from a user; 403 for roles stronger
 * than the caller's, an address from a blocked domain, or a missing application; 404 when the tenant does not have the
 * application
 */
export async function bringIn(
  ctx: Ctx,
  caller: VendorCaller | UserCaller,
  tenantId: string,
  newcomer: Newcomer,
  note?: Note,
) {
  const [id] = await bringAllIn(ctx, caller, [{ ...newcomer, tenantId }], note)
  return id!
}

/** As `bringIn`, for several users or tenants: all are added, or none. @returns the users' ids, in the order of the arrivals */
export async function bringAllIn(
  ctx: Ctx,
  caller: VendorCaller | UserCaller,
  arrivals: readonly Arrival[],
  note: Note = async () => {},
): Promise<string[]> {
  const checked = await checkAll(ctx, caller, arrivals)
  await sendings.countFor(ctx, caller, checked.map(mailedTo))
  return enterAll(ctx, checked, note).catch(async (error: unknown) => {
    if (!(error instanceof ApiError) || error.status !== 409) throw error
    // another call may just have made one of the same users
    const find = await finder(ctx, arrivals)
    if (!checked.some(({ known, arrival }) => !known && find(arrival))) throw error
    return enterAll(ctx, await checkAll(ctx, caller, arrivals), note)
  })
}

/** Looks up all the users who are there already, by e-mail address, else by username. */
async function finder(ctx: Ctx, newcomers: readonly Newcomer[]) {
  const emails = newcomers.flatMap(({ email }) => (email === undefined ? [] : canonicalEmail(email))),
    usernames = newcomers.flatMap(({ email, username }) =>
      email === undefined && username !== undefined ? canonicalEmail(username) : [],
    )
  const rows = await ctx.db.user.findMany({
      where: {
        OR: [
          ...(emails.length ? [{ email: { in: emails } }] : []),
          ...(usernames.length ? [{ username: { in: usernames } }] : []),
        ],
      },
    }),
    byEmail = new Map(rows.map((row) => [row.email, row])),
    byUsername = new Map(rows.map((row) => [row.username, row]))
  return ({ email, username = '' }: Newcomer): Person | null =>
    (email === undefined ? byUsername.get(canonicalEmail(username)) : byEmail.get(canonicalEmail(email))) ?? null
}

interface Checked {
  arrival: Arrival
  known: Person | null
  roleIds: string[]
  expiresAt: Date | null
  passwordHash: string | null
  vouched: boolean
  issuer: Person | null
}

/** Clients send the text `null` for no metadata. */
const withMetadata = (arrival: Arrival): Arrival =>
  arrival.metadata === 'null' ? { ...arrival, metadata: '{}' } : arrival

/** Checks what can be checked before writing, in few statements, and hashes passwords, which must not happen in a transaction. */
async function checkAll(ctx: Ctx, caller: VendorCaller | UserCaller, given: readonly Arrival[]): Promise<Checked[]> {
  const arrivals = given.map(withMetadata)
  for (const { email, username, password, ...fields } of arrivals) {
    if (caller.kind === 'user' && password !== undefined) throw userErrors.passwordForbidden()
    if (email === undefined && username === undefined) throw userErrors.notNamed()
    mustBeObjects(fields)
  }
  await roles.mustBeAssignable(
    ctx,
    caller,
    arrivals.map(({ tenantId, roleIds = [] }) => ({ tenantId, roleIds })),
  )
  const unasked = arrivals.filter(({ roleIds }) => !roleIds?.length).map(({ tenantId }) => tenantId)
  await memberships.mayBringIn(ctx, caller, ...new Set(unasked))
  const find = await finder(ctx, arrivals),
    both = arrivals.map((arrival) => ({ arrival, known: find(arrival) }))
  await mustBeNew(ctx, both)
  await domainRestrictions.mustAllowAll(
    ctx,
    both.flatMap(({ known, arrival: { email, tenantId } }) =>
      known || email === undefined ? [] : { email, tenantIds: [tenantId] },
    ),
  )
  const issuer = caller.kind === 'user' ? await ctx.db.user.findUnique({ where: { id: caller.userId } }) : null,
    checked: Checked[] = []
  for (const one of both)
    checked.push({
      ...one,
      roleIds: [...new Set(one.arrival.roleIds)],
      expiresAt: await endOf(ctx, one.arrival),
      passwordHash: await hashOf(ctx, one),
      vouched: caller.kind === 'vendor',
      issuer,
    })
  return checked
}

type Found = Pick<Checked, 'arrival' | 'known'>

/** @throws 409 for a member: otherwise the others would be made before, and taken back */
async function mustBeNew(ctx: Ctx, found: readonly Found[]) {
  const pairs = found.flatMap(({ known, arrival: { tenantId } }) => (known ? { userId: known.id, tenantId } : []))
  if (pairs.length && (await ctx.db.membership.findFirst({ where: { AND: [{ OR: pairs }, live(ctx)] } })))
    throw membershipErrors.alreadyMember()
}

async function hashOf(ctx: Ctx, { known, arrival: { password, tenantId } }: Found) {
  if (known || password === undefined) return null
  await passwordSettings.mustSatisfy(ctx, password, [tenantId])
  return ctx.deps.passwords.hash(password)
}

/** The address that is mailed to, if any. */
const mailedTo = ({ arrival: { email, skipInviteEmail }, known }: Checked) =>
  skipInviteEmail ? null : known ? known.email : (email ?? null)

async function endOf(ctx: Ctx, { expirationInSeconds }: Newcomer) {
  if (expirationInSeconds === undefined) return null
  if (!(await effective(ctx, temporaryUsers)).enabled) throw membershipErrors.temporaryUsersOff()
  return after(ctx.clock.now(), expirationInSeconds * SECOND)
}

function enterAll(ctx: Ctx, checked: readonly Checked[], note: Note) {
  return ctx.atomically(async (tx) => {
    const made = new Map<string, Person>(),
      ids: string[] = []
    for (const one of checked) {
      const { email, username = '' } = one.arrival,
        name = canonicalEmail(email ?? username)
      const known = one.known ?? made.get(name)
      const user = known ? await welcomeBack(tx, known, one) : await make(tx, one)
      made.set(name, user)
      ids.push(user.id)
    }
    await note(tx)
    return ids
  })
}

async function welcomeBack(
  tx: Ctx,
  user: Person,
  {
    arrival: { tenantId, skipInviteEmail: quietly = false, emailMetadata, applicationId },
    roleIds,
    expiresAt,
    vouched,
    issuer,
  }: Checked,
) {
  await welcome(tx, user, tenantId, { quietly, vouched, roleIds, expiresAt, emailMetadata, issuer })
  await applications.enrol(tx, { applicationId, userId: user.id, tenantId })
  return user
}

async function make(tx: Ctx, { arrival, roleIds, expiresAt, passwordHash, vouched, issuer }: Checked) {
  const {
    password: _,
    roleIds: __,
    expirationInSeconds: ___,
    skipInviteEmail = false,
    emailMetadata,
    applicationId,
    tenantId,
    verified: known = false,
    ...fields
  } = arrival
  // without an address there is nothing to verify; of others only the environment can say so, or have a provider verify them
  const isKnown = known || skipInviteEmail || (fields.provider ?? 'local') !== 'local'
  const verified = fields.email === undefined || (vouched && isKnown)
  const user = await users.insert(tx, { ...fields, passwordHash, verified, activeTenantId: tenantId })
  if (vouched) await users.vouchForNumber(tx, user)
  await memberships.add(tx, { roleIds, expiresAt, userId: user.id, tenantId, isActiveThere: true })
  await applications.enrol(tx, { applicationId, userId: user.id, tenantId })
  if (!verified && !skipInviteEmail) await activationMails.send(tx, user, tenantId, { emailMetadata, issuer })
  return user
}
