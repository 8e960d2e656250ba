import { describe, expect, test } from 'vitest'
import { newEnvironment, unique, type TestEnvironment } from '../environment.ts'

const users = '/identity/resources/users',
  login = '/identity/resources/auth/v1/user',
  signUp = `${users}/v1/signUp`
const password = 'Correct-Horse-7'
const address = () => `${unique('victim')}@example.com`

/** The administrator of an account that anybody may make. */
const attackerIn = async (env: TestEnvironment) =>
  env.user({ tenantId: await env.newTenant(), roleKeys: ['Admin'], password })
const rowOf = async (env: TestEnvironment, email: string) =>
  (await env.context()).db.user.findFirst({ where: { email }, include: { phones: true } })

describe.concurrent('what a user says of others proves nothing', () => {
  test('no user chooses the password of another', async () => {
    const env = await newEnvironment(),
      attacker = await attackerIn(env)
    for (const version of ['v1', 'v2'])
      for (const more of [{}, { skipInviteEmail: true }, { provider: 'google' }]) {
        const email = address()
        const answer = await attacker('POST', `${users}/${version}`, { email, password, ...more })
        expect(answer).toMatchObject({ status: 400 })
        expect(answer.body).toEqual({ errors: ['User creation with password is forbidden'] })
        expect(await rowOf(env, email)).toBeNull()
      }
    const known = await env.newUser()
    expect((await attacker('POST', `${users}/v2`, { email: known.email, password })).status).toBe(400)
  })

  test('leaving out the mail leaves the address unproven', async () => {
    const env = await newEnvironment(),
      attacker = await attackerIn(env)
    for (const version of ['v1', 'v2']) {
      const email = address()
      const { status, body } = await attacker('POST', `${users}/${version}`, { email, skipInviteEmail: true })
      expect([status, body.verified]).toEqual([201, false])
      expect([await env.messages({ to: email }), (await rowOf(env, email))!.verified]).toEqual([[], false])
    }
  })

  test('naming a provider leaves it unproven, and the mail goes out', async () => {
    const env = await newEnvironment(),
      attacker = await attackerIn(env)
    for (const provider of ['google', 'saml', 'scim2', 'github']) {
      const email = address()
      expect((await attacker('POST', `${users}/v2`, { email, name: 'V', provider })).body.verified).toBe(false)
      expect(await env.messages({ to: email })).toMatchObject([{ template: 'ActivateUser' }])
    }
  })

  test('nor do fields that only management has', async () => {
    const env = await newEnvironment(),
      attacker = await attackerIn(env)
    const extra = { verified: true, phoneNumber: '+14155550100', mfaBypass: true, vendorMetadata: '{"a":1}' }
    const [byApi, byTeam] = [address(), address()]
    await attacker('POST', `${users}/v2`, { email: byApi, ...extra })
    await attacker('POST', '/team/resources/members/v1', { email: byTeam, ...extra, password, skipInviteEmail: true })
    expect(await rowOf(env, byApi)).toMatchObject({
      verified: false,
      mfaBypass: false,
      vendorMetadata: '{}',
      phones: [{ verified: false }],
    })
    expect(await rowOf(env, byTeam)).toMatchObject({ verified: false, passwordHash: null })
    const bulk = await attacker('POST', `${users}/bulk/v1/invite`, { users: [{ email: address(), verified: true }] })
    expect(bulk.status).toBe(401)
  })

  test('the routes for accounts below say no more', async () => {
    const env = await newEnvironment(),
      attacker = await attackerIn(env),
      { tenantId } = attacker
    const said = { password, skipInviteEmail: true, verified: true, provider: 'google' }
    const [one, many] = [address(), address()]
    const answers = [
      await attacker('POST', '/identity/resources/sub-tenants/users/v1', {
        user: { email: one, ...said },
        subTenants: [{ tenantId }],
      }),
      await attacker('POST', '/identity/resources/sub-tenants/users/v2', {
        users: [{ email: many, ...said }],
        tenantId,
      }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([201, 201])
    for (const email of [one, many])
      expect(await rowOf(env, email)).toMatchObject({ verified: false, passwordHash: null })
  })

  test('environments go on saying so', async () => {
    const env = await newEnvironment(),
      tenant = env.as(await env.newTenant())
    for (const more of [{ skipInviteEmail: true }, { provider: 'google' }]) {
      const email = address()
      expect((await tenant('POST', `${users}/v2`, { email, password, ...more })).body.verified).toBe(true)
      expect(await env.messages({ to: email })).toEqual([])
    }
    const email = address()
    await tenant('POST', `${users}/v2`, { email, password, skipInviteEmail: true })
    expect((await env.anonymous('POST', login, { email, password })).status).toBe(200)
  })

  test('a user who was made that way is not let in by a later invitation', async () => {
    const env = await newEnvironment(),
      attacker = await attackerIn(env),
      email = address(),
      victims = await env.newTenant()
    await attacker('POST', `${users}/v2`, { email, skipInviteEmail: true })
    await env.as(victims)('POST', `${users}/v2`, { email, name: 'V' })
    expect((await env.anonymous('POST', login, { email, password })).status).toBe(401)
    expect((await rowOf(env, email))!.verified).toBe(false)
  })
})

describe.concurrent('what a sign-up says of itself proves nothing', () => {
  test('a provider neither verifies the address nor takes the place of a password', async () => {
    const env = await newEnvironment()
    for (const provider of ['google', 'saml', 'apple']) {
      const email = address()
      const { status, body } = await env.anonymous('POST', signUp, { email, provider, companyName: 'Evil' })
      expect([status, body.shouldActivate, body.authResponse]).toEqual([201, true, undefined])
      expect(await rowOf(env, email)).toMatchObject({ verified: false, provider: 'local', passwordHash: null })
      expect(await env.messages({ to: email })).toMatchObject([{ template: 'ActivateUser' }])
    }
  })

  test('nor does it get around an environment that has others log its users in', async () => {
    const env = await newEnvironment()
    await env.vendor('POST', '/identity/resources/configurations/v1', { authStrategy: 'NoLocalAuthentication' })
    const given = { email: address(), provider: 'google', companyName: 'Evil' }
    expect((await env.anonymous('POST', signUp, given)).status).toBe(400)
  })
})

test('the text null is no metadata, as a client sends it', async () => {
  const env = await newEnvironment(),
    tenant = env.as(await env.newTenant())
  for (const version of ['v1', 'v2'])
    expect(await tenant('POST', `${users}/${version}`, { email: address(), metadata: 'null' })).toMatchObject({
      status: 201,
      body: { metadata: '{}' },
    })
  expect((await tenant('POST', `${users}/v2`, { email: address(), metadata: '[]' })).status).toBe(400)
})

test('the address of a user is set by the environment itself, in no tenant', async () => {
  const env = await newEnvironment(),
    user = await env.newUser(),
    path = `${users}/v1/${user.id}/email`
  expect(await env.as(user.tenantId)('PUT', path, { email: address() })).toMatchObject({
    status: 403,
    body: { errors: ['Tenant ID is defined - forbidden route for tenants'] },
  })
  expect(await rowOf(env, user.email)).not.toBeNull()
  expect((await env.vendor('PUT', path, { email: address() })).status).toBe(200)
})
