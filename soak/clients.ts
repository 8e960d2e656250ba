import { setTimeout as pause } from 'node:timers/promises'
import type { Chance } from '../apps/server/test/chance.ts'
import type { Mailbox } from './mailbox.ts'
import type { requests, Settled } from './requests.ts'
import type { Fault } from './world.ts'

/** What the server has acknowledged to a client. */
export interface Ledger {
  accounts: Account[]
  invitations: Invitation[]
  /** bulk invitations */
  bulks: { id: string; tenantId: string; emails: string[] }[]
  /** roles given in all of a user's tenants */
  tasks: { id: string; roleId: string }[]
  /** whether the member has the role `ReadOnly` */
  readers: Map<Invitation, boolean>
}
interface Account {
  email: string
  password: string
  former: string[]
  isActive: boolean
  sessions: Session[]
  /** refresh tokens of sessions that a new password ended */
  ended: string[]
}
interface Session {
  refreshToken: string
  accessToken: string
}
interface Invitation {
  email: string
  tenantId: string
  userId: string | undefined
}

/** What is there before the chaos begins. */
export interface Fixture {
  vendorToken: string
  tenants: readonly string[]
  readOnly: string
  /** a user with more tenants than a call changes at once */
  traveller: string
}

export interface Self extends ReturnType<typeof requests> {
  chance: Chance
  fixture: Fixture
  mail: Mailbox
  ledger: Ledger
  fault: Fault
}

export const emptyLedger = (): Ledger => ({ accounts: [], invitations: [], bulks: [], tasks: [], readers: new Map() })

/** Gets accounts with a session each, so that there is something to lose from the beginning. */
export async function settleIn(self: Self) {
  for (let count = 0; count < 3; count++) await signUp(self)
  for (const account of self.ledger.accounts) {
    for (let wait = 0; wait < 1000 && !self.mail.linkTo(account.email); wait++) await pause(100)
    if (self.mail.linkTo(account.email)) await activateAccount(self, account)
  }
}

/** Does one thing after the other, each until it is answered, as careful clients do. */
export async function work(self: Self, isOver: () => boolean) {
  const pot = ACTIONS.flatMap(([weight, action]) => Array.from({ length: weight }, () => action))
  while (!isOver()) {
    await self.chance.oneOf(pot)(self)
    await pause(self.chance.below(50))
  }
}

export const identity = '/identity/resources',
  users = `${identity}/users/v1`

let sequence = 0
/** No character comes three times in a row: a password may not have that. */
const fresh = () => (++sequence).toString(36).split('').join('.')
const freshEmail = () => `soak-${fresh()}@example.com`

const pick = <T>({ oneOf }: Chance, some: readonly T[]): T | undefined => (some.length ? oneOf(some) : undefined)

/** @param known the status that says that an attempt without an answer was done */
function outcome({ fault }: Self, what: string, { status, body, doubt }: Settled, done: number, known?: number) {
  if (status === done) return 'done'
  if (doubt && status === known) return 'known'
  fault(`${what} was refused`, { status, body: body as unknown, doubt })
  return 'refused'
}

async function signUp(self: Self) {
  const email = freshEmail(),
    password = `Hen-house-${fresh()}`
  const answer = await self.ask({
    path: `${users}/signUp`,
    body: { email, password, name: 'Hen', companyName: `Company ${email}` },
  })
  if (outcome(self, 'a sign-up', answer, 201, 409) === 'refused') return
  self.ledger.accounts.push({ email, password, former: [], isActive: false, sessions: [], ended: [] })
}

async function activate(self: Self) {
  const account = pick(
    self.chance,
    self.ledger.accounts.filter(({ email, isActive }) => !isActive && self.mail.linkTo(email)),
  )
  if (account) await activateAccount(self, account)
}

export async function activateAccount(self: Pick<Self, 'ask' | 'mail' | 'fault'>, account: Account) {
  const answer = await self.ask({ path: `${users}/activate`, body: self.mail.linkTo(account.email)! })
  const result = outcome(self as Self, 'an activation', answer, 200, 400)
  account.isActive = result !== 'refused'
  if (result === 'done') account.sessions.push(answer.body as Session)
}

async function logIn(self: Self) {
  const account = pick(
    self.chance,
    self.ledger.accounts.filter(({ isActive }) => isActive),
  )
  if (!account) return
  const { email, password } = account
  const answer = await self.ask({ path: `${identity}/auth/v1/user`, body: { email, password } })
  if (outcome(self, 'a login', answer, 200) === 'done') account.sessions.push(answer.body as Session)
}

/** Within this time a used refresh token gets the same successor again. */
const GRACE_MS = 10_000
export const refreshing = (refreshToken: string) => ({
  path: `${identity}/auth/v1/user/token/refresh`,
  body: { refreshToken },
})

/** Refreshes in one browser tab or two, and perhaps once more as if the answer had been lost. */
async function refresh(self: Self) {
  const found = anySession(self)
  if (!found) return
  const { account, session } = found,
    shown = session.refreshToken,
    began = performance.now()
  const again = () => self.ask(refreshing(shown))
  const answers = await Promise.all(self.chance.below(4) ? [again()] : [again(), again()])
  if (!self.chance.below(4)) answers.push(await again())
  const isInTime = performance.now() - began < GRACE_MS,
    next = new Set(answers.map(({ body }) => (body as Partial<Session>).refreshToken))
  const refused = answers.find(({ status }) => status !== 201)
  if (refused && (isInTime || refused.status !== 401)) self.fault('a refresh was refused', refused)
  if (!refused && (next.size > 1 || next.has(shown))) self.fault('a session forked, or its token stayed', answers)
  if (refused) account.sessions = account.sessions.filter((one) => one !== session)
  else Object.assign(session, answers[0].body)
}

function anySession({ chance, ledger }: Self) {
  const account = pick(
    chance,
    ledger.accounts.filter(({ sessions }) => sessions.length),
  )
  return account && { account, session: chance.oneOf(account.sessions) }
}

/** Ends all other sessions. */
async function changePassword(self: Self) {
  const found = anySession(self)
  if (!found) return
  const { account, session } = found,
    { password } = account,
    newPassword = `Hen-house-${fresh()}`
  const answer = await self.ask({
    path: `${users}/passwords/change`,
    token: session.accessToken,
    body: { password, newPassword },
  })
  if (outcome(self, 'a change of a password', answer, 201, 400) === 'refused') return
  account.former.push(password)
  account.password = newPassword
  account.ended.push(...account.sessions.filter((one) => one !== session).map((one) => one.refreshToken))
  account.sessions = [session]
}

/** A new user, or one who has signed up. */
async function invite(self: Self) {
  const { fixture, ledger, chance } = self,
    tenantId = chance.oneOf(fixture.tenants)
  const known = pick(
    chance,
    ledger.accounts.filter(
      ({ email, isActive }) =>
        isActive && !ledger.invitations.some((one) => one.email === email && one.tenantId === tenantId),
    ),
  )
  const email = known && !chance.below(3) ? known.email : freshEmail()
  await inviteTo(self, tenantId, email, fixture.vendorToken)
}

/** To their own tenant. */
async function inviteAsUser(self: Self) {
  const found = anySession(self)
  if (!found) return
  const { accessToken } = found.session,
    { tenantId } = JSON.parse(Buffer.from(accessToken.split('.')[1]!, 'base64url').toString()) as { tenantId: string }
  await inviteTo(self, tenantId, freshEmail(), accessToken)
}

async function inviteTo(self: Self, tenantId: string, email: string, token: string) {
  const answer = await self.ask({
    path: `${identity}/users/v2`,
    token,
    tenantId,
    body: { email, name: 'Chick', metadata: '{}' },
  })
  if (outcome(self, 'an invitation', answer, 201, 409) === 'refused') return
  self.ledger.invitations.push({ email, tenantId, userId: (answer.body as { id?: string }).id })
}

async function changeRole(self: Self) {
  const { fixture, ledger, chance } = self
  const member = pick(
    chance,
    ledger.invitations.filter(({ userId, tenantId }) => userId !== undefined && fixture.tenants.includes(tenantId)),
  )
  if (!member) return
  const has = ledger.readers.get(member) ?? false
  const answer = await self.ask({
    ...(has && { method: 'DELETE' }),
    path: `${users}/${member.userId}/roles`,
    token: fixture.vendorToken,
    tenantId: member.tenantId,
    body: { roleIds: [fixture.readOnly] },
  })
  if (outcome(self, 'a change of a role', answer, has ? 200 : 201) === 'done') ledger.readers.set(member, !has)
}

/** Not repeated when the answer is lost: a second job would find the users there. */
async function inviteMany({ attempt, chance, fixture, ledger, fault }: Self) {
  const tenantId = chance.oneOf(fixture.tenants),
    emails = Array.from({ length: 5 + chance.below(20) }, freshEmail)
  const answer = await attempt({
    path: `${identity}/users/bulk/v1/invite`,
    token: fixture.vendorToken,
    tenantId,
    body: { users: emails.map((email) => ({ email })) },
  })
  if (typeof answer === 'string') return
  if (answer.status === 202) ledger.bulks.push({ id: answer.body.id, tenantId, emails })
  else fault('a bulk invitation was refused', answer)
}

/** Gives a new role in so many tenants that a job does it. */
async function giveRoleEverywhere(self: Self) {
  const { attempt, ask, fixture, ledger } = self,
    token = fixture.vendorToken
  const made = await attempt({
    path: `${identity}/roles/v1`,
    token,
    body: [{ key: `role-${fresh()}`, name: 'Role', level: 1 }],
  })
  if (typeof made === 'string') return
  const roleId = made.body[0].id as string
  const answer = await ask({
    method: 'PATCH',
    path: `${identity}/vendor-only/users/v1/${fixture.traveller}/roles/bulk`,
    token,
    body: { addRoleIds: [roleId] },
  })
  if (outcome(self, 'a change of roles in bulk', answer, 200) === 'done')
    ledger.tasks.push({ id: answer.body.taskId, roleId })
}

const ACTIONS: readonly [weight: number, action: (self: Self) => Promise<void>][] = [
  [3, signUp],
  [5, activate],
  [3, logIn],
  [8, refresh],
  [2, changePassword],
  [4, invite],
  [3, inviteAsUser],
  [4, changeRole],
  [1, inviteMany],
  [1, giveRoleEverywhere],
]
