import { describe, expect, test } from 'vitest'
import { deps, newEnvironment, server, unique } from '../../test/environment.ts'
import { createEnvironment } from '../areas/environments/environments.service.ts'
import { envelope, invalid, messageCode } from './errors.ts'

const roles = '/identity/resources/roles/v1'

describe.concurrent('what real clients send', () => {
  test('every path also stands below /frontegg, with slashes too many', async () => {
    const env = await newEnvironment()
    for (const path of [
      `/frontegg${roles}`,
      `${roles}/`,
      `//identity/resources//roles/v1`,
      `/frontegg${roles}/`,
      `//frontegg/${roles}`,
    ]) {
      expect((await env.vendor('GET', path)).status, path).toBe(200)
    }
    expect((await env.vendor('GET', '/fronteggidentity/resources/roles/v1')).status).toBe(404)
  })

  test('a JSON content type with no body, on any method', async () => {
    const env = await newEnvironment()
    const headers = { 'content-type': 'application/json' }
    expect((await env.vendor('GET', roles, undefined, { headers })).status).toBe(200)
    const [role] = (await env.vendor('POST', roles, [{ key: 'k', name: 'K', level: 0 }])).body
    expect(await env.vendor('PATCH', `${roles}/${role.id}`, '', { headers })).toMatchObject({
      status: 200,
      body: { name: 'K' },
    })
    expect((await env.vendor('PATCH', `${roles}/${role.id}`, {})).status).toBe(200)
    expect((await env.vendor('POST', roles, '', { headers })).status).toBe(400)
    expect(await env.vendor('DELETE', `${roles}/${role.id}`, '', { headers })).toMatchObject({
      status: 204,
      body: null,
    })
  })

  test('a body with DELETE, which is ignored where none is wanted', async () => {
    const env = await newEnvironment()
    const [role] = (await env.vendor('POST', roles, [{ key: 'k', name: 'K', level: 0 }])).body
    expect((await env.vendor('DELETE', `${roles}/${role.id}`, { any: 'thing' })).status).toBe(204)
  })

  test('unknown fields, and null for what is not given', async () => {
    const env = await newEnvironment()
    const { status, body } = await env.vendor('POST', roles, [
      {
        key: 'k',
        name: 'K',
        level: 0,
        description: null,
        isDefault: null,
        vendorId: 'mine',
        id: 'chosen',
        surprise: { deep: [1] },
      },
    ])
    expect(status).toBe(201)
    expect(body[0]).toMatchObject({ key: 'k', description: null, isDefault: false, vendorId: env.id })
    expect(body[0].id).not.toBe('chosen')
  })

  test('the environment token in either header', async () => {
    const env = await newEnvironment()
    const token = await env.token({ type: 'vendor', vendorId: env.id })
    expect((await env.bare('GET', roles, undefined, { headers: { 'x-access-token': token } })).status).toBe(200)
    expect((await env.bare('GET', roles, undefined, { headers: { authorization: `bearer ${token}` } })).status).toBe(
      200,
    )
  })

  test('bodies that are too large, of an unknown type or broken get the envelope', async () => {
    const env = await newEnvironment()
    const huge = await env.vendor('POST', roles, [{ key: 'x'.repeat(3 * 1024 * 1024), name: 'X', level: 0 }])
    expect(huge).toMatchObject({ status: 413, body: { errors: ['Request is too large'] } })
    expect(await env.vendor('POST', roles, '<a/>', { headers: { 'content-type': 'text/xml' } })).toMatchObject({
      status: 415,
      body: { errors: ['Unsupported media type'] },
    })
    expect(
      await env.vendor('POST', roles, '{"__proto__":{"a":1}}', { headers: { 'content-type': 'application/json' } }),
    ).toMatchObject({ status: 400 })
    expect(await env.vendor('GET', '/nowhere')).toMatchObject({
      status: 404,
      body: { errors: ['Route not found'], errorCode: 'ER-00004' },
    })
  })

  test('the trace id is on every answer, success or failure', async () => {
    const env = await newEnvironment()
    const ids = []
    for (const answer of [
      await env.vendor('GET', roles),
      await env.anonymous('GET', roles),
      await env.bare('GET', '/nowhere'),
    ]) {
      expect(answer.headers['frontegg-trace-id']).toMatch(/^[0-9a-f]{32}$/)
      ids.push(answer.headers['frontegg-trace-id'])
    }
    expect(new Set(ids).size).toBe(3)
  })

  test("a browser's preflight is answered, with credentials, for all that the browser client sends", async () => {
    const response = await server.http.inject({
      method: 'OPTIONS',
      url: `/frontegg${roles}`,
      headers: {
        origin: 'http://localhost:5173',
        'access-control-request-method': 'GET',
        'access-control-request-headers': 'authorization,content-type,frontegg-source,x-frontegg-sdk',
      },
    })
    expect(response.statusCode).toBe(204)
    expect(response.headers).toMatchObject({
      'access-control-allow-origin': 'http://localhost:5173',
      'access-control-allow-credentials': 'true',
      'access-control-allow-headers': 'authorization,content-type,frontegg-source,x-frontegg-sdk',
    })
    expect(response.headers['access-control-allow-methods']).toMatch(/DELETE/)
    const actual = await (
      await newEnvironment()
    ).vendor('GET', roles, undefined, { headers: { origin: 'http://localhost:5173' } })
    expect(actual.headers).toMatchObject({
      'access-control-allow-origin': 'http://localhost:5173',
      'access-control-expose-headers':
        'frontegg-trace-id, retry-after, x-rate-limit-limit, x-rate-limit-remaining, x-rate-limit-reset',
    })
  })
})

describe.concurrent('which environment a request is for', () => {
  const jwks = '/.well-known/jwks.json'
  const seen = async (headers: Record<string, string>) => {
    const { statusCode, body } = await server.http.inject({ method: 'GET', url: jwks, headers })
    return statusCode === 200 ? (JSON.parse(body) as { keys: { kid: string }[] }).keys[0]!.kid : statusCode
  }

  test('a header names it, by id or by host; else the host the request came to', async () => {
    const host = `${unique('id')}.example.com`
    const { environment } = await createEnvironment(deps, { name: unique('env'), host })
    const { environment: other } = await createEnvironment(deps, { name: unique('env') })
    const kid = environment.keys[0]!.id,
      otherKid = other.keys[0]!.id
    expect(await seen({ 'frontegg-vendor-id': environment.id })).toBe(kid)
    expect(await seen({ 'frontegg-vendor-host': host })).toBe(kid)
    expect(await seen({ 'frontegg-vendor-host': `https://${host}/some/path` })).toBe(kid)
    expect(await seen({ host })).toBe(kid)
    expect(await seen({ host: `${host}:8443` })).toBe(kid)
    expect(await seen({ host: `${other.name}.localhost:3100` })).toBe(otherKid)
    expect(await seen({ 'frontegg-vendor-id': other.id, host })).toBe(otherKid)
    expect(await seen({ 'frontegg-vendor-id': '0b0e5f0e-7a0e-4c55-9d0e-222222222222' })).toBe(404)
    expect(await seen({ 'frontegg-vendor-id': 'no id' })).toBe(404)
  })

  test('a token is stronger than any header', async () => {
    const mine = await newEnvironment(),
      other = await newEnvironment()
    const { body } = await mine.vendor('GET', roles, undefined, { headers: { 'frontegg-vendor-id': other.id } })
    expect(body[0].vendorId).toBe(mine.id)
  })
})

describe.concurrent('errors', () => {
  test.for([
    ['name must be a string', 'ER-0005eb4672'],
    ['phoneNumber should not be empty', 'ER-000b32220f'],
    ['users.0.email must be an email', 'ER-00196e133e'],
    ['each value in userIds must be a string', 'ER-00062905ab'],
    ['allowEmailChange must be a boolean value', 'ER-002fef5d32'],
    ['password should not be empty', 'ER-008897167d'],
  ])('the code of "%s" is %s', ([message, code]) => expect(messageCode(message!)).toBe(code))

  test('several faults: all messages, all codes, the first one in front', () => {
    expect(envelope(invalid('name must be a string', 'password should not be empty'))).toEqual({
      errors: ['name must be a string', 'password should not be empty'],
      errorCode: 'ER-0005eb4672',
      errorCodes: ['ER-0005eb4672', 'ER-008897167d'],
    })
  })
})
