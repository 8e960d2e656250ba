import { beforeAll, describe, expect, test } from 'vitest'
import { newEnvironment, newServer, type Answer, type TestEnvironment } from '../environment.ts'

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

beforeAll(async () => {
  env = await newEnvironment(await newServer(deployed))
})

const cookieOf = ({ cookies }: Answer) => cookies.find(({ name }) => name.startsWith('fe_refresh_'))!
async function loggedIn() {
  const { email, password } = await env.newUser({ password: 'Correct-horse-7!' })
  const answer = await env.anonymous('POST', auth, { email, password })
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
