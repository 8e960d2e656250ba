import { ApiError, callersFault } from '../../../kernel/errors.ts'
import { TakenOver } from '../../../kernel/jobs.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import { grouped } from '../../../kernel/paging.ts'
import * as access from '../../access/sessions/access.service.ts'
import { tenantErrors } from '../../accounts/tenants/tenants.errors.ts'
import * as applications from '../../applications/applications/applications.service.ts'
import { userErrors } from '../../people/users/users.errors.ts'
import * as users from '../../people/users/users.service.ts'
import { rolesIn } from '../../rights/held/defined.ts'
import { roleErrors } from '../../rights/roles/roles.errors.ts'
import { Refusal, type Candidate } from './candidates.ts'
import { bringing, freeing, knowledge } from './candidates.sql.ts'
import type { MigrationFault } from './imports.schemas.ts'
import * as events from '../../rights/events/events.service.ts'

/** Some rows of an import. They are done once, however many workers try. */
export interface Part {
  readonly importId: string
  readonly number: number
  /** of its first row in the import */
  readonly start: number
}

/** A user who is in now, whether or not they were before; or why they are not. */
export type Outcome = { readonly userId: string } | Refusal

/** When somebody else brings in the same people at once, one of both looks again at what is there. */
const MOST_TRIES = 3

/**
 * Brings users in, in a few statements however many they are. New ones are made as the environment says. Of those who are
 * there already nothing changes but that they get into the tenant. No mail is sent.
 * @returns what became of each, in their order
 * @throws TakenOver when another worker has done the part
 */
export async function bringIn(ctx: Ctx, candidates: readonly (Candidate | Refusal)[], part?: Part): Promise<Outcome[]> {
  for (let attempt = 1; ; attempt++) {
    const plan = await planFor(ctx, candidates)
    try {
      await store(ctx, plan, part)
      return plan.outcomes
    } catch (error) {
      if (attempt === MOST_TRIES || !callersFault(error)) throw error
    }
  }
}

/** As `bringIn`, and if that cannot store something, each for itself. It is safe to repeat, as those who are in stay as they are. */
export async function bringEachIn(ctx: Ctx, candidates: readonly (Candidate | Refusal)[], part: Part) {
  try {
    return await bringIn(ctx, candidates, part)
  } catch (error) {
    if (!callersFault(error)) throw error
    ctx.log.warn({ err: error, part }, 'some users of an import cannot be stored together')
  }
  const outcomes: Outcome[] = []
  for (const candidate of candidates)
    outcomes.push(
      await bringIn(ctx, [candidate]).then(
        ([outcome]) => outcome!,
        (error: unknown) => {
          const fault = callersFault(error)
          if (!fault) throw error
          return new Refusal(null, fault, emailOf(candidate))
        },
      ),
    )
  await store(ctx, planned({ ...nothing(), outcomes }), part)
  return outcomes
}

/** Records that the part could not be brought in, so that the next ones are. */
export const giveUp = (ctx: Ctx, candidates: readonly (Candidate | Refusal)[], part: Part, why: ApiError) =>
  store(ctx, planned({ ...nothing(), outcomes: candidates.map((one) => new Refusal(null, why, emailOf(one))) }), part)

const emailOf = ({ email }: Candidate | Refusal) => email

/** The rows to store. */
interface Plan {
  users: ReturnType<typeof rowOf>[]
  memberships: { userId: string; tenantId: string; acceptedAt: Date; createdAt: Date }[]
  roles: { userId: string; tenantId: string; roleId: string }[]
  applications: { applicationId: string; userId: string; tenantId: string; createdAt: Date }[]
  emails: { id: string; userId: string; email: string; verified: boolean; createdAt: Date; updatedAt: Date }[]
  phones: { id: string; userId: string; phoneNumber: string; verified: boolean; createdAt: Date; updatedAt: Date }[]
  devices: { id: string; userId: string; kind: string; secret?: string; phoneNumber?: string; createdAt: Date }[]
  /** what is written down about them */
  lines: events.Line[]
  /** what has to go before: unverified addresses and numbers of others, memberships that are over, an unproven past */
  stale: { emails: string[]; phones: string[]; memberships: { userId: string; tenantId: string }[]; pasts: string[] }
  outcomes: Outcome[]
}
const nothing = (): Plan => ({
  ...{
    users: [],
    memberships: [],
    roles: [],
    applications: [],
    emails: [],
    phones: [],
    devices: [],
    outcomes: [],
    lines: [],
  },
  stale: { emails: [], phones: [], memberships: [], pasts: [] },
})

/** What is kept while the database works. The rows are text by then: as objects they would fill the memory. */
interface Planned extends Pick<Plan, 'stale' | 'outcomes'> {
  /** the rows, as `bringing` wants them */
  rows: [string, string, string, string, string, string, string, string]
  /** what webhooks are told of */
  told: events.Line[]
}

async function planFor(ctx: Ctx, candidates: readonly (Candidate | Refusal)[]): Promise<Planned> {
  const plan = nothing(),
    readable = candidates.filter((one): one is Candidate => !(one instanceof Refusal)),
    there = readable.length ? await know(ctx, readable) : undefined
  for (const one of candidates) plan.outcomes.push(one instanceof Refusal ? one : outcomeOf(ctx, plan, there!, one))
  const told: events.Line[] = []
  for (const line of plan.lines) if (await events.isTold(ctx, line)) told.push(line)
  return planned(plan, told)
}

function planned({ stale, outcomes, ...plan }: Plan, told: events.Line[] = []): Planned {
  const { users, memberships, roles, applications, emails, phones, devices, lines } = plan
  return {
    stale,
    outcomes,
    told,
    rows: [
      JSON.stringify(inOrder(users)),
      JSON.stringify(memberships),
      JSON.stringify(roles),
      JSON.stringify(applications),
      JSON.stringify(emails),
      JSON.stringify(phones),
      JSON.stringify(devices),
      JSON.stringify(lines),
    ],
  }
}

function outcomeOf(ctx: Ctx, plan: Plan, there: Known, candidate: Candidate): Outcome {
  try {
    return { userId: place(ctx, plan, there, candidate) }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return new Refusal(error.field, error.error, candidate.email)
  }
}

type Known = Awaited<ReturnType<typeof know>>

/** What is there. `place` adds what it plans, so that later rows see it. */
async function know(ctx: Ctx, candidates: readonly Candidate[]) {
  const tenantIds = [...new Set(candidates.map(({ tenantId }) => tenantId))],
    emails = candidates.flatMap((one) => [one.email ?? [], one.otherEmails.map(({ email }) => email)].flat()),
    usernames = candidates.flatMap(({ username }) => username ?? []),
    phones = candidates.flatMap(({ phoneNumber }) => phoneNumber ?? [])
  const [found] = await ctx.sql(knowledge, ctx.clock.now(), emails, usernames, phones, tenantIds)
  const byText = <H extends { text: string }>(held: readonly H[]) => new Map(held.map((one) => [one.text, one]))
  return {
    emails: byText(found!.emails),
    usernames: byText(found!.usernames),
    phones: byText(found!.phones),
    members: new Map(found!.members.map((one) => [`${one.userId} ${one.tenantId}`, one])),
    tenantIds: new Set(found!.tenantIds),
    rolesIn: await rolesOf(ctx, tenantIds),
    enrolling: await enrolmentIn(ctx, tenantIds),
  }
}

/** The default application may go while an import is under way: then this throws for each row. */
const enrolmentIn = (ctx: Ctx, tenantIds: readonly string[]) =>
  applications.enrolment(ctx, undefined, tenantIds).catch((error: unknown) => {
    if (!(error instanceof ApiError)) throw error
    return () => {
      throw error
    }
  })

/** The ids of the roles with these ids or keys in a tenant, or of the default ones. A tenant's own role comes before the environment's. */
async function rolesOf(ctx: Ctx, tenantIds: readonly string[]) {
  const roles = await rolesIn(ctx, tenantIds),
    own = grouped(roles, (role) => role.tenantId ?? '')
  const known = new Map<string, { names: Map<string, string>; initial: string[] }>()
  const there = (tenantId: string) => {
    let found = known.get(tenantId)
    if (found) return found
    const all = [...(own.get('') ?? []), ...(own.get(tenantId) ?? [])]
    found = {
      names: new Map([...all.map((role) => [role.key, role.id] as const), ...all.map(({ id }) => [id, id] as const)]),
      initial: all.filter((role) => role.isDefault).map(({ id }) => id),
    }
    known.set(tenantId, found)
    return found
  }
  return (tenantId: string, wanted: readonly string[]) => {
    const { names, initial } = there(tenantId)
    if (!wanted.length) return initial
    return [...new Set(wanted.map((name) => names.get(name) ?? names.get(name.toLowerCase())))]
  }
}

/** Plans what is to be stored of one. @returns the user's id */
function place(ctx: Ctx, plan: Plan, there: Known, candidate: Candidate): string {
  const { tenantId, email, username } = candidate
  if (!there.tenantIds.has(tenantId)) throw new Refusal('tenantId', tenantErrors.notFound())
  const roleIds = there.rolesIn(tenantId, candidate.roles)
  if (!roleIds.every((id) => id !== undefined)) throw new Refusal('roleIds', roleErrors.unknownRoles())
  const holder = email === null ? there.usernames.get(username!) : there.emails.get(email),
    known = holder && (holder.isOwn || holder.verified) ? holder : undefined
  const member = known && there.members.get(`${known.userId} ${tenantId}`)
  if (member && !member.isOver) return member.userId
  const applicationId = applicationIn(there, tenantId),
    userId = known?.userId ?? make(ctx, plan, there, candidate)
  if (member) plan.stale.memberships.push({ userId, tenantId })
  if (known?.unprovenPast) plan.stale.pasts.push(userId)
  const now = ctx.clock.now()
  plan.memberships.push({ userId, tenantId, acceptedAt: now, createdAt: now })
  for (const roleId of roleIds) plan.roles.push({ userId, tenantId, roleId })
  if (applicationId !== undefined) plan.applications.push({ applicationId, userId, tenantId, createdAt: now })
  there.members.set(`${userId} ${tenantId}`, { userId, tenantId, isOver: false })
  const key = known ? 'frontegg.user.invitedToTenant' : 'frontegg.user.created'
  plan.lines.push(events.lineOf(ctx, { key, userId, tenantId, details: { imported: true } }))
  return userId
}

function applicationIn(there: Known, tenantId: string) {
  try {
    return there.enrolling(tenantId)
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    throw new Refusal('tenantId', error)
  }
}

/** Plans a new user, if nobody has what is to be theirs. */
function make(ctx: Ctx, plan: Plan, there: Known, candidate: Candidate) {
  const { email, username, phoneNumber, otherEmails } = candidate,
    phone = phoneNumber === null ? undefined : there.phones.get(phoneNumber),
    others = otherEmails.flatMap((other) => there.emails.get(other.email) ?? [])
  if (username !== null && there.usernames.has(username)) throw new Refusal('username', userErrors.usernameTaken())
  if (phone && (phone.isOwn || phone.verified)) throw new Refusal('phoneNumber', userErrors.phoneNumberTaken())
  if (others.some((one) => one.isOwn || one.verified)) throw new Refusal('emails', userErrors.emailTaken())
  if (phone) plan.stale.phones.push(phone.text)
  plan.stale.emails.push(...others.map(({ text }) => text))
  const user = rowOf(ctx, candidate),
    userId = user.id,
    now = user.createdAt,
    held = (text: string, isOwn: boolean, verified = true) => ({ userId, text, verified, isOwn, unprovenPast: false })
  plan.users.push(user)
  if (email !== null) there.emails.set(email, held(email, true, candidate.verified))
  if (username !== null) there.usernames.set(username, held(username, true))
  const times = { createdAt: now, updatedAt: now }
  for (const other of otherEmails) {
    plan.emails.push({ id: ctx.random.uuid(), userId, ...other, ...times })
    there.emails.set(other.email, held(other.email, false, other.verified))
  }
  if (phoneNumber !== null) {
    plan.phones.push({ id: ctx.random.uuid(), userId, phoneNumber, verified: true, ...times })
    there.phones.set(phoneNumber, held(phoneNumber, true))
  }
  const { secret, secondPhone } = candidate,
    enrol = (device: { kind: string; secret?: string; phoneNumber?: string }) =>
      plan.devices.push({ id: ctx.random.uuid(), userId, createdAt: now, ...device })
  if (secret !== null) enrol({ kind: 'authenticator', secret: ctx.deps.secrets.seal(secret) })
  if (secondPhone !== null) enrol({ kind: 'sms', phoneNumber: secondPhone })
  return userId
}

/**
 * All columns by name: an object that is spread from others has a hidden class of its own, which is ten times as large as the
 * row, and stays until all of the memory is cleared.
 */
function rowOf(ctx: Ctx, candidate: Candidate) {
  const now = ctx.clock.now(),
    { passwordHash, isLocked, secret, secondPhone } = candidate
  return {
    id: ctx.random.uuid(),
    email: candidate.email,
    username: candidate.username,
    phoneNumber: candidate.phoneNumber,
    name: users.nameOf(candidate),
    profilePictureUrl: candidate.profilePictureUrl,
    provider: candidate.provider,
    externalId: candidate.externalId,
    metadata: candidate.metadata,
    vendorMetadata: candidate.vendorMetadata,
    passwordHash,
    passwordChangedAt: passwordHash === null ? null : now,
    verified: candidate.verified,
    mfaEnrolled: secret !== null || secondPhone !== null,
    isLocked,
    lockedAt: isLocked ? now : null,
    activeTenantId: candidate.tenantId,
    createdAt: now,
    updatedAt: now,
  }
}

/** Two imports of the same people store them in the same order, so that one waits for the other. */
const inOrder = (rows: Plan['users']) =>
  rows.toSorted((a, b) => ((a.email ?? a.username ?? '') < (b.email ?? b.username ?? '') ? -1 : 1))

/** @throws TakenOver when another worker has done the part */
async function store(ctx: Ctx, { rows, stale, outcomes, told }: Planned, part: Part | undefined) {
  const isRare =
    told.length || stale.emails.length || stale.phones.length || stale.memberships.length || stale.pasts.length
  const write = async (on: Ctx) => {
    const [result] = await on.sql(
      bringing,
      part?.importId ?? null,
      part?.number ?? null,
      outcomes.filter((outcome) => !(outcome instanceof Refusal)).length,
      JSON.stringify(part ? faultsOf(outcomes, part.start) : []),
      ...rows,
    )
    if (!result!.done) throw new TakenOver('another worker has done this part')
    await events.tell(on, told)
  }
  if (!isRare) return write(ctx)
  await ctx.atomically(async (tx) => {
    if (stale.emails.length || stale.phones.length) await tx.sql(freeing, stale.emails, stale.phones)
    for (const userId of new Set(stale.pasts)) await access.voidUnprovenPast(tx, userId)
    if (stale.memberships.length)
      await tx.db.membership.deleteMany({ where: { expiresAt: { lte: tx.clock.now() }, OR: stale.memberships } })
    await write(tx)
  })
}

const faultsOf = (outcomes: readonly Outcome[], start: number): MigrationFault[] =>
  outcomes.flatMap((outcome, i) =>
    outcome instanceof Refusal
      ? [{ index: start + i, field: outcome.field, email: outcome.email, message: outcome.message }]
      : [],
  )
