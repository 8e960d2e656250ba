import { describe, expect, test } from 'vitest'
import { newEnvironment, unique, type TestEnvironment } from '../../../../test/environment.ts'
import { addSource, logInWith, scriptOf } from '../../../../test/pools.ts'
import { hooked, nowhere, REFUSED, setHook } from '../../../../test/prehooks.ts'

const person = (more: object = {}) => ({
  id: unique('id'),
  email: `${unique('ada')}@example.com`,
  password: 'correct horse battery',
  emailVerified: true,
  name: 'Ada',
  ...more,
})
const counts = async (env: TestEnvironment) => {
  const { db } = await env.context()
  return { users: await db.user.count(), tenants: await db.tenant.count(), sessions: await db.session.count() }
}
const NOBODY = { users: 0, tenants: 0, sessions: 0 }
const withScript = async (people: readonly object[], configuration: object = {}) => {
  const env = await newEnvironment()
  await addSource(env, 'custom-code', { codePayload: scriptOf(people), ...configuration })
  return env
}
const BLOCK = { verdict: 'block', error: { status: 409, message: ['No newcomers'] } }

describe('the prehook of newcomers from a user source', () => {
  test('sees who comes, once, and lets them in', async () => {
    const ada = person(),
      env = await withScript([ada]),
      double = await hooked(env, ['SIGN_UP_USER_POOL'])
    for (let i = 0; i < 2; i++) expect((await logInWith(env, ada)).status).toBe(200)
    expect(double.questions()).toMatchObject([
      {
        eventKey: 'SIGN_UP_USER_POOL',
        data: { user: { email: ada.email, name: 'Ada', ipAddress: expect.any(String) } },
        prehookContext: { tenantId: null },
      },
    ])
    expect(JSON.stringify(double.questions())).not.toContain(ada.password)
  })

  test.each(['SIGN_UP_USER_POOL', 'CREATE_TENANT'])(
    'keeps them out by %s, and nothing is left of them',
    async (event) => {
      const ada = person(),
        env = await withScript([ada])
      const { id } = await hooked(env, [event], BLOCK)
      expect(await logInWith(env, ada)).toMatchObject({ status: 409, body: { errors: ['No newcomers'] } })
      expect(await counts(env)).toEqual(NOBODY)
      // a wrong password is no newcomer
      expect((await logInWith(env, { ...ada, password: 'wrong' })).status).toBe(401)
      await env.vendor('DELETE', `/prehooks/resources/configurations/v1/${id}`)
      expect((await logInWith(env, ada)).status).toBe(200)
    },
  )

  test('that gives no answer lets them in or not, as it is set up', async () => {
    const ada = person(),
      env = await withScript([ada]),
      id = await setHook(env, await nowhere(), ['SIGN_UP_USER_POOL'])
    expect(await logInWith(env, ada)).toMatchObject(REFUSED)
    expect(await counts(env)).toEqual(NOBODY)
    await env.vendor('PATCH', `/prehooks/resources/configurations/v1/${id}`, { failMethod: 'OPEN' })
    expect((await logInWith(env, ada)).status).toBe(200)
  })

  test('says what they are called, what they may, and where they go', async () => {
    const ada = person(),
      env = await withScript([ada]),
      { db } = await env.context(),
      tenantId = await env.newTenant(),
      { id: roleId } = await db.role.findFirstOrThrow({ where: { key: 'ReadOnly' } })
    await hooked(env, ['SIGN_UP_USER_POOL'], {
      verdict: 'allow',
      response: {
        user: { name: 'Countess', metadata: { plan: 'gold' }, roleIds: [roleId], allowSubaccountAccess: true },
        tenant: { id: tenantId },
      },
    })
    expect((await logInWith(env, ada)).status).toBe(200)
    expect(
      await db.user.findFirst({ where: { email: ada.email }, include: { memberships: { include: { roles: true } } } }),
    ).toMatchObject({
      name: 'Countess',
      metadata: '{"plan":"gold"}',
      subAccountAccess: true,
      memberships: [{ tenantId, roles: [{ roleId }] }],
    })
    expect(await db.tenant.count()).toBe(1)
  })

  test.each([
    ['an account that is not there', { tenant: { id: 'nowhere' } }],
    ['a role that is not there', { user: { roleIds: ['0b0e5f0e-7a0e-4c55-9d0e-222222222222'] } }],
  ])('is refused where it names %s', async (_, response) => {
    const ada = person(),
      env = await withScript([ada])
    await hooked(env, ['SIGN_UP_USER_POOL'], { verdict: 'allow', response })
    expect([400, 404]).toContain((await logInWith(env, ada)).status)
    expect(await counts(env)).toEqual(NOBODY)
  })

  test('is asked about those whom a forgotten password brings in, too', async () => {
    const ada = person(),
      env = await withScript([], {
        isMigrated: true,
        getUserCodePayload: `function onEvent() { return ${JSON.stringify({ ...ada, password: undefined })} }`,
      })
    const forget = async () => {
      await env.anonymous('POST', '/identity/resources/users/v1/passwords/reset', { email: ada.email })
      await env.runJobs()
    }
    const { id, questions } = await hooked(env, ['SIGN_UP_USER_POOL'], BLOCK)
    await forget()
    expect(questions()).toHaveLength(1)
    expect(await counts(env)).toEqual(NOBODY)
    expect(await env.messages()).toEqual([])
    await env.vendor('DELETE', `/prehooks/resources/configurations/v1/${id}`)
    await forget()
    expect(await counts(env)).toMatchObject({ users: 1 })
  })

  test('of changes refuses what the source says anew of a profile, and the login goes on', async () => {
    const ada = person(),
      env = await withScript([ada]),
      { db } = await env.context()
    await logInWith(env, ada)
    await db.user.updateMany({ where: { email: ada.email }, data: { name: 'Changed here' } })
    const double = await hooked(env, ['USER_UPDATE'], BLOCK),
      nameNow = async () => (await db.user.findFirstOrThrow({ where: { email: ada.email } })).name
    expect((await logInWith(env, ada)).status).toBe(200)
    expect(double.questions()).toMatchObject([{ data: { user: { name: 'Ada' } } }])
    expect(await nameNow()).toBe('Changed here')
    await env.vendor('DELETE', `/prehooks/resources/configurations/v1/${double.id}`)
    expect((await logInWith(env, ada)).status).toBe(200)
    expect(await nameNow()).toBe('Ada')
  })
})
