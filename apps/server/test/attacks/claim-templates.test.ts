import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { newEnvironment, UNKNOWN_ID, type TestEnvironment } from '../environment.ts'
import {
  applyToAll,
  done,
  jwtTemplates,
  MANDATORY_CLAIMS,
  plainTemplate,
  ruleForAll,
  setRules,
  withClaims,
} from '../jwt-templates.ts'
import { claimsOf, logIn, PASSWORD } from '../second-factors.ts'
import { unsigned } from '../user-token.ts'

/*
 * A template decides what tokens say. The server reads its own tokens, and others trust them: whatever a template says, nobody
 * becomes somebody else by it, nobody gets more rights here, and nobody is locked out.
 */
const identity = '/identity/resources',
  configuration = `${identity}/configurations/v1`,
  me = `${identity}/users/v2/me`,
  roles = `${identity}/roles/v1`
const tokenOf = async (env: TestEnvironment, who: { email: string }) =>
  (await done(logIn(env, who))).accessToken as string
const everyRight = ['fe.secure.*', 'fe.*', '*']

/** A template that no request has made, with whatever claims, for every token. */
async function smuggled(env: TestEnvironment, claims: object) {
  const ctx = await env.context(),
    now = ctx.clock.now()
  await ctx.db.jwtTemplate.create({
    data: {
      id: ctx.random.uuid(),
      key: 'smuggled',
      name: 'S',
      expiration: 600,
      algorithm: 'RS256',
      claims: { ...MANDATORY_CLAIMS, ...claims },
      createdAt: now,
      updatedAt: now,
    },
  })
  await setRules(env.vendor, [ruleForAll('smuggled')])
}

/** What the server decides by, or its clients do, with what a template must not say. */
const forbidden: Record<string, unknown[]> = {
  type: ['vendor', 'tenantApiToken', 'userToken', '{{user.metadata.type}}', null],
  sub: [UNKNOWN_ID, '{{user.metadata.id}}', '{{user.email}}', 'x{{sub}}'],
  sid: [UNKNOWN_ID, '{{user.metadata.sid}}', ''],
  tenantId: [UNKNOWN_ID, '*', '{{clientId}}', '{{user.metadata.tenant}}'],
  iss: ['https://evil.example', '{{iss}}/', '{{user.metadata.iss}}'],
  aud: ['*', UNKNOWN_ID, ['{{clientId}}'], '{{user.metadata.aud}}'],
  iat: [0, '{{exp}}', 4_000_000_000],
  exp: [4_000_000_000, '{{user.metadata.exp}}', null],
  nbf: [4_000_000_000, 'never'],
  permissions: [everyRight, '*', '{{user.metadata.permissions}}', ['{{user.tenant.permissions}}', '*'], {}, null],
  roles: [['Admin'], 'Admin', '{{user.metadata.roles}}', ['{{user.tenant.roles}}', 'Admin']],
  act: [{ sub: UNKNOWN_ID }],
  bound_to: [[{ sub: UNKNOWN_ID, sid: UNKNOWN_ID }]],
  amr: [['mfa', 'otp']],
  acr: ['http://schemas.openid.net/pape/policies/2007/06/multi-factor'],
  auth_time: [4_000_000_000, '{{iat}}'],
  superUser: [true],
  userId: [UNKNOWN_ID],
}

describe.concurrent('a template', () => {
  test.for(Object.entries(forbidden))('that decides about %s is refused', async ([name, values]) => {
    const env = await newEnvironment()
    for (const value of values)
      expect(
        (await env.vendor('POST', jwtTemplates, withClaims({ [name]: value }))).status,
        JSON.stringify(value),
      ).toBe(400)
    expect((await env.vendor('GET', jwtTemplates)).body.items).toEqual([])
  })

  test.for(Object.entries(forbidden))(
    'that decides about %s, wherever it came from, has no effect',
    async ([name, values]) => {
      const env = await newEnvironment(),
        user = await env.newUser({ password: PASSWORD, permissions: ['fe.secure.read.roles'] })
      const usual = claimsOf(await tokenOf(env, user))
      await smuggled(env, { [name]: values[0] })
      const token = await tokenOf(env, user),
        call = env.withToken(token)
      if (!['sid', 'iat', 'exp'].includes(name)) {
        const [said] = [claimsOf(token)[name]]
        expect([undefined, usual[name]], name).toContainEqual(said)
      }
      expect((await call('GET', me)).body.id).toBe(user.id)
      expect((await call('GET', roles)).status).toBe(200)
      expect((await call('POST', roles, [{ key: 'mine', name: 'Mine', level: 0 }])).status).toBe(403)
      expect((await call('GET', '/tenants/resources/tenants/v1')).status).toBe(401)
    },
  )

  test('without rights takes none away and gives none: the server looks them up', async () => {
    const env = await newEnvironment(),
      [admin, member] = [
        await env.newUser({ password: PASSWORD, roleKeys: ['Admin'] }),
        await env.newUser({ password: PASSWORD }),
      ]
    await applyToAll(env, plainTemplate)
    const status = async (who: { email: string }) => (await env.withToken(await tokenOf(env, who))('GET', roles)).status
    expect([await status(admin), await status(member)]).toEqual([200, 403])
  })

  test('with rights says those that the user has, at each refresh anew', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD, roleKeys: ['ReadOnly'] })
    await applyToAll(env, withClaims({ permissions: '{{user.tenant.permissions}}' }))
    const { refreshToken } = await done(logIn(env, user)),
      [admin] = (await env.vendor('GET', roles)).body as { id: string; key: string }[]
    await done(env.as(user.tenantId)('POST', `${identity}/users/v1/${user.id}/roles`, { roleIds: [admin!.id] }))
    const { accessToken } = await done(
      env.anonymous('POST', `${identity}/auth/v1/user/token/refresh`, { refreshToken }),
    )
    expect(claimsOf(accessToken)['permissions']).toContain('fe.secure.*')
  })

  test('takes nothing that users write about themselves for a variable, or for what every object has', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD, roleKeys: ['Admin'] })
    await done(
      env.vendor('PUT', `${identity}/users/v1/${user.id}`, {
        name: '{{user.tenant.permissions}}',
        metadata: '{"a":"{{exp}}","__proto__":{"b":1}}',
      }),
    )
    await applyToAll(
      env,
      withClaims({
        name: 'so {{user.name}} {{user.metadata.a}}',
        inherited: ['{{user.metadata.constructor}}', '{{user.metadata.a.length}}', '{{user.metadata.toString.name}}'],
        own: '{{user.metadata.__proto__.b}}',
      }),
    )
    const token = await tokenOf(env, user)
    expect(claimsOf(token)).toMatchObject({ name: 'so {{user.tenant.permissions}} {{exp}}', inherited: [], own: 1 })
    expect((await env.withToken(token)('GET', me)).status).toBe(200)
  })

  test('cannot name a claim so that other objects change', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD })
    // as text: an object literal would set the prototype
    const text = JSON.stringify(withClaims({ a: 1 })).replace('"a":1', '"__proto__":{"polluted":true}')
    expect((await env.vendor('POST', jwtTemplates, JSON.parse(text))).status).toBe(400)
    await smuggled(env, { constructor: { prototype: { polluted: true } }, hasOwnProperty: 1 })
    const token = await tokenOf(env, user)
    expect(claimsOf(token)).toMatchObject({ constructor: { prototype: { polluted: true } }, hasOwnProperty: 1 })
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
    expect((await env.withToken(token)('GET', me)).status).toBe(200)
  })
})

describe.concurrent('the shared secret, where a template signs with it', () => {
  /** Claims of a real token, changed and signed by somebody who has read the secret. */
  async function forger(env: TestEnvironment) {
    await applyToAll(env, withClaims({}, { algorithm: 'HS256' }))
    const secret: string = (await env.vendor('GET', configuration)).body.jwtSecret,
      kid = (await env.context()).environment.keys[0]!.id
    return (claims: object) => {
      const text = unsigned({ alg: 'HS256', typ: 'JWT', kid }, claims)
      return env.withToken(`${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`)
    }
  }

  test('opens no management, and nothing of programs', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD }),
      forged = await forger(env),
      claims = claimsOf(await tokenOf(env, user))
    expect((await forged(claims)('GET', me)).status).toBe(200)
    for (const change of [
      { type: 'vendor', vendorId: env.id, scopes: [] },
      { type: 'tenantApiToken', permissions: everyRight },
      { type: 'userApiToken', userId: user.id, permissions: everyRight },
    ]) {
      const call = forged({ ...claims, ...change })
      expect((await call('GET', '/tenants/resources/tenants/v1')).status, change.type).toBe(401)
      expect((await call('GET', configuration)).status, change.type).toBe(401)
    }
  })

  test('gives no rights: those of such a token are looked up, whatever it says', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD }),
      reader = await env.newUser({ password: PASSWORD, permissions: ['fe.secure.read.roles'] }),
      forged = await forger(env)
    const withRights = async (who: { email: string }, permissions: string[]) =>
      forged({ ...claimsOf(await tokenOf(env, who)), permissions, roles: ['Admin'], superUser: true })
    const byUser = await withRights(user, everyRight),
      byReader = await withRights(reader, [])
    expect((await byUser('GET', roles)).status).toBe(403)
    expect((await byUser('POST', roles, [{ key: 'mine', name: 'Mine', level: 0 }])).status).toBe(403)
    expect((await byReader('GET', roles)).status).toBe(200)
  })

  test('makes nobody out of somebody else', async () => {
    const env = await newEnvironment(),
      [user, victim] = [await env.newUser({ password: PASSWORD }), await env.newUser({ password: PASSWORD })],
      forged = await forger(env),
      claims = claimsOf(await tokenOf(env, user))
    for (const change of [{ sub: victim.id }, { tenantId: victim.tenantId }, { sid: UNKNOWN_ID }, { aud: UNKNOWN_ID }])
      expect((await forged({ ...claims, ...change })('GET', me)).status, JSON.stringify(change)).toBe(401)
  })
})
