import { expect, test } from 'vitest'
import { newEnvironment, unique } from '../environment.ts'

const identity = '/identity/resources'

/** What of a request could be taken for the address of the server. */
const hostile: Record<string, string>[] = [
  { host: 'evil.example' },
  { host: 'localhost:3100@evil.example' },
  { host: 'evil.example#.localhost:3100' },
  { 'x-forwarded-host': 'evil.example' },
  { 'x-forwarded-host': 'localhost:3100@evil.example' },
  { 'x-forwarded-host': 'localhost, evil.example' },
  { 'x-forwarded-server': 'evil.example' },
  { 'x-forwarded-proto': 'gopher' },
  { 'x-forwarded-prefix': '//evil.example' },
  { forwarded: 'host=evil.example;proto=https' },
  { 'x-original-host': 'evil.example' },
  { 'frontegg-vendor-host': 'evil.example' },
  { 'frontegg-vendor-host': 'https://localhost@evil.example' },
  { origin: 'https://evil.example' },
  { referer: 'https://evil.example/login' },
]

test('links in mails lead to the configured address, whatever host a request names', async () => {
  const env = await newEnvironment(),
    forgetful = await env.newUser({ password: 'Correct-horse-7!' }),
    host = await env.newUser({ roleKeys: ['Admin'] }),
    token = await env.userToken(host, { permissions: ['fe.secure.*'] })
  for (const headers of hostile) {
    const call = env.client(headers),
      newcomer = `${unique('newcomer')}@example.com`
    expect((await call('POST', `${identity}/users/v1/passwords/reset`, { email: forgetful.email })).status).toBe(201)
    const applicant = { email: newcomer, password: 'Correct-horse-7!', companyName: 'Acme' }
    expect((await call('POST', `${identity}/users/v1/signUp`, applicant)).status).toBe(201)
    expect((await call('POST', `${identity}/users/v1/activate/reset`, { email: newcomer })).status).toBeLessThan(300)
    const guest = { email: `${unique('guest')}@example.com` }
    const inviting = env.client({ ...headers, authorization: `Bearer ${token}` })
    expect((await inviting('POST', `${identity}/users/v2`, guest)).status).toBe(201)
  }
  expect((await env.vendor('POST', `${identity}/configurations/v1`, { authStrategy: 'MagicLink' })).status).toBe(201)
  for (const headers of hostile)
    await env.client(headers)('POST', `${identity}/auth/v1/passwordless/magiclink/prelogin`, { email: host.email })
  const messages = await env.messages()
  expect(new Set(messages.map(({ template }) => template))).toEqual(
    new Set(['ResetPassword', 'ActivateUser', 'MagicLink']),
  )
  expect(messages.length).toBeGreaterThanOrEqual(hostile.length * 4)
  for (const { link, html, text } of messages) {
    expect(new URL(link!).origin).toBe(`http://${env.name}.localhost:3100`)
    expect(`${html} ${text}`).not.toContain('evil.example')
  }
})
