import { describe, expect, test } from 'vitest'
import { newEnvironment, type TestEnvironment } from '../../../../test/environment.ts'
import { inTheWay } from '../../../../test/in-the-way.ts'

const v1 = '/tenants/resources/hierarchy/v1',
  v2 = '/tenants/resources/hierarchy/v2',
  tenantsV1 = '/tenants/resources/tenants/v1'

/** `{ b: 'a' }`: b is below a; the names are the ids in capitals, each a day younger than the one before */
async function plant(env: TestEnvironment, tree: Record<string, string | null>) {
  const ctx = await env.context()
  for (const [index, [id, parentId]] of Object.entries(tree).entries()) {
    const createdAt = new Date(Date.UTC(2030, 0, 1 + index))
    await ctx.db.tenant.create({
      data: { id, rowId: ctx.random.uuid(), name: id.toUpperCase(), parentId, createdAt, updatedAt: createdAt },
    })
  }
}
const parents = async (env: TestEnvironment) =>
  Object.fromEntries((await (await env.context()).db.tenant.findMany()).map((tenant) => [tenant.id, tenant.parentId]))
const link = (env: TestEnvironment, childTenantId: string, parentTenantId: string) =>
  env.vendor('POST', v1, { childTenantId, parentTenantId })
const unlink = (env: TestEnvironment, childTenantId: string, parentTenantId: string) =>
  env.vendor('DELETE', v1, { childTenantId, parentTenantId })
const levels = (body: { tenantId: string; level: number }[]) => body.map(({ tenantId, level }) => [tenantId, level])
const family = { a: null, b: 'a', c: 'b', d: 'a', e: 'c', other: null }

describe.concurrent('what is below a tenant', () => {
  test('is listed level by level, the oldest first', async () => {
    const env = await newEnvironment()
    await plant(env, family)
    const { status, body } = await env.as('a')('GET', v1)
    expect(status).toBe(200)
    expect(levels(body)).toEqual([
      ['b', 1],
      ['d', 1],
      ['c', 2],
      ['e', 3],
    ])
    expect(body[0]).toEqual({
      tenantId: 'b',
      tenantName: 'B',
      status: null,
      createdAt: '2030-01-02T00:00:00.000Z',
      level: 1,
    })
    expect((await env.as('e')('GET', v1)).body).toEqual([])
    expect(await env.vendor('GET', v1)).toMatchObject({
      status: 403,
      body: { errors: ['Tenant ID is not specified'], errorCode: 'ER-00008' },
    })
  })

  test('is read as a tree, of which the tenant itself is the top', async () => {
    const env = await newEnvironment()
    await plant(env, family)
    await env.vendor('PUT', `${tenantsV1}/d`, { status: 'trial' })
    const { status, body } = await env.as('a')('GET', `${v1}/tree`)
    expect(status).toBe(200)
    const node = (tenantId: string, day: number, ...children: unknown[]) => ({
      tenantId,
      tenantName: tenantId.toUpperCase(),
      status: null,
      createdAt: `2030-01-0${day}T00:00:00.000Z`,
      children,
    })
    expect(body).toEqual(node('a', 1, node('b', 2, node('c', 3, node('e', 5))), { ...node('d', 4), status: 'trial' }))
    expect((await env.as('e')('GET', `${v1}/tree`)).body).toEqual(node('e', 5))
    expect((await env.vendor('GET', `${v1}/tree`)).status).toBe(403)
  })

  test('may be a hundred levels deep', async () => {
    const env = await newEnvironment()
    await plant(
      env,
      Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`t${index}`, index ? `t${index - 1}` : null])),
    )
    let depth = 0
    for (let node = (await env.as('t0')('GET', `${v1}/tree`)).body; node; node = node.children[0]) depth++
    expect(depth).toBe(100)
    expect((await env.as('t99')('GET', `${v1}/parents`)).body).toHaveLength(99)
  })

  test('is listed child by child, by the page', async () => {
    const env = await newEnvironment()
    await plant(env, family)
    await env.vendor('PUT', '/tenants/resources/sub-tenants/v1/d/management', { isReseller: true })
    await env.vendor('PUT', '/tenants/resources/sub-tenants/v1/d/hierarchy-settings', {
      subAccountAccessType: 'alwaysOn',
    })
    const { status, body } = await env.as('a')('GET', v2)
    expect(status).toBe(200)
    expect(body).toEqual({
      items: [
        {
          tenantId: 'b',
          name: 'B',
          createdAt: '2030-01-02T00:00:00.000Z',
          isReseller: false,
          subAccountAccessType: 'defaultOff',
          metadata: { isParent: true },
        },
        {
          tenantId: 'd',
          name: 'D',
          createdAt: '2030-01-04T00:00:00.000Z',
          isReseller: true,
          subAccountAccessType: 'alwaysOn',
          metadata: { isParent: false },
        },
      ],
      _metadata: { totalItems: 2, totalPages: 1 },
      _links: expect.any(Object),
    })
    const find = async (query: string) =>
      (await env.as('a')('GET', `${v2}?${query}`)).body.items.map((item: { tenantId: string }) => item.tenantId)
    expect(await find('_subTenantId=b')).toEqual(['c'])
    expect(await find('_sortBy=tenantId&_order=DESC')).toEqual(['d', 'b'])
    expect(await find('_limit=1&_offset=1')).toEqual(['d'])
    expect((await env.vendor('GET', v2)).status).toBe(403)
  })

  test('is searched through at all levels', async () => {
    const env = await newEnvironment()
    await plant(env, { ...family, be: 'e', bother: 'other' })
    const find = async (query: string) =>
      (await env.as('a')('GET', `${v2}?${query}`)).body.items.map((item: { tenantId: string }) => item.tenantId)
    expect(await find('_filter=B')).toEqual(['b', 'be'])
    expect(await find('_filter=b&_subTenantId=c')).toEqual(['be'])
    expect(await find('_filter=%25')).toEqual([])
    expect(await find('_filter=a')).toEqual([])
  })

  test('is counted for the asked that are in the subtree', async () => {
    const env = await newEnvironment()
    await plant(env, family)
    const counts = async (ids: string) => (await env.as('b')('GET', `${v2}/metadata?_tenantIds=${ids}`)).body
    expect(await counts('e,c,b,e')).toEqual([
      { tenantId: 'e', totalSubTenants: 0, isParent: false },
      { tenantId: 'c', totalSubTenants: 1, isParent: true },
      { tenantId: 'b', totalSubTenants: 2, isParent: true },
    ])
    expect(await counts('a,d,other,nobody')).toEqual([])
    expect((await env.as('b')('GET', `${v2}/metadata`)).body).toEqual([])
  })
})

describe.concurrent('what is above a tenant', () => {
  test('is listed from the nearest to the top', async () => {
    const env = await newEnvironment()
    await plant(env, family)
    const { status, body } = await env.as('e')('GET', `${v1}/parents`)
    expect(status).toBe(200)
    expect(levels(body)).toEqual([
      ['c', 1],
      ['b', 2],
      ['a', 3],
    ])
    expect(body[0]).toEqual({
      tenantId: 'c',
      tenantName: 'C',
      status: null,
      createdAt: '2030-01-03T00:00:00.000Z',
      level: 1,
    })
    expect((await env.as('a')('GET', `${v1}/parents`)).body).toEqual([])
    expect((await env.vendor('GET', `${v1}/parents`)).status).toBe(403)
  })

  test('is listed for any tenant of the subtree', async () => {
    const env = await newEnvironment()
    await plant(env, family)
    const ask = (tenantId: string) => env.as('b')('GET', `${v1}/parents/${tenantId}`)
    expect(levels((await ask('e')).body)).toEqual([
      ['c', 1],
      ['b', 2],
      ['a', 3],
    ])
    expect(levels((await ask('b')).body)).toEqual([['a', 1]])
    for (const id of ['a', 'd', 'other', 'nobody']) expect((await ask(id)).status, id).toBe(404)
  })
})

describe.concurrent('putting a tenant below another one', () => {
  test('answers with its place', async () => {
    const env = await newEnvironment()
    await plant(env, { a: null, b: null })
    const { status, body } = await link(env, 'b', 'a')
    expect(status).toBe(201)
    const { rowId } = await (await env.context()).db.tenant.findFirstOrThrow({ where: { id: 'b' } })
    expect(body).toEqual({ id: rowId, vendorId: env.id, tenantId: 'b', parentId: 'a' })
    expect((await link(env, 'b', 'a')).status).toBe(201)
    expect(await parents(env)).toEqual({ a: null, b: 'a' })
  })

  test('takes along what is below it, and may be done again within the same hierarchy', async () => {
    const env = await newEnvironment()
    await plant(env, { ...family, top: null })
    expect((await link(env, 'a', 'top')).status).toBe(201)
    expect(levels((await env.as('top')('GET', v1)).body)).toEqual([
      ['a', 1],
      ['b', 2],
      ['d', 2],
      ['c', 3],
      ['e', 4],
    ])
    expect((await link(env, 'c', 'd')).status).toBe(201)
    expect(levels((await env.as('top')('GET', v1)).body)).toEqual([
      ['a', 1],
      ['b', 2],
      ['d', 2],
      ['c', 3],
      ['e', 4],
    ])
    expect(await parents(env)).toEqual({ top: null, a: 'top', b: 'a', c: 'd', d: 'a', e: 'c', other: null })
  })

  test('is refused for the same, for one above, and for one of another hierarchy', async () => {
    const env = await newEnvironment()
    await plant(env, { ...family, child: 'other' })
    expect(await link(env, 'a', 'a')).toMatchObject({
      status: 400,
      body: { errors: ['Parent and child account must not be the same'] },
    })
    for (const below of ['b', 'e'])
      expect(await link(env, 'a', below)).toMatchObject({
        status: 400,
        body: { errors: [expect.stringContaining('Circular dependency')] },
      })
    expect((await link(env, 'b', 'c')).status).toBe(400)
    expect(await link(env, 'child', 'a')).toMatchObject({
      status: 400,
      body: { errors: ['Account is already a sub-account in another hierarchy'] },
    })
    for (const [child, parent] of [
      ['nobody', 'a'],
      ['a', 'nobody'],
    ] as const)
      expect((await link(env, child, parent)).status).toBe(404)
    for (const body of [
      {},
      undefined,
      { childTenantId: 'b' },
      { parentTenantId: 'b' },
      { childTenantId: '', parentTenantId: 'b' },
    ])
      expect((await env.vendor('POST', v1, body)).status).toBe(400)
    expect(await parents(env)).toEqual({ ...family, child: 'other' })
    // taken out first, it may go
    await unlink(env, 'child', 'other')
    expect((await link(env, 'child', 'a')).status).toBe(201)
  })

  test('reaches no tenant of another environment', async () => {
    const env = await newEnvironment(),
      other = await newEnvironment()
    await plant(env, { a: null })
    await plant(other, { b: null, c: 'b' })
    expect((await link(env, 'b', 'a')).status).toBe(404)
    expect((await link(env, 'a', 'b')).status).toBe(404)
    expect((await unlink(env, 'c', 'b')).status).toBe(404)
    expect(await parents(other)).toEqual({ b: null, c: 'b' })
  })

  test('twice at once, so that together they would make a circle, is done once', async () => {
    const env = await newEnvironment()
    for (let round = 0; round < 5; round++) {
      const [a, low, b, deep] = ['a', 'low', 'b', 'deep'].map((name) => name + round) as [
        string,
        string,
        string,
        string,
      ]
      await plant(env, { [a]: null, [low]: a, [b]: null, [deep]: b })
      const answers = await Promise.all([link(env, a, deep), link(env, b, low)])
      expect(answers.map((answer) => answer.status).sort()).toEqual([201, 400])
    }
    await plant(env, { r: null, x: 'r', x2: 'x', y: 'r', y2: 'y' })
    const answers = await Promise.all([
      link(env, 'x', 'y2'),
      link(env, 'y', 'x2'),
      link(env, 'x', 'y2'),
      link(env, 'y', 'x2'),
    ])
    expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([201, 400]))
    await mustBeTrees(env)
  })

  test('and taking out and deleting, many at once, never makes a circle nor loses a tenant', async () => {
    const env = await newEnvironment()
    const ids = Array.from({ length: 8 }, (_, index) => `t${index}`)
    await plant(env, { r: null, ...Object.fromEntries(ids.map((id) => [id, 'r'])), x: 't0', y: 'x' })
    for (let round = 0; round < 4; round++) {
      const answers = await Promise.all([
        ...ids.map((id, index) => link(env, id, ids[(index + 1 + round) % ids.length]!)),
        ...ids.slice(0, 2).map(async (id) => unlink(env, id, (await parents(env))[id] ?? 'r')),
        ...(round === 2 ? [env.vendor('DELETE', `${tenantsV1}/x`), env.vendor('DELETE', `${tenantsV1}/r`)] : []),
      ])
      for (const { status } of answers) expect([200, 201, 400, 404]).toContain(status)
      await mustBeTrees(env)
    }
    expect(Object.keys(await parents(env)).sort()).toEqual([...ids, 'y'])
  })

  async function mustBeTrees(env: TestEnvironment) {
    const all = await parents(env)
    for (const id of Object.keys(all)) {
      const seen = new Set<string>()
      for (let at: string | null = id; at !== null; at = all[at]!) {
        expect(seen, `circle at ${at}`).not.toContain(at)
        expect(all, 'no such parent').toHaveProperty([at])
        seen.add(at)
      }
    }
  }

  test('waits for a tenant that is being moved before it hands on what is below it', async () => {
    const env = await newEnvironment()
    await plant(env, { p: null, m: 'p', c: 'm' })
    const gone = await inTheWay(
      [`update "Tenant" set "parentId" = null where "vendorId" = $1 and id = 'm'`, env.id],
      () => env.vendor('DELETE', `${tenantsV1}/m`),
    )
    expect(gone.status).toBe(200)
    expect(await parents(env)).toEqual({ p: null, c: null })
  })
})

describe.concurrent('taking a tenant out of the hierarchy', () => {
  test('leaves it at the top, of what is below it', async () => {
    const env = await newEnvironment()
    await plant(env, family)
    const answer = await unlink(env, 'b', 'a')
    expect(answer).toMatchObject({ status: 200, body: null })
    expect(await parents(env)).toEqual({ ...family, b: null })
    expect((await unlink(env, 'b', 'a')).status).toBe(404)
  })

  test('is refused where they are no parent and child', async () => {
    const env = await newEnvironment()
    await plant(env, family)
    for (const [child, parent] of [
      ['a', 'b'],
      ['e', 'a'],
      ['other', 'a'],
      ['nobody', 'a'],
      ['b', 'nobody'],
    ] as const)
      expect((await unlink(env, child, parent)).status, `${child} ${parent}`).toBe(404)
    for (const body of [{}, undefined, { childTenantId: 'b' }])
      expect((await env.vendor('DELETE', v1, body)).status).toBe(400)
    expect(await parents(env)).toEqual(family)
  })
})

describe.concurrent('users', () => {
  const read = 'fe.account-hierarchy.read.subAccount'

  test('read the hierarchy from their own tenant down, whatever header comes along', async () => {
    const env = await newEnvironment()
    await plant(env, family)
    const user = await env.user({ tenantId: 'b', permissions: [read] })
    const headers = { 'frontegg-tenant-id': 'a' }
    expect(levels((await user('GET', v1, undefined, { headers })).body)).toEqual([
      ['c', 1],
      ['e', 2],
    ])
    expect((await user('GET', `${v1}/tree`, undefined, { headers })).body).toMatchObject({
      tenantId: 'b',
      children: [{ tenantId: 'c' }],
    })
    expect(levels((await user('GET', `${v1}/parents`)).body)).toEqual([['a', 1]])
    expect((await user('GET', `${v2}?_subTenantId=c`)).body.items).toMatchObject([{ tenantId: 'e' }])
    for (const id of ['a', 'd', 'other', 'nobody']) {
      expect((await user('GET', `${v2}?_subTenantId=${id}`)).status, id).toBe(404)
      expect((await user('GET', `${v1}/parents/${id}`)).status, id).toBe(404)
    }
    expect((await user('GET', `${v2}/metadata?_tenantIds=a,d,b`)).body).toEqual([
      { tenantId: 'b', totalSubTenants: 2, isParent: true },
    ])
  })

  test('need the permission, and rearrange nothing', async () => {
    const env = await newEnvironment()
    await plant(env, family)
    const admin = await env.user({ tenantId: 'a', permissions: ['fe.secure.*'] }),
      reader = await env.user({ tenantId: 'a', permissions: [read] })
    for (const url of [v1, `${v1}/tree`, `${v1}/parents`, `${v1}/parents/b`, v2, `${v2}/metadata`])
      expect(await admin('GET', url), url).toMatchObject({
        status: 403,
        body: { errors: [`Missing permission ${read}`] },
      })
    expect((await reader('POST', v1, { parentTenantId: 'd', childTenantId: 'b' })).status).toBe(401)
    expect((await reader('DELETE', v1, { parentTenantId: 'a', childTenantId: 'b' })).status).toBe(401)
    expect(await parents(env)).toEqual(family)
  })
})
