import { describe, expect, test } from 'vitest'
import { deps, mayReachAnybody, newEnvironment, unique, UNKNOWN_ID } from '../../test/environment.ts'
import { deliverMessage } from '../areas/delivery/mail/mail.jobs.ts'
import * as mail from '../areas/delivery/mail/mail.service.ts'
import { contextFor } from '../kernel/context.ts'
import { add } from '../kernel/jobs.ts'
import { buildServer } from '../server.ts'
import { addControlPlane } from './control-plane.ts'
import { nameBasedId } from './planting.ts'

const server = await buildServer(deps)
await addControlPlane(server, { open: false })

async function call(
  method: 'GET' | 'POST' | 'DELETE',
  url: string,
  payload?: object,
  headers: Record<string, string> = {},
) {
  const response = await server.http.inject({
    method,
    url,
    headers: { host: 'localhost:3100', ...headers },
    ...(payload && { payload }),
  })
  return { status: response.statusCode, body: response.body === '' ? null : response.json() }
}
const seed = {
  settings: { defaultTokenExpiration: 600 },
  permissions: [{ key: 'eggs.read' }],
  roles: [{ key: 'farmer', permissions: ['eggs.read', 'fe.secure.*'], level: 3 }],
  tenants: [
    { id: 'farm', name: 'Farm' },
    { name: 'Barn', parent: 'farm' },
  ],
  users: [
    {
      email: 'Eve@example.com',
      password: 'Henhouse-1!',
      metadata: { likes: 'eggs' },
      tenants: [{ tenant: 'Farm', roles: ['farmer'] }, { tenant: 'Barn' }],
    },
    { email: 'mal@example.com' },
  ],
}
async function planted(more: object = {}) {
  const { body } = await call('POST', '/_emulator/environments', { name: unique('pen'), seed, ...more })
  const {
    body: { token },
  } = await call('POST', '/auth/vendor', { clientId: body.clientId, secret: body.apiKey })
  return {
    ...(body as { id: string; name: string; apiKey: string }),
    vendor: { authorization: `Bearer ${token}` },
    browser: { 'frontegg-vendor-id': body.id as string },
  }
}
const login = (headers: Record<string, string>) =>
  call('POST', '/identity/resources/auth/v1/user', { email: 'eve@example.com', password: 'Henhouse-1!' }, headers)
const contextOf = async (id: string) =>
  mayReachAnybody(contextFor(deps, (await server.environments.byId(id))!, deps.log))
const send = async (id: string, to: string, template: 'ResetPassword' | 'MagicLink' = 'MagicLink', code = '123456') =>
  mail.send(await contextOf(id), { template, to, data: { redirectURL: 'https://app.example/l', code } })

describe.concurrent('a seed takes what the API takes', () => {
  const plant = (seed: object) => call('POST', '/_emulator/environments', { seed })
  const tenants = [{ id: 'acme', name: 'Acme' }]

  test('one that is refused leaves the server fit for the next', async () => {
    const users = [{ email: 'a@example.com', password: 'x'.repeat(5000), tenants: [{ tenant: 'acme' }] }]
    expect((await plant({ tenants, users })).status).toBe(400)
    expect((await plant({ tenants })).status).toBe(201)
  })

  test('a number is one number, however it is written, and counts as proved', async () => {
    const user = (phoneNumber: string, n = 1) => ({ email: `${n}@example.com`, phoneNumber })
    const { status, body } = await plant({ tenants, users: [user('+48-600-700-800')] })
    expect(status).toBe(201)
    const ctx = contextFor(deps, (await server.environments.byId(body.id))!, deps.log)
    expect(await ctx.db.user.findMany({ select: { phoneNumber: true } })).toEqual([{ phoneNumber: '+48600700800' }])
    expect(await ctx.db.phoneNumber.findMany()).toMatchObject([{ phoneNumber: '+48600700800', verified: true }])
    expect((await plant({ users: [user('+48600700800'), user('+48-600-700-800', 2)] })).status).toBe(400)
    expect((await plant({ users: [user('0600 700 800')] })).status).toBe(400)
  })
})

describe.concurrent('the control plane: environments', () => {
  test('a new one comes with credentials that work, and with its seed', async () => {
    const env = await planted()
    const answer = await login(env.browser)
    expect(answer.status).toBe(200)
    const claims = JSON.parse(Buffer.from(answer.body.accessToken.split('.')[1], 'base64url').toString())
    expect(claims).toMatchObject({
      email: 'eve@example.com',
      tenantId: 'farm',
      roles: ['farmer'],
      metadata: { likes: 'eggs' },
      aud: env.id,
      sub: nameBasedId(env.id, 'user eve@example.com'),
    })
    expect(claims.permissions.sort()).toEqual(['eggs.read', 'fe.secure.*'])
    expect(claims.exp - claims.iat).toBe(600)
  })

  test("none sees another's users", async () => {
    const [mine, theirs] = await Promise.all([planted(), planted()])
    const user = (await call('GET', '/identity/resources/users/v3', undefined, mine.vendor)).body.items.find(
      (u: { email: string }) => u.email === 'eve@example.com',
    )
    expect(
      (await call('GET', `/identity/resources/vendor-only/users/v1/${user.id}`, undefined, theirs.vendor)).status,
    ).toBe(404)
    expect(
      (await call('GET', `/identity/resources/vendor-only/users/v1/${user.id}`, undefined, mine.vendor)).status,
    ).toBe(200)
  })

  test('eight at once are eight', async () => {
    const made = await Promise.all(Array.from({ length: 8 }, () => call('POST', '/_emulator/environments')))
    expect(made.map((m) => m.status)).toEqual(Array(8).fill(201))
    expect(new Set(made.map((m) => m.body.clientId)).size).toBe(8)
  })

  test('it is found by host name, header and token', async () => {
    const env = await planted()
    const clock = (headers: Record<string, string>, environment?: string) =>
      call(
        'POST',
        '/_emulator/clock',
        { ...(environment && { environment }), set: '2030-01-01T00:00:00.000Z', freeze: true },
        headers,
      )
    expect(await clock({ host: `${env.name}.localhost:3100` })).toEqual({
      status: 200,
      body: { now: '2030-01-01T00:00:00.000Z', frozen: true },
    })
    expect((await call('GET', '/vendors/public', undefined, { host: `${env.name}.localhost:3100` })).body.name).toBe(
      env.name,
    )
    expect(
      (await call('GET', '/vendors/public', undefined, { 'frontegg-vendor-host': `${env.name}.localhost:3100` })).body
        .name,
    ).toBe(env.name)
    expect((await call('GET', '/vendors/public', undefined, env.browser)).body.name).toBe(env.name)
    expect((await clock({}, env.name)).status).toBe(200)
    expect(await clock({}, 'no-such-name')).toMatchObject({ status: 404 })
  })

  test('every fault of the request is named, and nothing is made', async () => {
    const name = unique('pen')
    const wrong = await call('POST', '/_emulator/environments', {
      name,
      sed: {},
      seed: { users: [{ email: 'x', nam: 'y' }] },
    })
    expect(wrong).toMatchObject({
      status: 400,
      body: {
        errors: [
          expect.stringMatching(/^sed is unknown/),
          expect.stringMatching(/^seed\.users\.0\.nam is unknown/),
          'seed.users.0.email must be an email',
        ],
      },
    })
    expect(
      await call('POST', '/_emulator/environments', {
        name,
        seed: { users: [{ email: 'x@y.example', tenants: [{ tenant: 'T' }] }] },
      }),
    ).toMatchObject({ status: 400, body: { errors: ['seed.users.0.tenants.0.tenant T is not one of the tenants'] } })
    expect((await call('POST', '/_emulator/environments', { name })).status).toBe(201)
    expect(await call('POST', '/_emulator/environments', { name })).toMatchObject({ status: 409 })
  })

  test('a deleted one is gone with all that was in it', async () => {
    const env = await planted()
    expect(await call('DELETE', `/_emulator/environments/${env.id}`)).toEqual({ status: 204, body: null })
    expect((await call('POST', '/auth/vendor', { clientId: env.id, secret: env.apiKey })).status).toBe(401)
    expect((await call('GET', '/identity/resources/roles/v1', undefined, env.vendor)).status).toBe(401)
    expect(await deps.database.prisma.user.count({ where: { vendorId: env.id } })).toBe(0)
    for (const id of [env.id, UNKNOWN_ID, 'x'])
      expect((await call('DELETE', `/_emulator/environments/${id}`)).status).toBe(404)
  })
})

describe.concurrent('the control plane: reset', () => {
  test('takes everything back to the seed, and its clients go on', async () => {
    const env = await planted(),
      other = await planted()
    const before = (await login(env.browser)).body
    const keys = await call('GET', '/.well-known/jwks.json', undefined, env.browser)
    const users = async (vendor: Record<string, string>) =>
      (await call('GET', '/identity/resources/users/v3', undefined, vendor)).body.items.map(
        (u: { email: string }) => u.email,
      )
    const eve = nameBasedId(env.id, 'user eve@example.com')
    expect((await call('DELETE', `/identity/resources/users/v1/${eve}`, undefined, { ...env.vendor })).status).toBe(200)
    expect(
      (await call('POST', '/identity/resources/roles/v1', [{ key: 'new', name: 'New', level: 1 }], env.vendor)).status,
    ).toBe(201)
    await send(env.id, 'eve@example.com')
    await call('POST', '/_emulator/clock', { environment: env.id, advance: 100 })
    expect(await users(env.vendor)).toEqual(['mal@example.com'])

    expect(await call('POST', '/_emulator/reset', { environment: env.id })).toEqual({ status: 204, body: null })
    expect((await users(env.vendor)).sort()).toEqual(['eve@example.com', 'mal@example.com'])
    expect(
      (await call('GET', '/identity/resources/roles/v1', undefined, env.vendor)).body
        .map((r: { key: string }) => r.key)
        .sort(),
    ).toEqual(['Admin', 'ReadOnly', 'farmer'])
    expect((await call('GET', `/_emulator/messages?environment=${env.id}`)).body).toEqual([])
    expect(await call('GET', '/.well-known/jwks.json', undefined, env.browser)).toEqual(keys)
    expect((await call('POST', '/auth/vendor', { clientId: env.id, secret: env.apiKey })).status).toBe(200)
    const after = (await login(env.browser)).body
    const subject = (token: string) => JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()).sub
    expect(subject(after.accessToken)).toBe(subject(before.accessToken))
    expect(
      Math.abs(Date.parse((await call('POST', '/_emulator/clock', { environment: env.id })).body.now) - Date.now()),
    ).toBeLessThan(30_000)
    expect(await users(other.vendor)).toHaveLength(2)
  })

  test('eight at once leave one seed', async () => {
    const env = await planted()
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => call('POST', '/_emulator/reset', { environment: env.id })),
    )
    expect(answers.map((a) => a.status)).toEqual(Array(8).fill(204))
    expect((await login(env.browser)).status).toBe(200)
  })

  test('an environment that had none goes back to what is built in', async () => {
    const env = await newEnvironment()
    await env.newUser()
    expect((await call('POST', '/_emulator/reset', { environment: env.id })).status).toBe(204)
    expect(await deps.database.prisma.user.count({ where: { vendorId: env.id } })).toBe(0)
    expect((await call('POST', '/_emulator/reset', { environment: UNKNOWN_ID })).status).toBe(404)
  })
})

describe.concurrent('the control plane: the clock', () => {
  const clock = (environment: string, steering: object) =>
    call('POST', '/_emulator/clock', { environment, ...steering })

  test('is set, stopped, moved and let go, of one environment alone', async () => {
    const [env, other] = await Promise.all([planted(), planted()])
    expect((await clock(env.id, { set: '2031-01-31T12:00:00.000Z', freeze: true })).body).toEqual({
      now: '2031-01-31T12:00:00.000Z',
      frozen: true,
    })
    expect((await clock(env.id, { advance: 90 })).body).toEqual({ now: '2031-01-31T12:01:30.000Z', frozen: true })
    expect((await clock(env.id, { advance: 'P1M' })).body).toEqual({ now: '2031-02-28T12:01:30.000Z', frozen: true })
    expect((await clock(env.id, { advance: 'P1Y1W1DT1H1M1.5S' })).body).toEqual({
      now: '2032-03-07T13:02:31.500Z',
      frozen: true,
    })
    const moving = (await clock(env.id, { freeze: false })).body
    expect([moving.frozen, moving.now.slice(0, 13)]).toEqual([false, '2032-03-07T13'])
    expect(Math.abs(Date.parse((await clock(other.id, {})).body.now) - Date.now())).toBeLessThan(30_000)
    expect(Math.abs(Date.parse((await clock(env.id, { reset: true })).body.now) - Date.now())).toBeLessThan(30_000)
  })

  test('decides when tokens expire', async () => {
    const env = await planted()
    const roles = async () => (await call('GET', '/identity/resources/roles/v1', undefined, env.vendor)).status
    expect(await roles()).toBe(200)
    await clock(env.id, { advance: 'PT24H1S' })
    expect(await roles()).toBe(401)
  })

  test('eight moves at once all count', async () => {
    const env = await planted()
    await clock(env.id, { set: '2030-01-01T00:00:00Z', freeze: true })
    await Promise.all(Array.from({ length: 8 }, () => clock(env.id, { advance: 60 })))
    expect((await clock(env.id, {})).body.now).toBe('2030-01-01T00:08:00.000Z')
  })

  test('names what it cannot do', async () => {
    const env = await planted()
    for (const steering of [
      { advance: -1 },
      { advance: '1 day' },
      { advance: 'P' },
      { advance: 'PT' },
      { set: 'tomorrow' },
      { advance: 'P9000Y' },
      { advance: 1e15 },
      { freze: true },
      { freeze: 'yes' },
    ]) {
      expect(await clock(env.id, steering), JSON.stringify(steering)).toMatchObject({
        status: 400,
        body: { errors: [expect.any(String)] },
      })
    }
  })
})

describe.concurrent('the control plane: messages', () => {
  const messages = (environment: string, query = '') =>
    call('GET', `/_emulator/messages?environment=${environment}${query}`)

  test('are shown newest first, with what is in them', async () => {
    const env = await planted()
    await send(env.id, 'a@example.com')
    await send(env.id, 'b@example.com', 'ResetPassword', '654321')
    const { body } = await messages(env.id)
    expect(body).toMatchObject([
      {
        environment: env.id,
        channel: 'email',
        template: 'ResetPassword',
        to: 'b@example.com',
        link: 'https://app.example/l',
        code: '654321',
        status: 'held',
        provider: 'none',
      },
      { to: 'a@example.com', template: 'MagicLink' },
    ])
    for (const field of ['id', 'from', 'subject', 'html', 'text', 'createdAt'])
      expect(body[0][field]).toEqual(expect.any(String))
    expect((await messages((await planted()).id)).body).toEqual([])
  })

  test('are filtered', async () => {
    const env = await planted()
    await send(env.id, 'a@example.com')
    const [first] = (await messages(env.id)).body
    await send(env.id, 'b@example.com', 'ResetPassword')
    const who = async (query: string) => (await messages(env.id, query)).body.map((m: { to: string }) => m.to)
    expect(await who('&to=A@EXAMPLE.COM')).toEqual(['a@example.com'])
    expect(await who('&template=ResetPassword')).toEqual(['b@example.com'])
    expect(await who('&channel=sms')).toEqual([])
    expect(await who(`&since=${first.id}`)).toEqual(['b@example.com'])
    expect(await who('&since=2020-01-01T00:00:00Z&limit=1')).toEqual(['b@example.com'])
    expect(await who('&since=2999-01-01T00:00:00Z')).toEqual([])
    for (const query of ['&since=then', `&since=${UNKNOWN_ID}`, '&wait=61', '&wait=x', '&limit=0', '&form=x'])
      expect((await messages(env.id, query)).status, query).toBe(400)
  })

  test('are waited for', async () => {
    const env = await planted()
    await send(env.id, 'early@example.com')
    const [early] = (await messages(env.id)).body
    const waiting = messages(env.id, `&since=${early.id}&to=late@example.com&wait=30`)
    await send(env.id, 'other@example.com')
    await send(env.id, 'late@example.com')
    expect((await waiting).body).toMatchObject([{ to: 'late@example.com' }])
    expect((await messages(env.id, '&to=late@example.com&wait=30')).body).toHaveLength(1)
    expect((await messages(env.id, '&to=nobody@example.com&wait=0.2')).body).toEqual([])
  })
})

describe.concurrent('the control plane', () => {
  test('runs the jobs that are due, by the clock of their environment', async () => {
    const env = await planted(),
      ctx = await contextOf(env.id)
    await add(ctx, deliverMessage, { messageId: UNKNOWN_ID })
    await add(ctx, deliverMessage, { messageId: UNKNOWN_ID }, new Date(Date.now() + 3_600_000))
    const run = () => call('POST', '/_emulator/jobs/run', { environment: env.id })
    expect((await run()).body).toEqual({ run: 1 })
    expect((await run()).body).toEqual({ run: 0 })
    await call('POST', '/_emulator/clock', { environment: env.id, advance: 'PT2H' })
    expect((await run()).body).toEqual({ run: 1 })
  })

  test('answers this machine only, however a web page gets to it', async () => {
    const url = '/_emulator/environments'
    for (const host of ['localhost:3100', '127.0.0.1:3100', '[::1]:3100', 'x.localhost'])
      expect((await call('GET', url, undefined, { host })).status, host).toBe(200)
    for (const host of ['evil.example:3100', '127.0.0.1.evil.example', 'localhost.evil.example'])
      expect((await call('GET', url, undefined, { host })).status, host).toBe(403)
    expect((await call('GET', url, undefined, { origin: 'http://localhost:3000' })).status).toBe(200)
    for (const origin of ['https://evil.example', 'null'])
      expect((await call('POST', url, undefined, { origin })).status, origin).toBe(403)
  })

  test('answers anybody when it is opened to others', async () => {
    const open = await buildServer(deps)
    await addControlPlane(open, { open: true })
    expect(
      (
        await open.http.inject({
          url: '/_emulator/environments',
          headers: { host: 'henhouse:3100', origin: 'http://app:3000' },
        })
      ).statusCode,
    ).toBe(200)
  })

  test('is not there in production', async () => {
    const { http } = await buildServer(deps)
    for (const url of [
      '/_emulator/messages',
      '/_emulator/environments',
      '/_emulator/clock',
      '/frontegg/_emulator/messages',
    ])
      expect((await http.inject({ url, headers: { host: 'localhost' } })).statusCode).toBe(404)
  })
})
