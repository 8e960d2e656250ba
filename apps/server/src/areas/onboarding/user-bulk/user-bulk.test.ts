import { describe, expect, test } from 'vitest'
import { deps, newEnvironment, server, UNKNOWN_ID, type TestEnvironment } from '../../../../test/environment.ts'
import { runDue, type Job, type WorkerParts } from '../../../kernel/jobs.ts'
import { moveMembers } from './moving.service.ts'

const users = '/identity/resources/users'
const bulkRoles = (id: string) => `/identity/resources/vendor-only/users/v1/${id}/roles/bulk`
const roleOf = async (env: TestEnvironment, key: string, tenantId?: string) =>
  (await env.as(tenantId ?? '')('POST', '/identity/resources/roles/v1', [{ key, name: key, level: 1 }])).body[0]
    .id as string
const keysOf = async (env: TestEnvironment, userId: string, tenantId: string) =>
  (await (await env.context()).db.membershipRole.findMany({ where: { userId, tenantId }, include: { role: true } }))
    .map((r) => r.role.key)
    .sort()

/** The server's worker, with a hook that runs just before an entry is noted as done. */
function stumbling(before: (done: number) => void): WorkerParts {
  const jobs = server.worker.jobs.map((job): Job => ({
    ...job,
    run: (ctx, payload, control) =>
      job.run(ctx, payload, {
        ...control,
        async progress(value, tx) {
          if (tx) before((value as { done: number }).done)
          await control.progress(value, tx)
        },
      }),
  }))
  return { ...server.worker, jobs }
}

/** A worker that hangs after this many entries. */
function stalling(entries: number) {
  let left = entries,
    stall = () => {},
    resume = () => {}
  const stalled = new Promise<void>((resolve) => {
      stall = resolve
    }),
    resumed = new Promise<void>((resolve) => {
      resume = resolve
    })
  const stop = async () => {
    if (left-- === 0) {
      stall()
      await resumed
    }
  }
  const jobs = server.worker.jobs.map((job): Job => ({
    ...job,
    run: (ctx, payload, control) =>
      job.run(
        {
          ...ctx,
          atomically: async (work) => {
            await stop()
            return ctx.atomically(work)
          },
        },
        payload,
        control,
      ),
  }))
  return { parts: { ...server.worker, jobs } as WorkerParts, stalled, resume: () => resume() }
}

describe.concurrent('bulk invitations', () => {
  test('add the users they can, and name the entry of each failure', async () => {
    const env = await newEnvironment(),
      member = await env.newUser()
    const { status, body } = await env.as(member.tenantId)('POST', `${users}/bulk/v1/invite`, {
      users: [
        { email: 'one@example.com', name: 'One' },
        { email: member.email },
        { email: 'two@example.com', skipInviteEmail: true, password: 'Henhouse-1!' },
        { email: 'three@example.com', roleIds: [UNKNOWN_ID] },
      ],
    })
    expect(status).toBe(202)
    expect(await env.vendor('GET', `${users}/bulk/v1/status/${body.id}`)).toMatchObject({
      status: 200,
      body: { id: body.id, status: 'Pending', total: 4, processed: 0, errors: [] },
    })
    const row = await (await env.context()).db.job.findUnique({ where: { id: body.id } })
    expect(JSON.stringify(row!.payload)).not.toContain('Henhouse')
    await env.runJobs()
    expect((await env.vendor('GET', `${users}/bulk/v1/status/${body.id}`)).body).toMatchObject({
      status: 'CompletedWithErrors',
      processed: 4,
      errors: [
        { index: 1, email: member.email, message: 'User already exists in this account' },
        { index: 3, email: 'three@example.com', message: 'Some of the roles do not exist' },
      ],
    })
    expect((await env.messages()).map((m) => [m.recipient, m.template])).toEqual([['one@example.com', 'ActivateUser']])
    expect(
      (
        await env.anonymous('POST', '/identity/resources/auth/v1/user', {
          email: 'two@example.com',
          password: 'Henhouse-1!',
        })
      ).status,
    ).toBe(200)
    expect((await env.vendor('GET', `${users}/bulk/v1/status/${UNKNOWN_ID}`)).status).toBe(404)
    expect((await (await newEnvironment()).vendor('GET', `${users}/bulk/v1/status/${body.id}`)).status).toBe(404)
  })

  const names = ['a', 'b', 'c', 'd'],
    addresses = names.map((name) => `${name}@example.com`)
  const start = async (
    env: TestEnvironment,
    tenant: string,
    entries: object[] = addresses.map((email) => ({ email })),
  ) => (await env.as(tenant)('POST', `${users}/bulk/v1/invite`, { users: entries })).body.id as string
  const status = async (env: TestEnvironment, id: string) =>
    (await env.vendor('GET', `${users}/bulk/v1/status/${id}`)).body
  const mailed = async (env: TestEnvironment) => (await env.messages()).map((m) => m.recipient)
  const everybody = async (env: TestEnvironment) => {
    const rows = await (
      await env.context()
    ).db.user.findMany({
      select: { email: true, _count: { select: { memberships: true } } },
      orderBy: { email: 'asc' },
    })
    return rows.map((row) => [row.email, row._count.memberships])
  }
  const allOnce = addresses.map((email) => [email, 1])
  const takeForDead = async (env: TestEnvironment, id: string) =>
    (await env.context()).db.job.updateMany({
      where: { id },
      data: { leaseUntil: new Date(deps.systemClock.now().getTime() - 1) },
    })

  test.for([0, 1, 3])(
    'whose worker is killed after %i entries are finished by another, with no user lost or mailed twice',
    async (entries) => {
      const env = await newEnvironment(),
        id = await start(env, await env.newTenant())
      const worker = stalling(entries)
      void runDue(worker.parts, env.id)
      await worker.stalled
      expect(await status(env, id)).toMatchObject({ status: 'InProgress', total: 4, processed: entries })
      await takeForDead(env, id)
      await env.runJobs()
      expect(await status(env, id)).toMatchObject({ status: 'Completed', processed: 4, errors: [] })
      expect(await mailed(env)).toEqual(addresses)
      expect(await everybody(env)).toEqual(allOnce)
      worker.resume()
    },
  )

  test('are not touched by a worker that wakes up after it was given up for dead', async () => {
    const env = await newEnvironment(),
      id = await start(env, await env.newTenant())
    const sleeper = stalling(1),
      sleeping = runDue(sleeper.parts, env.id)
    await sleeper.stalled
    await takeForDead(env, id)
    const heir = stalling(1),
      working = runDue(heir.parts, env.id)
    await heir.stalled
    sleeper.resume()
    await sleeping
    expect(await status(env, id)).toMatchObject({ status: 'InProgress', processed: 2, errors: [] })
    heir.resume()
    await working
    expect(await status(env, id)).toMatchObject({ status: 'Completed', processed: 4, errors: [] })
    expect(await mailed(env)).toEqual(addresses)
    expect(await everybody(env)).toEqual(allOnce)
  })

  test('are done by one worker when many look for work at once', async () => {
    const env = await newEnvironment(),
      id = await start(env, await env.newTenant())
    await Promise.all(Array.from({ length: 4 }, () => runDue(server.worker, env.id)))
    expect(await status(env, id)).toMatchObject({ status: 'Completed', processed: 4, errors: [] })
    expect(await mailed(env)).toEqual(addresses)
  })

  test('tell a crash in an entry from an entry that is there twice', async () => {
    const env = await newEnvironment(),
      id = await start(env, await env.newTenant(), [
        { email: 'a@example.com' },
        { email: 'A@example.com' },
        { email: 'b@example.com' },
      ])
    const worker = stalling(1)
    void runDue(worker.parts, env.id)
    await worker.stalled
    await takeForDead(env, id)
    await env.runJobs()
    expect(await status(env, id)).toMatchObject({
      status: 'CompletedWithErrors',
      processed: 3,
      errors: [{ index: 1, email: 'A@example.com', message: 'User already exists in this account' }],
    })
    worker.resume()
  })

  test('go on after a fault of ours where they were; in the last try a failing entry does not hold up the others', async () => {
    const env = await newEnvironment(),
      id = await start(env, await env.newTenant())
    let tries = 0
    const flaky = stumbling((done) => {
      if (done === 2) {
        tries++
        throw new Error('the disk is full')
      }
    })
    await runDue(flaky, env.id)
    expect(await status(env, id)).toMatchObject({ status: 'InProgress', processed: 1, errors: [] })
    for (let n = 2; n <= 8; n++) {
      await env.clock.advance(3_600_000)
      await runDue(flaky, env.id)
    }
    expect(tries).toBe(8)
    expect(await status(env, id)).toMatchObject({
      status: 'CompletedWithErrors',
      processed: 4,
      errors: [{ index: 1, message: 'Internal error' }],
    })
    expect(await mailed(env)).toEqual(['a@example.com', 'c@example.com', 'd@example.com'])
  })

  test('are refused as a whole when an entry is invalid', async () => {
    const env = await newEnvironment(),
      tenant = await env.newTenant()
    expect(
      await env.as(tenant)('POST', `${users}/bulk/v1/invite`, {
        users: [{ email: 'ok@example.com' }, { email: 'no address' }],
      }),
    ).toMatchObject({ status: 400, body: { errors: ['users.1.email must be an email'] } })
    expect(await (await env.context()).db.job.count()).toBe(0)
  })

  test('have at most a thousand entries, and an entry without an identifier fails alone', async () => {
    const env = await newEnvironment(),
      tenant = await env.newTenant(),
      many = (length: number) => Array.from({ length }, (_, i) => ({ email: `u${i}@example.com` }))
    const invite = (entries: unknown[]) => env.as(tenant)('POST', `${users}/bulk/v1/invite`, { users: entries })
    expect([(await invite(many(1001))).status, (await invite([])).status, (await invite(many(1000))).status]).toEqual([
      400, 400, 202,
    ])
    await (await env.context()).db.job.deleteMany({})
    const id = await start(env, tenant, [{ name: 'Nobody' }, { username: 'somebody' }])
    await env.runJobs()
    expect(await status(env, id)).toEqual({
      id,
      status: 'CompletedWithErrors',
      total: 2,
      processed: 2,
      errors: [{ index: 0, email: null, message: 'Either email or username must be provided' }],
    })
  })

  test('and bulk roles that fail every try say so', async () => {
    const env = await newEnvironment(),
      user = await env.newUser(),
      id = await start(env, user.tenantId),
      { db } = await env.context(),
      editor = await roleOf(env, 'editor')
    const tenantIds = Array.from({ length: 51 }, (_, i) => `t${i}`)
    for (const tenantId of tenantIds)
      await env.vendor('POST', `${users}/v1/${user.id}/tenant`, { tenantId, skipInviteEmail: true })
    const {
      body: { taskId },
    } = await env.vendor('PATCH', bulkRoles(user.id), { addRoleIds: [editor], tenantIds })
    // as if each try had killed its worker
    await db.job.updateMany({ where: { id: { in: [id, taskId] } }, data: { attempts: 8 } })
    await env.runJobs()
    expect(await status(env, id)).toMatchObject({ status: 'Failed', total: 4, processed: 0 })
    expect(
      (await env.vendor('GET', `/identity/resources/vendor-only/users/v1/bulk-roles/status/${taskId}`)).body,
    ).toMatchObject({
      status: 'CompletedWithErrors',
      processedTenants: 0,
      errors: [{ message: 'the job never finished' }],
    })
    expect(await mailed(env)).toEqual([])
  })
})

describe.concurrent('bulk roles', () => {
  test("are given and taken in all of the user's accounts, or in those named", async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ roleKeys: ['ReadOnly'] }),
      second = await env.newTenant()
    await env.vendor('POST', `${users}/v1/${user.id}/tenant`, { tenantId: second, skipInviteEmail: true })
    const editor = await roleOf(env, 'editor'),
      readOnly = (await env.vendor('GET', '/identity/resources/roles/v1')).body.find(
        (r: { key: string }) => r.key === 'ReadOnly',
      ).id
    expect(
      await env.vendor('PATCH', bulkRoles(user.id), { addRoleIds: [editor], removeRoleIds: [readOnly] }),
    ).toMatchObject({
      status: 200,
      body: { userId: user.id, affectedTenants: 2, rolesAdded: [editor], rolesRemoved: [readOnly] },
    })
    expect(await keysOf(env, user.id, user.tenantId)).toEqual(['editor'])
    expect(await keysOf(env, user.id, second)).toEqual(['Admin', 'editor'])
    await env.vendor('PATCH', bulkRoles(user.id), { addRoleIds: [editor], removeRoleIds: [editor] })
    expect(await keysOf(env, user.id, user.tenantId)).toEqual(['editor'])
    expect(
      (await env.vendor('PATCH', bulkRoles(user.id), { removeRoleIds: [editor], tenantIds: [] })).body.affectedTenants,
    ).toBe(0)
    await env.vendor('PATCH', bulkRoles(user.id), { removeRoleIds: [editor], tenantIds: [second] })
    expect(await keysOf(env, user.id, second)).toEqual(['Admin'])
    expect(await keysOf(env, user.id, user.tenantId)).toEqual(['editor'])
  })

  test('are given in no account when one account refuses them', async () => {
    const env = await newEnvironment(),
      user = await env.newUser(),
      second = await env.newTenant()
    await env.vendor('POST', `${users}/v1/${user.id}/tenant`, { tenantId: second, skipInviteEmail: true })
    const local = await roleOf(env, 'local', user.tenantId)
    expect((await env.vendor('PATCH', bulkRoles(user.id), { addRoleIds: [local] })).status).toBe(400)
    expect(await keysOf(env, user.id, user.tenantId)).toEqual([])
    for (const body of [
      {},
      { addRoleIds: [UNKNOWN_ID] },
      { addRoleIds: ['x'] },
      { addRoleIds: [local], tenantIds: ['elsewhere'] },
    ])
      expect((await env.vendor('PATCH', bulkRoles(user.id), body)).status).toBe(400)
    expect((await env.vendor('PATCH', bulkRoles(UNKNOWN_ID), { addRoleIds: [local] })).status).toBe(404)
  })

  test('in many accounts become a task that shows its progress', async () => {
    const env = await newEnvironment(),
      user = await env.newUser(),
      ctx = await env.context(),
      now = ctx.clock.now()
    const ids = Array.from({ length: 60 }, (_, i) => `t${i}`)
    await ctx.db.tenant.createMany({
      data: ids.map((id) => ({ id, rowId: ctx.random.uuid(), name: id, createdAt: now, updatedAt: now })),
    })
    await ctx.db.membership.createMany({
      data: ids.map((tenantId) => ({ userId: user.id, tenantId, acceptedAt: now, createdAt: now })),
    })
    const editor = await roleOf(env, 'editor')
    const {
      body: { taskId, affectedTenants },
    } = await env.vendor('PATCH', bulkRoles(user.id), { addRoleIds: [editor] })
    expect(affectedTenants).toBe(61)
    const status = async () =>
      (await env.vendor('GET', `/identity/resources/vendor-only/users/v1/bulk-roles/status/${taskId}`)).body
    expect(await status()).toMatchObject({
      id: taskId,
      userId: user.id,
      status: 'NotStarted',
      totalTenants: 61,
      processedTenants: 0,
      addedRoleIds: [editor],
    })
    await env.runJobs()
    expect(await status()).toMatchObject({ status: 'Completed', processedTenants: 61, errors: [] })
    expect(await ctx.db.membershipRole.count({ where: { userId: user.id, role: { key: 'editor' } } })).toBe(61)
  })

  test('go on with another worker when one is killed or wakes up late, and failures are listed', async () => {
    const env = await newEnvironment(),
      user = await env.newUser(),
      ctx = await env.context(),
      now = ctx.clock.now()
    const ids = Array.from({ length: 52 }, (_, i) => `t${String(i).padStart(2, '0')}`)
    await ctx.db.tenant.createMany({
      data: ids.map((id) => ({ id, rowId: ctx.random.uuid(), name: id, createdAt: now, updatedAt: now })),
    })
    await ctx.db.membership.createMany({
      data: ids.map((tenantId) => ({ userId: user.id, tenantId, acceptedAt: now, createdAt: now })),
    })
    const editor = await roleOf(env, 'editor')
    const {
      body: { taskId },
    } = await env.vendor('PATCH', bulkRoles(user.id), { addRoleIds: [editor], tenantIds: ids })
    await ctx.db.membership.deleteMany({ where: { tenantId: { in: ['t03', 't40'] } } })
    const status = async () =>
      (await env.vendor('GET', `/identity/resources/vendor-only/users/v1/bulk-roles/status/${taskId}`)).body
    const sleeper = stalling(10),
      sleeping = runDue(sleeper.parts, env.id)
    await sleeper.stalled
    expect(await status()).toMatchObject({
      status: 'InProgress',
      totalTenants: 52,
      processedTenants: 10,
      errors: [{ tenantId: 't03', message: 'User not found' }],
    })
    await ctx.db.job.updateMany({
      where: { id: taskId },
      data: { leaseUntil: new Date(deps.systemClock.now().getTime() - 1) },
    })
    await env.runJobs()
    const end = {
      status: 'CompletedWithErrors',
      processedTenants: 52,
      errors: [
        { tenantId: 't03', message: 'User not found' },
        { tenantId: 't40', message: 'User not found' },
      ],
    }
    expect(await status()).toMatchObject(end)
    sleeper.resume()
    await sleeping
    expect(await status()).toMatchObject(end)
    expect(await ctx.db.membershipRole.count({ where: { userId: user.id, roleId: editor } })).toBe(50)
  })
})

describe.concurrent('moving the users of an account', () => {
  test("moves all of them with the environment's roles, and does not change users who are in the target already", async () => {
    const env = await newEnvironment(),
      from = await env.newTenant(),
      to = await env.newTenant()
    const mover = await env.newUser({ tenantId: from, roleKeys: ['Admin'], password: 'Henhouse-1!' }),
      both = await env.newUser({ tenantId: to, roleKeys: ['ReadOnly'] })
    await env.vendor('POST', `${users}/v1/${both.id}/tenant`, { tenantId: from, skipInviteEmail: true })
    const local = await roleOf(env, 'local', from)
    await env.as(from)('POST', `${users}/v1/${mover.id}/roles`, { roleIds: [local] })
    const login = await env.anonymous('POST', '/identity/resources/auth/v1/user', {
      email: mover.email,
      password: 'Henhouse-1!',
    })
    expect(
      await env.vendor('PUT', `${users}/v1/tenants/migrate`, { srcTenantId: from, targetTenantId: to }),
    ).toMatchObject({ status: 200, body: null })
    const { db } = await env.context()
    expect(await db.membership.count({ where: { tenantId: from } })).toBe(0)
    expect(await keysOf(env, mover.id, to)).toEqual(['Admin'])
    expect(await keysOf(env, both.id, to)).toEqual(['ReadOnly'])
    expect(await db.user.findUnique({ where: { id: mover.id } })).toMatchObject({ activeTenantId: to })
    expect(
      (
        await env.anonymous('POST', '/identity/resources/auth/v1/user/token/refresh', {
          refreshToken: login.body.refreshToken,
        })
      ).status,
    ).toBe(401)
    expect(
      (await env.vendor('PUT', `${users}/v1/tenants/migrate`, { srcTenantId: from, targetTenantId: 'nowhere' })).status,
    ).toBe(404)
    expect(
      (await env.vendor('PUT', `${users}/v1/tenants/migrate`, { srcTenantId: to, targetTenantId: to })).status,
    ).toBe(400)
  })

  test('moves links that were mailed, and the ends of temporary memberships', async () => {
    const env = await newEnvironment(),
      [from, to] = [await env.newTenant(), await env.newTenant()],
      known = await env.newUser(),
      { db } = await env.context()
    await env.vendor('PUT', `${users}/temporary/v1/configuration`, { enabled: true })
    const add = async (tenantId: string, body: object) =>
      (await env.as(tenantId)('POST', `${users}/v2`, body)).body.id as string
    const fresh = await add(from, { email: 'fresh@example.com' }),
      temporary = await add(from, { email: 'temporary@example.com', skipInviteEmail: true, expirationInSeconds: 600 })
    await add(from, { email: known.email })
    // one whose time in the source is up, and one whose time in the target is
    const over = await add(from, { email: 'over@example.com', skipInviteEmail: true, expirationInSeconds: 300 }),
      back = await add(to, { email: 'back@example.com', skipInviteEmail: true, expirationInSeconds: 300 })
    await add(from, { email: 'back@example.com', skipInviteEmail: true })
    await env.clock.advance(301_000)
    expect(
      (await env.vendor('PUT', `${users}/v1/tenants/migrate`, { srcTenantId: from, targetTenantId: to })).status,
    ).toBe(200)
    const there = async () =>
      (await db.membership.findMany({ where: { tenantId: to } })).map((m) => m.userId).toSorted()
    expect(await there()).toEqual([fresh, temporary, known.id, back].toSorted())
    expect(await there()).not.toContain(over)
    const [activation, invitation] = await Promise.all(
      ['ActivateUser', 'InviteToTenant'].map(async (template) =>
        new URL((await env.messages({ template }))[0]!.link!).searchParams.get('token'),
      ),
    )
    expect(
      (
        await env.anonymous('POST', `${users}/v1/activate`, {
          userId: fresh,
          token: activation,
          password: 'Henhouse-1!',
        })
      ).status,
    ).toBe(200)
    expect(
      (await env.anonymous('POST', `${users}/v1/invitation/accept`, { userId: known.id, token: invitation })).status,
    ).toBe(201)
    expect(
      await db.membership.count({ where: { tenantId: to, userId: { in: [fresh, known.id] }, acceptedAt: null } }),
    ).toBe(0)
    await env.clock.advance(300_000)
    await env.runJobs()
    expect(await there()).toEqual([fresh, known.id, back].toSorted())
  })

  test('moves their access to applications that the target has, too', async () => {
    const env = await newEnvironment(),
      [from, to] = [await env.newTenant(), await env.newTenant()],
      { id, email } = await env.newUser({ tenantId: from, password: 'Henhouse-1!' }),
      { db } = await env.context()
    const applications = '/applications/resources/applications',
      newApplication = async (name: string, accessType: string) =>
        (
          await env.vendor('POST', `${applications}/v1`, {
            name,
            appURL: 'https://a.example',
            loginURL: 'https://a.example/login',
            accessType,
          })
        ).body.id as string
    const [open, both, lacking] = [
      await newApplication('Open', 'FREE_ACCESS'),
      await newApplication('Both', 'MANAGED_ACCESS'),
      await newApplication('Lacking', 'MANAGED_ACCESS'),
    ]
    await db.applicationTenant.createMany({
      data: [
        [both, from],
        [both, to],
        [lacking, from],
      ].map(([applicationId, tenantId]) => ({
        applicationId: applicationId!,
        tenantId: tenantId!,
        accessType: 'MANAGED_ACCESS',
        createdAt: new Date(),
      })),
    })
    await db.applicationUser.createMany({
      data: [open, both, lacking].map((applicationId) => ({
        applicationId,
        userId: id,
        tenantId: from,
        createdAt: new Date(),
      })),
    })
    const login = async (app: string) =>
      (
        await env.anonymous(
          'POST',
          '/identity/resources/auth/v1/user',
          { email, password: 'Henhouse-1!' },
          { headers: { 'frontegg-requested-application-id': app } },
        )
      ).status
    expect(await Promise.all([open, both, lacking].map(login))).toEqual([200, 200, 200])
    expect(
      (await env.vendor('PUT', `${users}/v1/tenants/migrate`, { srcTenantId: from, targetTenantId: to })).status,
    ).toBe(200)
    expect((await db.applicationUser.findMany({})).map((row) => [row.applicationId, row.tenantId]).toSorted()).toEqual(
      [
        [open, to],
        [both, to],
      ].toSorted(),
    )
    expect(await Promise.all([open, both, lacking].map(login))).toEqual([200, 200, 404])
  })

  test('goes on after a crash with those left behind', async () => {
    const env = await newEnvironment(),
      [from, to] = [await env.newTenant(), await env.newTenant()],
      ctx = await env.context(),
      now = ctx.clock.now()
    const ids = Array.from({ length: 300 }, () => ctx.random.uuid()).toSorted()
    await ctx.db.user.createMany({ data: ids.map((id) => ({ id, name: 'Somebody', createdAt: now, updatedAt: now })) })
    await ctx.db.membership.createMany({
      data: ids.map((userId) => ({ userId, tenantId: from, acceptedAt: now, createdAt: now })),
    })
    // the process dies between two steps
    let steps = 0
    await expect(
      moveMembers(
        {
          ...ctx,
          atomically: (work) => {
            if (steps++) throw new Error('the server breaks down')
            return ctx.atomically(work)
          },
        },
        from,
        to,
      ),
    ).rejects.toThrow('breaks down')
    const members = (tenantId: string) => ctx.db.membership.count({ where: { tenantId } })
    expect([await members(from), await members(to)]).toEqual([50, 250])
    await env.clock.advance(61_000)
    await env.runJobs()
    expect([await members(from), await members(to)]).toEqual([0, 300])

    // a finished move does not run again: users who join later stay
    expect(
      (await env.vendor('PUT', `${users}/v1/tenants/migrate`, { srcTenantId: to, targetTenantId: from })).status,
    ).toBe(200)
    const late = await env.newUser({ tenantId: to })
    await env.clock.advance(61_000)
    await env.runJobs()
    expect(await ctx.db.membership.findMany({ where: { tenantId: to }, select: { userId: true } })).toEqual([
      { userId: late.id },
    ])
  })
})
