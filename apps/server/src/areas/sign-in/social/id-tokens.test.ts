import { generateKeyPair } from '@henhouse/jwt'
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { unreachable } from '../../../../../../packages/outbound/test/http-double.ts'
import { newEnvironment, newServer, unique, type TestEnvironment } from '../../../../test/environment.ts'
import {
  badlySigned,
  cookiesIn,
  custom,
  openIdProvider,
  paths,
  verified,
  type Making,
  type Person,
} from '../../../../test/login-providers.ts'
import { hooked, prehooks } from '../../../../test/prehooks.ts'

/* Apps that show an id token of a provider, in Google's place. */

const usual = await openIdProvider(() => ({ person: {} })),
  server = await newServer({ socialUrls: { google: usual.url, github: usual.url } })
const PASSWORD = 'Correct-horse-7!',
  wrong = { status: 401, body: { errorCode: 'ER-01049' } }

async function house(options: object = {}) {
  const env = await newEnvironment(server),
    clientId = unique('client')
  await env.vendor('POST', '/identity/resources/sso/v2/google', { clientId, secret: 'hush', active: true, options })
  return { env, clientId }
}
const show = (env: TestEnvironment, token: string, more: Record<string, string> = {}, body: object = {}) =>
  env.anonymous('POST', `${paths.end('google')}?${new URLSearchParams({ id_token: token, ...more })}`, body)
const ada = (more: Person = {}) => verified(`${unique('ada')}@example.com`, more)
const tokenOf = (told: Person) => {
  const { claims, sign } = usual.making(told)
  return sign(claims)
}
const made = async (env: TestEnvironment) => {
  const { db } = await env.context()
  return [await db.user.count(), await db.socialIdentity.count(), await db.session.count()]
}
const another = await generateKeyPair()
const seconds = () => Math.floor(Date.now() / 1000)

describe('an id token of a provider', () => {
  test('signs up who comes for the first time, knows them by the id, and gives a session', async () => {
    const { env, clientId } = await house(),
      person = ada()
    const first = await show(env, tokenOf({ aud: clientId, ...person }), {}, { metadata: '{"a":1}' })
    expect(first).toMatchObject({
      status: 200,
      body: { isNewUser: true, email: person['email'], name: 'Ada Lovelace', mfaRequired: false },
    })
    const refreshed = await env.anonymous(
      'POST',
      '/identity/resources/auth/v1/user/token/refresh',
      {},
      { cookies: cookiesIn(first) },
    )
    expect(refreshed.status).toBe(201)
    const again = await show(env, tokenOf({ aud: clientId, ...person, email: 'other@example.com', iat: seconds() - 9 }))
    expect(again).toMatchObject({ status: 200, body: { isNewUser: false, userId: first.body.userId } })
    expect(await made(env)).toMatchObject([1, 1, expect.any(Number)])
    expect(await (await env.context()).db.user.findFirst()).toMatchObject({ provider: 'google', metadata: '{"a":1}' })
  })

  test('works once, also when it is shown many times at once, or its signature is written in another way', async () => {
    const { env, clientId } = await house(),
      token = tokenOf({ aud: clientId, ...ada() })
    const answers = await Promise.all(Array.from({ length: 6 }, () => show(env, token)))
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 401, 401, 401, 401, 401])
    // the last letter holds bits that mean nothing
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_',
      twin = token.slice(0, -1) + letters[letters.indexOf(token.at(-1)!) ^ 1]!
    expect(await show(env, twin)).toMatchObject(wrong)
    expect((await made(env))[2]).toBe(1)
  })

  test('may be for an app of the provider, if management names it, and for no other', async () => {
    const { env } = await house({ nativeClientIds: ['com.acme.ios'] })
    expect((await show(env, tokenOf({ aud: 'com.acme.ios', ...ada() }))).status).toBe(200)
    expect(await show(env, tokenOf({ aud: 'com.evil.ios', ...ada() }))).toMatchObject(wrong)
  })

  test('that is tied to a nonce needs it, as it is or as its hash', async () => {
    const { env, clientId } = await house(),
      token = (nonce?: string) => tokenOf({ aud: clientId, ...(nonce !== undefined && { nonce }), ...ada() }),
      hash = createHash('sha256').update('n1').digest('hex')
    expect((await show(env, token('n1'), { nonce: 'n1' })).status).toBe(200)
    expect((await show(env, token(hash), { nonce: 'n1' })).status).toBe(200)
    for (const [own, shown] of [['n1'], ['n1', 'n2'], [undefined, 'n1'], ['n1', hash]])
      expect(await show(env, token(own), shown === undefined ? {} : { nonce: shown }), `${own} ${shown}`).toMatchObject(
        wrong,
      )
    // it is none to use up
    const good = token('n3')
    expect(await show(env, good, { nonce: 'n4' })).toMatchObject(wrong)
    expect((await show(env, good, { nonce: 'n3' })).status).toBe(200)
  })

  test.for<[string, (making: Making) => string]>([
    ['nonsense', () => 'nonsense'],
    ['another issuer', ({ claims, sign }) => sign({ ...claims, iss: 'https://accounts.google.com' })],
    ['no issuer', ({ claims: { iss: _, ...claims }, sign }) => sign(claims)],
    ['another audience', ({ claims, sign }) => sign({ ...claims, aud: 'another' })],
    ['no audience', ({ claims: { aud: _, ...claims }, sign }) => sign(claims)],
    ['an end in the past', ({ claims, sign }) => sign({ ...claims, exp: seconds() - 60 })],
    ['no end', ({ claims: { exp: _, ...claims }, sign }) => sign(claims)],
    ['a beginning long ago', ({ claims, sign }) => sign({ ...claims, iat: seconds() - 3700 })],
    ['a beginning in the future', ({ claims, sign }) => sign({ ...claims, nbf: seconds() + 200 })],
    ['a date in the future', ({ claims, sign }) => sign({ ...claims, iat: seconds() + 200 })],
    ['no subject', ({ claims: { sub: _, ...claims }, sign }) => sign(claims)],
    ['a subject of another kind', ({ claims, sign }) => sign({ ...claims, sub: ['x'] })],
    [
      'no signature',
      ({ claims }) =>
        `${[{ alg: 'none' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.`,
    ],
    ...badlySigned(another.privateKey),
  ])('is not believed with %s', async ([, token]) => {
    const { env, clientId } = await house(),
      answer = await show(env, token(usual.making({ aud: clientId, ...ada() })))
    expect(answer).toMatchObject(wrong)
    expect(answer.cookies).toEqual([])
    expect(await made(env)).toEqual([0, 0, 0])
  })

  test('merges only where the provider vouches for the address and the user has proved it', async () => {
    const { env, clientId } = await house(),
      proved = await env.newUser({ password: PASSWORD }),
      waiting = await env.newUser({ password: PASSWORD, verified: false })
    const come = (email: string, more: Person = {}) =>
      show(env, tokenOf({ aud: clientId, ...verified(email), ...more }))
    expect((await come(proved.email, { email_verified: false })).status).toBe(403)
    expect(await come(waiting.email)).toMatchObject({ status: 401, body: { errorCode: 'ER-01060' } })
    expect(await come(proved.email)).toMatchObject({ status: 200, body: { isNewUser: false, userId: proved.id } })
  })

  test('makes nobody where a prehook refuses, or sign-ups are off', async () => {
    const { env, clientId } = await house(),
      person = ada(),
      come = () => show(env, tokenOf({ aud: clientId, jti: unique(), ...person }))
    const hook = await hooked(env, ['SIGN_UP'], { verdict: 'block', error: { status: 409, message: ['Not you'] } })
    expect(await come()).toMatchObject({ status: 409, body: { errors: ['Not you'] } })
    expect(hook.questions()).toMatchObject([
      { data: { user: { email: person['email'], provider: 'google', ipAddress: expect.any(String) } } },
    ])
    await env.vendor('DELETE', `${prehooks}/${hook.id}`)
    await env.vendor('POST', '/identity/resources/configurations/v1', { allowSignups: false })
    expect((await come()).status).toBe(403)
    expect(await made(env)).toEqual([0, 0, 0])
  })

  test('asks for a second factor as every login does', async () => {
    const { env, clientId } = await house()
    await env.vendor('POST', '/identity/resources/configurations/v1/mfa-policy', { enforceMFAType: 'Force' })
    const { status, body } = await show(env, tokenOf({ aud: clientId, ...ada() }))
    expect([status, body.mfaRequired, body.accessToken]).toEqual([200, true, undefined])
  })

  test('of one environment opens no other, and none of a provider without keys is looked at', async () => {
    const { clientId, env } = await house(),
      { env: other } = await house(),
      token = tokenOf({ aud: clientId, ...ada() })
    expect(await show(other, token)).toMatchObject(wrong)
    await env.vendor('POST', '/identity/resources/sso/v2/github', { clientId, secret: 'hush', active: true })
    const type = unique('acme')
    await env.vendor('POST', '/identity/resources/sso/custom/v1', custom(type, { clientId }))
    for (const name of ['github', type])
      expect(await env.anonymous('POST', `${paths.end(name)}?id_token=${token}`, {}), name).toMatchObject(wrong)
    expect((await env.anonymous('POST', `${paths.end('slack')}?id_token=${token}`, {})).status).toBe(404)
    expect((await env.anonymous('POST', paths.end('google'), {})).status).toBe(400)
    expect((await show(env, token)).status).toBe(200)
  })

  test('is not judged while the provider cannot be reached', async () => {
    const lonely = await newEnvironment(
      await newServer({ socialUrls: { google: `http://127.0.0.1:${await unreachable()}` } }),
    )
    await lonely.vendor('POST', '/identity/resources/sso/v2/google', { clientId: 'c', secret: 'hush', active: true })
    expect((await show(lonely, tokenOf({ aud: 'c', ...ada() }))).status).toBe(503)
  })
})
