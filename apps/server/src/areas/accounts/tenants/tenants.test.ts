import { describe, expect, test } from 'vitest'
import { newEnvironment, UNKNOWN_ID, unique, type TestEnvironment } from '../../../../test/environment.ts'
import { hearing } from '../../../../test/hearing.ts'
import { inTheWay } from '../../../../test/in-the-way.ts'

const v1 = '/tenants/resources/tenants/v1',
  v2 = '/tenants/resources/tenants/v2'
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/
const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const json = { 'content-type': 'application/json' }

const ids = (rows: { tenantId: string }[]) => rows.map((row) => row.tenantId)
const stored = async (env: TestEnvironment) => ids((await env.vendor('GET', v1)).body)
async function make(env: TestEnvironment, tenant: object = {}) {
  const { status, body } = await env.vendor('POST', v1, { name: 'Some', ...tenant })
  expect(status, JSON.stringify(body)).toBe(201)
  return body
}

/** A link of a page, as a client follows it that takes it as it stands. */
const addressed = (link: string) => link.slice(new URL(link).origin.length)

describe.concurrent('creating a tenant', () => {
  test('gives the whole of it, with no key missing and metadata as text', async () => {
    const env = await newEnvironment()
    const { status, body } = await env.vendor('POST', v1, { name: 'Acme' })
    expect(status).toBe(201)
    expect(body).toEqual({
      id: expect.stringMatching(UUID),
      vendorId: env.id,
      tenantId: expect.stringMatching(UUID),
      name: 'Acme',
      status: null,
      website: null,
      applicationUrl: null,
      loginUrl: null,
      logo: null,
      logoUrl: null,
      address: null,
      timezone: null,
      dateFormat: null,
      timeFormat: null,
      currency: null,
      creatorName: null,
      creatorEmail: null,
      isReseller: false,
      alias: null,
      metadata: '{}',
      createdAt: expect.stringMatching(RFC3339),
      updatedAt: body.createdAt,
      deletedAt: null,
    })
    expect((await env.vendor('GET', `${v1}/${body.tenantId}`)).body).toEqual([body])
  })

  test('keeps the id that the caller chose, and everything else it was given', async () => {
    const env = await newEnvironment()
    const given = {
      tenantId: 'acme_Corp.42',
      name: 'Acme',
      status: 'trial',
      website: 'https://acme.test',
      applicationUrl: 'https://app.acme.test',
      logo: 'iVBORw0KGgo=',
      logoUrl: 'https://acme.test/l.png',
      address: '1 Road',
      timezone: 'Europe/Paris',
      dateFormat: 'dd/MM/yyyy',
      timeFormat: 'HH:mm',
      currency: 'EUR',
      creatorName: 'Ada',
      creatorEmail: 'ada@acme.test',
      isReseller: true,
      alias: 'acme',
    }
    const made = await make(env, {
      ...given,
      id: 'mine',
      vendorId: UNKNOWN_ID,
      createdAt: '2001-01-01T00:00:00Z',
      deletedAt: '2001-01-01T00:00:00Z',
      surprise: true,
    })
    expect(made).toMatchObject({ ...given, vendorId: env.id, deletedAt: null, id: expect.stringMatching(UUID) })
    expect(made.createdAt).not.toMatch(/^2001/)
    expect((await env.vendor('GET', `${v2}/acme_Corp.42`)).body).toEqual([made])
  })

  test('needs no name: it is called by its id', async () => {
    const env = await newEnvironment()
    expect((await env.vendor('POST', v1, { tenantId: 'acme' })).body).toMatchObject({ tenantId: 'acme', name: 'acme' })
    expect(await env.vendor('POST', v1, { name: null, website: null })).toMatchObject({
      status: 201,
      body: { website: null },
    })
    expect(await env.vendor('POST', v1, { name: '' })).toMatchObject({
      status: 400,
      body: { errors: ['name should not be empty'] },
    })
  })

  test.for([
    [{ a: { b: [1, null, 'x'] }, é: '☃' }, '{"a":{"b":[1,null,"x"]},"é":"☃"}'],
    [42, '42'],
    ['{"a":1}', '{"a":1}'],
    ['42', '42'],
    [[1, 2], '[1,2]'],
    [true, 'true'],
    [null, '{}'],
    ['null', '{}'],
  ] as [unknown, string][])('takes any JSON, or the text of it, as metadata: %j', async ([metadata, text]) => {
    const env = await newEnvironment()
    const made = await make(env, { metadata })
    expect(JSON.parse(made.metadata)).toEqual(JSON.parse(text))
    expect((await env.vendor('GET', `${v1}/${made.tenantId}`)).body[0].metadata).toBe(made.metadata)
  })

  test('refuses what cannot be, and makes nothing', async () => {
    const env = await newEnvironment()
    for (const body of [
      { metadata: 'not json' },
      { name: 7 },
      { isReseller: 'yes' },
      { tenantId: '.' },
      { tenantId: '..' },
      { tenantId: 'with space' },
      { tenantId: 'a/b' },
      { tenantId: 'a,b' },
      { tenantId: 'é' },
      { tenantId: '' },
      { tenantId: 'x'.repeat(256) },
      { tenantId: 7 },
      { alias: '' },
    ]) {
      const answer = await env.vendor('POST', v1, { name: 'Acme', ...body })
      expect(answer, JSON.stringify(body)).toMatchObject({
        status: 400,
        body: { errors: [expect.any(String)], errorCode: expect.stringMatching(/^ER-00/) },
      })
    }
    expect(await env.vendor('POST', v1, [])).toMatchObject({ status: 400 })
    expect(await stored(env)).toEqual([])
    expect(ids([await make(env, { tenantId: 'x'.repeat(255) })])).toEqual(['x'.repeat(255)])
  })

  test('an id is taken once in an environment, and free in the next', async () => {
    const env = await newEnvironment(),
      other = await newEnvironment()
    await make(env, { tenantId: 'acme', name: 'First' })
    const again = await env.vendor('POST', v1, { tenantId: 'acme', name: 'Second' })
    expect(again).toMatchObject({ status: 409, body: { errors: [expect.stringContaining('Tenant already exists')] } })
    await make(env, { tenantId: 'ACME' })
    await make(other, { tenantId: 'acme', name: 'Other' })
    expect((await env.vendor('GET', `${v1}/acme`)).body).toMatchObject([{ name: 'First', vendorId: env.id }])
    expect((await other.vendor('GET', `${v1}/acme`)).body).toMatchObject([{ name: 'Other', vendorId: other.id }])
  })

  test('of many that take the same id at once, one gets it', async () => {
    const env = await newEnvironment()
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) => env.vendor('POST', v1, { tenantId: 'same', name: `N${index}` })),
    )
    expect(answers.map((answer) => answer.status).sort()).toEqual([201, 409, 409, 409, 409, 409, 409, 409])
    const winner = answers.find((answer) => answer.status === 201)!
    expect((await env.vendor('GET', v1)).body).toEqual([winner.body])
  })

  test('the tenant above must be there', async () => {
    const env = await newEnvironment(),
      other = await newEnvironment()
    await make(env, { tenantId: 'parent' })
    await make(other, { tenantId: 'elsewhere' })
    await make(env, { tenantId: 'child', parentTenantId: 'parent' })
    expect((await (await env.context()).db.tenant.findFirst({ where: { id: 'child' } }))?.parentId).toBe('parent')
    for (const parentTenantId of ['nowhere', 'elsewhere', 'own']) {
      expect(await env.vendor('POST', v1, { tenantId: 'own', parentTenantId }), parentTenantId).toMatchObject({
        status: 404,
        body: { errors: ['Tenant not found'] },
      })
    }
    expect(await stored(env)).toEqual(['child', 'parent'])
  })
})

describe.concurrent('reading tenants', () => {
  test("one comes as a list, which is empty for an unknown id and for another environment's", async () => {
    const env = await newEnvironment(),
      other = await newEnvironment()
    const mine = await make(env),
      theirs = await make(other)
    for (const url of [v1, v2]) {
      expect(await env.vendor('GET', `${url}/${mine.tenantId}`)).toMatchObject({ status: 200, body: [mine] })
      expect(await env.vendor('GET', `${url}/${theirs.tenantId}`)).toMatchObject({ status: 200, body: [] })
      expect(await env.vendor('GET', `${url}/${UNKNOWN_ID}`)).toMatchObject({ status: 200, body: [] })
      // the row's id is not the tenant's
      expect(await env.vendor('GET', `${url}/${mine.id}`)).toMatchObject({ status: 200, body: [] })
    }
  })

  test('all come as a flat list by id', async () => {
    const env = await newEnvironment(),
      other = await newEnvironment()
    await make(other)
    for (const [tenantId, name] of [
      ['c', 'Ant'],
      ['a', 'Bee'],
      ['b', 'Ant colony'],
    ])
      await make(env, { tenantId, name })
    expect(await stored(env)).toEqual(['a', 'b', 'c'])
    expect(ids((await env.vendor('GET', `${v1}?_filter=ant`)).body)).toEqual(['b', 'c'])
    expect((await env.vendor('GET', `${v1}/`)).body).toHaveLength(3)
  })

  test('by the page, `_offset` counting pages, with links to the others', async () => {
    const env = await newEnvironment()
    await env.clock.freeze(new Date('2030-01-01T00:00:00Z'))
    for (let index = 0; index < 5; index++) {
      await make(env, { tenantId: `t${index}` })
      await env.clock.freeze(new Date(Date.UTC(2030, 0, 1, 0, 0, index + 1)))
    }
    const first = (await env.vendor('GET', `${v2}?_limit=2`)).body
    expect(first).toMatchObject({
      items: [{ tenantId: 't0' }, { tenantId: 't1' }],
      _metadata: { totalItems: 5, totalPages: 3 },
      _links: { prev: '' },
    })
    const second = (await env.vendor('GET', addressed(first._links.next))).body
    expect(ids(second.items)).toEqual(['t2', 't3'])
    const third = (await env.vendor('GET', `${v2}?_limit=2&_offset=2`)).body
    expect(third).toMatchObject({ items: [{ tenantId: 't4' }], _links: { next: '' } })
    expect((await env.vendor('GET', `${v2}?_limit=2&_offset=3`)).body).toMatchObject({
      items: [],
      _metadata: { totalItems: 5 },
    })
    expect((await env.vendor('GET', v2)).body.items).toHaveLength(5)
  })

  test('sorted by creation, name or id, either way', async () => {
    const env = await newEnvironment()
    for (const [tenantId, name, second] of [
      ['c', 'Ant', 1],
      ['a', 'Bee', 2],
      ['b', 'Ant', 3],
    ] as const) {
      await env.clock.freeze(new Date(Date.UTC(2030, 0, 1, 0, 0, second)))
      await make(env, { tenantId, name })
    }
    const sorted = async (query: string) => ids((await env.vendor('GET', `${v2}?${query}`)).body.items).join('')
    expect(await sorted('')).toBe('cab')
    expect(await sorted('_sortBy=createdAt&_order=DESC')).toBe('bac')
    // equal names by what the wire calls `id`
    const ants: { id: string }[] = (await env.vendor('GET', `${v2}?_filter=Ant`)).body.items,
      cb = ants[0]!.id < ants[1]!.id
    expect(await sorted('_sortBy=name')).toBe(cb ? 'cba' : 'bca')
    expect(await sorted('_sortBy=name&_order=DESC')).toBe(cb ? 'abc' : 'acb')
    expect(await sorted('_sortBy=tenantId&_order=ASC')).toBe('abc')
    expect(await sorted('_order=DESC')).toBe('bac')
  })

  test('filtered by a part of name or id, in either case and to the letter', async () => {
    const env = await newEnvironment()
    for (const [tenantId, name] of [
      ['one', '100% Cotton'],
      ['two', 'Cotton_Candy'],
      ['cotton-3', 'Back\\slash'],
      ['four', 'Wool'],
    ])
      await make(env, { tenantId, name })
    const filtered = async (text: string) =>
      ids((await env.vendor('GET', `${v2}?_sortBy=tenantId&_filter=${encodeURIComponent(text)}`)).body.items)
    expect(await filtered('COTTON')).toEqual(['cotton-3', 'one', 'two'])
    expect(await filtered('0%')).toEqual(['one'])
    expect(await filtered('_')).toEqual(['two'])
    expect(await filtered('%')).toEqual(['one'])
    expect(await filtered('\\')).toEqual(['cotton-3'])
    expect(await filtered('k\\s')).toEqual(['cotton-3'])
    expect(await filtered('nothing')).toEqual([])
  })

  test('only those asked for, repeated or comma-joined', async () => {
    const env = await newEnvironment(),
      other = await newEnvironment()
    for (const tenantId of ['a', 'b', 'c']) await make(env, { tenantId })
    await make(other, { tenantId: 'd' })
    const chosen = async (query: string) => (await env.vendor('GET', `${v2}?${query}`)).body
    expect(ids((await chosen('_tenantIds=a,c,d')).items)).toEqual(['a', 'c'])
    expect(await chosen('_tenantIds=a&_tenantIds=b&_limit=1')).toMatchObject({
      items: [{ tenantId: 'a' }],
      _metadata: { totalItems: 2 },
    })
    expect(ids((await chosen('_tenantIds=nowhere')).items)).toEqual([])
    expect(ids((await chosen('_tenantIds=a,b&_filter=b')).items)).toEqual(['b'])
  })

  test('asking for what there is not is refused', async () => {
    const env = await newEnvironment()
    for (const query of ['_limit=201', '_limit=0', '_limit=x', '_offset=-1', '_sortBy=metadata', '_order=UP']) {
      expect((await env.vendor('GET', `${v2}?${query}`)).status, query).toBe(400)
    }
    expect((await env.vendor('GET', `${v2}?_limit=200`)).status).toBe(200)
  })

  test("by the alias, which is one tenant's of the environment", async () => {
    const env = await newEnvironment(),
      other = await newEnvironment()
    const acme = await make(env, { alias: 'acme' })
    expect(await env.vendor('GET', `${v2}/alias/acme`)).toMatchObject({ status: 200, body: acme })
    expect(await env.vendor('GET', `${v2}/alias/ACME`)).toMatchObject({
      status: 404,
      body: { errors: ['Tenant not found'] },
    })
    expect((await other.vendor('GET', `${v2}/alias/acme`)).status).toBe(404)
    const refused = await env.vendor('POST', v1, { name: 'B', alias: 'acme' })
    expect(refused).toMatchObject({ status: 409 })
    expect(refused.body.errors[0]).not.toContain('Tenant already exists')
    await make(other, { alias: 'acme' })
    expect((await env.vendor('PUT', `${v2}/${acme.tenantId}`, { alias: null })).body.alias).toBeNull()
    expect((await env.vendor('GET', `${v2}/alias/acme`)).status).toBe(404)
  })
})

describe.concurrent('changing a tenant', () => {
  test.for([v1, v2])('%s changes what is given, and says how it is now', async (url) => {
    const env = await newEnvironment()
    await env.clock.freeze(new Date('2030-01-01T00:00:00Z'))
    const made = await make(env, { name: 'Acme', website: 'https://a.test', metadata: { kept: 1 } })
    await env.clock.freeze(new Date('2030-01-02T00:00:00Z'))
    const changed = await env.vendor('PUT', `${url}/${made.tenantId}`, {
      name: 'Beta',
      isReseller: true,
      tenantId: 'other',
      id: UNKNOWN_ID,
      website: null,
    })
    expect(changed).toMatchObject({
      status: 200,
      body: { ...made, name: 'Beta', isReseller: true, updatedAt: '2030-01-02T00:00:00.000Z' },
    })
    expect((await env.vendor('GET', `${v1}/${made.tenantId}`)).body).toEqual([changed.body])
  })

  test('metadata is replaced as a whole, and a tenant that was read can be sent back', async () => {
    const env = await newEnvironment()
    const made = await make(env, { metadata: { a: 1 } }),
      url = `${v1}/${made.tenantId}`
    expect((await env.vendor('PUT', url, { metadata: { b: 2 } })).body.metadata).toBe('{"b":2}')
    expect((await env.vendor('PUT', url, { metadata: '{"c":3}' })).body.metadata).toBe('{"c":3}')
    const [read] = (await env.vendor('GET', url)).body
    expect(await env.vendor('PUT', url, read)).toMatchObject({
      status: 200,
      body: { ...read, updatedAt: expect.any(String) },
    })
  })

  test.for([v1, v2])('%s refuses a change of nothing, and one of nobody', async (url) => {
    const env = await newEnvironment(),
      other = await newEnvironment()
    const made = await make(env),
      theirs = await make(other)
    for (const body of [{}, undefined, { tenantId: 'x' }, { name: null }, { metadata: null }]) {
      expect(await env.vendor('PUT', `${url}/${made.tenantId}`, body), JSON.stringify(body)).toMatchObject({
        status: 400,
        body: { errors: ['Missing parameters to update'] },
      })
    }
    expect((await env.vendor('PUT', `${url}/${made.tenantId}`, { name: '' })).status).toBe(400)
    expect((await env.vendor('PUT', `${url}/${made.tenantId}`, { metadata: '{' })).status).toBe(400)
    expect((await env.vendor('GET', `${v1}/${made.tenantId}`)).body).toEqual([made])
    expect(await env.vendor('PUT', `${url}/${theirs.tenantId}`, { name: 'Mine' })).toMatchObject({
      status: 404,
      body: { errors: ['Tenant not found'] },
    })
    expect((await other.vendor('GET', v1)).body).toEqual([theirs])
  })

  test('an alias that is taken is refused', async () => {
    const env = await newEnvironment()
    await make(env, { alias: 'a' })
    const second = await make(env, { alias: 'b' })
    expect((await env.vendor('PUT', `${v2}/${second.tenantId}`, { alias: 'a', name: 'New' })).status).toBe(409)
    expect((await env.vendor('GET', `${v1}/${second.tenantId}`)).body).toEqual([second])
  })
})

describe.concurrent('metadata of a tenant', () => {
  test('new keys are added, those of the same name replaced as a whole', async () => {
    const env = await newEnvironment()
    const made = await make(env, { metadata: { a: { x: 1, y: 2 }, b: 1 } }),
      url = `${v1}/${made.tenantId}/metadata`
    const added = await env.vendor('POST', url, { metadata: { a: { z: 3 }, c: [1] } })
    expect(added.status).toBe(201)
    expect(JSON.parse(added.body.metadata)).toEqual({ a: { z: 3 }, b: 1, c: [1] })
    expect(added.body).toMatchObject({ ...made, metadata: added.body.metadata, updatedAt: expect.any(String) })
    expect(JSON.parse((await env.vendor('POST', url, { metadata: '{"d":null}' })).body.metadata)).toEqual({
      a: { z: 3 },
      b: 1,
      c: [1],
      d: null,
    })
    expect((await env.vendor('GET', `${v1}/${made.tenantId}`)).body[0].metadata).toContain('"d":null')
  })

  test('what is no object, nor the text of one, is refused', async () => {
    const env = await newEnvironment()
    const made = await make(env, { metadata: { a: 1 } }),
      url = `${v1}/${made.tenantId}/metadata`
    for (const body of [
      {},
      { metadata: 42 },
      { metadata: [1] },
      { metadata: null },
      { metadata: true },
      { metadata: 'text' },
      { metadata: '42' },
      { metadata: '[1]' },
      { metadata: 'null' },
      { metadata: '' },
      { metadata: '{"a"' },
    ]) {
      expect(await env.vendor('POST', url, body), JSON.stringify(body)).toMatchObject({
        status: 400,
        body: { errors: [expect.stringContaining('metadata')] },
      })
    }
    expect((await env.vendor('GET', `${v1}/${made.tenantId}`)).body).toEqual([made])
  })

  test('metadata that was no object gives way to one', async () => {
    const env = await newEnvironment()
    const made = await make(env, { metadata: 42 })
    expect((await env.vendor('POST', `${v1}/${made.tenantId}/metadata`, { metadata: { a: 1 } })).body.metadata).toBe(
      '{"a":1}',
    )
  })

  test('names of the language are names like any, but for the one that is refused in every body', async () => {
    const env = await newEnvironment()
    const made = await make(env),
      url = `${v1}/${made.tenantId}/metadata`
    expect((await env.vendor('POST', url, { metadata: '{"constructor":2,"toString":3}' })).body.metadata).toBe(
      '{"toString":3,"constructor":2}',
    )
    for (const body of [
      '{"metadata":{"__proto__":{"a":1}}}',
      '{"metadata":"{\\"b\\":[{\\"__proto__\\":{\\"a\\":1}}]}"}',
    ])
      expect((await env.vendor('POST', url, body, { headers: json })).status).toBe(400)
    expect((await env.vendor('DELETE', `${url}/__proto__`)).body.metadata).toBe('{"toString":3,"constructor":2}')
    expect((await env.vendor('DELETE', `${url}/toString`)).body.metadata).toBe('{"constructor":2}')
  })

  test('half of a character pair is no text, and fails nothing', async () => {
    const env = await newEnvironment()
    const made = await make(env)
    expect(
      (await env.vendor('POST', `${v1}/${made.tenantId}/metadata`, '{"metadata":{"a":"\\ud800"}}', { headers: json }))
        .status,
    ).toBe(400)
    expect((await env.vendor('POST', `${v1}/${made.tenantId}/metadata`, { metadata: '{"a":"\\ud800"}' })).status).toBe(
      400,
    )
    expect(
      (
        await env.vendor('POST', `${v1}/${made.tenantId}/metadata`, '{"metadata":{"a":"\\ud83d\\ude00 \\\\ud800"}}', {
          headers: json,
        })
      ).body.metadata,
    ).toBe(JSON.stringify({ a: '😀 \\ud800' }))
  })

  test('a key is taken out, and the tenant comes back without it', async () => {
    const env = await newEnvironment()
    const made = await make(env, { metadata: { a: 1, 'b c/d': 2 } }),
      url = `${v1}/${made.tenantId}/metadata`
    expect(await env.vendor('DELETE', `${url}/${encodeURIComponent('b c/d')}`)).toMatchObject({
      status: 200,
      body: { tenantId: made.tenantId, metadata: '{"a":1}' },
    })
    expect(await env.vendor('DELETE', `${url}/gone`, undefined, { headers: json })).toMatchObject({
      status: 200,
      body: { metadata: '{"a":1}' },
    })
    expect((await env.vendor('DELETE', `${url}/a`)).body.metadata).toBe('{}')
  })

  test('of many changes at once none is lost', async () => {
    const env = await newEnvironment()
    await env.clock.freeze()
    const made = await make(env, { metadata: { old: 1, older: 2 } }),
      url = `${v1}/${made.tenantId}/metadata`
    const answers = await Promise.all([
      ...Array.from({ length: 8 }, (_, index) => env.vendor('POST', url, { metadata: { [`k${index}`]: index } })),
      env.vendor('DELETE', `${url}/old`),
      env.vendor('DELETE', `${url}/older`),
    ])
    expect(answers.map((answer) => answer.status)).toEqual([201, 201, 201, 201, 201, 201, 201, 201, 200, 200])
    expect(JSON.parse((await env.vendor('GET', `${v1}/${made.tenantId}`)).body[0].metadata)).toEqual(
      Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`k${index}`, index])),
    )
  })

  test('given as text stays that text, and its numbers keep their digits when keys are added and taken away', async () => {
    const env = await newEnvironment(),
      text = '{ "id": 12345678901234567891,  "z": 1, "a": 2 }'
    const { tenantId, metadata } = await make(env, { metadata: text })
    expect(metadata).toBe(text)
    const url = `${v1}/${tenantId}/metadata`,
      added = await env.vendor('POST', url, { metadata: '{"other":98765432109876543210}' })
    expect(added.body.metadata).toMatch(
      /12345678901234567891.*98765432109876543210|98765432109876543210.*12345678901234567891/,
    )
    expect((await env.vendor('DELETE', `${url}/other`)).body.metadata).toContain('12345678901234567891')
    expect((await env.vendor('PUT', `${v2}/${tenantId}`, { metadata: text })).body.metadata).toBe(text)
  })

  test('is not found for an unknown tenant', async () => {
    const env = await newEnvironment(),
      other = await newEnvironment()
    const theirs = await make(other, { metadata: { a: 1 } })
    for (const id of [theirs.tenantId, 'nowhere']) {
      expect((await env.vendor('POST', `${v1}/${id}/metadata`, { metadata: { b: 1 } })).status).toBe(404)
      expect((await env.vendor('DELETE', `${v1}/${id}/metadata/a`)).status).toBe(404)
    }
    expect((await other.vendor('GET', v1)).body).toEqual([theirs])
  })
})

describe.concurrent('deleting a tenant', () => {
  test('takes what is in it, with users who belong to no other, and answers with no body', async () => {
    const env = await newEnvironment()
    const { tenantId } = await make(env),
      keep = (await make(env)).tenantId
    const only = await env.newUser({ tenantId, permissions: ['fe.secure.*'] }),
      both = await env.newUser({ tenantId }),
      elsewhere = await env.newUser({ tenantId: keep })
    const { db, clock, random } = await env.context(),
      now = clock.now(),
      dates = { createdAt: now, updatedAt: now }
    const homeless = await db.user.create({ data: { id: random.uuid(), name: 'Nowhere', ...dates } })
    await db.membership.create({ data: { userId: both.id, tenantId: keep, acceptedAt: now, createdAt: now } })
    await db.role.create({ data: { id: random.uuid(), tenantId, key: unique('own'), name: 'Own', level: 0, ...dates } })
    await db.setting.create({ data: { id: random.uuid(), tenantId, key: 'k', value: {}, ...dates } })
    await db.session.create({
      data: { id: random.uuid(), userId: only.id, tenantId, createdAt: now, lastActiveAt: now, expiresAt: now },
    })

    const answer = await env.vendor('DELETE', `${v1}/${tenantId}`, undefined, { headers: json })
    expect(answer).toMatchObject({ status: 200, body: null })
    expect(answer.headers['content-type']).toBeUndefined()
    expect(await stored(env)).toEqual([keep])
    expect((await db.user.findMany({ orderBy: { createdAt: 'asc' } })).map((user) => user.id).sort()).toEqual(
      [both.id, elsewhere.id, homeless.id].sort(),
    )
    expect(await db.user.findUnique({ where: { id: both.id } })).toMatchObject({ activeTenantId: null })
    expect(await db.user.findUnique({ where: { id: elsewhere.id } })).toMatchObject({ activeTenantId: keep })
    expect(await db.membership.findMany({ where: { tenantId } })).toEqual([])
    expect(await db.role.count({ where: { tenantId } })).toBe(0)
    expect(await db.setting.count()).toBe(0)
    expect(await db.session.count()).toBe(0)
    expect((await env.vendor('DELETE', `${v1}/${tenantId}`)).status).toBe(404)
  })

  test('writes down, and tells, each user who goes with it, before it goes itself', async () => {
    const env = await newEnvironment(),
      { tenantId } = await make(env),
      keep = (await make(env)).tenantId
    const users = [await env.newUser({ tenantId }), await env.newUser({ tenantId }), await env.newUser({ tenantId })],
      both = await env.newUser({ tenantId })
    await env.vendor('POST', `/identity/resources/users/v1/${both.id}/tenant`, {
      tenantId: keep,
      skipInviteEmail: true,
    })
    const told = await hearing(env, ['frontegg.user.deleted', 'frontegg.tenant.deleted'])
    expect((await env.vendor('DELETE', `${v1}/${tenantId}`)).status).toBe(200)
    const { db } = await env.context()
    const lines = await db.event.findMany({ where: { key: { endsWith: '.deleted' } }, orderBy: { sequence: 'asc' } })
    expect(lines.map(({ key, userId, tenantId }) => [key, userId, tenantId])).toEqual([
      ...users.map(({ id }) => ['frontegg.user.deleted', id, tenantId]),
      ['frontegg.tenant.deleted', null, tenantId],
    ])
    expect(lines.every(({ actorKind }) => actorKind === 'vendor')).toBe(true)
    expect((await told()).map(({ eventKey, user, tenant }) => [eventKey, user?.email ?? tenant?.id])).toEqual([
      ...users.map(({ email }) => ['frontegg.user.deleted', email]),
      ['frontegg.tenant.deleted', tenantId],
    ])
  })

  test('leaves a user who is becoming a member elsewhere at that moment, and tells nothing of them', async () => {
    const env = await newEnvironment(),
      { tenantId } = await make(env),
      keep = (await make(env)).tenantId,
      user = await env.newUser({ tenantId }),
      only = await env.newUser({ tenantId })
    const gone = await inTheWay(
      [
        `insert into "Membership" ("vendorId", "userId", "tenantId", "acceptedAt", "createdAt") values ($1, '${user.id}', '${keep}', now(), now())`,
        env.id,
      ],
      () => env.vendor('DELETE', `${v1}/${tenantId}`),
    )
    expect(gone.status).toBe(200)
    const { db } = await env.context()
    expect((await db.user.findMany()).map(({ id }) => id)).toEqual([user.id])
    expect(await db.membership.count({ where: { userId: user.id } })).toBe(1)
    const lines = await db.event.findMany({ where: { key: 'frontegg.user.deleted' } })
    expect(lines.map(({ userId }) => userId)).toEqual([only.id])
  })

  test('leaves superusers, who belong to every other one', async () => {
    const env = await newEnvironment(),
      made = await make(env),
      other = await make(env),
      user = await env.newUser({ tenantId: made.tenantId })
    await env.vendor('PUT', `/identity/resources/users/v1/${user.id}/superuser`, { superUser: true })
    expect((await env.vendor('DELETE', `${v1}/${made.tenantId}`)).status).toBe(200)
    expect(await env.vendor('GET', `/identity/resources/vendor-only/users/v1/${user.id}`)).toMatchObject({
      status: 200,
      body: { superUser: true, tenantIds: [] },
    })
    expect((await env.as(other.tenantId, user.id)('GET', '/identity/resources/users/v2/me')).status).toBe(200)
  })

  test('its id can be taken again, by a new and empty tenant', async () => {
    const env = await newEnvironment()
    const first = await make(env, { tenantId: 'acme', name: 'Old', metadata: { a: 1 } })
    await env.vendor('DELETE', `${v1}/acme`)
    expect((await env.vendor('GET', `${v1}/acme`)).body).toEqual([])
    const second = await make(env, { tenantId: 'acme', name: 'New' })
    expect(second).toMatchObject({ tenantId: 'acme', name: 'New', metadata: '{}' })
    expect(second.id).not.toBe(first.id)
  })

  test('those below it move up to the one above it', async () => {
    const env = await newEnvironment()
    await make(env, { tenantId: 'top' })
    await make(env, { tenantId: 'middle', parentTenantId: 'top' })
    await make(env, { tenantId: 'low', parentTenantId: 'middle' })
    await make(env, { tenantId: 'lowest', parentTenantId: 'low' })
    const parents = async () =>
      Object.fromEntries(
        (await (await env.context()).db.tenant.findMany()).map((tenant) => [tenant.id, tenant.parentId]),
      )
    expect((await env.vendor('DELETE', `${v1}/middle`)).status).toBe(200)
    expect(await parents()).toEqual({ top: null, low: 'top', lowest: 'low' })
    expect((await env.vendor('DELETE', `${v1}/top`)).status).toBe(200)
    expect(await parents()).toEqual({ low: null, lowest: 'low' })
  })

  test('one that is being put below it at that moment moves up, too', async () => {
    const env = await newEnvironment()
    await make(env, { tenantId: 'top' })
    await make(env, { tenantId: 'middle', parentTenantId: 'top' })
    const gone = await inTheWay(
      [
        `insert into "Tenant" ("vendorId", id, "rowId", name, "parentId", "createdAt", "updatedAt") values ($1, 'low', gen_random_uuid(), 'Low', 'middle', now(), now())`,
        env.id,
      ],
      () => env.vendor('DELETE', `${v1}/middle`),
    )
    expect(gone.status).toBe(200)
    expect(await (await env.context()).db.tenant.findFirst({ where: { id: 'low' } })).toMatchObject({ parentId: 'top' })
    expect(await stored(env)).toEqual(['low', 'top'])
  })

  test('of many that delete it at once, one does', async () => {
    const env = await newEnvironment()
    const { tenantId } = await make(env)
    await env.newUser({ tenantId })
    const answers = await Promise.all(Array.from({ length: 8 }, () => env.vendor('DELETE', `${v1}/${tenantId}`)))
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 404, 404, 404, 404, 404, 404, 404])
  })

  test("another environment's is not there, even of the same id", async () => {
    const env = await newEnvironment(),
      other = await newEnvironment()
    await make(other, { tenantId: 'acme' })
    expect(await env.vendor('DELETE', `${v1}/acme`)).toMatchObject({
      status: 404,
      body: { errors: ['Tenant not found'] },
    })
    await make(env, { tenantId: 'acme' })
    const theirs = await other.newUser({ tenantId: 'acme' })
    await env.newUser({ tenantId: 'acme' })
    expect((await env.vendor('DELETE', `${v1}/acme`)).status).toBe(200)
    expect(await stored(other)).toEqual(['acme'])
    expect(await (await other.context()).db.user.findUnique({ where: { id: theirs.id } })).not.toBeNull()
  })

  test('users with the permission delete their own tenant, whatever header comes along', async () => {
    const env = await newEnvironment()
    const other = (await make(env)).tenantId
    const owner = await env.user({ permissions: ['fe.account-settings.delete.account'] }),
      admin = await env.user({ roleKeys: ['Admin'] })
    expect(await admin('DELETE', v1)).toMatchObject({ status: 403, body: { errorCode: 'ER-00008' } })
    expect((await env.as(other)('DELETE', v1)).status).toBe(401)
    expect(await owner('DELETE', v1, undefined, { headers: { 'frontegg-tenant-id': other } })).toMatchObject({
      status: 200,
      body: null,
    })
    expect(new Set(await stored(env))).toEqual(new Set([other, admin.tenantId]))
    expect(await (await env.context()).db.user.findUnique({ where: { id: owner.id } })).toBeNull()
    expect((await owner('DELETE', v1)).status).toBe(401)
  })
})

describe.concurrent('tenants are management', () => {
  test('users reach none of it, not even their own', async () => {
    const env = await newEnvironment()
    const admin = await env.user({ roleKeys: ['Admin'] })
    for (const url of [v1, v2, `${v1}/${admin.tenantId}`, `${v2}/${admin.tenantId}`])
      expect((await admin('GET', url)).status).toBe(401)
    expect((await admin('PUT', `${v1}/${admin.tenantId}`, { name: 'Mine' })).status).toBe(401)
    expect((await admin('POST', `${v1}/${admin.tenantId}/metadata`, { metadata: { a: 1 } })).status).toBe(401)
    expect((await env.vendor('GET', `${v1}/${admin.tenantId}`)).body[0].metadata).toBe('{}')
  })
})
