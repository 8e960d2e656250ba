import { beforeAll, describe, expect, test } from 'vitest'
import { cookiesOf } from '../../src/kernel/cookies.ts'
import {
  deps,
  newEnvironment,
  newServer,
  operations,
  UNKNOWN_ID,
  type Answer,
  type TestEnvironment,
} from '../environment.ts'
import { fillPath, sampleBody } from '../samples.ts'

const auth = '/identity/resources/auth/v1/user',
  refresh = `${auth}/token/refresh`,
  logout = '/identity/resources/auth/v1/logout'

let env: TestEnvironment
/** Production's, behind a proxy that does not say how browsers come to it. */
const deployed = {
  publicUrl: new URL('https://id.example.com'),
  allowedOrigins: ['https://app.example.com'],
  trustProxy: false,
} as const

const server = await newServer(deployed)
beforeAll(async () => {
  env = await newEnvironment(server)
})

const cookieOf = ({ cookies }: Answer) => cookies.find(({ name }) => name.startsWith('fe_refresh_'))!
async function loggedIn(at = env) {
  const { email, password } = await at.newUser({ password: 'Correct-horse-7!' })
  const answer = await at.anonymous('POST', auth, { email, password })
  expect(answer.status).toBe(200)
  const { name, value } = cookieOf(answer)
  return { email, password, answer, name, value, cookies: { [name]: value } }
}

describe.concurrent('a page of another site', () => {
  test.for([
    { origin: 'https://evil.test' },
    { origin: 'https://evil.test', 'sec-fetch-site': 'cross-site' },
    { origin: 'https://other.example.com', 'sec-fetch-site': 'same-site' },
    { origin: 'http://id.example.com' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
  ])('can neither refresh, log out nor log in with cookies: %o', async (from) => {
    const { email, password, cookies } = await loggedIn()
    // forms need no preflight
    const headers = { ...from, 'content-type': 'text/plain' } as Record<string, string>
    const refused = { status: 403, body: { errors: ['Pages of other sites may not use cookies here'] }, cookies: [] }
    expect(await env.anonymous('POST', refresh, {}, { cookies, headers })).toMatchObject(refused)
    expect(await env.anonymous('POST', logout, {}, { cookies, headers })).toMatchObject(refused)
    expect(await env.anonymous('POST', auth, { email, password }, { headers })).toMatchObject(refused)
    expect(await (await env.context()).db.session.count({ where: { user: { email } } })).toBe(1)
    expect((await env.anonymous('POST', refresh, {}, { cookies })).status).toBe(201)
  })

  test("is no page of the server's own, of the environment's own or of an allowed origin, and no program", async () => {
    for (const headers of [
      { origin: 'https://id.example.com' },
      { origin: `https://${env.name}.id.example.com`, 'sec-fetch-site': 'same-origin' },
      { origin: `https://${env.name}.id.example.com` },
      { origin: 'https://app.example.com', 'sec-fetch-site': 'cross-site' },
      // by another name, of which the browser says that it is the page's own
      { origin: 'http://henhouse:3100', 'sec-fetch-site': 'same-origin' },
      { 'sec-fetch-site': 'none' },
      {},
    ] as Record<string, string>[]) {
      const { cookies } = await loggedIn()
      expect((await env.anonymous('POST', refresh, {}, { cookies, headers })).status).toBe(201)
    }
  })

  test('may do all that in the emulator', async () => {
    const open = await newEnvironment()
    const { email, password } = await open.newUser({ password: 'Correct-horse-7!' })
    const headers = { origin: 'https://evil.test', 'sec-fetch-site': 'cross-site' }
    expect((await open.anonymous('POST', auth, { email, password }, { headers })).status).toBe(200)
  })
})

interface Schema {
  properties?: Record<string, Schema>
}
/** Programs keep no cookies, and impersonation cannot be refreshed. */
const toPrograms = ['authenticateApiTokenV1', 'refreshApiTokenV1', 'impersonateV1']
/** Whether a reply may hold a refresh token, which a cookie holds, too. */
const givesTokens = (schema: Schema): boolean =>
  Object.entries(schema.properties ?? {}).some(([name, part]) => name === 'refreshToken' || givesTokens(part))

describe.concurrent('every operation with cookies', () => {
  const withCookies = operations.filter((op) => op.cookies)

  test('is declared: those whose replies hold refresh tokens are among them', () => {
    const giving = operations.filter((op) => Object.values(op.returns).some((schema) => givesTokens(schema)))
    expect(giving.length).toBeGreaterThan(15)
    expect(giving.filter((op) => !op.cookies).map((op) => op.id)).toEqual(toPrograms)
  })

  test('refuses a page of another site before it looks at anything, and changes nothing', async () => {
    const alone = await newEnvironment(server),
      { cookies, email, password } = await loggedIn(alone),
      { db } = await alone.context()
    const before = [await db.session.count(), await db.refreshToken.count(), await db.challenge.count()]
    for (const op of withCookies) {
      const body = op.id === 'logInV1' ? { email, password } : sampleBody(op)
      for (const sent of [body, {}])
        expect(
          await alone.anonymous(
            op.method,
            fillPath(op, () => UNKNOWN_ID),
            sent,
            {
              cookies,
              headers: { origin: 'https://evil.test' },
            },
          ),
          op.id,
        ).toMatchObject({
          status: 403,
          body: { errors: ['Pages of other sites may not use cookies here'] },
          cookies: [],
        })
    }
    expect([await db.session.count(), await db.refreshToken.count(), await db.challenge.count()]).toEqual(before)
  })

  test('must declare them, or it cannot use them', () => {
    const { cookies: _, ...undeclared } = operations.find(({ id }) => id === 'logInV1')!
    expect(() => cookiesOf(deps, undeclared, {} as never, {} as never).cookies('any')).toThrow('logInV1 uses cookies')
  })
})

test('cookies are Secure if the public URL is https, whatever the proxy says', async () => {
  const { answer } = await loggedIn()
  expect(cookieOf(answer)).toMatchObject({ secure: true, httpOnly: true, sameSite: 'None' })
})

describe.concurrent('of two refresh cookies of one name', () => {
  const both = (name: string, ...values: string[]) => ({
    headers: { cookie: values.map((value) => `${name}=${value}`).join('; ') },
  })

  test('the good one counts, in either order', async () => {
    for (const order of [0, 1]) {
      const { name, value } = await loggedIn()
      const values = order ? [value, 'bad'] : ['bad', value]
      const answer = await env.anonymous('POST', refresh, {}, both(name, ...values))
      expect(answer.status).toBe(201)
      expect((await env.anonymous('POST', refresh, {}, both(name, cookieOf(answer).value))).status).toBe(201)
    }
  })

  test('an old one does not end the session of the good one', async () => {
    const { name, value } = await loggedIn()
    const next = cookieOf(await env.anonymous('POST', refresh, {}, both(name, value))).value
    await env.clock.advance(60_000)
    const answer = await env.anonymous('POST', refresh, {}, both(name, value, next))
    expect(answer.status).toBe(201)
  })

  test('both end at the logout', async () => {
    const { name, value } = await loggedIn()
    expect((await env.anonymous('POST', logout, {}, both(name, 'bad', value))).status).toBe(201)
    expect((await env.anonymous('POST', refresh, {}, both(name, value))).status).toBe(401)
  })
})
