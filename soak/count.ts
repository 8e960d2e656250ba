import { activateAccount, identity, refreshing, type Fixture, type Ledger } from './clients.ts'
import { INVARIANTS } from './invariants.ts'
import type { requests } from './requests.ts'
import type { Fault, World } from './world.ts'

export interface Row {
  what: string
  acknowledged: number
  /** of these, as promised */
  kept: number
}
export interface Evidence {
  world: World
  ask: ReturnType<typeof requests>['ask']
  fixture: Fixture
  ledger: Ledger
  fault: Fault
}
/** What is wrong with it, if anything. */
type Check<T> = (one: T) => Promise<string | undefined>

/** Looks whether what was acknowledged is there, and nothing that is half-written. */
export async function count(evidence: Evidence): Promise<Row[]> {
  const { accounts, invitations, bulks, tasks, readers } = evidence.ledger
  const check = async <T>(what: string, all: readonly T[], why: Check<T>): Promise<Row> => {
    const wrong = (await eight(all, why)).filter((text) => text !== undefined)
    for (const text of wrong) evidence.fault(`${what}: ${text}`)
    return { what, acknowledged: all.length, kept: all.length - wrong.length }
  }
  await nothingHalfWritten(evidence)
  const mails = await mailsOf(evidence),
    arrived = await arrivalsOf(evidence, mails)
  const tokens = accounts.flatMap(({ sessions }) => sessions.map(({ refreshToken }) => refreshToken)),
    ended = accounts.flatMap((account) => account.ended),
    changed = accounts.filter(({ former }) => former.length)
  return [
    // before anybody logs in again
    await check('sessions', tokens, async (token) => unless(201, evidence.ask(refreshing(token)))),
    await check('sessions ended by a password', ended, async (token) => unless(401, evidence.ask(refreshing(token)))),
    await check('sign-ups', accounts, letsIn(evidence, mails)),
    await check('old passwords', changed, async ({ email, former }) =>
      unless(401, logIn(evidence, email, former.at(-1)!)),
    ),
    await check('invitations', invitations, arrived),
    await check('bulk invitations', bulks, completed(evidence)),
    await check(
      'entries of these',
      bulks.flatMap(({ tenantId, emails }) => emails.map((email) => ({ email, tenantId }))),
      arrived,
    ),
    await check('changed roles', [...readers], hasRole(evidence)),
    await check('roles given in bulk', tasks, given(evidence)),
  ]
}

/** Eight at a time. */
async function eight<T, R>(all: readonly T[], work: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [],
    queue = all.entries()
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (const [index, one] of queue) results[index] = await work(one)
    }),
  )
  return results
}

async function nothingHalfWritten({ world: { query }, fault }: Evidence) {
  for (const [what, text] of Object.entries(INVARIANTS)) {
    const rows = await query(`${text} limit 5`)
    if (rows.length) fault(what, rows)
  }
}

async function unless(wanted: number, answer: Promise<{ status: number; body: unknown }>, about = '') {
  const { status, body } = await answer
  return status === wanted ? undefined : `${about} was answered ${status} ${JSON.stringify(body)}`
}

const logIn = ({ ask }: Evidence, email: string, password: string) =>
  ask({ path: `${identity}/auth/v1/user`, body: { email, password } })

/** A sign-up lets in: by the mailed link if that has not been used yet, then with the password. */
const letsIn =
  (evidence: Evidence, mails: Mails): Check<Ledger['accounts'][number]> =>
  async (account) => {
    const { email, password, isActive } = account
    const wrong = mails(email, 'ActivateUser')
    if (wrong !== undefined) return wrong
    if (!isActive) await activateAccount({ ...evidence, mail: evidence.world.mail }, account)
    return unless(200, logIn(evidence, email, password), email)
  }

type Mails = Awaited<ReturnType<typeof mailsOf>>

/** Exactly one message in the outbox, which the mail server has got. Nothing else was sent. */
async function mailsOf({ world: { query, mail }, fault }: Evidence) {
  const rows = await query<{ id: string; recipient: string; tenantId: string; template: string }>(
    'select id, recipient, "tenantId", template from "Message"',
  )
  const ids = new Set(rows.map(({ id }) => id))
  for (const [address, mails] of mail.mails)
    for (const id of mails.keys()) if (!ids.has(id)) fault('a mail was sent that is not in the outbox', { address, id })
  const byAddress = new Map<string, typeof rows>()
  for (const row of rows) byAddress.set(row.recipient, [...(byAddress.get(row.recipient) ?? []), row])
  return (address: string, of: string) => {
    const found = byAddress.get(address)?.filter(({ tenantId, template }) => [tenantId, template].includes(of)) ?? []
    const [first, ...more] = found
    if (!first || more.length) return `${address} has ${found.length} messages of ${of}`
    return mail.mails.get(address)?.has(first.id) ? undefined : `${address} did not get the message ${first.id}`
  }
}

/** A membership, and its mail. */
async function arrivalsOf({ world: { query } }: Evidence, mails: Mails): Promise<Check<Address>> {
  const rows = await query<Address>(
    'select u.email, m."tenantId" from "Membership" m join "User" u on u.id = m."userId"',
  )
  const members = new Set(rows.map(({ email, tenantId }) => `${email} ${tenantId}`))
  return async ({ email, tenantId }) =>
    members.has(`${email} ${tenantId}`) ? mails(email, tenantId) : `${email} is no member of ${tenantId}`
}
interface Address {
  email: string
  tenantId: string
}

const completed =
  ({ ask, fixture: { vendorToken: token } }: Evidence): Check<Ledger['bulks'][number]> =>
  async ({ id, emails: { length } }) => {
    const { body } = await ask({ method: 'GET', path: `${identity}/users/bulk/v1/status/${id}`, token })
    const { status, total, processed, errors } = body
    return status === 'Completed' && total === length && processed === length && !errors.length
      ? undefined
      : JSON.stringify(body)
  }

const hasRole =
  ({ world: { query }, fixture }: Evidence): Check<[{ userId: string | undefined; tenantId: string }, boolean]> =>
  async ([{ userId, tenantId }, wanted]) => {
    const rows = await query(
      'select 1 from "MembershipRole" where "userId" = $1 and "tenantId" = $2 and "roleId" = $3',
      [userId, tenantId, fixture.readOnly],
    )
    return rows.length === Number(wanted) ? undefined : `${userId} in ${tenantId} has ${rows.length}, not ${wanted}`
  }

const given =
  ({ world: { query }, ask, fixture: { vendorToken: token, traveller } }: Evidence): Check<Ledger['tasks'][number]> =>
  async ({ id, roleId }) => {
    const path = `${identity}/vendor-only/users/v1/bulk-roles/status/${id}`
    const { body } = await ask({ method: 'GET', path, token })
    const rows = await query('select 1 from "MembershipRole" where "userId" = $1 and "roleId" = $2', [
      traveller,
      roleId,
    ])
    return body.status === 'Completed' && rows.length === body.totalTenants
      ? undefined
      : `${rows.length} ${JSON.stringify(body)}`
  }
