import { createPublicKey, verify } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { newEnvironment, UNKNOWN_ID, type Answer, type TestEnvironment } from '../../../../test/environment.ts'
import { everythingOf } from '../../../../test/furnished.ts'
import { inTheWay } from '../../../../test/in-the-way.ts'
import { claimsOf } from '../../../../test/second-factors.ts'

const settings = '/identity/resources/configurations/v1',
  ofTenants = '/identity/resources/tenants/access-tokens/v1',
  ofUsers = '/identity/resources/users/access-tokens/v1',
  vendorOnly = '/identity/resources/vendor-only'
const off = { status: 403, body: { errors: ['Api tokens are disabled'] } }

/** An environment that wants access tokens; a fresh one does not. */
async function withTokens() {
  const env = await newEnvironment()
  await env.vendor('POST', settings, { machineToMachineAuthStrategy: 'AccessToken' })
  return env
}
const roleIdOf = async (env: TestEnvironment, key: string) =>
  (await (await env.context()).db.role.findFirstOrThrow({ where: { key } })).id
const isSignedBy = async (env: TestEnvironment, token: string) => {
  const [head, body, signature] = token.split('.') as [string, string, string],
    { publicKey } = (await env.vendor('GET', settings)).body
  expect(JSON.parse(Buffer.from(head, 'base64url').toString())).toMatchObject({ alg: 'RS256', typ: 'JWT' })
  return verify(
    'sha256',
    Buffer.from(`${head}.${body}`),
    createPublicKey(publicKey as string),
    Buffer.from(signature, 'base64url'),
  )
}
const idsIn = ({ body }: Answer) => (body.accessTokens as { id: string }[]).map(({ id }) => id)
const statuses = (answers: Answer[]) => answers.map(({ status }) => status).toSorted()

/** Rows as if they had been created over HTTP, of these accounts in turn. */
async function fill(env: TestEnvironment, tenantIds: string[], count: number, more: object = {}) {
  const { db, random, clock } = await env.context()
  await db.accessToken.createMany({
    data: Array.from({ length: count }, (_, i) => ({
      id: random.uuid(),
      tenantId: tenantIds[i % tenantIds.length]!,
      createdAt: clock.now(),
      ...more,
    })),
  })
}

describe.concurrent('an access token', () => {
  test('of an account says whose it is in claims that SDKs read, and lasts for ever', async () => {
    const env = await withTokens(),
      admin = await env.user({ roleKeys: ['Admin'] }),
      roleId = await roleIdOf(env, 'ReadOnly')
    const { status, body } = await admin('POST', ofTenants, { description: 'Night jobs', roleIds: [roleId] })
    const { secret, ...shown } = body
    expect(status).toBe(201)
    expect(shown).toEqual({
      id: expect.stringMatching(/^[\da-f-]{36}$/),
      description: 'Night jobs',
      createdAt: expect.stringMatching(/^\d{4}-/),
      roleIds: [roleId],
      createdByUserId: admin.id,
    })
    expect(await isSignedBy(env, secret)).toBe(true)
    expect(claimsOf(secret)).toEqual({
      sub: body.id,
      type: 'tenantAccessToken',
      tenantId: admin.tenantId,
      roles: ['FETCH-ROLES-BY-API'],
      permissions: ['FETCH-PERMISSIONS-BY-API'],
      aud: env.id,
      iss: `http://${env.name}.localhost:3100`,
      iat: Math.floor(Date.parse(body.createdAt) / 1000),
    })
    expect((await admin('GET', ofTenants)).body).toEqual({ accessTokens: [shown] })
  })

  test('of a member names the member, and ends when it was told to', async () => {
    const env = await withTokens(),
      user = await env.user({ permissions: ['fe.secure.write.userApiTokens', 'fe.secure.read.userApiTokens'] })
    const { status, body } = await user('POST', ofUsers, { description: 'My script', expiresInMinutes: 90 })
    const { secret, ...shown } = body
    expect(status).toBe(201)
    expect(shown).toEqual({
      id: expect.stringMatching(/^[\da-f-]{36}$/),
      description: 'My script',
      createdAt: expect.any(String),
      expires: new Date(Date.parse(body.createdAt) + 90 * 60_000).toISOString(),
    })
    expect(await isSignedBy(env, secret)).toBe(true)
    const iat = Math.floor(Date.parse(body.createdAt) / 1000)
    expect(claimsOf(secret)).toMatchObject({
      sub: body.id,
      type: 'userAccessToken',
      tenantId: user.tenantId,
      userId: user.id,
      iat,
      exp: iat + 90 * 60,
    })
    expect((await user('GET', ofUsers)).body).toEqual({ accessTokens: [shown] })
  })

  test('made by management has no creator, and a header says whose it is', async () => {
    const env = await withTokens(),
      user = await env.newUser()
    const ofTenant = await env.as(user.tenantId)('POST', ofTenants, { expiresInMinutes: null }),
      ofUser = await env.as(user.tenantId, user.id)('POST', ofUsers, {})
    expect(ofTenant).toMatchObject({ status: 201, body: { createdByUserId: null, roleIds: [] } })
    expect(claimsOf(ofTenant.body.secret)).not.toHaveProperty('exp')
    expect(ofTenant.body).not.toHaveProperty('description')
    expect(claimsOf(ofUser.body.secret)).toMatchObject({ type: 'userAccessToken', userId: user.id })
    expect((await env.vendor('POST', ofTenants, {})).body.errorCode).toBe('ER-00008')
    expect((await env.as(user.tenantId)('POST', ofUsers, {})).body.errorCode).toBe('ER-00008')
  })

  test("is signed with the key pair also where users' tokens are signed with the shared secret", async () => {
    const env = await withTokens(),
      tenantId = await env.newTenant()
    await env.vendor('POST', settings, { jwtAlgorithm: 'HS256' })
    const { body } = await env.as(tenantId)('POST', ofTenants, {})
    expect(await isSignedBy(env, body.secret)).toBe(true)
  })

  test('leaves nothing of its secret in the database', async () => {
    const env = await withTokens(),
      user = await env.newUser()
    for (const { body } of [
      await env.as(user.tenantId)('POST', ofTenants, {}),
      await env.as(user.tenantId, user.id)('POST', ofUsers, {}),
    ]) {
      const rows = JSON.stringify(await everythingOf(env.id))
      expect(rows).toContain(body.id)
      for (const part of (body.secret as string).split('.').slice(1)) expect(rows).not.toContain(part)
    }
  })

  test('is refused where its fields are wrong', async () => {
    const env = await withTokens(),
      as = env.as(await env.newTenant())
    for (const body of [
      { expiresInMinutes: 0 },
      { expiresInMinutes: -5 },
      { expiresInMinutes: 0.5 },
      { expiresInMinutes: '60' },
      { expiresInMinutes: 1e12 },
      { description: 7 },
      { description: 'x'.repeat(4096) },
      { roleIds: 'all' },
      { roleIds: [7] },
      { roleIds: ['x'] },
      { roleIds: [UNKNOWN_ID] },
    ])
      expect((await as('POST', ofTenants, body)).status, JSON.stringify(body)).toBe(400)
    expect((await as('GET', ofTenants)).body).toEqual({ accessTokens: [] })
  })

  test('for a longer time than anybody waits is still a valid date', async () => {
    const env = await withTokens(),
      { body } = await env.as(await env.newTenant())('POST', ofTenants, { expiresInMinutes: 2 ** 31 - 1 })
    expect(body.expires).toMatch(/^6\d{3}-/)
    expect((await env.vendor('GET', `${vendorOnly}/tenants/access-tokens/v1/${body.id}`)).body.expires).toBe(
      body.expires,
    )
  })
})

describe.concurrent('where the environment has machines log in instead, or wants none', () => {
  test.for([{}, { machineToMachineAuthStrategy: 'AccessToken', apiTokensEnabled: false }])(
    'there are no access tokens, in the words that SDKs look for: %j',
    async (configuration) => {
      const env = await newEnvironment(),
        admin = await env.user({ roleKeys: ['Admin'] })
      await env.vendor('POST', settings, configuration)
      for (const answer of [
        await admin('POST', ofTenants, {}),
        await admin('POST', ofUsers, {}),
        await env.as(admin.tenantId)('POST', ofTenants, {}),
        await env.vendor('GET', `${vendorOnly}/tenants/access-tokens/v1/active`),
        await env.vendor('GET', `${vendorOnly}/users/access-tokens/v1/active`),
        await env.vendor('GET', `${vendorOnly}/tenants/access-tokens/v1/${UNKNOWN_ID}`),
        await env.vendor('GET', `${vendorOnly}/users/access-tokens/v1/${UNKNOWN_ID}`),
      ]) {
        expect(answer).toMatchObject(off)
        expect(answer.body).toEqual(off.body)
      }
      expect((await admin('GET', ofTenants)).body).toEqual({ accessTokens: [] })
    },
  )

  test('those from before are dead, can be listed and deleted, and live again when they are wanted again', async () => {
    const env = await withTokens(),
      admin = await env.user({ roleKeys: ['Admin'] })
    const [kept, gone] = [(await admin('POST', ofTenants, {})).body, (await admin('POST', ofTenants, {})).body],
      active = () => env.vendor('GET', `${vendorOnly}/tenants/access-tokens/v1/active`)
    await env.vendor('POST', settings, { machineToMachineAuthStrategy: 'ClientCredentials' })
    expect(await active()).toMatchObject(off)
    expect(await env.vendor('GET', `${vendorOnly}/tenants/access-tokens/v1/${kept.id}`)).toMatchObject(off)
    expect(idsIn(await admin('GET', ofTenants))).toEqual([kept.id, gone.id])
    expect(await admin('DELETE', `${ofTenants}/${gone.id}`)).toMatchObject({ status: 200, body: null })
    await env.vendor('POST', settings, { machineToMachineAuthStrategy: 'AccessToken' })
    expect((await active()).body).toEqual([kept.id])
  })
})

describe.concurrent('access tokens', () => {
  test('are listed and deleted by whose they are only', async () => {
    const env = await withTokens(),
      [one, other] = [await env.user({ roleKeys: ['Admin'] }), await env.newTenant()]
    const colleague = await env.user({ tenantId: one.tenantId, roleKeys: ['Admin'] }),
      stranger = await env.user({ tenantId: other, roleKeys: ['Admin'] })
    const mine = (await one('POST', ofUsers, {})).body.id as string,
      theirs = (await colleague('POST', ofUsers, {})).body.id as string,
      ours = (await one('POST', ofTenants, {})).body.id as string,
      foreign = (await stranger('POST', ofTenants, {})).body.id as string
    expect(idsIn(await one('GET', ofUsers))).toEqual([mine])
    expect(idsIn(await colleague('GET', ofUsers))).toEqual([theirs])
    expect(idsIn(await colleague('GET', ofTenants))).toEqual([ours])
    expect(idsIn(await stranger('GET', ofTenants))).toEqual([foreign])
    expect(idsIn(await stranger('GET', ofUsers))).toEqual([])
    for (const refused of [
      await one('DELETE', `${ofUsers}/${theirs}`),
      await one('DELETE', `${ofUsers}/${ours}`),
      await one('DELETE', `${ofTenants}/${mine}`),
      await one('DELETE', `${ofTenants}/${foreign}`),
      await stranger('DELETE', `${ofTenants}/${ours}`),
      await env.as(other)('DELETE', `${ofTenants}/${ours}`),
      await env.as(one.tenantId, colleague.id)('DELETE', `${ofUsers}/${mine}`),
      await one('DELETE', `${ofTenants}/${UNKNOWN_ID}`),
      await one('DELETE', `${ofTenants}/none`),
    ])
      expect(refused).toMatchObject({ status: 404, body: { errorCode: 'ER-00004' } })
    expect((await env.as(one.tenantId, one.id)('DELETE', `${ofUsers}/${mine}`)).status).toBe(200)
    expect(idsIn(await one('GET', ofUsers))).toEqual([])
    expect(idsIn(await colleague('GET', ofUsers))).toEqual([theirs])
  })

  test('of one user in two accounts are apart', async () => {
    const env = await withTokens(),
      [first, second] = [await env.newTenant(), await env.newTenant()],
      user = await env.newUser({ tenantId: first })
    await env.vendor('POST', `/identity/resources/users/v1/${user.id}/tenant`, {
      tenantId: second,
      skipInviteEmail: true,
    })
    const here = (await env.as(first, user.id)('POST', ofUsers, {})).body,
      there = (await env.as(second, user.id)('POST', ofUsers, {})).body
    expect(claimsOf(here.secret)['tenantId']).toBe(first)
    expect(claimsOf(there.secret)['tenantId']).toBe(second)
    expect(idsIn(await env.as(first, user.id)('GET', ofUsers))).toEqual([here.id])
    expect((await env.as(first, user.id)('DELETE', `${ofUsers}/${there.id}`)).status).toBe(404)
  })

  test('of a user who is not in the account, or not yet, cannot be made or listed', async () => {
    const env = await withTokens(),
      tenantId = await env.newTenant(),
      user = await env.newUser(),
      { db } = await env.context()
    const refused = { status: 404, body: { errors: ['User not found'] } }
    const tries = async () => {
      expect(await env.as(tenantId, user.id)('POST', ofUsers, {})).toMatchObject(refused)
      expect(await db.accessToken.count()).toBe(0)
    }
    await tries()
    expect(await env.as(tenantId, user.id)('GET', ofUsers)).toMatchObject(refused)
    await env.vendor('POST', `/identity/resources/users/v1/${user.id}/tenant`, { tenantId })
    await db.membership.updateMany({ where: { tenantId }, data: { acceptedAt: null } })
    await tries()
    await db.membership.updateMany({ where: { tenantId }, data: { acceptedAt: new Date(), isDisabled: true } })
    await tries()
    await db.membership.updateMany({ where: { tenantId }, data: { isDisabled: false, expiresAt: new Date() } })
    await tries()
    await db.membership.updateMany({ where: { tenantId }, data: { expiresAt: null } })
    expect((await env.as(tenantId, user.id)('POST', ofUsers, {})).status).toBe(201)
  })

  test('are not made for a member who leaves, or with a role that goes, at the same time', async () => {
    const env = await withTokens(),
      { id: userId, tenantId } = await env.newUser(),
      as = env.as(tenantId, userId)
    const [{ id: roleId }] = (await env.vendor('POST', '/identity/resources/roles/v1', [{ key: 'r', name: 'R' }])).body
    const withoutMember = await inTheWay(
      ['select from "Membership" where "userId" = $1 for update', userId],
      () => as('POST', ofUsers, {}),
      (query) => query('delete from "Membership" where "userId" = $1', [userId]),
    )
    expect(withoutMember).toMatchObject({ status: 404, body: { errors: ['User not found'] } })
    const withoutRole = await inTheWay(
      ['select from "Role" where id = $1 for update', roleId],
      () => as('POST', ofTenants, { roleIds: [roleId] }),
      (query) => query('delete from "Role" where id = $1', [roleId]),
    )
    expect(withoutRole).toMatchObject({ status: 404, body: { errors: ['Role not found'] } })
    expect(await (await env.context()).db.accessToken.count()).toBe(0)
  })

  test('are deleted once, also by eight calls at once', async () => {
    const env = await withTokens(),
      as = env.as(await env.newTenant()),
      { id } = (await as('POST', ofTenants, {})).body
    const answers = await Promise.all(Array.from({ length: 8 }, () => as('DELETE', `${ofTenants}/${id}`)))
    expect(statuses(answers)).toEqual([200, ...Array.from({ length: 7 }, () => 404)])
  })
})

describe.concurrent('the number of access tokens', () => {
  test('of an account is a hundred, also for eight calls at once, of both kinds together', async () => {
    const env = await withTokens(),
      user = await env.newUser({ permissions: ['fe.secure.*'] }),
      as = env.as(user.tenantId, user.id)
    await fill(env, [user.tenantId], 50)
    await fill(env, [user.tenantId], 47, { userId: user.id })
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) => as('POST', i % 2 ? ofTenants : ofUsers, { description: 'race' })),
    )
    expect(statuses(answers)).toEqual([201, 201, 201, 400, 400, 400, 400, 400])
    expect(answers.find(({ status }) => status === 400)!.body.errors).toEqual([
      'The account has as many access tokens as it may have',
    ])
    const { db } = await env.context()
    expect(await db.accessToken.count({ where: { tenantId: user.tenantId } })).toBe(100)
    // others are not held up
    expect((await env.as(await env.newTenant())('POST', ofTenants, {})).status).toBe(201)
    const { id, roleIds } = answers.find(({ status }) => status === 201)!.body
    expect((await as('DELETE', `${roleIds ? ofTenants : ofUsers}/${id}`)).status).toBe(200)
    expect((await as('POST', ofTenants, {})).status).toBe(201)
    expect((await as('POST', ofTenants, {})).status).toBe(400)
  })

  test('of an environment is ten thousand, also for calls at once in many accounts', async () => {
    const env = await withTokens(),
      tenants = await Promise.all(Array.from({ length: 6 }, () => env.newTenant())),
      [full] = tenants
    await fill(env, [full!], 9998)
    const answers = await Promise.all(tenants.slice(1).map((id) => env.as(id)('POST', ofTenants, {})))
    expect(statuses(answers)).toEqual([201, 201, 400, 400, 400])
    expect(answers.find(({ status }) => status === 400)!.body.errors).toEqual([
      'The environment has as many access tokens as it may have',
    ])
    // another environment has numbers of its own
    const other = await withTokens()
    expect((await other.as(await other.newTenant())('POST', ofTenants, {})).status).toBe(201)
  })

  test('leaves out those that have expired, and the next one takes their place', async () => {
    const env = await withTokens(),
      [tenantId, neighbour] = [await env.newTenant(), await env.newTenant()],
      as = env.as(tenantId),
      now = await env.clock.now()
    await fill(env, [tenantId, neighbour], 200, { expiresAt: new Date(now.getTime() + 60_000) })
    expect((await as('POST', ofTenants, {})).status).toBe(400)
    await env.clock.advance(60_001)
    expect(idsIn(await as('GET', ofTenants))).toHaveLength(100)
    const { id } = (await as('POST', ofTenants, {})).body
    expect(idsIn(await as('GET', ofTenants))).toEqual([id])
    expect(idsIn(await env.as(neighbour)('GET', ofTenants))).toHaveLength(100)
  })

  test('is counted after others have made theirs, whichever replica they are at', async () => {
    const env = await withTokens(),
      tenantId = await env.newTenant()
    await fill(env, [tenantId], 99)
    const answer = await inTheWay(
      [`select pg_advisory_xact_lock(hashtextextended('access tokens ' || $1::text, 0))`, env.id],
      () => env.as(tenantId)('POST', ofTenants, {}),
      (query) =>
        query(
          `insert into "AccessToken" ("vendorId", id, "tenantId", "createdAt") values ($1, gen_random_uuid(), $2, now())`,
          [env.id, tenantId],
        ),
    )
    expect(answer.status).toBe(400)
  })
})
