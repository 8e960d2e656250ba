import { describe, expect, test } from 'vitest'
import { newEnvironment, newServer, unique, type TestEnvironment } from '../../../../test/environment.ts'
import {
  cookiesIn,
  custom,
  goesTo,
  grantedBy,
  json,
  listening,
  logInWith,
  paths,
  verified,
  wayBack,
  type Person,
} from '../../../../test/login-providers.ts'

const settings = '/identity/resources/configurations/v1',
  users = '/identity/resources/users',
  PASSWORD = 'Correct-horse-7!'

/** An environment with a custom provider. */
async function withProvider(more: object = {}, env?: TestEnvironment) {
  const at = env ?? (await newEnvironment()),
    type = unique('acme')
  const { status, body } = await at.vendor('POST', '/identity/resources/sso/custom/v1', custom(type, more))
  expect(status, JSON.stringify(body)).toBe(200)
  return { env: at, type, id: body.id as string, logIn: (who: Person, given = {}) => logInWith(at, type, who, given) }
}
const address = () => `${unique('ada')}@example.com`
const identitiesIn = async (env: TestEnvironment) => (await env.context()).db.socialIdentity.findMany()
const wrong = { status: 401, body: { errors: ['Invalid social login crednetials'], errorCode: 'ER-01049' } }

describe.concurrent('a login with a provider', () => {
  test('signs up who comes for the first time, and knows them again by the id, whatever their address', async () => {
    const { env, type, logIn } = await withProvider(),
      email = address(),
      ada = verified(email, { picture: 'https://acme.example/ada.png' })
    const first = await logIn(ada, { metadata: '{"a":1}' })
    expect(first).toMatchObject({
      status: 200,
      body: { isNewUser: true, email, name: 'Ada Lovelace', mfaRequired: false, emailVerified: true },
    })
    const { db } = await env.context(),
      user = await db.user.findUniqueOrThrow({ where: { id: first.body.userId }, include: { memberships: true } })
    expect(user).toMatchObject({
      email,
      verified: true,
      unprovenPast: false,
      passwordHash: null,
      provider: type,
      metadata: '{"a":1}',
      profilePictureUrl: 'https://acme.example/ada.png',
      activeTenantId: first.body.tenantId,
      memberships: [{ tenantId: first.body.tenantId }],
    })
    const again = await logIn({ ...ada, email: address(), email_verified: false })
    expect(again).toMatchObject({ status: 200, body: { isNewUser: false, userId: user.id, email } })
    expect(await identitiesIn(env)).toHaveLength(1)
  })

  test('gives a session, whose cookie refreshes', async () => {
    const { env, logIn } = await withProvider(),
      answer = await logIn(verified(address()))
    const cookies = cookiesIn(answer)
    expect(Object.keys(cookies)).toContain(`fe_refresh_${env.id.replace('-', '')}`)
    const refreshed = await env.anonymous('POST', '/identity/resources/auth/v1/user/token/refresh', {}, { cookies })
    expect(refreshed.status).toBe(201)
    expect((await env.withToken(refreshed.body.accessToken)('GET', `${users}/v3/me`)).status).toBe(200)
  })

  test('sends no cookie and no page more than it needs: state, challenge and a code of its own', async () => {
    const { env, type } = await withProvider()
    const started = await env.anonymous('GET', paths.start(type)),
      { searchParams } = goesTo(started)
    expect(started.status).toBe(302)
    expect(Object.fromEntries(searchParams)).toEqual({
      client_id: 'client',
      response_type: 'code',
      redirect_uri: `http://${env.name}.localhost:3100${paths.callback(type)}`,
      scope: 'profile email',
      state: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
    })
    expect(started.cookies).toMatchObject([{ httpOnly: true, sameSite: 'Lax', path: '/' }])
    const granted = grantedBy(goesTo(started), verified(address()))
    const { page } = await wayBack(env, type, verified(address()), { state: '{"mine":1}' })
    expect(page.href).toMatch(/^http:\/\/localhost:3000\/account\/social\/success\?/)
    expect(Object.fromEntries(page.searchParams)).toEqual({
      code: expect.stringMatching(/^[\w-]{43}$/),
      state: '{"mine":1}',
    })
    expect(page.href).not.toContain(granted.code)
  })

  test('merges with the user who has proved the address, in any of its spellings', async () => {
    const { env, logIn } = await withProvider(),
      user = await env.newUser({ password: PASSWORD }),
      ada = verified(user.email.toUpperCase())
    expect(await logIn(ada)).toMatchObject({ status: 200, body: { isNewUser: false, userId: user.id } })
    expect(await logIn(ada)).toMatchObject({ status: 200, body: { userId: user.id } })
    expect(await identitiesIn(env)).toMatchObject([{ userId: user.id }])
  })

  test('does not merge with an account whose address is not proved: somebody may wait in it', async () => {
    const { env, logIn } = await withProvider(),
      email = address(),
      ada = verified(email)
    // also where such users may log in
    await env.vendor('POST', settings, { allowNotVerifiedUsersLogin: true })
    const signUp = { email, password: PASSWORD, companyName: 'Evil' }
    const attacker = await env.anonymous('POST', `${users}/v1/signUp`, signUp)
    expect(attacker.body.authResponse.accessToken).toBeTruthy()
    expect(await logIn(ada)).toMatchObject({ status: 401, body: { errorCode: 'ER-01060' } })
    expect(await identitiesIn(env)).toEqual([])
    // the owner of the address proves it, and is let in
    const { link } = (await env.messages({ to: email, template: 'ActivateUser' })).at(-1)!,
      query = Object.fromEntries(new URL(link!).searchParams)
    await env.anonymous('POST', `${users}/v1/activate`, { ...query, password: 'Owners-Choice-8!' })
    expect(await logIn(ada)).toMatchObject({ status: 200, body: { userId: attacker.body.userId } })
  })

  test.each([
    ['says that the address is not verified', { email_verified: false }],
    ['says nothing of it', { email_verified: undefined }],
    ['has no address', { email: undefined }],
    ['has something else for it', { email: ['a@example.com'] }],
    ['has a malformed one', { email: 'nobody' }],
  ])('is refused where the provider %s, known address or not', async (_, more) => {
    const { env, logIn } = await withProvider(),
      user = await env.newUser()
    for (const email of [address(), user.email])
      expect(await logIn(verified(email, more))).toMatchObject({
        status: 403,
        body: { errors: ['The login provider does not vouch for an e-mail address'] },
      })
    expect(await identitiesIn(env)).toEqual([])
  })

  test('believes a provider that says nothing of it, where management does', async () => {
    const { env, logIn } = await withProvider({ trustEmail: true }),
      user = await env.newUser()
    expect(await logIn(verified(user.email, { email_verified: undefined }))).toMatchObject({
      status: 200,
      body: { userId: user.id },
    })
  })

  test.each([{}, { sub: '' }, { sub: null }, { sub: { a: 1 } }, { sub: 'x'.repeat(256) }, { sub: 'a\u0000b' }])(
    'is refused where nobody is named: %o',
    async (named) => {
      const { logIn } = await withProvider()
      expect(await logIn({ email: address(), email_verified: true, ...named })).toMatchObject(wrong)
    },
  )

  test('keeps apart the users of two providers that have one id', async () => {
    const { env, logIn } = await withProvider(),
      other = await withProvider({}, env)
    const [ada, bob] = [verified(address(), { sub: '1' }), verified(address(), { sub: '1' })]
    const answers = [await logIn(ada), await other.logIn(bob)]
    expect(new Set(answers.map(({ body }) => body.userId)).size).toBe(2)
    expect((await logIn({ sub: '1' })).body.userId).toBe(answers[0]!.body.userId)
    expect((await other.logIn({ sub: '1' })).body.userId).toBe(answers[1]!.body.userId)
  })

  test('knows nobody by the ids of the service that the provider was before', async () => {
    const { env, type, id, logIn } = await withProvider(),
      ada = verified(address())
    const { body } = await logIn(ada)
    await env.vendor('PATCH', `/identity/resources/sso/custom/v1/${id}`, {
      userInfoUrl: `${custom(type).userInfoUrl}?v=2`,
    })
    expect(await identitiesIn(env)).toEqual([])
    expect(await logIn({ sub: ada['sub'] })).toMatchObject({ status: 403 })
    expect((await logIn(ada)).body.userId).toBe(body.userId)
  })

  test('ends with the user: the next one to come is another', async () => {
    const { env, logIn } = await withProvider(),
      ada = verified(address()),
      { userId } = (await logIn(ada)).body
    expect((await env.vendor('DELETE', `${users}/v1/${userId}`)).status).toBe(200)
    expect(await identitiesIn(env)).toEqual([])
    const next = await logIn(ada)
    expect(next).toMatchObject({ status: 200, body: { isNewUser: true } })
    expect(next.body.userId).not.toBe(userId)
  })

  test('makes one user of one person who comes several times at once', async () => {
    const { env, logIn } = await withProvider(),
      ada = verified(address())
    const answers = await Promise.all(Array.from({ length: 5 }, () => logIn(ada)))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200])
    expect(new Set(answers.map(({ body }) => body.userId)).size).toBe(1)
    expect(answers.filter(({ body }) => body.isNewUser)).toHaveLength(1)
    expect(await (await env.context()).db.tenant.count()).toBe(1)
  })
})

describe.concurrent('the rules of every login and sign-up', () => {
  test('nobody new comes where sign-ups are off; those who are known do', async () => {
    const { env, logIn } = await withProvider(),
      ada = verified(address())
    await logIn(ada)
    await env.vendor('POST', settings, { allowSignups: false })
    expect((await logIn(verified(address()))).status).toBe(403)
    expect((await logIn(ada)).status).toBe(200)
  })

  test('users may have no other way in', async () => {
    const { env, logIn } = await withProvider()
    await env.vendor('POST', settings, { authStrategy: 'NoLocalAuthentication' })
    expect((await logIn(verified(address()))).status).toBe(200)
  })

  test('a domain that is blocked stays out', async () => {
    const { env, logIn } = await withProvider(),
      restrictions = '/identity/resources/configurations/restrictions/v1/email-domain'
    await env.vendor('POST', `${restrictions}/config`, { active: true, type: 'BLOCK' })
    await env.vendor('POST', restrictions, { domain: 'evil.test', type: 'BLOCK' })
    expect((await logIn(verified('x@evil.test'))).status).toBe(403)
    expect((await logIn(verified(address()))).status).toBe(200)
  })

  test('an invitation leads new and known users into its account', async () => {
    const { env, logIn } = await withProvider(),
      tenantId = await env.newTenant()
    const { token: invitationToken } = (
      await env.vendor('POST', '/identity/resources/tenants/invites/v1', { tenantId })
    ).body
    const ada = verified(address())
    expect(await logIn(ada, { invitationToken })).toMatchObject({ status: 200, body: { isNewUser: true, tenantId } })
    const user = await env.newUser()
    const known = await logIn(verified(user.email), { invitationToken })
    expect(known).toMatchObject({ status: 200, body: { isNewUser: false, tenantId } })
    expect((await logIn(verified(address()), { invitationToken: 'none' })).status).toBe(404)
  })

  test('a locked user stays out, merged or not', async () => {
    const { env, logIn } = await withProvider(),
      user = await env.newUser(),
      ada = verified(user.email)
    const lock = (on: boolean) => env.vendor('POST', `${users}/v1/${user.id}/${on ? 'lock' : 'unlock'}`)
    await lock(true)
    expect(await logIn(ada)).toMatchObject({ status: 423 })
    expect(await identitiesIn(env)).toEqual([])
    await lock(false)
    expect(await logIn(ada)).toMatchObject({ status: 200 })
    await lock(true)
    expect(await logIn(ada)).toMatchObject({ status: 423 })
  })

  test('a second factor that is forced is asked for', async () => {
    const { env, logIn } = await withProvider()
    await env.vendor('POST', `${settings}/mfa-policy`, { enforceMFAType: 'Force' })
    const { status, body, cookies } = await logIn(verified(address()))
    expect([status, body.mfaRequired, body.accessToken, !!body.mfaToken]).toEqual([200, true, undefined, true])
    expect(cookies.filter(({ value }) => value !== '')).toEqual([])
  })

  test('metadata is an object, or nothing is done', async () => {
    const { env, type, logIn } = await withProvider()
    expect((await logIn(verified(address()), { metadata: '[1]' })).status).toBe(400)
    expect(await (await env.context()).db.user.count({ where: { provider: type } })).toBe(0)
  })

  test('what was set up before the proof of the address goes, with the identities', async () => {
    const { env, logIn } = await withProvider(),
      email = address(),
      mine = address()
    const { body } = await env.anonymous('POST', `${users}/v1/signUp`, {
      email,
      password: PASSWORD,
      companyName: 'Evil',
    })
    const { db, clock, random } = await env.context(),
      now = clock.now()
    // the attacker adds an address of their own, and logs in with it
    await db.user.update({ where: { id: body.userId }, data: { verified: true } })
    await db.userEmail.create({
      data: { id: random.uuid(), userId: body.userId, email: mine, verified: true, createdAt: now, updatedAt: now },
    })
    const evil = verified(mine)
    expect((await logIn(evil)).body.userId).toBe(body.userId)
    const tenantId = await env.newTenant()
    await env.vendor('POST', `${users}/v1/${body.userId}/tenant`, { tenantId, skipInviteEmail: true })
    expect(await identitiesIn(env)).toEqual([])
    expect((await logIn(evil)).body.userId).not.toBe(body.userId)
  })
})

describe.concurrent('the way there and back', () => {
  const back = (env: TestEnvironment, type: string, query: object, cookies = {}) =>
    env.anonymous('GET', `${paths.callback(type)}?${new URLSearchParams({ ...query })}`, undefined, { cookies })
  const end = (env: TestEnvironment, type: string, query: object, cookies = {}) =>
    env.anonymous('POST', `${paths.end(type)}?${new URLSearchParams({ ...query })}`, {}, { cookies })
  async function started(more: object = {}) {
    const made = await withProvider(more),
      answer = await made.env.anonymous('GET', paths.start(made.type))
    return {
      ...made,
      cookies: cookiesIn(answer),
      granted: grantedBy(goesTo(answer), verified(address())),
    }
  }

  test('a state works once, in the browser that began, at the address of its provider, for a quarter of an hour', async () => {
    const { env, type, cookies, granted } = await started(),
      other = await withProvider({}, env)
    expect(await back(env, type, granted)).toMatchObject(wrong)
    expect(await back(env, type, granted, cookiesIn(await env.anonymous('GET', paths.start(type))))).toMatchObject(
      wrong,
    )
    expect(await back(env, other.type, granted, cookies)).toMatchObject(wrong)
    expect(await back(env, type, { ...granted, state: 'made-up' }, cookies)).toMatchObject(wrong)
    // none of that has used it up
    expect((await back(env, type, granted, cookies)).status).toBe(302)
    expect(await back(env, type, granted, cookies)).toMatchObject(wrong)
    const late = await env.anonymous('GET', paths.start(type))
    await env.clock.advance(15 * 60_000)
    expect(await back(env, type, grantedBy(goesTo(late), verified(address())), cookiesIn(late))).toMatchObject(wrong)
  })

  test('a code works once, in the browser that began, at its provider, with its page and state, for two minutes', async () => {
    const { env, type } = await withProvider(),
      other = await withProvider({}, env),
      { page, cookies } = await wayBack(env, type, verified(address()), { state: 'mine' })
    const code = page.searchParams.get('code')!
    expect(await end(env, type, { code })).toMatchObject(wrong)
    expect(await end(env, type, { code }, { [Object.keys(cookies)[0]!]: 'another' })).toMatchObject(wrong)
    expect(await end(env, other.type, { code }, cookies)).toMatchObject(wrong)
    expect(await end(env, type, { code, state: 'yours' }, cookies)).toMatchObject(wrong)
    expect(await end(env, type, { code, redirectUri: 'http://localhost:3000/' }, cookies)).toMatchObject(wrong)
    expect(await end(env, type, { code: 'made-up' }, cookies)).toMatchObject(wrong)
    const redirectUri = 'http://localhost:3000/account/social/success'
    expect((await end(env, type, { code, redirectUri, state: 'mine' }, cookies)).status).toBe(200)
    expect(await end(env, type, { code }, cookies)).toMatchObject(wrong)
    const late = await wayBack(env, type, verified(address()))
    await env.clock.advance(2 * 60_000)
    expect(await end(env, type, { code: late.page.searchParams.get('code')! }, late.cookies)).toMatchObject(wrong)
  })

  test('of a code that is shown many times at once, one gives a session', async () => {
    const { env, type } = await withProvider(),
      { page, cookies } = await wayBack(env, type, verified(address())),
      code = page.searchParams.get('code')!
    const answers = await Promise.all(Array.from({ length: 6 }, () => end(env, type, { code }, cookies)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(5)
  })

  test("the provider's own code is worth nothing here, nor one of another login", async () => {
    const { env, type, cookies, granted } = await started()
    expect(await end(env, type, granted, cookies)).toMatchObject(wrong)
    // somebody has put their own code into the browser of another: the verifier does not fit
    const theirs = grantedBy(goesTo(await env.anonymous('GET', paths.start(type))), verified(address()))
    const passed = await back(env, type, { code: theirs.code, state: granted.state }, cookies)
    const code = goesTo(passed).searchParams.get('code')!
    expect(await end(env, type, { code }, cookies)).toMatchObject(wrong)
  })

  test('a refusal goes on to the page, without a code', async () => {
    const { env, type, cookies, granted } = await started()
    const refused = { state: granted.state, error: 'access_denied', error_description: 'no <b>' }
    const passed = await back(env, type, refused, cookies)
    expect(Object.fromEntries(goesTo(passed).searchParams)).toEqual({
      error: 'access_denied',
      error_description: 'no <b>',
      state: JSON.stringify({ provider: type }),
    })
    expect(await back(env, type, granted, cookies)).toMatchObject(wrong)
  })

  test('a form of the provider comes back as an address, with which the browser sends its cookies', async () => {
    const { env, type, cookies, granted } = await started()
    const posted = await env.anonymous('POST', paths.callback(type), new URLSearchParams(granted).toString(), {
      headers: { 'content-type': 'application/x-www-form-urlencoded', origin: 'https://appleid.apple.com' },
    })
    expect([posted.status, posted.cookies]).toEqual([303, []])
    const { pathname, search } = goesTo(posted)
    expect(pathname).toBe(paths.callback(type))
    expect((await env.anonymous('GET', `${pathname}${search}`, undefined, { cookies })).status).toBe(302)
  })

  test('only pages of the application get a code', async () => {
    const env = await newEnvironment(await newServer({ allowedOrigins: ['https://app.example.com'] })),
      { type } = await withProvider({}, env),
      { page: usual } = await wayBack(env, type, verified(address()))
    expect(usual.href).toMatch(/^http:\/\/localhost:3000\/account\/social\/success\?code=/)
    for (const redirectUri of [
      'https://app.example.com/x?y=z',
      `http://${env.name}.localhost:3100/oauth/account/social/success`,
    ])
      for (const name of ['redirectUri', 'redirect_uri']) {
        const { page } = await wayBack(env, type, verified(address()), { [name]: redirectUri })
        expect(page.href.startsWith(redirectUri), page.href).toBe(true)
      }
    const { page: own } = await wayBack(env, type, verified(address()), { redirectUri: '/account/social/success' })
    expect(own.href).toContain(`http://${env.name}.localhost:3100/account/social/success?code=`)
    for (const redirectUri of [
      'https://evil.test/',
      'https://app.example.com.evil.test/',
      'https://app.example.com@evil.test/',
      'https://u@app.example.com/',
      '//evil.test',
      '/\\evil.test/',
      '/\t/evil.test/',
      'javascript:alert(1)',
      'http://app.example.com/',
      'myapp://callback',
      'http://localhost:3000/elsewhere',
    ])
      expect(await env.anonymous('GET', `${paths.start(type)}?${new URLSearchParams({ redirectUri })}`)).toMatchObject({
        status: 400,
        body: { errors: ['redirectUri must be a page of the application'] },
        cookies: [],
      })
  })

  test('other sites send browsers here, and can do nothing else', async () => {
    const env = await newEnvironment(await newServer({ allowedOrigins: [] })),
      { type } = await withProvider({}, env)
    const start = (headers: Record<string, string>) => env.anonymous('GET', paths.start(type), undefined, { headers })
    const navigation = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
    expect((await start(navigation)).status).toBe(302)
    expect((await start({ ...navigation, 'sec-fetch-dest': 'iframe' })).status).toBe(403)
    expect((await start({ ...navigation, 'sec-fetch-mode': 'no-cors' })).status).toBe(403)
    expect((await start({ origin: 'https://evil.test', 'sec-fetch-mode': 'cors' })).status).toBe(403)
  })

  test('leads nowhere while the provider is switched off', async () => {
    const { env, type, id, cookies, granted } = await started()
    await env.vendor('PATCH', `/identity/resources/sso/custom/v1/${id}`, { active: false })
    expect((await env.anonymous('GET', paths.start(type))).status).toBe(404)
    expect((await back(env, type, granted, cookies)).status).toBe(404)
    expect((await end(env, type, { code: 'any' }, cookies)).status).toBe(404)
  })
})

/** GitHub's API, as far as a login needs it. */
async function github(user: object, emails: unknown) {
  const url = await listening((request, response) => {
    const { pathname } = new URL(request.url!, 'http://x')
    if (pathname === '/login/oauth/access_token') {
      // it answers errors with 200, too
      return json(response, 200, { access_token: 'gho_x', token_type: 'bearer', scope: 'read:user,user:email' })
    }
    if (request.headers.authorization?.toLowerCase() !== 'bearer gho_x' || !request.headers['user-agent'])
      return json(response, 401, { message: 'Requires authentication' })
    return json(response, 200, pathname === '/user/emails' ? emails : user)
  })
  const env = await newEnvironment(await newServer({ socialUrls: { github: url } }))
  await env.vendor('POST', '/identity/resources/sso/v2/github', { clientId: 'c', secret: 's', active: true })
  const started = await env.anonymous('GET', paths.start('github', 'default')),
    cookies = cookiesIn(started),
    asked = goesTo(started)
  const query = new URLSearchParams({ code: 'any', state: asked.searchParams.get('state')! })
  const passed = await env.anonymous('GET', `${paths.callback('github')}?${query}`, undefined, { cookies }),
    code = goesTo(passed).searchParams.get('code')!
  return { asked, url, answer: await env.anonymous('POST', `${paths.end('github')}?code=${code}`, {}, { cookies }) }
}

describe.concurrent('a provider like GitHub', () => {
  const octocat = { id: 583_231, login: 'octocat', name: null, avatar_url: 'https://avatars.example/1', email: null }

  test('tells the address and its proof on a call of its own, and its ids are numbers', async () => {
    const email = address()
    const { answer, asked, url } = await github(octocat, [
      { email: address(), primary: false, verified: true },
      { email, primary: true, verified: true },
    ])
    expect(`${asked.origin}${asked.pathname}`).toBe(`${url}/login/oauth/authorize`)
    expect(asked.searchParams.get('scope')).toBe('read:user user:email')
    expect(answer).toMatchObject({ status: 200, body: { isNewUser: true, email, name: 'octocat' } })
  })

  test.each([
    [[{ email: 'a@example.com', primary: true, verified: false }]],
    [[{ email: 'a@example.com', primary: false, verified: true }]],
    [[]],
    [{ message: 'Not Found' }],
  ])('is not believed without it: %o', async (emails) => {
    expect((await github({ ...octocat, email: 'a@example.com' }, emails)).answer.status).toBe(403)
  })
})
