import { describe, expect, test } from 'vitest'
import { loggingServer } from '../../../../test/logged.ts'
import {
  newEnvironment,
  newServer,
  unique,
  type Answer,
  type Client,
  type TestEnvironment,
} from '../../../../test/environment.ts'
import { claimsOf } from '../../../../test/second-factors.ts'
import { MINUTE } from '../../../kernel/clock.ts'

const identity = '/identity/resources',
  users = `${identity}/users`,
  settings = `${identity}/configurations/v1`,
  tenants = '/tenants/resources/tenants/v1',
  roles = `${identity}/roles/v1`
const READ = 'fe.secure.read.users',
  INVITE = 'fe.secure.write.users'
const list = (client: Client) => client('GET', `${users}/v3`)
const done = async (answer: Promise<Answer>) => {
  const { status, body } = await answer
  expect(status, JSON.stringify(body)).toBeLessThan(300)
  return body
}

/** What ends a program of a user, and of a tenant. */
const endings: Record<
  string,
  (env: TestEnvironment, of: { id: string; tenantId: string; userId: string }) => Promise<unknown>
> = {
  'its deletion': async (env, { id }) => {
    const { db } = await env.context()
    await db.apiToken.deleteMany({ where: { id } })
    await db.accessToken.deleteMany({ where: { id } })
  },
  'the end of its time': async (env, { id }) => {
    const { db, clock } = await env.context(),
      data = { expiresAt: clock.now() }
    await db.apiToken.updateMany({ where: { id }, data })
    await db.accessToken.updateMany({ where: { id }, data })
  },
  'the deletion of its tenant': (env, { tenantId }) => done(env.vendor('DELETE', `${tenants}/${tenantId}`)),
  'that the environment has no such programs': (env) =>
    done(env.vendor('POST', settings, { machineToMachineAuthStrategy: 'AccessToken', apiTokensEnabled: false })).then(
      () => done(env.vendor('POST', settings, { machineToMachineAuthStrategy: 'ClientCredentials' })),
    ),
}
const endingsOfUsers: typeof endings = {
  'a lock of its user': (env, { userId }) => done(env.vendor('POST', `${users}/v1/${userId}/lock`)),
  'the removal of its user from the tenant': (env, { userId, tenantId }) =>
    done(env.as(tenantId)('DELETE', `${users}/v1/${userId}`)),
  'that its user is disabled in the tenant': (env, { userId, tenantId }) =>
    done(env.as(tenantId)('POST', `${identity}/tenants/users/v1/${userId}/disable`)),
  'the deletion of its user': (env, { userId }) => done(env.vendor('DELETE', `${users}/v1/${userId}`)),
  'the end of a temporary membership': async (env, { userId }) => {
    const { db, clock } = await env.context()
    await db.membership.updateMany({ where: { userId }, data: { expiresAt: clock.now() } })
  },
  'an invitation that is open again': async (env, { userId }) =>
    (await env.context()).db.membership.updateMany({ where: { userId }, data: { acceptedAt: null } }),
}
const replica = await newServer()
const onReplica = (env: TestEnvironment, { token }: { token: string }, header: 'authorization' | 'x-api-key') =>
  env.client({ [header]: header === 'x-api-key' ? token : `Bearer ${token}` }, replica)

describe.concurrent('the token of a program', () => {
  test.for(
    ['API token', 'access token'].flatMap((kind) =>
      Object.entries(endings).map(([name, end]) => [kind, name, end] as const),
    ),
  )('that is an %s opens nothing from the next request on, on any replica, after %s', async ([kind, , end]) => {
    const env = await newEnvironment(),
      user = await env.newUser({ permissions: [READ] }),
      { roleId } = await (await env.context()).db.membershipRole.findFirstOrThrow({ where: { userId: user.id } }),
      { tenantId } = user
    const programs =
      kind === 'API token'
        ? [await env.machine({ tenantId, permissions: [READ] }), await env.machine({ tenantId, userId: user.id })]
        : [await env.key({ tenantId, roleIds: [roleId] }), await env.key({ tenantId, userId: user.id })]
    const header = kind === 'API token' ? 'authorization' : 'x-api-key'
    for (const program of programs) {
      expect(await list(program)).toMatchObject({ status: 200, body: { items: [{ id: user.id }] } })
      expect((await list(onReplica(env, program, header))).status).toBe(200)
    }
    for (const program of programs) await end(env, { id: program.id, tenantId, userId: user.id }).catch(() => undefined)
    for (const program of programs) {
      expect((await list(program)).status).toBe(401)
      expect((await list(onReplica(env, program, header))).status).toBe(401)
    }
  })

  test.for(Object.entries(endingsOfUsers))(
    'of a user opens nothing after %s, while that of the tenant does',
    async ([, end]) => {
      for (const kind of ['machine', 'key'] as const) {
        const env = await newEnvironment(),
          user = await env.newUser({ permissions: [READ] }),
          { roleId } = await (await env.context()).db.membershipRole.findFirstOrThrow({ where: { userId: user.id } }),
          { tenantId } = user
        const given = { tenantId, roleIds: [roleId] },
          theirs = await env[kind]({ tenantId, userId: user.id }),
          others = await env[kind](given)
        expect((await list(theirs)).status).toBe(200)
        await end(env, { id: theirs.id, tenantId, userId: user.id })
        expect((await list(theirs)).status, kind).toBe(401)
        expect((await list(others)).status, kind).toBe(200)
      }
    },
  )

  test('of a tenant loses at once what is taken from it, and gains what is given', async () => {
    const env = await newEnvironment(),
      program = await env.machine({ permissions: [READ, INVITE] }),
      { db } = await env.context(),
      { id: permissionId } = await db.permission.findFirstOrThrow({ where: { key: READ } })
    expect((await list(program)).status).toBe(200)
    await db.apiTokenPermission.deleteMany({ where: { apiTokenId: program.id, permissionId } })
    expect(await list(program)).toMatchObject({ status: 403, body: { errors: [`Missing permission ${READ}`] } })
    await db.apiTokenPermission.create({ data: { apiTokenId: program.id, permissionId } })
    expect((await list(program)).status).toBe(200)
  })

  test('counts only in its own place', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ permissions: [READ] }),
      program = await env.machine({ tenantId: user.tenantId, userId: user.id })
    expect((await list(env.client({ 'x-access-token': program.token }))).status).toBe(200)
    expect((await list(env.client({ 'x-api-key': program.token }))).status).toBe(401)
    expect((await list(env.client({ 'x-api-key': await env.userToken(user) }))).status).toBe(401)
    const key = await env.key({ tenantId: user.tenantId, userId: user.id })
    expect((await list(key)).status).toBe(200)
    for (const headers of [{ authorization: `Bearer ${key.token}` }, { 'x-access-token': key.token }])
      expect((await list(env.client(headers))).status).toBe(401)
    // with both, that of the bearer decides
    expect((await list(env.client({ 'x-api-key': key.token, authorization: 'Bearer x' }))).status).toBe(401)
  })

  test('is not believed about whose it is', async () => {
    const env = await newEnvironment(),
      [user, other] = [await env.newUser({ permissions: [READ] }), await env.newUser({ permissions: [READ] })],
      program = await env.machine({ tenantId: user.tenantId, userId: user.id }),
      tenants = await env.machine({ permissions: [READ] }),
      claims = claimsOf(program.token)
    const opened = async (changed: object, of: { token: string } = program) => {
      const { iat: _iat, exp: _exp, ...rest } = claimsOf(of.token)
      return (await list(env.withToken(await env.token({ ...rest, ...changed })))).status
    }
    expect(await opened({})).toBe(200)
    expect(await opened({}, tenants)).toBe(200)
    for (const changed of [
      { userId: other.id },
      { tenantId: other.tenantId },
      { userId: undefined },
      { type: 'tenantApiToken' },
      { type: 'userAccessToken' },
      { type: 'userToken' },
      { type: 'userToken', sid: claims['sub'] },
      { sub: tenants.id },
      { sub: user.id },
      { aud: other.id },
      { iss: 'https://elsewhere.example' },
    ])
      expect(await opened(changed), JSON.stringify(changed)).toBe(401)
    for (const changed of [{ type: 'userApiToken', userId: user.id }, { tenantId: user.tenantId }, { sub: program.id }])
      expect(await opened(changed, tenants), JSON.stringify(changed)).toBe(401)
    // a tenant's token speaks for no user, even if it names one
    const named = { ...claimsOf(tenants.token), userId: user.id },
      call = env.withToken(await env.token(named))
    expect((await call('GET', `${users}/v2/me`)).status).toBe(403)
  })

  test('is named in the log by its id, and its secret never is', async () => {
    const { server, lines } = await loggingServer(),
      env = await newEnvironment(server),
      user = await env.newUser({ permissions: [READ] }),
      program = await env.machine({ tenantId: user.tenantId, userId: user.id }),
      before = lines.length
    await list(program)
    await program('GET', `${users}/v2/me`)
    await program('GET', `${identity}/groups/v1`)
    const key = await env.key({ tenantId: user.tenantId, userId: user.id })
    await list(key)
    const served = lines
      .slice(before)
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ msg, by }) => msg === 'served' && by)
    expect(served.map(({ by, userId, status }) => ({ by, userId, status }))).toEqual([
      { by: { type: 'userApiToken', id: program.id }, userId: user.id, status: 200 },
      { by: { type: 'userApiToken', id: program.id }, userId: user.id, status: 200 },
      { by: { type: 'userApiToken', id: program.id }, userId: user.id, status: 403 },
      { by: { type: 'userAccessToken', id: key.id }, userId: user.id, status: 200 },
    ])
    const text = lines.join('\n')
    for (const secret of [program.secret, program.token, key.token, key.token.split('.')[2]!])
      expect(text).not.toContain(secret)
  })

  test('that lasts is held to the addresses of its tenant at every call', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ permissions: [READ] }),
      key = await env.key({ tenantId: user.tenantId, userId: user.id }),
      admin = env.as(user.tenantId),
      office = { headers: { 'x-forwarded-for': '203.0.113.20' } }
    const entry = { ip: '203.0.113.0/24', strategy: 'ALLOW', isActive: true, description: '' }
    await done(admin('POST', `${settings}/restrictions/ip`, entry))
    await done(admin('POST', `${settings}/restrictions/ip/config`, { isActive: true, strategy: 'ALLOW' }, office))
    expect((await key('GET', `${users}/v3`, undefined, office)).status).toBe(200)
    expect(await list(key)).toMatchObject({ status: 403, body: { errors: ['Your IP address is not allowed'] } })
  })

  test('is limited by itself, not with its user', async () => {
    const now = new Date('2031-05-05T10:00:00Z'),
      env = await newEnvironment(await newServer({ rateLimits: true, systemClock: { now: () => now } })),
      user = await env.newUser({ permissions: [READ] }),
      program = await env.machine({ tenantId: user.tenantId, userId: user.id }),
      person = await env.asUser(user)
    for (let round = 0; round < 60; round++)
      await Promise.all(Array.from({ length: 50 }, () => program('GET', `${identity}/groups/v1`)))
    expect((await list(program)).status).toBe(429)
    expect((await list(person)).status).toBe(200)
    expect((await list(await env.machine({ tenantId: user.tenantId, userId: user.id }))).status).toBe(200)
  })
})

describe.concurrent('a program of a user', () => {
  test('acts as the user, and is no login', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ permissions: [READ] }),
      program = await env.machine({ tenantId: user.tenantId, userId: user.id })
    expect((await program('GET', `${users}/v2/me`)).body).toMatchObject({ id: user.id, tenantId: user.tenantId })
    await done(program('PUT', `${users}/v2/me`, { name: 'Renamed' }))
    await env.userToken(user)
    const { body } = await program('GET', `${users}/sessions/v1/me`)
    expect(body).toMatchObject([{ current: false }])
    for (const path of [`${users}/v3/me/token`, `${identity}/auth/v1/user/step-up/generate`])
      expect((await program('POST', path, { tenantId: user.tenantId })).status).toBe(403)
  })

  test('changes nothing with which the user logs in', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ permissions: ['fe.secure.*'] }),
      { db } = await env.context()
    await db.user.update({ where: { id: user.id }, data: { phoneNumber: '+12025550123' } })
    for (const make of [env.machine, env.key]) {
      const program = await make({ tenantId: user.tenantId, userId: user.id })
      for (const path of [`${users}/v2/me`, `${users}/v1`])
        expect(await program('PUT', path, { phoneNumber: '+12025550199' })).toMatchObject({
          status: 403,
          body: { errors: ['Only a user who has logged in may do this'] },
        })
      // the number that is there may be sent along
      await done(program('PUT', `${users}/v2/me`, { phoneNumber: '+1-2025550123', name: 'N' }))
    }
    expect((await db.user.findUniqueOrThrow({ where: { id: user.id } })).phoneNumber).toBe('+12025550123')
  })

  test('may do what the user may, in the tenant of the token only', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ permissions: [READ] }),
      elsewhere = await env.newUser(),
      { db, clock } = await env.context()
    await db.membership.create({
      data: { userId: user.id, tenantId: elsewhere.tenantId, acceptedAt: clock.now(), createdAt: clock.now() },
    })
    const { token } = await env.machine({ tenantId: user.tenantId, userId: user.id })
    const call = env.client({ authorization: `Bearer ${token}`, 'frontegg-tenant-id': elsewhere.tenantId })
    expect((await list(call)).body.items.map(({ id }: { id: string }) => id)).toEqual([user.id])
  })
})

/** A tenant above another one. */
async function family(env: TestEnvironment, subAccountAccessType: string) {
  const [above, sibling] = [await env.newTenant(), await env.newTenant()],
    { tenantId: below } = await done(env.vendor('POST', tenants, { name: 'Below', parentTenantId: above })),
    { db } = await env.context()
  await db.tenant.updateMany({ where: { id: above }, data: { subAccountAccessType } })
  return { above, below: below as string, sibling }
}

describe.concurrent('a program of a tenant', () => {
  test.for([
    ['alwaysOn', true],
    ['defaultOn', true],
    ['defaultOff', false],
    ['alwaysOff', false],
  ] as const)('goes below as the tenant has decided for its members: %s', async ([type, isIn]) => {
    const env = await newEnvironment(),
      { above, below, sibling } = await family(env, type),
      [here, there, far] = [
        await env.newUser({ tenantId: above }),
        await env.newUser({ tenantId: below }),
        await env.newUser({ tenantId: sibling }),
      ],
      { token } = await env.machine({ tenantId: above, permissions: [READ] }),
      seen = async (headers: Record<string, string>, query = '') => {
        const { body } = await env.client({ authorization: `Bearer ${token}`, ...headers })(
          'GET',
          `${users}/v3${query}`,
        )
        return (body.items as { id: string }[]).map(({ id }) => id).toSorted()
      }
    expect(await seen({})).toEqual((isIn ? [here.id, there.id] : [here.id]).toSorted())
    const own = '?_includeSubTenants=false'
    expect(await seen({ 'frontegg-tenant-id': below }, own)).toEqual([isIn ? there.id : here.id])
    expect(await seen({ 'frontegg-tenant-id': sibling }, own)).toEqual([here.id])
    const up = env.client({
      authorization: `Bearer ${(await env.machine({ tenantId: below, permissions: [READ] })).token}`,
      'frontegg-tenant-id': above,
    })
    expect((await list(up)).body.items).toMatchObject([{ id: there.id }])
    expect(far.tenantId).toBe(sibling)
  })

  test('is no user: what is about one is closed to it, whatever it names', async () => {
    const env = await newEnvironment(),
      user = await env.newUser(),
      { token } = await env.machine({ tenantId: user.tenantId, permissions: [READ] }),
      call = env.client({ authorization: `Bearer ${token}`, 'frontegg-user-id': user.id })
    expect(await call('GET', `${users}/v2/me`)).toMatchObject({
      status: 403,
      body: { errors: ['User ID is not specified'], errorCode: 'ER-00008' },
    })
  })

  test('sees no invisible users, and what management alone knows of the others', async () => {
    const env = await newEnvironment(),
      [seen, unseen] = [await env.newUser(), await env.newUser()],
      { db, clock } = await env.context(),
      { tenantId } = seen
    await db.membership.create({
      data: { userId: unseen.id, tenantId, acceptedAt: clock.now(), createdAt: clock.now() },
    })
    await db.user.update({ where: { id: unseen.id }, data: { invisible: true } })
    await db.user.update({ where: { id: seen.id }, data: { vendorMetadata: '{"secret":1}' } })
    const program = await env.machine({ tenantId, permissions: [READ, 'fe.account-settings.read.app'] })
    expect((await list(program)).body.items).toMatchObject([{ id: seen.id, vendorMetadata: '{}' }])
    expect((await program('GET', `${identity}/applications/v1/${unseen.id}/apps`)).status).toBe(404)
  })

  test('makes users without a password, who confirm their address themselves', async () => {
    const env = await newEnvironment(),
      tenant = await env.newUser({ permissions: [INVITE] }),
      programs = [
        await env.machine({ tenantId: tenant.tenantId, permissions: [INVITE] }),
        await env.machine({ tenantId: tenant.tenantId, userId: tenant.id }),
      ]
    for (const program of programs)
      for (const version of ['v1', 'v2']) {
        const email = `${unique('made')}@example.com`,
          refused = await program('POST', `${users}/${version}`, {
            email,
            password: 'Henhouse-1!',
            skipInviteEmail: true,
          })
        expect([refused.status, refused.body]).toEqual([400, { errors: ['User creation with password is forbidden'] }])
        const made = await program('POST', `${users}/${version}`, { email, skipInviteEmail: true })
        expect(made).toMatchObject({ status: 201, body: { email, verified: false } })
      }
  })

  test('gives no role that is stronger than its own', async () => {
    const env = await newEnvironment(),
      { db, clock } = await env.context(),
      tenantId = await env.newTenant(),
      at = { createdAt: clock.now(), updatedAt: clock.now() },
      [strong, middle, weak] = await Promise.all(
        [1, 5, 9].map((level) =>
          db.role.create({ data: { id: crypto.randomUUID(), key: unique('role'), name: 'R', level, ...at } }),
        ),
      ),
      permission = await db.permission.findFirstOrThrow({ where: { key: 'fe.secure.*' } })
    await db.rolePermission.create({ data: { roleId: middle!.id, permissionId: permission.id } })
    const member = await env.newUser({ tenantId }),
      stronger = await env.newUser({ tenantId }),
      program = await env.machine({ tenantId, roleIds: [middle!.id] }),
      give = (client: Client, roleId: string) => client('POST', `${users}/v1/${member.id}/roles`, { roleIds: [roleId] })
    await done(env.as(tenantId)('POST', `${users}/v1/${stronger.id}/roles`, { roleIds: [strong!.id] }))
    await done(give(program, weak!.id))
    await done(give(program, middle!.id))
    expect((await give(program, strong!.id)).status).toBe(403)
    expect((await program('DELETE', `${users}/v1/${stronger.id}`)).status).toBe(403)
    expect((await program('POST', roles, [{ key: unique('new'), name: 'N', level: 1 }])).status).toBe(403)
    expect((await program('DELETE', `${roles}/${weak!.id}`)).status, 'of the environment').toBe(403)
    // what management gave permissions only is held back by no level; what a weak user gave is as weak
    const mighty = await env.machine({ tenantId, permissions: ['fe.secure.*'] })
    await done(give(mighty, strong!.id))
    await db.apiToken.update({ where: { id: mighty.id }, data: { level: 5 } })
    expect((await give(mighty, strong!.id)).status).toBe(403)
    await done(give(mighty, middle!.id))
    // without either it has no strength at all
    const { id: tokenId } = await env.newMachine({ tenantId })
    expect(tokenId).not.toBe(mighty.id)
  })

  test('is as strong as who gave it permissions without a role, and so is what it makes itself', async () => {
    const env = await newEnvironment(),
      { db, clock } = await env.context(),
      at = { createdAt: clock.now(), updatedAt: clock.now() },
      strong = await db.role.create({
        data: { id: crypto.randomUUID(), key: unique('role'), name: 'R', level: 1, ...at },
      }),
      maker = await env.user({ permissions: ['fe.secure.*'], level: 5 }),
      member = await env.newUser({ tenantId: maker.tenantId }),
      { roleId: equal } = await db.membershipRole.findFirstOrThrow({ where: { userId: maker.id } }),
      { id: everything } = await db.permission.findFirstOrThrow({ where: { key: 'fe.secure.*' } }),
      url = `${identity}/tenants/api-tokens/v2`
    /** The program that a caller makes and gives these rights, logged in. */
    const made = async (by: Client, rights: object) => {
      const { clientId, secret } = await done(by('POST', url, rights)),
        { access_token } = await done(env.anonymous('POST', `${identity}/auth/v2/api-token`, { clientId, secret }))
      return env.withToken(access_token as string)
    }
    const give = async (client: Client, roleId: string) =>
      (await client('POST', `${users}/v1/${member.id}/roles`, { roleIds: [roleId] })).status
    const program = await made(maker, { permissionIds: [everything] }),
      child = await made(program, { permissionIds: [everything] }),
      withRole = await made(maker, { roleIds: [equal] }),
      grandchild = await made(withRole, { permissionIds: [everything] })
    for (const client of [program, child, withRole, grandchild]) {
      expect(await give(client, equal)).toBe(201)
      expect(await give(client, strong.id)).toBe(403)
      expect((await client('POST', url, { roleIds: [strong.id] })).status).toBe(403)
    }
    const reader = await made(program, { permissionIds: [] })
    expect((await reader('POST', url, { permissionIds: [everything] })).status).toBe(403)
    // only people make tokens of their own
    const own = await env.machine({ tenantId: maker.tenantId, userId: maker.id })
    expect((await own('POST', `${users}/api-tokens/v1`, {})).status).toBe(403)
    expect(await give(await made(own, { permissionIds: [everything] }), strong.id)).toBe(403)
  })

  test('deletes its own tenant if it may, and is gone with it', async () => {
    const env = await newEnvironment(),
      program = await env.machine({ permissions: ['fe.account-settings.delete.account'] })
    await done(program('DELETE', tenants))
    expect((await program('GET', `${identity}/configurations/v1`)).status).toBe(401)
  })

  test('does not live on in a tenant that is made anew under the same id', async () => {
    const env = await newEnvironment()
    await done(env.vendor('POST', tenants, { tenantId: 'acme', name: 'Acme' }))
    const program = await env.machine({ tenantId: 'acme', permissions: [READ] })
    await done(env.vendor('DELETE', `${tenants}/acme`))
    await env.clock.advance(MINUTE)
    await done(env.vendor('POST', tenants, { tenantId: 'acme', name: 'Another' }))
    expect((await list(program)).status).toBe(401)
  })
})
