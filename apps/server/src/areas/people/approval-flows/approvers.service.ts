import { canonicalEmail } from '../../../kernel/email-addresses.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import { effective } from '../../../kernel/settings.ts'
import { nobody, type Person } from '../../delivery/mail/person.ts'
import { rolesIn } from '../../rights/held/defined.ts'
import { groupsConfiguration } from '../../rights/held/groups-configuration.ts'
import { open } from '../../rights/held/held.service.ts'
import { plain } from '../users/users.service.ts'
import { approvalErrors } from './approval-flows.errors.ts'
import type { Channels, Step } from './approval-flows.schemas.ts'

/** Somebody who is asked in a step, and where. */
export interface Chosen {
  readonly person: Person
  readonly email: string | null
  readonly phoneNumber: string | null
  readonly asMember: boolean
  readonly byRole: boolean
}

/** How many one step asks. */
const MOST = 100

const asked = {
  id: true,
  name: true,
  email: true,
  verified: true,
  phoneNumber: true,
  profilePictureUrl: true,
  metadata: true,
  isLocked: true,
  phones: { where: { verified: true }, select: { phoneNumber: true }, orderBy: { createdAt: 'asc' } },
  emails: { where: { verified: true }, select: { email: true } },
} as const

interface Place {
  readonly tenantId: string
  readonly requesterId: string
}

/**
 * Whom a step asks: the named addresses and numbers, and the members who have one of the roles. Nobody is asked for
 * approval of their own request because of a role, and nobody at an address that was not proven; a flow that names an
 * address means it. Locked users are not asked.
 * @throws 400 for too many, and for fewer than have to approve
 */
export async function chosen(ctx: Ctx, place: Place, { email, sms }: Channels, step: Step): Promise<Chosen[]> {
  const { roleKeys, emails, phoneNumbers } = step.approverSelectors
  const named = await namedIn(
    ctx,
    place.tenantId,
    email ? [...new Set(emails.map(canonicalEmail))] : [],
    sms ? [...new Set(phoneNumbers.map(plain))] : [],
  )
  const known = new Set(named.map(({ person }) => person.id)),
    holders = await holdersOf(ctx, place, roleKeys)
  const found = [
    ...named,
    ...holders
      .filter(({ id }) => !known.has(id))
      .map((user) => ({ ...reachedAt(user, { email, sms }), asMember: true, byRole: true })),
  ].filter((one) => one.email !== null || one.phoneNumber !== null)
  if (found.length > MOST) throw approvalErrors.tooManyApprovers()
  if (found.length < step.configuration.minApprovals) throw approvalErrors.tooFewApprovers()
  return found
}

/** Those whose proven addresses and numbers these are; one of nobody stands for itself. */
async function namedIn(ctx: Ctx, tenantId: string, emails: readonly string[], phoneNumbers: readonly string[]) {
  if (!emails.length && !phoneNumbers.length) return []
  const owners = await ctx.db.user.findMany({
    where: {
      OR: [
        { emails: { some: { email: { in: [...emails] }, verified: true } } },
        { phones: { some: { phoneNumber: { in: [...phoneNumbers] }, verified: true } } },
      ],
    },
    select: { ...asked, memberships: { where: { tenantId, ...open(ctx) }, select: { tenantId: true } } },
  })
  const addressesOf = (user: (typeof owners)[number]) => user.emails.map(({ email }) => email),
    numbersOf = (user: (typeof owners)[number]) => user.phones.map((phone) => phone.phoneNumber)
  const taken = new Set(owners.flatMap((user) => [...addressesOf(user), ...numbersOf(user)]))
  const ofUsers = owners
    .filter(({ isLocked }) => !isLocked)
    .map((user) => ({
      person: user,
      email: emails.find((email) => addressesOf(user).includes(email)) ?? null,
      phoneNumber: phoneNumbers.find((number) => numbersOf(user).includes(number)) ?? null,
      asMember: user.memberships.length > 0,
      byRole: false,
    }))
  const stranger = (email: string | null, phoneNumber: string | null) => ({
    person: nobody(ctx, email),
    email,
    phoneNumber,
    asMember: false,
    byRole: false,
  })
  return [
    ...ofUsers,
    ...emails.filter((email) => !taken.has(email)).map((email) => stranger(email, null)),
    ...phoneNumbers.filter((number) => !taken.has(number)).map((number) => stranger(null, number)),
  ]
}

async function holdersOf(ctx: Ctx, { tenantId, requesterId }: Place, roleKeys: readonly string[]) {
  if (!roleKeys.length) return []
  const rows = await ctx.db.membership.findMany({
    where: {
      tenantId,
      userId: { not: requesterId },
      user: { isLocked: false },
      AND: [open(ctx), await holding(ctx, tenantId, roleKeys)],
    },
    select: { user: { select: asked } },
    orderBy: [{ createdAt: 'asc' }, { userId: 'asc' }],
    take: MOST + 1,
  })
  return rows.map(({ user }) => user)
}

/** Memberships that have one of the roles, by themselves or by a group. */
async function holding(ctx: Ctx, tenantId: string, roleKeys: readonly string[]) {
  const roleIds = (await rolesIn(ctx, [tenantId])).filter(({ key }) => roleKeys.includes(key)).map(({ id }) => id),
    one = { some: { roleId: { in: roleIds } } },
    { enabled, rolesEnabled } = await effective(ctx, groupsConfiguration)
  return { OR: [{ roles: one }, ...(enabled && rolesEnabled ? [{ groups: { some: { group: { roles: one } } } }] : [])] }
}

type Reachable = Person & { verified: boolean; phones: readonly { phoneNumber: string }[] }
/** Where a user is asked: only at what is proven to be theirs. */
const reachedAt = (user: Reachable, { email, sms }: Channels) => ({
  person: user,
  email: email && user.verified ? user.email : null,
  phoneNumber: (sms ? user.phones[0]?.phoneNumber : undefined) ?? null,
})

/** Users who confirm something of their own: by e-mail where they have a proven address, else by SMS. @throws 400 */
export async function themselves(ctx: Ctx, requesterId: string, asMember: boolean): Promise<Chosen> {
  const user = await ctx.db.user.findUnique({ where: { id: requesterId }, select: asked }),
    byMail = user && reachedAt(user, { email: true, sms: false })
  const where = byMail?.email ? byMail : user && reachedAt(user, { email: false, sms: true })
  if (!where || (where.email === null && where.phoneNumber === null)) throw approvalErrors.tooFewApprovers()
  return { ...where, asMember, byRole: false }
}

interface Approver {
  readonly userId: string | null
  readonly asMember: boolean
  readonly byRole: boolean
}
/** Whether they may still decide: what was so when they were asked must be so now. */
export async function mayStill(ctx: Ctx, tenantId: string, { userId, asMember, byRole }: Approver, step: Step) {
  if (userId === null) return true
  const unlocked = { isLocked: false }
  if (!asMember) return (await ctx.db.user.count({ where: { id: userId, ...unlocked } })) > 0
  const role = byRole ? [await holding(ctx, tenantId, step.approverSelectors.roleKeys)] : []
  return (await ctx.db.membership.count({ where: { userId, tenantId, user: unlocked, AND: [open(ctx), ...role] } })) > 0
}
