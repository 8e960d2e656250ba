import { describe, expect, test } from 'vitest'
import { newEnvironment, UNKNOWN_ID, type Client } from '../../../../test/environment.ts'
import * as ips from './ip-restrictions.service.ts'

const url = '/identity/resources/configurations/v1/restrictions/ip'
const keys = ['fe.secure.read.ipRestrictions', 'fe.secure.write.ipRestrictions', 'fe.secure.delete.ipRestrictions']
/** Calls from that address. */
const from =
  (client: Client, ip: string): Client =>
  (method, path, payload, more) =>
    client(method, path, payload, { ...more, headers: { ...more?.headers, 'x-forwarded-for': ip } })
const listed = async (client: Client) =>
  (await client('GET', url)).body.items.map((item: { ip: string; strategy: string }) => `${item.strategy} ${item.ip}`)

describe.concurrent('IP restrictions', () => {
  test('are put on a list in one spelling, and changed when put there again', async () => {
    const env = await newEnvironment(),
      tenant = env.as(await env.newTenant())
    const made = await tenant('POST', url, { ip: '::ffff:192.0.2.1', strategy: 'ALLOW', description: 'Office' })
    expect(made).toMatchObject({
      status: 201,
      body: {
        id: expect.any(String),
        ip: '192.0.2.1',
        strategy: 'ALLOW',
        isActive: true,
        description: 'Office',
        createdAt: expect.any(String),
        updatedAt: expect.any(String),
      },
    })
    await env.clock.advance(1000)
    const again = await tenant('POST', url, { ip: '192.0.2.1', strategy: 'ALLOW', isActive: false })
    expect(again).toMatchObject({
      status: 201,
      body: { id: made.body.id, description: 'Office', isActive: false, createdAt: made.body.createdAt },
    })
    expect(again.body.updatedAt > made.body.updatedAt).toBe(true)
    expect((await tenant('POST', url, { ip: '192.0.2.1', strategy: 'BLOCK' })).body.id).not.toBe(made.body.id)
    expect(await listed(tenant)).toHaveLength(2)
  })

  test('put there by many at once are there once', async () => {
    const env = await newEnvironment(),
      tenant = env.as(await env.newTenant())
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => tenant('POST', url, { ip: '10.0.0.0/8', strategy: 'ALLOW' })),
    )
    expect(new Set(answers.map((a) => `${a.status} ${a.body.id}`)).size).toBe(1)
    expect(await listed(tenant)).toEqual(['ALLOW 10.0.0.0/8'])
  })

  test('are listed page by page, and found by address and description', async () => {
    const env = await newEnvironment(),
      tenant = env.as(await env.newTenant())
    for (const [ip, description] of [
      ['10.0.0.0/8', 'Data centre'],
      ['192.0.2.1', 'Office'],
      ['2001:db8::/32', 'Other OFFICE'],
    ]) {
      await tenant('POST', url, { ip, description, strategy: 'ALLOW' })
      await env.clock.advance(1000)
    }
    const { status, body } = await tenant('GET', `${url}?_limit=2&_offset=1`)
    expect(status).toBe(200)
    expect(body).toMatchObject({ items: [{ ip: '2001:db8::/32' }], _metadata: { totalItems: 3, totalPages: 2 } })
    expect((await tenant('GET', `${url}?_filter=office`)).body.items.map((i: { ip: string }) => i.ip)).toEqual([
      '192.0.2.1',
      '2001:db8::/32',
    ])
    expect((await tenant('GET', `${url}?_filter=10.0`)).body._metadata.totalItems).toBe(1)
    expect((await tenant('GET', `${url}?_filter=%25`)).body.items).toEqual([])
    expect((await tenant('GET', `${url}?_limit=0`)).status).toBe(400)
  })

  test('want an address or a network', async () => {
    const env = await newEnvironment(),
      tenant = env.as(await env.newTenant())
    for (const ip of ['localhost', '10.0.0.0/33', '127.1', '10.0.0.1-10.0.0.9']) {
      expect(await tenant('POST', url, { ip, strategy: 'ALLOW' }), ip).toMatchObject({
        status: 400,
        body: { errors: ['ip must be an ip address'] },
      })
    }
    expect(await tenant('POST', `${url}/bulk`, { ips: [{ ip: '10.0.0.1' }, { ip: 'x' }] })).toMatchObject({
      status: 400,
      body: { errors: ['ips.1.ip must be an ip address'] },
    })
    expect(await listed(tenant)).toEqual([])
  })

  test('come one by one or in bulk, for the chosen list where none is named', async () => {
    const env = await newEnvironment(),
      tenant = env.as(await env.newTenant())
    await tenant('POST', `${url}/config`, { strategy: 'BLOCK' })
    await tenant('POST', url, { ip: '10.0.0.1', strategy: 'BLOCK', description: 'Stays' })
    expect(await tenant('POST', url, { ip: '10.0.0.4' })).toMatchObject({ status: 201, body: { strategy: 'BLOCK' } })
    expect(
      await tenant('POST', `${url}/bulk`, {
        ips: [{ ip: '10.0.0.1', description: 'Lost' }, { ip: '10.0.0.2' }, { ip: '10.0.0.3', strategy: 'ALLOW' }],
      }),
    ).toMatchObject({ status: 201, body: null })
    expect((await listed(tenant)).sort()).toEqual([
      'ALLOW 10.0.0.3',
      'BLOCK 10.0.0.1',
      'BLOCK 10.0.0.2',
      'BLOCK 10.0.0.4',
    ])
    expect((await tenant('GET', `${url}?_filter=Stays`)).body.items).toHaveLength(1)
  })

  test('belong to one tenant', async () => {
    const env = await newEnvironment(),
      admin = await env.user({ permissions: keys }),
      other = await env.user({ permissions: keys })
    const { body } = await admin('POST', url, { ip: '10.0.0.1', strategy: 'ALLOW' })
    expect(await listed(other)).toEqual([])
    expect((await other('DELETE', `${url}/${body.id}`)).status).toBe(404)
    expect((await env.as(other.tenantId)('DELETE', `${url}/${body.id}`)).status).toBe(404)
    expect((await admin('DELETE', `${url}/${UNKNOWN_ID}`)).status).toBe(404)
    expect(await admin('DELETE', `${url}/${body.id}`)).toMatchObject({ status: 200, body: null })
    expect((await admin('DELETE', `${url}/${body.id}`)).status).toBe(404)
    expect(await env.vendor('GET', url)).toMatchObject({
      status: 403,
      body: { errors: ['Tenant ID is not specified'], errorCode: 'ER-00008' },
    })
  })
})

describe.concurrent('turning IP restrictions on', () => {
  test("needs the caller's own address on the list of allowed ones", async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant(),
      config = `${url}/config`
    const tenant = from(env.as(tenantId), '192.0.2.7')
    expect(await tenant('GET', config)).toMatchObject({ status: 200, body: { isActive: false, strategy: 'ALLOW' } })
    const refused = { status: 400, body: { errors: ['Your current IP address must be in the allow list'] } }
    expect(await tenant('POST', config, { isActive: true })).toMatchObject(refused)
    await tenant('POST', url, { ip: '192.0.2.0/24', strategy: 'ALLOW', isActive: false })
    expect(await tenant('POST', config, { isActive: true, strategy: 'ALLOW' })).toMatchObject(refused)
    await tenant('POST', url, { ip: '192.0.2.0/24', strategy: 'ALLOW', isActive: true })
    expect(
      await from(env.as(tenantId), '198.51.100.1')('POST', config, { isActive: true, strategy: 'ALLOW' }),
    ).toMatchObject(refused)
    expect((await tenant('GET', config)).body.isActive).toBe(false)
    expect(await tenant('POST', config, { isActive: true })).toMatchObject({
      status: 201,
      body: { isActive: true, strategy: 'ALLOW' },
    })
  })

  test('must not find it on the list of blocked ones', async () => {
    const env = await newEnvironment(),
      tenant = from(env.as(await env.newTenant()), '::ffff:192.0.2.7'),
      config = `${url}/config`
    await tenant('POST', url, { ip: '192.0.2.7', strategy: 'BLOCK' })
    expect((await tenant('POST', config, { strategy: 'BLOCK' })).status).toBe(201)
    expect(await tenant('POST', config, { isActive: true })).toMatchObject({
      status: 400,
      body: { errors: ['Your current IP address must not be in the block list'] },
    })
    expect((await tenant('GET', config)).body).toEqual({ isActive: false, strategy: 'BLOCK' })
    await tenant('POST', url, { ip: '192.0.2.7', strategy: 'BLOCK', isActive: false })
    expect((await tenant('POST', config, { isActive: true })).status).toBe(201)
  })
})

describe.concurrent('an IP address', () => {
  test('is allowed or not by the list that counts, once it counts', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant(),
      other = await env.newTenant()
    const inside = from(env.as(tenantId), '2001:db8::7'),
      outside = from(env.as(tenantId), '192.0.2.7')
    const verdicts = async (path: string) =>
      (await Promise.all([inside, outside].map((client) => client('POST', `${url}/${path}`)))).map(
        ({ status, body }) => [status, body.valid],
      )
    await inside('POST', url, { ip: '2001:db8::/32', strategy: 'ALLOW' })
    expect(await verdicts('verify')).toEqual([
      [201, true],
      [201, true],
    ])
    expect(await verdicts('verify/allow')).toEqual([
      [201, true],
      [201, false],
    ])
    await inside('POST', `${url}/config`, { isActive: true })
    expect(await verdicts('verify')).toEqual([
      [201, true],
      [201, false],
    ])
    await inside('POST', url, { ip: '192.0.2.7', strategy: 'BLOCK' })
    await inside('POST', `${url}/config`, { strategy: 'BLOCK' })
    expect(await verdicts('verify')).toEqual([
      [201, true],
      [201, false],
    ])
    expect(await verdicts('verify/allow')).toEqual([
      [201, true],
      [201, false],
    ])

    const ctx = await env.context()
    await ips.mustAllow(ctx, '2001:db8::7', tenantId)
    await ips.mustAllow(ctx, '192.0.2.8', tenantId)
    await ips.mustAllow(ctx, '192.0.2.7', other)
    for (const ip of ['192.0.2.7', '::ffff:192.0.2.7', '::ffff:c000:207'])
      await expect(ips.mustAllow(ctx, ip, tenantId), ip).rejects.toMatchObject({ status: 403 })
  })

  test('is not tested for users who may not read the restrictions', async () => {
    const env = await newEnvironment(),
      user = await env.user()
    expect((await user('POST', `${url}/verify`)).status).toBe(403)
  })
})
