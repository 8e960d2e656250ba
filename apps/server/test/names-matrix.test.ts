import { describe, expect, test } from 'vitest'
import type { Operation } from '../src/kernel/operation.ts'
import { newEnvironment, newServer, operations, UNKNOWN_ID, type Client, type TestEnvironment } from './environment.ts'
import { fillPath, sampleBody } from './samples.ts'
import { auth, PASSWORD } from './second-factors.ts'

/*
 * One name in other forms is one user, or nobody: for every operation that takes an address or a username, from the registry.
 */
const EMAIL = 'kéith.smith@example.com',
  USERNAME = 'keith.smith'

/** Other forms of a name. */
const FORMS: Readonly<Record<string, (name: string) => string>> = {
  'in capitals': (name) => name.toUpperCase(),
  'with the sign of Kelvin': (name) => name.replace('k', '\u212a'),
  decomposed: (name) => name.normalize('NFD'),
  'decomposed, in capitals': (name) => name.toUpperCase().normalize('NFKD'),
  'of full width': (name) => name.replace(/[a-z]/g, (c) => String.fromCharCode(c.charCodeAt(0) + 0xfee0)),
  'with a long s': (name) => name.replace('s', '\u017f'),
  'with a joiner': (name) => `${name.slice(0, 2)}\u200d${name.slice(2)}`,
  'with a blank of no width': (name) => `${name.slice(0, 2)}\u200b${name.slice(2)}`,
  'with a soft hyphen': (name) => `${name.slice(0, 2)}\u00ad${name.slice(2)}`,
  'with a mark of direction': (name) => `\u200e${name}`,
  'with blanks around it': (name) => `  ${name} `,
  'with a no-break blank': (name) => `${name}\u00a0`,
  'with a dot behind it': (name) => `${name}.`,
  'with a dotless i': (name) => name.replace('i', '\u0131'),
  'with a dotted capital': (name) => name.replace('i', '\u0130'),
}
/** A letter of its own, which other people's names have: another name, unless it is refused. */
const OTHER_LETTERS = ['with a dotless i', 'with a dotted capital']
/** Dots are letters of usernames. */
const OTHER_USERNAMES = [...OTHER_LETTERS, 'with a dot behind it']

const fold = (name: string) =>
  name
    .normalize('NFKC')
    .replace(/[\u00ad\u200b-\u200f\u2060\ufeff]/g, '')
    .trim()
    .toLowerCase()
    .normalize('NFC')

interface Schema {
  type?: string
  properties?: Record<string, Schema>
  items?: Schema
  anyOf?: Schema[]
}
const NAMES = /^_?(email|username|identifier|usernames|usernamePrefix)$/
/** Whether somebody is named in it. */
const names = (schema: unknown): boolean => {
  const { properties = {}, items, anyOf = [] } = (schema ?? {}) as Schema
  return (
    Object.entries(properties).some(([name, part]) => NAMES.test(name) || names(part)) ||
    (items !== undefined && names(items)) ||
    anyOf.some(names)
  )
}
const naming = operations.filter((op) => names(op.body) || names(op.query) || names(op.params))

/** The sample with everybody's name in it replaced. */
const renamed = (value: unknown, email: string, username: string): unknown => {
  if (Array.isArray(value)) return value.map((item) => renamed(item, email, username))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [
      name,
      !NAMES.test(name)
        ? renamed(part, email, username)
        : Array.isArray(part)
          ? [username]
          : /username/i.test(name)
            ? username
            : email,
    ]),
  )
}

/** What the samples lack, so that a call comes as far as the name. */
const details = (tenantId: string) => ({
  password: PASSWORD,
  tenantId,
  companyName: 'Hens',
  name: 'K',
  identifierType: 'email',
  provider: 'local',
})
const withDetails = (op: Operation, body: object, tenantId: string) => {
  const known = (op.body as Schema | undefined)?.properties ?? {}
  const more = Object.entries(details(tenantId)).filter(([name]) => name in known)
  return { ...body, ...Object.fromEntries(more) }
}

async function scene() {
  const env = await newEnvironment(),
    { id, tenantId } = await env.newUser({ email: EMAIL, password: PASSWORD })
  await (await env.context()).db.user.update({ where: { id }, data: { username: USERNAME } })
  const other = await env.user({ permissions: ['fe.secure.*'], password: PASSWORD })
  return { env, id, tenantId, other }
}
type Scene = Awaited<ReturnType<typeof scene>>

async function everybody(env: TestEnvironment) {
  const { db } = await env.context()
  const [users, emails] = await Promise.all([
    db.user.findMany({ select: { email: true, username: true } }),
    db.userEmail.findMany({ select: { email: true } }),
  ])
  return {
    emails: emails.map((row) => row.email),
    usernames: users.flatMap((row) => row.username ?? []),
    users: users.length,
  }
}

async function callWith(op: Operation, { env, id, tenantId, other }: Scene, email: string, username: string) {
  const client: Client =
    op.auth === 'public' ? env.anonymous : op.auth === 'user' ? other : env.as(other.tenantId, other.id)
  const known: Record<string, string> = { userId: other.id, id, tenantId, username }
  const url = fillPath(op, (name) => known[name] ?? UNKNOWN_ID)
  const queries = Object.keys((op.query as Schema | undefined)?.properties ?? {}).filter((name) => NAMES.test(name))
  const query = new URLSearchParams(
    queries.map((name) => [name, /username/i.test(name) ? username : email] as [string, string]),
  )
  if (queries.includes('_identifier')) query.set('_identifierType', 'email')
  const body = op.body && renamed(withDetails(op, sampleBody(op, true) as object, other.tenantId), email, username)
  return client(op.method, queries.length ? `${url}?${query}` : url, body)
}

/** One for all operations: each call is to change nothing, or to find the user who is there. */
const shared = await scene()
/** One of each sort, as every operation is called with each. */
const SORTS = ['decomposed, in capitals', 'of full width', 'with a joiner', 'with a dot behind it', 'with a dotless i']

describe.concurrent('a name in another form', () => {
  test.for(naming.map((op) => [op.id, op] as const))('is nobody new for %s', async ([, op]) => {
    const { env, id } = shared
    for (const form of SORTS) {
      const write = FORMS[form]!
      const answer = await callWith(
        op,
        shared,
        write(EMAIL),
        OTHER_USERNAMES.includes(form) ? USERNAME : write(USERNAME),
      )
      expect(answer.status, `${form}: ${JSON.stringify(answer.body)}`).toBeLessThan(500)
    }
    const { emails, usernames } = await everybody(env)
    for (const all of [emails, usernames]) {
      expect(new Set(all.map(fold)).size).toBe(all.length)
      expect(all.filter((one) => one !== fold(one))).toEqual([])
    }
    // never to the letters as they were typed
    const recipients = new Set((await env.messages()).map((message) => message.recipient))
    expect([...recipients].filter((to) => to.includes('@') && to !== fold(to))).toEqual([])
    // one of the operations takes it away
    await (await env.context()).db.user.update({ where: { id }, data: { username: USERNAME } })
  })

  test('lets its user in, or nobody, and the same with a username', async () => {
    const { env, id } = await scene()
    const outcomes: Record<string, [number, number]> = {}
    for (const [form, write] of Object.entries(FORMS)) {
      const byEmail = await env.anonymous('POST', auth, { email: write(EMAIL), password: PASSWORD }),
        byName = await env.anonymous('POST', auth, { username: write(USERNAME), password: PASSWORD })
      for (const { status, body } of [byEmail, byName]) if (status < 300) expect(body.userId).toBe(id)
      outcomes[form] = [byEmail.status, byName.status]
    }
    const nobody = Object.entries(outcomes).filter(([, statuses]) => statuses.join() !== '200,200')
    expect(Object.fromEntries(nobody)).toEqual({
      'with a dot behind it': [401, 401],
      'with a dotless i': [401, 401],
      'with a dotted capital': [401, 401],
    })
  })

  test('makes no guess more: a lock counts all forms, of somebody and of nobody', async () => {
    const { env } = await scene()
    await env.vendor('POST', '/identity/resources/configurations/v1/lockout-policy', { enabled: true, maxAttempts: 10 })
    const forms = Object.entries(FORMS).filter(([form]) => !OTHER_USERNAMES.includes(form))
    for (const name of [EMAIL, 'nobody.seén.k@example.com']) {
      const statuses: number[] = []
      for (const [, write] of forms)
        statuses.push((await env.anonymous('POST', auth, { email: write(name), password: 'wrong' })).status)
      expect(forms.length).toBeGreaterThan(10)
      expect(statuses).toEqual([...Array<number>(10).fill(401), ...Array<number>(forms.length - 10).fill(423)])
    }
  })

  test('is no further name to send to: limits count all forms', async () => {
    const on = await newServer({ rateLimits: true }),
      env = await newEnvironment(on),
      email = 'keéks@example.com'
    const forms = Object.entries(FORMS).filter(([form]) => !OTHER_USERNAMES.includes(form)),
      statuses: number[] = []
    for (const [index, [, write]] of forms.entries())
      statuses.push(
        (
          await env.client({ 'x-forwarded-for': `192.0.2.${index}` })(
            'POST',
            '/identity/resources/users/v1/passwords/reset',
            { email: write(email) },
          )
        ).status,
      )
    expect(statuses.filter((status) => status < 300)).toHaveLength(5)
    expect(statuses.slice(5).every((status) => status === 429)).toBe(true)
    await on.http.close()
  })

  test('is no tenant: ids and aliases are what they are, to the letter', async () => {
    const env = await newEnvironment(),
      tenants = '/tenants/resources/tenants'
    await env.vendor('POST', `${tenants}/v1`, { tenantId: 'keith-s', name: 'Keith', alias: 'keith-alias' })
    for (const [form, write] of Object.entries(FORMS).filter(([form]) => !form.startsWith('decomposed'))) {
      const id = encodeURIComponent(write('keith-s')),
        alias = encodeURIComponent(write('keith-alias'))
      expect((await env.vendor('GET', `${tenants}/v1/${id}`)).body, form).toEqual([])
      expect((await env.vendor('GET', `${tenants}/v2/alias/${alias}`)).status, form).toBe(404)
    }
    expect((await env.vendor('GET', `${tenants}/v2/alias/keith-alias`)).body.tenantId).toBe('keith-s')
  })

  test('of another letter is another address, with mails of its own', async () => {
    const { env, tenantId } = await scene(),
      email = FORMS['with a dotless i']!(EMAIL)
    expect((await env.as(tenantId)('POST', '/identity/resources/users/v2', { email })).status).toBe(201)
    expect((await env.messages({ to: email })).map(({ template }) => template)).toEqual(['ActivateUser'])
    expect(await env.messages({ to: EMAIL })).toEqual([])
  })
})
