import { describe, expect, test } from 'vitest'
import { usersOf } from '../src/areas/people/users/user-list.sql.ts'
import { deps, newEnvironment, operations, unique, UNKNOWN_ID, type Answer } from './environment.ts'
import { jwtTemplates, plainTemplate } from './jwt-templates.ts'
import { addSource } from './pools.ts'

interface Query {
  properties: Record<string, { enum?: string[]; maximum?: number }>
}
const world = await (async () => {
  const env = await newEnvironment(),
    identity = '/identity/resources'
  const done = async (answer: Promise<Answer>) => {
    const { status, body } = await answer
    if (status >= 300) throw new Error(JSON.stringify(body))
    return body
  }
  const [home, far] = [await env.newTenant('home'), await env.newTenant('away')],
    call = env.as(home)
  const below: string[] = []
  for (const name of ['beta', 'alpha', 'gamma'])
    below.push(
      (
        await done(
          env.vendor('POST', '/tenants/resources/sub-tenants/v1', {
            tenantId: `below-${name}`,
            name,
            parentTenantId: home,
          }),
        )
      ).tenantId,
    )
  const user = async (name: string, tenantId: string, i: number) => {
    const { id } = await done(
      env.as(tenantId)('POST', `${identity}/users/v2`, {
        email: `${name}@example.com`,
        name,
        username: `u-${name}`,
        phoneNumber: `+1202555010${i}`,
        skipInviteEmail: true,
      }),
    )
    await done(env.vendor('PUT', `${identity}/users/v1/${id}`, { externalId: `x-${name}` }))
    await env.clock.advance(1000)
    return id as string
  }
  const ids: Record<string, string> = {}
  for (const [i, [name, tenantId]] of (
    [
      ['cyd', home],
      ['ada', home],
      ['bob', home],
      ['dee', below[0]!],
      ['eve', far],
    ] as const
  ).entries())
    ids[name] = await user(name, tenantId, i)
  await done(env.vendor('POST', `${identity}/users/v1/${ids['bob']}/lock`))
  await done(
    env.vendor('POST', `${identity}/roles/v1`, [
      { key: 'one', name: 'First', level: 1 },
      { key: 'two', name: 'Second', level: 2 },
    ]),
  )
  await done(call('POST', `${identity}/roles/v1`, [{ key: 'own', name: 'Own', level: 3 }]))
  for (const name of ['groupies', 'editors', 'readers']) await done(call('POST', `${identity}/groups/v1`, { name }))
  for (const ip of ['192.0.2.1', '192.0.2.2', '198.51.100.7'])
    await done(call('POST', `${identity}/configurations/v1/restrictions/ip`, { ip, strategy: 'BLOCK', isActive: true }))
  const templates: Record<string, string> = {}
  for (const key of ['two', 'one', 'three']) {
    templates[key] = (await done(env.vendor('POST', jwtTemplates, { ...plainTemplate, key, name: key }))).id
    await env.clock.advance(1000)
  }
  const userSourceId = await addSource(env, 'custom-code'),
    { db, clock } = await env.context()
  await db.userSourceUser.createMany({
    data: ['cyd', 'ada', 'bob'].map((name) => ({
      ...{ userId: ids[name]!, userSourceId, subject: name, createdAt: clock.now() },
    })),
  })
  return { env, call, home, far, below, ids, templates, userSourceId }
})()
const { call, home, far, below, ids, templates } = world

/** Every list with pages, from the registry. Its rows are made once, and tests only read them. */
const lists = operations
  .filter((op) => op.method === 'GET' && '_limit' in ((op.query as Query | undefined)?.properties ?? {}))
  .map((op) => [op.id, op.path.replace('{id}', world.userSourceId), (op.query as unknown as Query).properties] as const)

const emails = (...names: string[]) => names.map((name) => `${name}@example.com`),
  usernames = (...names: string[]) => names.map((name) => `u-${name}`)
const ofUsers = {
  label: 'name',
  filters: {
    _filter: [
      ['AD', ['ada']],
      ['b@example', ['bob']],
      ['nobody', []],
      ['%', []],
    ],
    _email: [
      ['ADA@example.com', ['ada']],
      ['ada', []],
    ],
    _namePrefix: [
      ['b', ['bob']],
      ['ob', []],
    ],
    ids: [[`${ids['ada']},${ids['bob']},${ids['eve']},nonsense`, ['ada', 'bob']]],
    _externalIds: [
      ['x-ada,x-cyd,x-eve', ['ada', 'cyd']],
      ['x-', []],
    ],
    '_identifierType=email&_identifier': [
      ['ada@', ['ada']],
      ['eve@', []],
    ],
    '_identifierType=username&_identifier': [['u-b', ['bob']]],
    '_identifierType=phoneNumber&_identifier': [[encodeURIComponent('+12025550101'), ['ada']]],
    _includeSubTenants: [
      ['false', ['ada', 'bob', 'cyd']],
      ['true', ['ada', 'bob', 'cyd', 'dee']],
    ],
    _tenantId: [
      [below[0]!, ['dee']],
      [far, []],
      [home, ['ada', 'bob', 'cyd', 'dee']],
      [`${home}&_includeSubTenants=false`, ['ada', 'bob', 'cyd']],
    ],
  },
} as const
/** The key of a list's items, and the items that each filter leaves. */
const table: Record<
  string,
  { label: string; filters: Record<string, readonly (readonly [string, readonly string[]])[]> }
> = {
  listUsersV1: ofUsers,
  listUsersV2: ofUsers,
  listUsersV3: ofUsers,
  // always with those below
  listSubAccountUsersV1: {
    ...ofUsers,
    filters: {
      ...ofUsers.filters,
      _includeSubTenants: [['false', ['ada', 'bob', 'cyd', 'dee']]],
      _tenantId: [
        [below[0]!, ['dee']],
        [far, []],
      ],
    },
  },
  searchUsersV1: {
    ...ofUsers,
    filters: {
      ...ofUsers.filters,
      _phraseSearchContains: [
        ['ada,example', ['ada']],
        ['ada,bob', []],
      ],
      _phraseSearchExcludes: [['ada,bob', ['cyd', 'dee']]],
      _phraseSearchOptional: [['ada,bob', ['ada', 'bob']]],
      '_phraseSearchOptional=ada&_phraseSearchApproximate': [
        ['false', ['ada']],
        ['true', ['ada']],
      ],
    },
  },
  listGroupsV2: { label: 'name', filters: { _groupsRelations: [['roles', ['editors', 'groupies', 'readers']]] } },
  listRolesV2: {
    label: 'key',
    filters: {
      _filter: [
        ['SECOND', ['two']],
        ['_', []],
      ],
      _levels: [['1,3', ['one', 'own']]],
      _tenantIds: [
        [home, ['own']],
        [far, []],
      ],
    },
  },
  listTenantsV2: {
    label: 'name',
    filters: {
      _filter: [
        ['ALPH', ['alpha']],
        ['%', []],
      ],
      _tenantIds: [[`${home},${far},nowhere`, ['away', 'home']]],
    },
  },
  searchSubTenantsV2: {
    label: 'name',
    filters: {
      _filter: [
        ['ALPH', ['alpha']],
        ['home', []],
      ],
      _subTenantId: [
        [below[0]!, []],
        [home, ['alpha', 'beta', 'gamma']],
      ],
    },
  },
  listIpRestrictionsV1: {
    label: 'ip',
    filters: {
      _filter: [
        ['192.0', ['192.0.2.1', '192.0.2.2']],
        ['%', []],
      ],
    },
  },
  listJwtTemplatesV1: {
    label: 'key',
    filters: {
      keys: [
        ['one,three,four', ['one', 'three']],
        ['o', []],
      ],
      ids: [
        [`${templates['two']},${UNKNOWN_ID},nonsense`, ['two']],
        ['nonsense', []],
      ],
    },
  },
  listUserSourceUsersV1: { label: 'email', filters: {} },
  listUserEmailsV1: {
    label: 'email',
    filters: {
      _email: [['ADA@example.com', emails('ada')]],
      userIds: [[`${ids['ada']},${ids['bob']},${ids['eve']}`, emails('ada', 'bob')]],
    },
  },
  listUsernamesV1: {
    label: 'username',
    filters: {
      _usernamePrefix: [
        ['u-b', usernames('bob')],
        ['bob', []],
      ],
      userIds: [[`${ids['ada']},${ids['eve']}`, usernames('ada')]],
      usernames: [['u-ada,u-cyd,u-eve', usernames('ada', 'cyd')]],
    },
  },
  listPhoneNumbersV1: {
    label: 'phoneNumber',
    filters: { _phoneNumber: [[encodeURIComponent('+12025550101'), ['+12025550101']]] },
  },
  listPhoneNumbersV2: {
    label: 'phoneNumber',
    filters: {
      _phoneNumber: [[encodeURIComponent('+12025550101'), ['+12025550101']]],
      userIds: [[`${ids['ada']},${ids['eve']}`, ['+12025550101']]],
    },
  },
}
const read = async (path: string, query = '') => {
  const { status, body } = await call('GET', `${path}?${query}`)
  expect(status, query).toBe(200)
  return body
}
const paging = new Set(['_limit', '_offset', '_sortBy', '_order', '_identifierType'])

describe.concurrent('a list with pages', () => {
  test.for(lists)('%s is in the table, with every filter that it has', ([id, , query]) => {
    const tested = Object.keys(table[id]?.filters ?? {}).map((name) => name.split('&').at(-1))
    expect([...new Set(tested)].toSorted()).toEqual(
      Object.keys(query)
        .filter((name) => !paging.has(name))
        .toSorted(),
    )
  })

  test.for(lists)('%s is complete over its pages, which link to one another', async ([id, path]) => {
    const label = table[id]!.label,
      all: object[] = (await read(path)).items
    expect(all.length).toBeGreaterThan(2)
    const pages: object[] = [],
      total = Math.ceil(all.length / 2)
    for (let query = '_limit=2', offset = 0; query; offset++) {
      const page = await read(path, query)
      pages.push(...page.items)
      expect(page._metadata).toEqual({ totalItems: all.length, totalPages: total })
      const queryOf = (link: string) => (link ? new URL(link).search.slice(1) : '')
      for (const link of Object.values<string>(page._links))
        if (link) expect(new URL(link).pathname).toBe(path.split('?')[0])
      expect((await read(path, queryOf(page._links.first))).items).toEqual(all.slice(0, 2))
      expect((await read(path, queryOf(page._links.last))).items).toEqual(all.slice(2 * total - 2))
      expect(page._links.prev === '').toBe(offset === 0)
      query = queryOf(page._links.next)
      expect(offset).toBeLessThan(total)
    }
    expect(pages).toEqual(all)
    expect(new Set(all.map((item) => JSON.stringify(item))).size).toBe(all.length)
    expect(await read(path, `_limit=2&_offset=${total}`)).toMatchObject({
      items: [],
      _metadata: { totalItems: all.length },
      _links: { next: '' },
    })
    expect(all.every((item) => label in item)).toBe(true)
  })

  test.for(lists)('%s refuses invalid pages', async ([, path, query]) => {
    expect((await read(path, `_limit=${query['_limit']!.maximum}`)).items.length).toBeGreaterThan(2)
    const impossible = [
      '_limit=0',
      '_limit=-1',
      '_limit=x',
      '_limit=1.5',
      `_limit=${query['_limit']!.maximum! + 1}`,
      '_offset=-1',
      '_offset=x',
      ...(query['_sortBy'] ? ['_sortBy=shoeSize', '_order=UP'] : []),
    ]
    for (const wrong of impossible)
      expect(await call('GET', `${path}?${wrong}`), wrong).toMatchObject({
        status: 400,
        body: { errors: [expect.stringContaining(wrong.split('=')[0]!)] },
      })
  })

  test.for(lists.filter(([, , query]) => query['_sortBy']))(
    '%s comes in every order that it can be asked for',
    async ([, path, query]) => {
      const whole: { id?: string }[] = (await read(path)).items,
        plain = (items: object[]) => items.map((item) => JSON.stringify(item)).toSorted()
      for (const by of query['_sortBy']!.enum!) {
        const valuesOf = (items: Record<string, unknown>[]) => items.map((item) => item[by])
        const up = (await read(path, `_sortBy=${by}`)).items,
          down = (await read(path, `_sortBy=${by}&_order=DESC`)).items
        expect((await read(path, `_sortBy=${by}&_order=ASC`)).items, by).toEqual(up)
        for (const items of [up, down]) expect(plain(items), by).toEqual(plain(whole))
        if (valuesOf(up).some((value) => value === undefined || value === null || Array.isArray(value))) continue
        const sorted = valuesOf(whole).toSorted((a, b) => (a! < b! ? -1 : a! > b! ? 1 : 0))
        expect(valuesOf(up), by).toEqual(sorted)
        expect(valuesOf(down), by).toEqual(sorted.toReversed())
      }
    },
  )

  const filters = Object.entries(table).flatMap(([id, { filters }]) =>
    Object.entries(filters).flatMap(([name, cases]) =>
      cases.map(([value, expected]) => [id, `${name}=${value}`, expected] as const),
    ),
  )
  test.for(filters)('%s, asked for %s', async ([id, query, expected]) => {
    const { path } = operations.find((op) => op.id === id)!,
      label = table[id]!.label
    const found = await read(path, query)
    expect(found.items.map((item: Record<string, string>) => item[label]).toSorted()).toEqual(expected)
    expect(found._metadata.totalItems).toBe(expected.length)
    if (expected.length > 1) expect((await read(path, `${query}&_limit=1&_offset=1`)).items).toEqual([found.items[1]])
  })
})

type Env = Awaited<ReturnType<typeof newEnvironment>>

/** Users made three at a time, so that many have equal times; names and other fields are often equal, too. Some are also in a second tenant, some are invisible, and some are expired members. */
async function crowd(env: Env, home: string, other: string) {
  const ctx = await env.context(),
    at = (i: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, Math.floor(i / 3))),
    now = ctx.clock.now().getTime()
  const ids = Array.from({ length: 40 }, () => deps.random.uuid())
  await ctx.db.user.createMany({
    data: ids.map((id, i) => ({
      id,
      name: `Somebody ${i % 7}`,
      email: i % 9 ? `${unique('who')}@example.com` : null,
      username: i % 2 ? unique('name') : null,
      phoneNumber: i % 3 ? `+1${deps.random.digits(12)}` : null,
      verified: i % 4 === 0,
      isLocked: i % 11 === 0,
      invisible: i % 5 === 1,
      subAccountAccess: [null, true, false, null][i % 4]!,
      provider: i % 5 ? 'local' : 'google',
      activeTenantId: i % 6 ? [home, other][i % 2]! : null,
      lastLogin: i % 4 ? at(i + 5) : null,
      createdAt: at(i),
      updatedAt: at(i),
    })),
  })
  await ctx.db.membership.createMany({
    data: ids.flatMap((userId, i) =>
      [home, other]
        .filter((tenantId) => i % 3 !== (tenantId === home ? 0 : 1))
        .map((tenantId) => ({
          userId,
          tenantId,
          createdAt: at(40 - i),
          expiresAt: i % 7 === 2 ? new Date(now - 1000) : i % 7 === 3 ? new Date(now + 600_000) : null,
        })),
    ),
  })
  await ctx.db.userEmail.createMany({
    data: ids
      .filter((_, i) => i % 3 === 0)
      .map((userId, i) => ({
        id: deps.random.uuid(),
        userId,
        email: `${unique('more')}@example.com`,
        verified: false,
        createdAt: at(i * 2),
        updatedAt: at(i),
      })),
  })
}

type Key = string | number | boolean | Date | null
/** Sorted by key, then by id; entries without a key come first. */
const sorted = (entries: readonly (readonly [key: Key, id: string])[]) =>
  entries
    .toSorted(([a, i], [b, j]) => {
      const [x, y] = [a ?? '', b ?? '']
      return x < y ? -1 : x > y ? 1 : i < j ? -1 : 1
    })
    .map(([, id]) => id)

describe.concurrent('a list in each order has the pages and totals of sorting and counting', () => {
  const crowded = (async () => {
    const env = await newEnvironment(),
      home = await env.newTenant(),
      admin = await env.user({
        tenantId: home,
        permissions: ['fe.secure.read.users'],
      })
    const other = unique('below')
    await env.vendor('POST', '/tenants/resources/tenants/v1', { tenantId: other, parentTenantId: home })
    await crowd(env, home, other)
    for (const i of [...Array(9).keys()])
      await env.vendor('POST', '/tenants/resources/tenants/v1', {
        tenantId: `${(i * 7) % 10}-${unique('tenant')}`,
        name: `Tenant ${i % 3}`,
        ...(i % 4 && { parentTenantId: home }),
      })
    const ctx = await env.context(),
      now = ctx.clock.now()
    const users = await ctx.db.user.findMany({ include: { memberships: true, emails: true, phones: true } })
    const membersOf = (...tenantIds: string[]) =>
      users.filter((user) =>
        user.memberships.some((m) => tenantIds.includes(m.tenantId) && (m.expiresAt === null || m.expiresAt > now)),
      )
    const visible = (some: typeof users) => some.filter((user) => !user.invisible)
    return { env, admin, home, other, users, membersOf, visible, tenants: await ctx.db.tenant.findMany({}) }
  })()

  const expectExact = async (
    call: Env['vendor'],
    url: string,
    entries: readonly (readonly [key: Key, id: string])[],
    idOf: (item: Record<string, string>) => string = (item) => item['id']!,
  ) => {
    const up = sorted(entries)
    expect(up.length).toBeGreaterThan(4)
    for (const [order, ids] of [
      ['ASC', up],
      ['DESC', up.toReversed()],
    ] as const)
      for (const limit of [7, 200])
        for (let offset = 0; offset <= Math.ceil(ids.length / limit); offset += 2) {
          const query = `${url}${url.includes('?') ? '&' : '?'}_order=${order}&_limit=${limit}&_offset=${offset}`,
            { body } = await call('GET', query)
          expect(body.items.map(idOf), query).toEqual(ids.slice(offset * limit, (offset + 1) * limit))
          expect(body._metadata.totalItems, query).toBe(ids.length)
        }
  }

  test.for(['everybody', 'a tenant', 'a tenant and one below it', 'a tenant, as one of its users'])(
    '%s: users, addresses, numbers and usernames',
    async (who) => {
      const { env, admin, home, other, users, membersOf, visible } = await crowded
      const [call, shown] = {
        everybody: [env.vendor, users] as const,
        'a tenant': [env.as(other), membersOf(other)] as const,
        'a tenant and one below it': [env.as(home), membersOf(home, other)] as const,
        'a tenant, as one of its users': [admin, visible(membersOf(home))] as const,
      }[who]!
      const identity = '/identity/resources',
        times = shown.map((user) => [user.createdAt, user.id] as const)
      await expectExact(call, `${identity}/users/v3`, times)
      for (const by of ['createdAt', 'name', 'email', 'id', 'verified', 'isLocked', 'provider'] as const)
        await expectExact(
          call,
          `${identity}/users/v3?_sortBy=${by}`,
          shown.map((user) => [user[by], user.id]),
        )
      await expectExact(
        call,
        `${identity}/users/v3?_sortBy=tenantId`,
        shown.map((user) => [user.activeTenantId, user.id]),
      )
      const emails = shown.flatMap((user) => user.emails),
        phones = shown.flatMap((user) => user.phones),
        named = shown.filter((user) => user.username !== null)
      for (const [by, key] of [
        ['', 'createdAt'],
        ['?_sortBy=userId', 'userId'],
        ['?_sortBy=email', 'email'],
      ] as const)
        await expectExact(
          call,
          `${identity}/users/emails/v1${by}`,
          emails.map((row) => [row[key], row.id]),
        )
      for (const [by, key] of [
        ['', 'createdAt'],
        ['?_sortBy=userId', 'userId'],
        ['?_sortBy=phoneNumber', 'phoneNumber'],
      ] as const)
        await expectExact(
          call,
          `${identity}/users/phone-numbers/v2${by}`,
          phones.map((row) => [row[key], row.id]),
        )
      for (const [by, key] of [
        ['', 'createdAt'],
        ['?_sortBy=userId', 'id'],
        ['?_sortBy=username', 'username'],
      ] as const)
        await expectExact(
          call,
          `${identity}/usernames/v1${by}`,
          named.map((user) => [user[key], user.id]),
          (item) => item['userId']!,
        )
    },
  )

  test('tenants, and those right below one', async () => {
    const { env, home, tenants } = await crowded,
      // names are in the order of an alphabet, the rest byte by byte
      inAlphabet = tenants.map((row) => row.name).sort(new Intl.Collator('und').compare),
      rowIds = new Map(tenants.map((row) => [row.id, row.rowId]))
    for (const [by, key] of [
      ['createdAt', 'createdAt'],
      ['name', 'name'],
      ['tenantId', 'id'],
    ] as const) {
      const expectList = (call: Env['vendor'], path: string, some: typeof tenants) =>
        expectExact(
          call,
          `/tenants/resources/${path}?_sortBy=${by}`,
          some.map((row) => [key === 'name' ? inAlphabet.indexOf(row.name) : row[key], row.rowId]),
          (item) => rowIds.get(item['tenantId']!)!,
        )
      await expectList(env.vendor, 'tenants/v2', tenants)
      await expectList(
        env.as(home),
        'hierarchy/v2',
        tenants.filter((row) => row.parentId === home),
      )
    }
  })

  test("the portal's members, and how many there are", async () => {
    const { admin, home, membersOf, visible } = await crowded,
      members = visible(membersOf(home))
    for (const by of ['name', 'email', 'createdAt', 'lastLogin', 'verified', 'provider'] as const) {
      const ids = sorted(members.map((user) => [user[by], user.id]))
      for (const direction of ['asc', 'desc']) {
        const { body } = await admin(
          'GET',
          `/team/resources/members/v1?sortBy=${by}&sortDirection=${direction}&pageSize=200`,
        )
        expect(
          body.items.map((item: { id: string }) => item.id),
          by,
        ).toEqual(direction === 'asc' ? ids : ids.toReversed())
        expect(body.totals).toBe(ids.length)
      }
    }
    expect((await admin('GET', '/team/resources/stats/v1/members')).body).toMatchObject({
      totalItems: members.length,
      superAdmins: 0,
    })
  })

  test('the counts of members with access to sub-accounts', async () => {
    const { env, home, other, membersOf } = await crowded
    const { body } = await env.vendor('POST', '/identity/resources/tenants/users/v1/count', {
      tenantIds: [home, other],
    })
    expect(body).toEqual(
      [home, other].map((tenantId) => ({
        tenantId,
        totalUsers: membersOf(tenantId).length,
        totalAccessAllowedUsers: membersOf(tenantId).filter((user) => user.subAccountAccess).length,
      })),
    )
  })

  test('with the rows that their transaction has written', async () => {
    const { env, home, other, membersOf } = await crowded,
      ctx = await env.context(),
      scope = { tenantId: home, below: true, visible: false }
    const undone = new Error('undone')
    await expect(
      ctx.atomically(async (tx) => {
        await tx.db.membership.deleteMany({ where: { tenantId: other } })
        const found = await usersOf(tx, scope, 'name', { _limit: 200 })
        expect(found).toEqual({
          total: membersOf(home).length,
          ids: sorted(membersOf(home).map((user) => [user.name, user.id])),
        })
        throw undone
      }),
    ).rejects.toBe(undone)
    expect((await usersOf(ctx, scope, 'name', { _limit: 1 })).total).toBe(membersOf(home, other).length)
  })
})
