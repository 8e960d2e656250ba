import { createRequire } from 'node:module'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { listening, newEnvironment } from './environment.ts'
import { allow, browserOf, CALLBACK, pathOf, queryOf } from './oauth-browser.ts'
import { PASSWORD } from './second-factors.ts'

/**
 * Runs the published server-side client, unmodified, against this server on a port. The browser client has its own test files.
 */
const require = createRequire(import.meta.url)
/** Loaded anew, as it keeps the first environment's token for whatever it looks up. */
function loaded() {
  for (const file of Object.keys(require.cache)) if (file.includes('@frontegg')) delete require.cache[file]
  return require('@frontegg/client')
}

beforeAll(async () => {
  process.env['FRONTEGG_API_GATEWAY_URL'] = await listening()
})
afterAll(() => {
  delete process.env['FRONTEGG_API_GATEWAY_URL']
})

describe('the published server-side client, unmodified', () => {
  test('@frontegg/client triggers an event, and reads what has become of it', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant(),
      { EventsClient, FronteggAuthenticator } = loaded(),
      authenticator = new FronteggAuthenticator()
    await authenticator.init(env.id, env.apiKey)
    const events = new EventsClient(authenticator),
      eventId = await events.send(tenantId, {
        eventKey: 'eggs.laid',
        data: { title: 'Eggs', description: 'Three of them' },
        channelConfiguration: { slack: { emails: ['a@example.com'] } },
      })
    expect(eventId).toMatch(/^[0-9a-f-]{36}$/)
    expect(await events.getStatus(eventId)).toEqual({
      ...{ eventId, eventKey: 'eggs.laid' },
      channels: { slack: { status: 'FAILED', errorMetadata: { message: expect.any(String) } } },
    })
    authenticator.shutdown?.()
  })

  test("@frontegg/client authenticates the environment and validates a user's token, roles and permissions", async () => {
    const env = await newEnvironment()
    const user = await env.newUser({ password: 'Henhouse-1!', roleKeys: ['ReadOnly'] })
    const { FronteggContext, FronteggAuthenticator, IdentityClient, HttpClient } = require('@frontegg/client')
    FronteggContext.init({ FRONTEGG_CLIENT_ID: env.id, FRONTEGG_API_KEY: env.apiKey })
    const authenticator = new FronteggAuthenticator()
    await authenticator.init(env.id, env.apiKey)
    expect(authenticator.accessToken).toMatch(/^ey/)
    await expect(new FronteggAuthenticator().init(env.id, 'wrong')).rejects.toBeTruthy()

    const login = await env.anonymous('POST', '/identity/resources/auth/v1/user', {
      email: user.email,
      password: 'Henhouse-1!',
    })
    const identity = new IdentityClient({ FRONTEGG_CLIENT_ID: env.id, FRONTEGG_API_KEY: env.apiKey })
    const entity = await identity.validateIdentityOnToken(login.body.accessToken, {
      roles: ['ReadOnly'],
      permissions: ['fe.secure.read.*'],
    })
    expect(entity).toMatchObject({
      sub: user.id,
      tenantId: user.tenantId,
      type: 'userToken',
      email: user.email,
      roles: ['ReadOnly'],
    })
    await expect(identity.validateIdentityOnToken(login.body.accessToken, { roles: ['Admin'] })).rejects.toBeTruthy()
    await expect(
      identity.validateIdentityOnToken(login.body.accessToken, { permissions: ['fe.secure.write.users'] }),
    ).rejects.toBeTruthy()
    const [head, , signature] = login.body.accessToken.split('.')
    const forged = `${head}.${Buffer.from(JSON.stringify({ sub: user.id, type: 'userToken', roles: ['Admin'], exp: 4102444800 })).toString('base64url')}.${signature}`
    await expect(identity.validateIdentityOnToken(forged)).rejects.toBeTruthy()

    const http = new HttpClient(authenticator, { baseURL: await listening() })
    const { data } = await http.get('/identity/resources/users/v3', { params: { _tenantId: user.tenantId } })
    expect(data.items.map((u: { id: string }) => u.id)).toEqual([user.id])
  })

  test("@frontegg/client's entitlements start, and answer by the permissions of the user", async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: 'Henhouse-1!', roleKeys: ['ReadOnly'] })
    const { FronteggContext, EntitlementsClient } = loaded()
    FronteggContext.init({ FRONTEGG_CLIENT_ID: env.id, FRONTEGG_API_KEY: env.apiKey })
    const client = await EntitlementsClient.init()
    try {
      await client.ready()
      const mine = client.forUser({
        tenantId: user.tenantId,
        sub: user.id,
        type: 'userToken',
        permissions: ['fe.secure.read.*'],
      })
      expect(await mine.isEntitledTo({ permissionKey: 'fe.secure.read.users' })).toMatchObject({ result: true })
      expect(await mine.isEntitledTo({ permissionKey: 'fe.secure.write.users' })).toMatchObject({ result: false })
      expect(await mine.isEntitledTo({ featureKey: 'reports' })).toMatchObject({ result: false })
    } finally {
      client.destroy()
    }
  })

  test('@frontegg/client logs a user in at the server, without PKCE, by the secret of the environment', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD }),
      browser = browserOf(env)
    await allow(env)
    const { FronteggContext, HostedLoginClient } = loaded()
    FronteggContext.init({ FRONTEGG_CLIENT_ID: env.id, FRONTEGG_API_KEY: env.apiKey })
    const client = new HostedLoginClient(CALLBACK)
    const asked = await browser.call('GET', pathOf(await client.requestAuthorize({ state: 'a state' }))),
      { code, state } = queryOf(await browser.comeBack(asked, await browser.logIn(user)))
    expect(state).toBe('a state')
    const { user: found, accessToken, refreshToken } = await client.codeExchange({ code, state })
    expect([found.sub, typeof accessToken, typeof refreshToken]).toEqual([user.id, 'string', 'string'])
    await expect(client.codeExchange({ code, state })).rejects.toThrow('[400] code is not valid')
  })

  test('@frontegg/client takes access tokens of accounts and members, by the roles that they have when they are shown', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ roleKeys: ['ReadOnly'] })
    const { FronteggContext, IdentityClient } = loaded()
    FronteggContext.init({ FRONTEGG_CLIENT_ID: env.id, FRONTEGG_API_KEY: env.apiKey })
    const validate = async (token: string, options?: object) =>
      new IdentityClient({ FRONTEGG_CLIENT_ID: env.id, FRONTEGG_API_KEY: env.apiKey }).validateToken(
        token,
        options,
        'AccessToken',
      )
    await env.vendor('POST', '/identity/resources/configurations/v1', { machineToMachineAuthStrategy: 'AccessToken' })
    const { db } = await env.context(),
      { id: roleId } = await db.role.findFirstOrThrow({ where: { key: 'ReadOnly' } })
    const ofAccount = (
      await env.as(user.tenantId)('POST', '/identity/resources/tenants/access-tokens/v1', { roleIds: [roleId] })
    ).body
    const ofMember = (
      await env.as(user.tenantId, user.id)('POST', '/identity/resources/users/access-tokens/v1', {
        expiresInMinutes: 5,
      })
    ).body
    expect(await validate(ofAccount.secret)).toMatchObject({ sub: ofAccount.id, type: 'tenantAccessToken' })
    expect(await validate(ofMember.secret)).toMatchObject({
      sub: ofMember.id,
      userId: user.id,
      tenantId: user.tenantId,
    })
    for (const { secret } of [ofAccount, ofMember]) {
      expect(await validate(secret, { roles: ['ReadOnly'], permissions: ['fe.secure.read.*'] })).toMatchObject({
        tenantId: user.tenantId,
      })
      await expect(validate(secret, { roles: ['Admin'] })).rejects.toBeTruthy()
      await expect(validate(secret, { permissions: ['fe.secure.write.users'] })).rejects.toBeTruthy()
    }
  })

  test('@frontegg/client adds to the audit trail, reads it and counts it', async () => {
    const env = await newEnvironment(),
      [tenantId, other] = [await env.newTenant(), await env.newTenant()]
    const { AuditsClient } = loaded(),
      audits = new AuditsClient()
    await audits.init(env.id, env.apiKey)
    await audits.sendAudit({ tenantId, severity: 'High', action: 'eggs.laid', email: 'hen@example.com' })
    await audits.sendAudit({ tenantId: other, severity: 'Info', action: 'eggs.sold' })
    const query = { tenantId, offset: 0, count: 10, sortBy: 'createdAt', sortDirection: 'desc' }
    expect(await audits.getAudits(query)).toMatchObject({
      ...{ total: 1, data: [{ severity: 'High', action: 'eggs.laid', email: 'hen@example.com', tenantId }] },
    })
    expect(await audits.getAudits({ ...query, filter: 'sold' })).toEqual({ data: [], total: 0 })
    expect(await audits.getAuditsStats({ tenantId })).toEqual({ totalToday: 1, severeThisWeek: 1 })
    // the columns that the portal shows are there
    const [{ properties }] = (await audits.getAuditsMetadata()).rows,
      [line] = (await audits.getAudits(query)).data
    for (const { name } of properties) expect(line, name).toHaveProperty(name)
    await expect(audits.sendAudit({ tenantId, severity: 'Loud' })).rejects.toBeTruthy()
  })
})
