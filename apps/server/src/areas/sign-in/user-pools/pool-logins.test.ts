import { describe, expect, test } from 'vitest'
import { unreachable } from '../../../../../../packages/outbound/test/http-double.ts'
import { newEnvironment, newServer, unique, type TestEnvironment } from '../../../../test/environment.ts'
import { addSource, auth0Double, configured, logInWith, pathOf, scriptOf, sources } from '../../../../test/pools.ts'

const PASSWORD = 'correct horse battery',
  OTHER = 'another good password'
const settings = '/identity/resources/configurations/v1',
  domains = '/identity/resources/configurations/restrictions/v1/email-domain'
const person = (more: object = {}) => {
  const email = `${unique('ada')}@example.com`
  return { id: unique('id'), email, password: PASSWORD, emailVerified: true, ...more }
}
type Person = ReturnType<typeof person>
const codePayload = (...people: object[]) => scriptOf(people)
const withScript = async (people: readonly object[], configuration: object = {}, env?: TestEnvironment) => {
  const made = env ?? (await newEnvironment()),
    id = await addSource(made, 'custom-code', { codePayload: codePayload(...people), ...configuration })
  return { env: made, id }
}
const change = (env: TestEnvironment, id: string, configuration: object) =>
  env.vendor('PUT', `${pathOf('custom-code')}/${id}`, {
    configuration: { ...configured['custom-code'], ...configuration },
  })
const attempt = async (env: TestEnvironment, { email, password }: Pick<Person, 'email' | 'password'>, headers = {}) =>
  (await logInWith(env, { email, password }, headers)).status
const usersOf = async (env: TestEnvironment) =>
  (await env.context()).db.user.findMany({ where: {}, include: { source: true, memberships: true } })

describe('the first login of a user of a source', () => {
  test('makes them here, with an account of their own', async () => {
    const ada = person({ name: 'Ada', picture: 'https://example.com/a.png' }),
      { env, id } = await withScript([ada])
    expect(await logInWith(env, ada)).toMatchObject({
      status: 200,
      body: { userEmail: ada.email, emailVerified: true },
    })
    const [user] = await usersOf(env)
    expect(user).toMatchObject({
      ...{
        email: ada.email,
        name: 'Ada',
        profilePictureUrl: 'https://example.com/a.png',
        verified: true,
        unprovenPast: false,
      },
      ...{
        passwordHash: null,
        managedBy: 'external',
        externalId: ada.id,
        source: { userSourceId: id, subject: ada.id },
      },
    })
    expect((await env.vendor('GET', '/tenants/resources/tenants/v2')).body.items).toMatchObject([
      { name: 'Ada', creatorEmail: ada.email },
    ])
    expect((await env.vendor('GET', `${sources}/${id}/users`)).body).toMatchObject({
      items: [{ email: ada.email, lastLogin: expect.stringMatching(/Z$/) }],
      _metadata: { totalItems: 1 },
    })
    expect((await env.vendor('GET', sources)).body).toMatchObject([{ usersCount: 1 }])
    // and no second time
    expect(await attempt(env, ada)).toBe(200)
    expect(await usersOf(env)).toHaveLength(1)
  })

  test('puts them into the account of the source', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant(),
      users = [person(), person()],
      double = await auth0Double(users.map((user) => ({ ...user, user_id: user.id, email_verified: true })))
    const other = await newEnvironment(await newServer({ auth0Url: double.url })),
      there = await other.newTenant()
    await addSource(other, 'auth0', { tenantConfig: { tenantResolverType: 'static', tenantId: there } })
    for (const user of users) expect(await attempt(other, user)).toBe(200)
    expect((await usersOf(other)).map(({ memberships }) => memberships.map((one) => one.tenantId))).toEqual([
      [there],
      [there],
    ])
    // an account that has gone
    await other.vendor('DELETE', `/tenants/resources/tenants/v1/${there}`)
    expect(await attempt(other, users[0]!)).toBe(401)
    expect(tenantId).not.toBe(there)
  })

  test('puts them into the accounts that the script names, as far as they are there', async () => {
    const env = await newEnvironment(),
      [one, two] = [await env.newTenant(), await env.newTenant()]
    const people = [
      person({ tenantIds: [one, two, 'nowhere'] }),
      person({ tenantId: two }),
      person({ tenantIds: ['nowhere'] }),
      person(),
    ]
    await withScript(people, { tenantConfig: { tenantResolverType: 'from-source' } }, env)
    const answers = []
    for (const who of people) answers.push(await attempt(env, who))
    expect(answers).toEqual([200, 200, 401, 401])
    const users = await usersOf(env)
    expect(users.map(({ email }) => email).toSorted()).toEqual(
      people
        .slice(0, 2)
        .map(({ email }) => email)
        .toSorted(),
    )
    expect(
      users
        .find(({ email }) => email === people[0]!.email)!
        .memberships.map(({ tenantId }) => tenantId)
        .toSorted(),
    ).toEqual([one, two].toSorted())
    expect(users.find(({ email }) => email === people[1]!.email)!.activeTenantId).toBe(two)
  })

  test('is by username, too', async () => {
    const { env } = await withScript([{ id: '1', username: 'ada', password: PASSWORD }])
    expect((await logInWith(env, { username: 'Ada', password: PASSWORD })).status).toBe(401)
    expect((await logInWith(env, { username: 'ada', password: PASSWORD })).status).toBe(200)
    expect(await usersOf(env)).toMatchObject([{ username: 'ada', email: null, verified: true }])
    expect((await logInWith(env, { username: 'ada', password: 'wrong' })).status).toBe(401)
  })

  test('happens once, however many come at once', async () => {
    const ada = person(),
      { env } = await withScript([ada])
    expect(await Promise.all(Array.from({ length: 6 }, () => attempt(env, ada)))).toEqual(
      Array.from({ length: 6 }, () => 200),
    )
    expect(await usersOf(env)).toMatchObject([{ email: ada.email, memberships: [{}] }])
    expect(await (await env.context()).db.tenant.count({ where: {} })).toBe(1)
  })

  test('keeps to the rules for addresses, applications and second factors', async () => {
    const ada = person(),
      { env } = await withScript([ada])
    await env.vendor('POST', domains, { domain: 'example.com', type: 'BLOCK' })
    await env.vendor('POST', `${domains}/config`, {
      active: true,
      blockPublicDomains: false,
      listType: 'BLOCK',
    })
    const refused = await logInWith(env, ada)
    expect(refused.status, JSON.stringify(refused.body)).toBe(403)
    expect(await usersOf(env)).toEqual([])
    await env.vendor('POST', `${domains}/config`, {
      active: false,
    })
    await env.vendor('POST', `${settings}/mfa-policy`, {
      enforceMFAType: 'Force',
      allowRememberMyDevice: false,
      mfaDeviceExpiration: 60,
    })
    expect(await logInWith(env, ada)).toMatchObject({
      status: 200,
      body: { mfaRequired: true, mfaToken: expect.any(String) },
    })
  })
})

describe('which source is asked', () => {
  test('is decided by the order, and by the application', async () => {
    const env = await newEnvironment(),
      ada = person(),
      app = async (name: string) =>
        (
          await env.vendor('POST', '/applications/resources/applications/v1', {
            name,
            appURL: 'https://a.example',
            loginURL: 'https://a.example',
          })
        ).body.id as string
    const appId = await app('shop'),
      third = await app('third')
    const who = (name: string) => ({ codePayload: codePayload({ ...ada, name, id: name }) })
    await addSource(env, 'custom-code', who('second'), { index: 2 })
    const first = await addSource(env, 'custom-code', who('first'), { index: 1 })
    await addSource(env, 'custom-code', who('of the shop'), { index: 0, appIds: [appId] })
    expect(await attempt(env, ada)).toBe(200)
    expect(await usersOf(env)).toMatchObject([{ name: 'first' }])
    // the user belongs to their source, which that application does not ask
    const at = (id: string) => ({ 'frontegg-application-id': id })
    expect(await attempt(env, ada, at(appId))).toBe(401)
    await env.vendor('POST', `${sources}/assign`, { userSourceId: first, appIds: [appId] })
    expect(await attempt(env, ada, at(appId))).toBe(200)
    await env.vendor('POST', `${sources}/unassign`, { userSourceId: first, appIds: [appId] })
    expect(await attempt(env, ada, at(appId))).toBe(401)
    expect(await attempt(env, person(), at(third))).toBe(401)
  })

  test('is none for users of this server, whatever a source says', async () => {
    const env = await newEnvironment(),
      mine = await env.newUser({ password: OTHER }),
      invited = await env.newUser()
    const double = await auth0Double(
      [mine, invited].map(({ email }, i) => ({
        email,
        password: PASSWORD,
        user_id: `auth0|${i}`,
        email_verified: true,
      })),
    )
    const asked = await newEnvironment(await newServer({ auth0Url: double.url })),
      here = [
        await asked.newUser({ email: mine.email, password: OTHER }),
        await asked.newUser({ email: invited.email }),
      ]
    await addSource(asked, 'auth0')
    for (const { email } of here) expect(await attempt(asked, { email, password: PASSWORD })).toBe(401)
    expect(await attempt(asked, { email: mine.email, password: OTHER })).toBe(200)
    expect(double.received).toEqual([])
  })
})

describe('who a user of a source is', () => {
  test('is decided by their id there: a name that changes hands brings nobody to somebody else', async () => {
    const ada = person(),
      { env, id } = await withScript([ada])
    expect(await attempt(env, ada)).toBe(200)
    // somebody else has the address in the source now
    await change(env, id, { codePayload: codePayload({ ...ada, id: 'somebody else' }) })
    expect(await attempt(env, ada)).toBe(401)
    // Ada has another one, and is still Ada
    const moved = { ...ada, email: `${unique('moved')}@example.com` }
    await change(env, id, { codePayload: codePayload(moved) })
    expect(await attempt(env, moved)).toBe(200)
    expect(await usersOf(env)).toMatchObject([{ email: ada.email }])
  })

  test('is never a user who has the address here', async () => {
    const env = await newEnvironment(),
      { email } = await env.newUser({ password: OTHER })
    await withScript(
      [],
      { codePayload: `const onEvent = () => (${JSON.stringify({ id: '1', email, emailVerified: true })})` },
      env,
    )
    expect((await logInWith(env, { email: `${unique()}@example.com`, password: PASSWORD })).status).toBe(401)
    expect((await logInWith(env, { username: 'other', password: PASSWORD })).status).toBe(401)
    expect(await usersOf(env)).toMatchObject([{ email, source: null }])
  })

  test.each([
    ['nothing', 'null'],
    ['false', 'false'],
    ['a text', '"yes"'],
    ['a list', '[]'],
    ['nobody', '{}'],
    ['no address', '{"id":"1"}'],
    ['no real address', '{"id":"1","email":"nobody"}'],
    ['an id that is too long', `{"id":"${'x'.repeat(300)}","email":"a@example.com"}`],
    ['inherited fields', '{"__proto__":{"id":"1","email":"a@example.com"}}'],
    ['a user with a poisoned field', '{"id":{"toString":"x"},"email":["a@example.com"]}'],
  ])('is nobody when a script says %s', async (_, text) => {
    const { env } = await withScript([], { codePayload: `const onEvent = () => JSON.parse(${JSON.stringify(text)})` })
    expect([401, 503]).toContain(await attempt(env, person()))
    expect(await usersOf(env)).toEqual([])
  })
})

describe('a source that hands its users over', () => {
  const isMigrated = true

  test('is asked once: from then on the password here decides', async () => {
    const ada = person(),
      { env, id } = await withScript([ada], { isMigrated })
    expect(await attempt(env, ada)).toBe(200)
    expect(await usersOf(env)).toMatchObject([
      { passwordHash: expect.stringContaining('argon2'), managedBy: 'frontegg' },
    ])
    await change(env, id, { isMigrated, codePayload: codePayload() })
    expect(await attempt(env, ada)).toBe(200)
    expect(await attempt(env, { ...ada, password: OTHER })).toBe(401)
    await env.vendor('DELETE', `${sources}/${id}`)
    expect(await attempt(env, ada)).toBe(200)
  })

  test('cannot bring an old password back, by no other name', async () => {
    const ada = person(),
      alias = `${unique('alias')}@example.com`,
      { env } = await withScript([ada, { ...ada, email: alias }], { isMigrated })
    const script = (email: string) => ({ ...ada, email })
    expect(await attempt(env, ada)).toBe(200)
    const [user] = await usersOf(env)
    const { db } = await env.context(),
      { passwords } = (await env.context()).deps
    await db.user.updateMany({ where: { id: user!.id }, data: { passwordHash: await passwords.hash(OTHER) } })
    expect(await attempt(env, ada)).toBe(401)
    expect(await attempt(env, script(alias))).toBe(401)
    expect(await attempt(env, { ...ada, password: OTHER })).toBe(200)
  })

  test('hands over also whom it has kept so far', async () => {
    const ada = person(),
      { env, id } = await withScript([ada])
    expect(await attempt(env, ada)).toBe(200)
    await change(env, id, { isMigrated, codePayload: codePayload(ada) })
    expect(await Promise.all([attempt(env, ada), attempt(env, ada)])).toContain(200)
    await change(env, id, { isMigrated, codePayload: codePayload() })
    expect(await attempt(env, ada)).toBe(200)
  })
})

describe('a source that keeps its users', () => {
  test('is asked at each login', async () => {
    const ada = person(),
      { env, id } = await withScript([ada])
    expect(await attempt(env, ada)).toBe(200)
    await change(env, id, { codePayload: codePayload({ ...ada, password: OTHER }) })
    expect([await attempt(env, ada), await attempt(env, { ...ada, password: OTHER })]).toEqual([401, 200])
    await env.vendor('DELETE', `${sources}/${id}`)
    expect(await attempt(env, { ...ada, password: OTHER })).toBe(401)
    expect(await usersOf(env)).toMatchObject([{ email: ada.email, source: null }])
  })

  test('decides whatever password is set here, and no mail offers to set one', async () => {
    const ada = person(),
      { env, id } = await withScript([ada])
    expect(await attempt(env, ada)).toBe(200)
    const forgotten = () => env.anonymous('POST', '/identity/resources/users/v1/passwords/reset', { email: ada.email })
    expect((await forgotten()).status).toBe(201)
    expect(await env.messages()).toEqual([])
    const { db, deps } = await env.context()
    await db.user.updateMany({ where: {}, data: { passwordHash: await deps.passwords.hash(OTHER) } })
    expect([await attempt(env, { ...ada, password: OTHER }), await attempt(env, ada)]).toEqual([401, 200])
    // without the source, the user is this server's own
    await env.vendor('DELETE', `${sources}/${id}`)
    expect((await forgotten()).status).toBe(201)
    expect(await env.messages()).toMatchObject([{ recipient: ada.email }])
    expect(await attempt(env, { ...ada, password: OTHER })).toBe(200)
  })

  test.each([true, false])('changes the profile here at each login: %s', async (syncOnLogin) => {
    const ada = person({ name: 'Ada', picture: 'https://example.com/1.png' }),
      { env, id } = await withScript([ada], { syncOnLogin })
    await attempt(env, ada)
    await change(env, id, {
      syncOnLogin,
      codePayload: codePayload({ ...ada, name: 'Augusta', picture: 'https://example.com/2.png' }),
    })
    expect(await attempt(env, ada)).toBe(200)
    expect(await usersOf(env)).toMatchObject([
      syncOnLogin
        ? { name: 'Augusta', profilePictureUrl: 'https://example.com/2.png' }
        : { name: 'Ada', profilePictureUrl: 'https://example.com/1.png' },
    ])
  })
})

describe('an address that the source does not vouch for', () => {
  const unproven = () => person({ emailVerified: false })

  test('has to be proved before anybody is let in', async () => {
    const ada = unproven(),
      { env } = await withScript([ada])
    expect(await logInWith(env, ada)).toMatchObject({ status: 401, body: { errorCode: 'ER-01060' } })
    expect(await env.messages()).toMatchObject([{ recipient: ada.email, template: 'ActivateUser' }])
    expect(await usersOf(env)).toMatchObject([{ verified: false, unprovenPast: true }])
  })

  test('is proved when the source vouches for it later', async () => {
    const ada = unproven(),
      { env, id } = await withScript([ada])
    await attempt(env, ada)
    await change(env, id, { codePayload: codePayload({ ...ada, emailVerified: true }) })
    expect(await attempt(env, ada)).toBe(200)
    expect(await usersOf(env)).toMatchObject([{ verified: true, unprovenPast: false, source: { subject: ada.id } }])
  })

  test('opens no account of others: its owner comes in with a password of their own, and not who has used it', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant(),
      mallory = person({ emailVerified: false, tenantId })
    await env.vendor('POST', settings, { allowNotVerifiedUsersLogin: true })
    await withScript([mallory], { tenantConfig: { tenantResolverType: 'from-source' } }, env)
    expect(await attempt(env, mallory)).toBe(403)
    await env.vendor('POST', settings, { allowNotVerifiedUsersLogin: false })
    expect(await attempt(env, mallory)).toBe(401)
    const [mail] = await env.messages(),
      { searchParams } = new URL(mail!.link!),
      body = { userId: searchParams.get('userId'), token: searchParams.get('token') }
    const activate = (more: object) =>
      env.anonymous('POST', '/identity/resources/users/v1/activate', { ...body, ...more })
    expect((await activate({})).status).toBe(400)
    expect((await activate({ password: OTHER })).status).toBe(200)
    expect(await usersOf(env)).toMatchObject([{ verified: true, unprovenPast: false, source: null }])
    expect([await attempt(env, mallory), await attempt(env, { ...mallory, password: OTHER })]).toEqual([401, 200])
  })
})

describe('wrong passwords of a source', () => {
  const lockout = (env: TestEnvironment) =>
    env.vendor('POST', `${settings}/lockout-policy`, { enabled: true, maxAttempts: 3 })

  test.each([
    ['a user who is here', true],
    ['a user who is not here yet', false],
  ])('lock %s', async (_, isHere) => {
    const ada = person(),
      { env } = await withScript([ada])
    await lockout(env)
    if (isHere) expect(await attempt(env, ada)).toBe(200)
    const answers = []
    for (let i = 0; i < 3; i++) answers.push(await attempt(env, { ...ada, password: 'wrong' }))
    expect(answers).toEqual([401, 401, 401])
    expect(await attempt(env, ada)).toBe(423)
  })

  test('are the same as those of nobody', async () => {
    const ada = person(),
      { env } = await withScript([ada])
    const [wrong, nobody] = [await logInWith(env, { ...ada, password: 'wrong' }), await logInWith(env, person())]
    expect([wrong.status, wrong.body]).toEqual([nobody.status, nobody.body])
  })

  test('are not counted while the source cannot be asked, but are when another source has said no', async () => {
    const ada = person(),
      { env, id } = await withScript([ada])
    await lockout(env)
    await attempt(env, ada)
    await change(env, id, { codePayload: 'function onEvent() { while (true); }' })
    for (let i = 0; i < 4; i++) expect(await attempt(env, ada)).toBe(503)
    await change(env, id, { codePayload: codePayload(ada) })
    expect(await attempt(env, ada)).toBe(200)
    const stranger = person()
    await addSource(env, 'federation', { wellknownUrl: `http://127.0.0.1:${await unreachable()}/` }, { index: 5 })
    const answers = []
    for (let i = 0; i < 4; i++) answers.push(await attempt(env, stranger))
    expect(answers).toEqual([401, 401, 401, 423])
  })

  test('lock out nobody else, and a locked user is not asked about', async () => {
    const ada = person(),
      { env } = await withScript([ada])
    await attempt(env, ada)
    const [user] = await usersOf(env)
    await env.vendor('POST', `/identity/resources/users/v1/${user!.id}/lock`)
    expect(await attempt(env, ada)).toBe(423)
  })
})
