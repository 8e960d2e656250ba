import type { ChallengeRow } from '../../../kernel/challenges.ts'
import { onDuplicate, onUnknownReference } from '../../../kernel/errors.ts'
import type { JobRow } from '../../../kernel/jobs.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import { canonicalEmail } from '../../../kernel/email-addresses.ts'
import * as access from '../../access/sessions/access.service.ts'
import { tenantErrors } from '../../accounts/tenants/tenants.errors.ts'
import * as mail from '../../delivery/mail/mail.service.ts'
import type { Person } from '../../delivery/mail/person.ts'
import * as activationMails from '../../people/activation-mails/activation-mails.service.ts'
import { membershipErrors } from '../../people/memberships/memberships.errors.ts'
import * as memberships from '../../people/memberships/memberships.service.ts'
import { rightsBy, withRoles } from '../../people/users/user-rights.service.ts'
import type { UserWithRights } from '../../people/users/users.schemas.ts'
import * as users from '../../people/users/users.service.ts'
import * as strategies from '../../policies/strategies/strategies.service.ts'
import { rolesNamed } from '../../rights/held/defined.ts'
import * as roles from '../../rights/roles/roles.service.ts'
import * as invitations from '../invitations/invitations.service.ts'
import { arriving, arrivingQuietly, type Destination, type Known } from './arrivals.sql.ts'
import type { Arrival } from './user-creation.service.ts'
import * as events from '../../rights/events/events.service.ts'

/** An arrival that nothing speaks against. */
export interface Checked {
  arrival: Arrival
  tenant: Destination
  /** the user who is there already */
  known: Known | undefined
  /** and whose membership is over */
  wasMember: boolean
  roleIds: readonly string[]
  /** has the roles of a tenant's first member */
  isFirst: boolean
  /** the application that they have to be assigned to */
  applicationId: string | undefined
  expiresAt: Date | null
  passwordHash: string | null
  /** by the environment */
  vouched: boolean
  issuer: Person | null
}

/** Runs in the transaction that stores the memberships. */
export type Note = (tx: Ctx) => Promise<void>

export interface Entered {
  id: string
  /** all about a user who was made */
  made?: UserWithRights
}

type UserRow = ReturnType<typeof users.rowOf> & { mfaBypass: boolean; metadata: string; vendorMetadata: string }

/** The rows of all arrivals. */
interface Rows {
  users: UserRow[]
  memberships: { userId: string; tenantId: string; acceptedAt: Date | null; expiresAt: Date | null; createdAt: Date }[]
  roles: { userId: string; tenantId: string; roleId: string }[]
  applications: { applicationId: string; userId: string; tenantId: string; createdAt: Date }[]
  challenges: ChallengeRow[]
  messages: mail.MessageRow[]
  jobs: JobRow[]
}

/** What takes statements of its own. */
type Later = (tx: Ctx) => Promise<unknown>

/**
 * Adds all of them, in one statement if nothing rare is among them.
 * @throws 409 when somebody is a member by now, or has the address, username or number; 404 for a tenant that is gone
 */
export async function enterAll(ctx: Ctx, checked: readonly Checked[], note?: Note): Promise<Entered[]> {
  const isRare = ({ isFirst, wasMember, known, vouched, arrival }: Checked) =>
    isFirst || wasMember || known?.unprovenPast === true || (vouched && !known && arrival.phoneNumber !== undefined)
  const wantsCodes = (await strategies.invitation(ctx)).strategy === 'code'
  const enter = (on: Ctx) => write(on, checked, note)
  const isTogether =
    note || checked.some((one) => isRare(one) || (wantsCodes && one.known)) || (await isTold(ctx, checked))
  return isTogether ? ctx.atomically(enter) : enter(ctx)
}

const keyFor = (isKnown: boolean) => (isKnown ? 'frontegg.user.invitedToTenant' : 'frontegg.user.created')

async function isTold(ctx: Ctx, checked: readonly Checked[]) {
  for (const { known, tenant } of checked)
    if (await events.isTold(ctx, { key: keyFor(known !== undefined), tenantId: tenant.id })) return true
  return false
}

async function write(ctx: Ctx, checked: readonly Checked[], note: Note | undefined) {
  const rows: Rows = {
      users: [],
      memberships: [],
      roles: [],
      applications: [],
      challenges: [],
      messages: [],
      jobs: [],
    },
    later: Later[] = [],
    made = new Map<string, UserRow>(),
    lines: events.Line[] = [],
    entered: Entered[] = []
  for (const one of await settleFirst(ctx, checked)) {
    const { email, username = '' } = one.arrival,
      name = email === undefined ? canonicalEmail(username) : canonicalEmail(email),
      known = one.known ?? made.get(name)
    if (known) {
      await welcomeBack(ctx, rows, later, known, one)
      entered.push({ id: known.id })
    } else {
      const user = await make(ctx, rows, later, one)
      made.set(name, user)
      entered.push({ id: user.id, made: await asRead(ctx, user, one) })
    }
    const userId = entered.at(-1)!.id
    lines.push(events.lineOf(ctx, { key: keyFor(known !== undefined), userId, tenantId: one.tenant.id }))
  }
  await endOldMemberships(ctx, checked)
  await store(ctx, rows, lines)
    .catch(
      onDuplicate((constraint) =>
        constraint.includes('Membership') || constraint.includes('tenantId')
          ? membershipErrors.alreadyMember()
          : users.taken(constraint),
      ),
    )
    .catch((error: unknown) => onUnknownReference(tenantErrors.notFound())(error))
  for (const work of later) await work(ctx)
  await events.tell(ctx, lines)
  await note?.(ctx)
  return entered
}

function store(
  ctx: Ctx,
  { users, memberships, roles, applications, challenges, messages, jobs }: Rows,
  lines: readonly events.Line[],
) {
  const text = JSON.stringify
  const areNew = users.length === memberships.length,
    isQuiet = ![challenges, messages, jobs].some((some) => some.length)
  const places = [text(users), text(memberships), text(roles), text(applications), text(lines)] as const
  return areNew && isQuiet
    ? ctx.sql(arrivingQuietly, ...places)
    : ctx.sql(
        arriving,
        ...places,
        ...([text(challenges), text(messages), text(jobs)] as const),
        invitations.invitations.map(({ purpose }) => purpose),
      )
}

/** Of several first members of a tenant at once, the one who comes first gets the roles for them. */
async function settleFirst(tx: Ctx, checked: readonly Checked[]): Promise<Checked[]> {
  const settled: Checked[] = []
  for (const one of checked) {
    const first = one.isFirst && (await memberships.isEmpty(tx, one.tenant.id))
    settled.push(
      one.isFirst && !first
        ? { ...one, isFirst: false, roleIds: await roles.initial(tx, one.tenant.id, { first: false }) }
        : one,
    )
  }
  return settled
}

/** Memberships that are over may still be there. */
async function endOldMemberships(tx: Ctx, checked: readonly Checked[]) {
  const old = checked.filter((one) => one.wasMember)
  if (old.length)
    await tx.db.membership.deleteMany({
      where: {
        expiresAt: { lte: tx.clock.now() },
        OR: old.map((one) => ({ userId: one.known!.id, tenantId: one.tenant.id })),
      },
    })
}

/** Adds the rows of a new user. */
async function make(ctx: Ctx, rows: Rows, later: Later[], one: Checked): Promise<UserRow> {
  const { arrival, passwordHash, vouched, issuer, tenant } = one
  const { email, username = null, name, phoneNumber = null, profilePictureUrl = null, externalId = null } = arrival,
    { provider = 'local', metadata = '{}', vendorMetadata = '{}', mfaBypass = false } = arrival,
    quietly = arrival.skipInviteEmail ?? false
  // without an address there is nothing to verify; of others only the environment can say so, or have a provider verify them
  const isKnown = arrival.verified || quietly || provider !== 'local'
  const user = users.rowOf(ctx, {
    ...{ email: email ?? null, username, name, phoneNumber, profilePictureUrl, externalId, provider, passwordHash },
    ...{ metadata, vendorMetadata, mfaBypass },
    verified: email === undefined || (vouched && isKnown),
    activeTenantId: tenant.id,
  }) as UserRow
  rows.users.push(user)
  if (vouched && user.phoneNumber !== null) later.push((tx) => users.vouchForNumber(tx, user))
  join(ctx, rows, user.id, one, false)
  if (!user.verified && !quietly) {
    const person = { ...user, email: user.email!, profilePictureUrl }
    await post(
      ctx,
      rows,
      await activationMails.first(ctx, person, tenant.id, { emailMetadata: arrival.emailMetadata, issuer }),
      tenant,
    )
  }
  return user
}

/**
 * Adds the rows of an existing user's membership, with an invitation by mail unless the call says not to, or they have no
 * address. As `welcome`.
 */
async function welcomeBack(ctx: Ctx, rows: Rows, later: Later[], user: Person | UserRow, one: Checked) {
  const { arrival, vouched, issuer, tenant } = one,
    person = { ...user, profilePictureUrl: user.profilePictureUrl ?? null },
    quietly = arrival.skipInviteEmail ?? false,
    { email } = user,
    invited = email !== null && !(quietly && vouched),
    circumstances = { emailMetadata: arrival.emailMetadata, issuer }
  join(ctx, rows, user.id, one, invited)
  if (!invited && one.known?.unprovenPast) later.push((tx) => access.voidUnprovenPast(tx, user.id))
  if (email === null || !invited || quietly) return
  if ((await strategies.invitation(ctx)).strategy === 'code')
    later.push((tx) => invitations.sendInvitation(tx, person, tenant.id, circumstances))
  else
    await post(ctx, rows, await invitations.invitationLink(ctx, { ...person, email }, tenant.id, circumstances), tenant)
}

function join(ctx: Ctx, rows: Rows, userId: string, one: Checked, invited: boolean) {
  const { roleIds, expiresAt, applicationId } = one,
    tenantId = one.tenant.id,
    createdAt = ctx.clock.now()
  rows.memberships.push({ userId, tenantId, acceptedAt: invited ? null : createdAt, expiresAt, createdAt })
  rows.roles.push(...roleIds.map((roleId) => ({ userId, tenantId, roleId })))
  if (applicationId !== undefined) rows.applications.push({ applicationId, userId, tenantId, createdAt })
  if (expiresAt) rows.jobs.push(memberships.endOf(ctx, { userId, tenantId, expiresAt }))
}

/** Adds what is mailed. */
async function post(
  ctx: Ctx,
  rows: Rows,
  { challenge, mail: letter }: { challenge: ChallengeRow; mail: mail.OutgoingMail },
  tenant: Destination,
) {
  const { message, job } = await mail.write(ctx, letter, tenant)
  rows.challenges.push(challenge)
  if (message) rows.messages.push(message)
  if (job) rows.jobs.push(job)
}

/** A user who has just been made, as `users.read` would find them. */
async function asRead(ctx: Ctx, user: UserRow, { tenant, roleIds, expiresAt }: Checked): Promise<UserWithRights> {
  const [row] = await withRoles(ctx, [
    {
      id: user.id,
      email: user.email,
      username: user.username,
      name: user.name,
      profilePictureUrl: user.profilePictureUrl ?? null,
      phoneNumber: user.phoneNumber,
      verified: user.verified,
      mfaEnrolled: false,
      mfaBypass: user.mfaBypass,
      provider: user.provider ?? 'local',
      managedBy: 'frontegg',
      isLocked: false,
      invisible: false,
      superUser: false,
      subAccountAccess: null,
      activeTenantId: tenant.id,
      metadata: user.metadata,
      vendorMetadata: user.vendorMetadata,
      externalId: user.externalId ?? null,
      createdAt: user.createdAt,
      lastLogin: null,
      places: [
        {
          tenantId: tenant.id,
          isDisabled: false,
          acceptedAt: user.createdAt.toISOString(),
          expiresAt: expiresAt?.toISOString() ?? null,
          subAccountAccessType: tenant.subAccountAccessType,
          roleIds,
        },
      ],
    },
  ])
  return {
    row: row!,
    tenantId: tenant.id,
    ...(await rightsBy(ctx, await rolesNamed(ctx, roleIds, [tenant.id]))),
  }
}
