import { describe, expect, test } from 'vitest'
import { newEnvironment, newServer, unique, UNKNOWN_ID, type TestEnvironment } from '../../../../test/environment.ts'
import { everythingOf } from '../../../../test/furnished.ts'
import { custom } from '../../../../test/login-providers.ts'

const sso = '/identity/resources/sso',
  SECRET = 'a-secret-of-the-client'
const google = { clientId: 'client', secret: SECRET, redirectUrl: 'https://app.example/account/social/success' }

const listed = async (env: TestEnvironment) => (await env.anonymous('GET', `${sso}/v2`)).body

describe.concurrent('a built-in provider', () => {
  test('is not there until it is set up, and lets nobody in until it is activated', async () => {
    const env = await newEnvironment()
    expect((await env.vendor('GET', `${sso}/v2/google`)).status).toBe(404)
    expect((await env.vendor('POST', `${sso}/v2/google/activate`)).status).toBe(404)
    expect(await listed(env)).toEqual([])
    const made = await env.vendor('POST', `${sso}/v2/google`, { ...google, customised: true })
    expect(made).toMatchObject({ status: 201, body: { type: 'google', active: false, customised: true } })
    expect(await listed(env)).toMatchObject([{ type: 'google', active: false }])
    expect((await env.vendor('POST', `${sso}/v2/google/activate`)).status).toBe(201)
    expect(await listed(env)).toMatchObject([{ type: 'google', active: true }])
    expect((await env.vendor('POST', `${sso}/v2/google/deactivate`)).status).toBe(201)
    expect(await listed(env)).toMatchObject([{ type: 'google', active: false }])
  })

  test('is listed for login boxes with the address to begin at, and without credentials', async () => {
    const env = await newEnvironment()
    await env.vendor('POST', `${sso}/v2/google`, { ...google, active: true, additionalScopes: ['calendar'] })
    const row = {
      type: 'google',
      active: true,
      customised: false,
      clientId: null,
      redirectUrl: google.redirectUrl,
      redirectUrlPattern: google.redirectUrl,
      authorizationUrl: '/identity/resources/auth/v2/user/sso/default/google/prelogin',
      options: { verifyEmail: false },
      additionalScopes: ['calendar'],
    }
    expect(await listed(env)).toEqual([row])
    expect((await (await env.user())('GET', `${sso}/v2/authenticated`)).body).toEqual([row])
    expect((await env.anonymous('GET', `${sso}/v1`)).body).toEqual([
      { type: 'google', active: true, clientId: 'client', redirectUrl: google.redirectUrl },
    ])
  })

  test('shows management its secret masked, and stores it sealed', async () => {
    const env = await newEnvironment()
    await env.vendor('POST', `${sso}/v2/google`, google)
    const { body } = await env.vendor('GET', `${sso}/v2/google`)
    expect(body).toMatchObject({ clientId: 'client', secret: '********ient', options: {}, additionalScopes: [] })
    expect(JSON.stringify(await everythingOf(env.id))).not.toContain(SECRET)
  })

  test('keeps what a change does not give, its secret above all, and takes no masked one', async () => {
    const env = await newEnvironment()
    await env.vendor('POST', `${sso}/v2/google`, { ...google, active: true })
    await env.vendor('POST', `${sso}/v2/google`, { redirectUrl: 'https://other.example/' })
    await env.vendor('POST', `${sso}/v2/google`, { secret: '' })
    expect((await env.vendor('GET', `${sso}/v2/google`)).body).toMatchObject({
      active: true,
      clientId: 'client',
      secret: '********ient',
      redirectUrl: 'https://other.example/',
    })
    expect(await env.vendor('POST', `${sso}/v2/google`, { secret: '********ient' })).toMatchObject({
      status: 400,
      body: { errors: ['secret must be the whole secret'] },
    })
  })

  test('is set up by tools that name it in the body', async () => {
    const env = await newEnvironment()
    const body = {
      type: 'github',
      customised: true,
      clientId: 'c',
      secret: 's',
      redirectUrl: 'http://localhost:3000/x',
    }
    expect((await env.vendor('POST', `${sso}/v2`, body)).status).toBe(201)
    expect((await env.vendor('GET', `${sso}/v2/github`)).body).toMatchObject({ ...body, secret: '********' })
    expect((await env.vendor('POST', `${sso}/v2`, { ...body, type: 'myspace' })).status).toBe(400)
  })

  test('asks for its own credentials where it is to have them, and lets nobody in without any', async () => {
    const env = await newEnvironment()
    expect(await env.vendor('POST', `${sso}/v2/google`, { customised: true })).toMatchObject({
      status: 400,
      body: { errors: ['clientId should not be empty', 'secret should not be empty'] },
    })
    // nothing is left of it
    expect((await env.vendor('GET', `${sso}/v2/google`)).status).toBe(404)
    await env.vendor('POST', `${sso}/v2/google`, { customised: false, active: true })
    expect(await listed(env)).toMatchObject([{ active: false }])
  })

  test('sends nobody to unsafe addresses', async () => {
    const env = await newEnvironment()
    expect((await env.vendor('POST', `${sso}/v2/google`, { redirectUrl: 'nothing' })).status).toBe(400)
    for (const redirectUrl of ['javascript:alert(1)', 'http://app.example/', 'https://a:b@app.example/'])
      expect(await env.vendor('POST', `${sso}/v2/google`, { redirectUrl }), redirectUrl).toMatchObject({
        status: 400,
        body: { errors: ['redirectUrl must be an https address, or http on this machine'] },
      })
  })

  test('is set up once by calls at once', async () => {
    const env = await newEnvironment()
    const answers = await Promise.all(Array.from({ length: 5 }, () => env.vendor('POST', `${sso}/v2/google`, google)))
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201, 201])
    expect(await listed(env)).toHaveLength(1)
  })
})

describe.concurrent('a custom provider', () => {
  test('is made, changed, listed and deleted', async () => {
    const env = await newEnvironment(),
      type = unique('acme')
    const { status, body } = await env.vendor('POST', `${sso}/custom/v1`, custom(type))
    expect(status).toBe(200)
    const start = `/frontegg/identity/resources/auth/v2/user/sso/custom/${type}/prelogin`
    expect(body).toMatchObject({ type, displayName: 'Acme', clientId: 'client', active: true })
    expect(body.authorizationUrl).toBe(`http://${env.name}.localhost:3100${start}`)
    expect(JSON.stringify(body)).not.toContain('secret')
    const changed = await env.vendor('PATCH', `${sso}/custom/v1/${body.id}`, { active: false, displayName: 'New' })
    expect(changed).toMatchObject({ status: 200, body: { ...body, active: false, displayName: 'New' } })
    const list = async (query = '') => (await env.anonymous('GET', `${sso}/custom/v1${query}`)).body
    expect(await list()).toEqual({ providers: [changed.body] })
    expect(await list('?active=true')).toEqual({ providers: [] })
    expect(await list('?active=false')).toEqual({ providers: [changed.body] })
    expect(await listed(env)).toEqual([])
    expect((await env.vendor('DELETE', `${sso}/custom/v1/${body.id}`)).status).toBe(200)
    expect(await list()).toEqual({ providers: [] })
    for (const method of ['PATCH', 'DELETE'] as const)
      expect((await env.vendor(method, `${sso}/custom/v1/${UNKNOWN_ID}`, {})).status, method).toBe(404)
  })

  test('has a name of its own', async () => {
    const env = await newEnvironment()
    for (const type of ['google', 'a/b', '', 'a b', '-'])
      expect((await env.vendor('POST', `${sso}/custom/v1`, custom(type))).status, type).toBe(400)
    const type = unique('acme')
    const answers = await Promise.all(
      Array.from({ length: 4 }, () => env.vendor('POST', `${sso}/custom/v1`, custom(type))),
    )
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409, 409, 409])
    const other = (await env.vendor('POST', `${sso}/custom/v1`, custom(unique('other')))).body
    expect((await env.vendor('PATCH', `${sso}/custom/v1/${other.id}`, { type })).status).toBe(409)
    expect((await env.vendor('PATCH', `${sso}/custom/v1/${other.id}`, { type: 'google' })).status).toBe(400)
  })

  test('seals its secret', async () => {
    const env = await newEnvironment()
    await env.vendor('POST', `${sso}/custom/v1`, custom(unique('acme'), { secret: SECRET }))
    expect(JSON.stringify(await everythingOf(env.id))).not.toContain(SECRET)
  })

  test('is asked over https only, in production', async () => {
    const { outbound } = await import('@henhouse/outbound')
    const env = await newEnvironment(await newServer({ outbound: outbound([]) }))
    for (const field of ['authorizationUrl', 'tokenUrl', 'userInfoUrl'])
      for (const address of ['http://idp.example/x', 'javascript:alert(1)', 'https://u:p@idp.example/'])
        expect(
          (await env.vendor('POST', `${sso}/custom/v1`, custom(unique('acme'), { [field]: address }))).status,
          `${field} ${address}`,
        ).toBe(400)
  })

  test('of another environment is unknown', async () => {
    const [mine, theirs] = [await newEnvironment(), await newEnvironment()],
      type = unique('acme')
    const { id } = (await theirs.vendor('POST', `${sso}/custom/v1`, custom(type))).body
    expect((await mine.vendor('PATCH', `${sso}/custom/v1/${id}`, { active: false })).status).toBe(404)
    expect((await mine.vendor('DELETE', `${sso}/custom/v1/${id}`)).status).toBe(404)
    expect((await mine.anonymous('GET', `/identity/resources/auth/v2/user/sso/custom/${type}/prelogin`)).status).toBe(
      404,
    )
  })
})
