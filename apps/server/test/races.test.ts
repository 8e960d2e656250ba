import { describe, expect, test } from 'vitest'
import * as memberships from '../src/areas/people/memberships/memberships.service.ts'
import { newEnvironment, type Answer, type TestEnvironment } from './environment.ts'
import { inTheWay } from './in-the-way.ts'

const identity = '/identity/resources',
  roles = `${identity}/roles/v1`,
  permissions = `${identity}/permissions/v1`,
  groups = `${identity}/groups/v1`,
  users = `${identity}/users`
const tenants = '/tenants/resources/tenants',
  applications = '/applications/resources/applications'
const N = 6
const times = <T>(make: (i: number) => Promise<T>) => Promise.all(Array.from({ length: N }, (_, i) => make(i)))
const application = { name: 'A', appURL: 'https://a.example', loginURL: 'https://a.example/login' }
const newRoles = async (env: TestEnvironment, tenantId?: string) =>
  (
    await env.as(tenantId)(
      'POST',
      roles,
      Array.from({ length: N }, (_, i) => ({ key: `r${i}`, name: 'R', level: 1 })),
    )
  ).body.map((r: { id: string }) => r.id) as string[]

/** What is taken, the message for those too late, and the call that takes it. `before` prepares the call, which then runs many times at once. */
type Race = [what: string, message: string, before: (env: TestEnvironment) => Promise<(i: number) => Promise<Answer>>]
const races: Race[] = [
  [
    "a role's key in the environment",
    'Roles already exists',
    async (env) => () => env.vendor('POST', roles, [{ key: 'k', name: 'K', level: 1 }]),
  ],
  [
    "a role's key in a tenant, in either version",
    'Roles already exists',
    async (env) => {
      const tenant = await env.newTenant(),
        [base] = await newRoles(env)
      return (i) =>
        i % 2
          ? env.as(tenant)('POST', roles, [{ key: 'k', name: 'K', level: 1 }])
          : env.as(tenant)('POST', `${identity}/roles/v2`, { key: 'k', name: 'K', baseRoleId: base, permissionIds: [] })
    },
  ],
  [
    "a role's key, by a change",
    'Roles already exists',
    async (env) => {
      const ids = await newRoles(env)
      return (i) => env.vendor('PATCH', `${roles}/${ids[i]}`, { key: 'k' })
    },
  ],
  [
    "a role's key, by a move",
    'Roles already exists',
    async (env) => {
      const target = await env.newTenant(),
        ids = await times(async () => {
          const from = await env.newTenant()
          return (await env.as(from)('POST', roles, [{ key: 'k', name: 'K', level: 1 }])).body[0].id as string
        })
      return (i) => env.vendor('PUT', `${roles}/${ids[i]}/tenant`, { tenantId: target })
    },
  ],
  [
    "a permission's key",
    'Permissions already exist: k',
    async (env) => () => env.vendor('POST', permissions, [{ key: 'k', name: 'K' }]),
  ],
  [
    "a permission's key, by a change",
    'Permissions already exist: k',
    async (env) => {
      const made = (
        await env.vendor(
          'POST',
          permissions,
          Array.from({ length: N }, (_, i) => ({ key: `p${i}`, name: 'P' })),
        )
      ).body
      return (i) => env.vendor('PATCH', `${permissions}/${made[i].id}`, { key: 'k' })
    },
  ],
  [
    "a category's name",
    'Categories already exist',
    async (env) => () => env.vendor('POST', `${permissions}/categories`, { name: 'C' }),
  ],
  [
    "a category's id",
    'Categories already exist',
    async (env) => (i) =>
      env.vendor('POST', `${permissions}/categories`, {
        id: '0b0e5f0e-7a0e-4c55-9d0e-444444444444',
        name: `C${i}-${env.name}`,
      }),
  ],
  [
    "a group's name",
    'Group with this name already exists',
    async (env) => {
      const client = env.as(await env.newTenant())
      return () => client('POST', groups, { name: 'G' })
    },
  ],
  [
    "a group's name, by a change",
    'Group with this name already exists',
    async (env) => {
      const client = env.as(await env.newTenant()),
        ids = await times(async (i) => (await client('POST', groups, { name: `G${i}` })).body.id as string)
      return (i) => client('PATCH', `${groups}/${ids[i]}`, { name: 'G' })
    },
  ],
  [
    "a tenant's id",
    'Tenant already exists',
    async (env) => () => env.vendor('POST', `${tenants}/v1`, { tenantId: 't', name: 'T' }),
  ],
  [
    "a tenant's id, above or below another",
    'Tenant already exists',
    async (env) => {
      const parentTenantId = await env.newTenant()
      return (i) =>
        i % 2
          ? env.vendor('POST', `${tenants}/v1`, { tenantId: 't', name: 'T' })
          : env.vendor('POST', '/tenants/resources/sub-tenants/v1', { tenantId: 't', name: 'T', parentTenantId })
    },
  ],
  [
    "a tenant's alias",
    'Alias is taken by another tenant',
    async (env) => (i) => env.vendor('POST', `${tenants}/v1`, { tenantId: `t${i}`, name: 'T', alias: 'a' }),
  ],
  [
    "a tenant's alias, by a change",
    'Alias is taken by another tenant',
    async (env) => {
      const ids = await times(() => env.newTenant())
      return (i) => env.vendor('PUT', `${tenants}/${i % 2 ? 'v1' : 'v2'}/${ids[i]}`, { alias: 'a' })
    },
  ],
  [
    "a new user's e-mail address in a tenant, by any way in",
    'User already exists in this account',
    async (env) => {
      const tenantId = await env.newTenant()
      return (i) =>
        [
          () => env.as(tenantId)('POST', `${users}/v1`, { email: 'A@example.com' }),
          () => env.as(tenantId)('POST', `${users}/v2`, { email: 'a@example.com' }),
          () => env.vendor('POST', `${identity}/vendor-only/users/v1`, { email: 'a@Example.com', tenantId }),
        ][i % 3]!()
    },
  ],
  [
    'a membership of a known user',
    'User already exists in this account',
    async (env) => {
      const { id, email } = await env.newUser(),
        tenantId = await env.newTenant()
      return (i) =>
        i % 2
          ? env.vendor('POST', `${users}/v1/${id}/tenant`, { tenantId })
          : env.as(tenantId)('POST', `${users}/v2`, { email })
    },
  ],
  [
    "a tenant's assignment to an application",
    'The account is already assigned to the application',
    async (env) => {
      const tenantId = await env.newTenant(),
        { id } = (await env.vendor('POST', `${applications}/v1`, application)).body
      return () => env.vendor('POST', `${applications}/tenant-assignments/v1/${id}`, { tenantId })
    },
  ],
]

describe.concurrent('of many requests at once', () => {
  test.for(races)('one takes %s, and all others get a 409', async ([, message, before]) => {
    const env = await newEnvironment(),
      answers = await times(await before(env))
    const [won, lost] = [answers.filter((a) => a.status < 300), answers.filter((a) => a.status >= 300)]
    expect(answers.map((a) => a.status).toSorted()).toEqual([won[0]?.status, ...Array(N - 1).fill(409)])
    expect(new Set(lost.map((a) => a.body.errors[0]))).toEqual(new Set([message]))
  })

  test.for(['role', 'group', 'membership', 'user', 'permission'])('one removes a %s', async (what) => {
    const env = await newEnvironment(),
      { id, tenantId } = await env.newUser(),
      client = env.as(tenantId)
    const remove: Record<string, () => Promise<() => Promise<Answer>>> = {
      role: async () => {
        const [role] = await newRoles(env)
        return () => env.vendor('DELETE', `${roles}/${role}`)
      },
      group: async () => {
        const group = (await client('POST', groups, { name: 'G' })).body.id
        return () => client('DELETE', `${groups}/${group}`)
      },
      membership: async () => () => client('DELETE', `${users}/v1/${id}`),
      user: async () => () => env.vendor('DELETE', `${users}/v1/${id}`),
      permission: async () => {
        const [{ id: permission }] = (await env.vendor('POST', permissions, [{ key: 'k', name: 'K' }])).body
        return () => env.vendor('DELETE', `${permissions}/${permission}`)
      },
    }
    const answers = await times(await remove[what]!())
    expect(answers.map((a) => a.status).toSorted((a, b) => a - b)).toEqual([
      answers.find((a) => a.status < 300)?.status,
      ...Array(N - 1).fill(404),
    ])
  })

  test("each changes another part of an account's settings, and no change is lost", async () => {
    const env = await newEnvironment(),
      client = env.as(await env.newTenant())
    const parts = { currency: 'EUR', timezone: 'UTC', dateFormat: 'd', timeFormat: 't', address: 'A' }
    const answers = await Promise.all(
      Object.entries(parts).map(([name, value]) =>
        client('PUT', '/tenants/resources/account-settings/v1', { [name]: value }),
      ),
    )
    expect(new Set(answers.map((a) => a.status))).toEqual(new Set([200]))
    expect((await client('GET', '/tenants/resources/account-settings/v1')).body).toMatchObject(parts)
  })

  test('each gives and takes other roles of a member and of a group, and no change is lost', async () => {
    const env = await newEnvironment(),
      { id, tenantId } = await env.newUser(),
      client = env.as(tenantId),
      ids = await newRoles(env)
    const group = (await client('POST', groups, { name: 'G' })).body.id,
      { db } = await env.context()
    for (const [path, count] of [
      [`${users}/v1/${id}/roles`, () => db.membershipRole.count()],
      [`${groups}/${group}/roles`, () => db.groupRole.count()],
    ] as const) {
      expect(
        new Set(
          (await times((i) => client('POST', path, { roleIds: [ids[i], ids[(i + 1) % N]] }))).map((a) => a.status),
        ),
      ).toEqual(new Set([201]))
      expect(await count()).toBe(N)
      expect(new Set((await times((i) => client('DELETE', path, { roleIds: [ids[i]] }))).map((a) => a.status))).toEqual(
        new Set([200]),
      )
      expect(await count()).toBe(0)
    }
  })

  test("each may replace a role's permissions, and those of one stay", async () => {
    const env = await newEnvironment(),
      [role] = await newRoles(env)
    const made: { id: string }[] = (
      await env.vendor(
        'POST',
        permissions,
        Array.from({ length: N }, (_, i) => ({ key: `p${i}`, name: 'P' })),
      )
    ).body
    const answers = await times((i) =>
      env.vendor('PUT', `${roles}/${role}/permissions`, { permissionIds: [made[i]!.id, made[(i + 1) % N]!.id] }),
    )
    expect(new Set(answers.map((a) => a.status))).toEqual(new Set([200]))
    expect(await (await env.context()).db.rolePermission.count({ where: { roleId: role! } })).toBe(2)
  })

  test('all move the users of an account, and each user is moved once', async () => {
    const env = await newEnvironment(),
      from = await env.newTenant(),
      to = await env.newTenant()
    const ids = await times(async () => (await env.newUser({ tenantId: from, roleKeys: ['Admin'] })).id)
    const answers = await times(() =>
      env.vendor('PUT', `${users}/v1/tenants/migrate`, { srcTenantId: from, targetTenantId: to }),
    )
    expect(new Set(answers.map((a) => a.status))).toEqual(new Set([200]))
    const rows = await (await env.context()).db.membership.findMany({ include: { roles: true } })
    expect(rows.map((row) => [row.userId, row.tenantId, row.roles.length]).toSorted()).toEqual(
      ids.map((id) => [id, to, 1]).toSorted(),
    )
  })

  test('some change a user while others end their memberships, without a deadlock', async () => {
    const env = await newEnvironment(),
      [home, other] = [await env.newTenant(), await env.newTenant()],
      { db } = await env.context(),
      at = new Date()
    for (let round = 0; round < 5; round++) {
      const people = await times(() => env.newUser({ tenantId: home }))
      await db.membership.createMany({
        data: people.map(({ id: userId }) => ({ userId, tenantId: other, acceptedAt: at, createdAt: at })),
      })
      const answers = await Promise.all(
        people.flatMap(({ id }, i) => [
          env.vendor('PUT', `${users}/v1/${id}`, { name: `Renamed ${i}` }),
          env.as(home)('DELETE', `${users}/v1/${id}`),
          env.vendor('POST', `${users}/v1/${id}/lock`),
          env.vendor('PUT', `${users}/v1/${id}`, { name: `Again ${i}` }),
        ]),
      )
      expect(answers.filter(({ status }) => status >= 300).map(({ body }) => body)).toEqual([])
    }
    expect(await db.membership.count({ where: { tenantId: home } })).toBe(0)
  })

  test.for<[how: string, leave: (env: TestEnvironment, member: { id: string; tenantId: string }) => Promise<unknown>]>([
    ['leaves the account', (env, { id, tenantId }) => env.as(tenantId)('DELETE', `${users}/v1/${id}`)],
    [
      'has been there for long enough',
      async (env, { id, tenantId }) => {
        const [ctx, now] = [await env.context(), await env.clock.now()]
        await memberships.setExpiry(ctx, id, tenantId, now)
        await env.runJobs()
      },
    ],
  ])('a change of a user may go on to the membership while the user %s', async ([, leave]) => {
    const env = await newEnvironment(),
      { id, tenantId } = await env.newUser(),
      membership = 'select from "Membership" where "userId" = $1 and "tenantId" = $2 for update nowait'
    await inTheWay(
      ['select from "User" where id = $1 for no key update', id],
      () => leave(env, { id, tenantId }),
      (query) => query(membership, [id, tenantId]),
    )
    const { db } = await env.context()
    expect(await db.user.findFirst({ include: { memberships: true } })).toMatchObject({
      activeTenantId: null,
      memberships: [],
    })
  })
})
