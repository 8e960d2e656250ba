import { describe, expect, test } from 'vitest'
import { newEnvironment, UNKNOWN_ID, type TestEnvironment } from '../../../../test/environment.ts'
import {
  condition,
  done,
  jwtTemplates,
  plainTemplate,
  ruleFor,
  ruleForAll,
  setRules,
  targeting,
  withClaims,
} from '../../../../test/jwt-templates.ts'
import { claimsOf, logIn, PASSWORD } from '../../../../test/second-factors.ts'

const rules = [ruleFor('plain', 'tenantId', ['a', 'b'])]

describe.concurrent('the targeting of JWT templates', () => {
  test('is not there until it is created, and then once', async () => {
    const env = await newEnvironment(),
      at = new Date('2030-05-01T10:00:00.000Z')
    await env.clock.freeze(at)
    expect((await env.vendor('GET', targeting)).status).toBe(404)
    const made = await env.vendor('POST', targeting, { rules })
    expect(made.status).toBe(201)
    expect(made.body).toEqual({
      id: expect.any(String),
      targeting: { rules },
      createdAt: at.toISOString(),
      updatedAt: at.toISOString(),
    })
    expect(await env.vendor('POST', targeting, { rules: [] })).toMatchObject({
      status: 409,
      body: { errors: ['JWT template targeting already exists'] },
    })
    expect((await env.vendor('GET', targeting)).body).toEqual(made.body)
  })

  test('of many that create it at once, one does', async () => {
    const env = await newEnvironment()
    const answers = await Promise.all(Array.from({ length: 6 }, () => env.vendor('POST', targeting, { rules })))
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 409, 409, 409, 409, 409])
  })

  test('is made and replaced by PUT, which says nothing', async () => {
    const env = await newEnvironment()
    expect(await env.vendor('PUT', targeting, { rules })).toMatchObject({ status: 200, body: null })
    const { body: first } = await env.vendor('GET', targeting)
    expect(first.targeting).toEqual({ rules })
    await env.clock.advance(5000)
    expect(await env.vendor('PUT', targeting, {})).toMatchObject({ status: 200, body: null })
    const { body: second } = await env.vendor('GET', targeting)
    expect(second).toEqual({ ...first, targeting: { rules: [] }, updatedAt: expect.any(String) })
    expect(second.updatedAt > first.updatedAt).toBe(true)
  })

  test('is changed and deleted under its own id only', async () => {
    const env = await newEnvironment(),
      other = await newEnvironment(),
      { body: made } = await env.vendor('POST', targeting, { rules }),
      { body: theirs } = await other.vendor('POST', targeting, { rules })
    await env.vendor('POST', '/identity/resources/configurations/v1', { allowSignups: false })
    const { id: configurationId } = await (
      await env.context()
    ).db.setting.findFirstOrThrow({ where: { key: 'identity-configuration' } })
    for (const id of [theirs.id, configurationId, UNKNOWN_ID, 'nonsense']) {
      expect((await env.vendor('PATCH', `${targeting}/${id}`, { rules: [] })).status, id).toBe(404)
      expect((await env.vendor('DELETE', `${targeting}/${id}`)).status, id).toBe(404)
    }
    expect((await env.vendor('GET', '/identity/resources/configurations/v1')).body.allowSignups).toBe(false)
    const url = `${targeting}/${made.id}`
    expect(await env.vendor('PATCH', url, {})).toMatchObject({ status: 200, body: null })
    expect((await env.vendor('GET', targeting)).body.targeting).toEqual({ rules })
    expect(await env.vendor('PATCH', url, { rules: [] })).toMatchObject({ status: 200, body: null })
    expect((await env.vendor('GET', targeting)).body).toMatchObject({ id: made.id, targeting: { rules: [] } })
    expect(await env.vendor('DELETE', url)).toMatchObject({ status: 200, body: null })
    for (const method of ['PATCH', 'DELETE'] as const) expect((await env.vendor(method, url, {})).status).toBe(404)
    expect((await env.vendor('GET', targeting)).status).toBe(404)
    expect((await other.vendor('GET', targeting)).body.targeting).toEqual({ rules })
  })

  test('stays deleted, whatever changes come at the same time', async () => {
    const env = await newEnvironment(),
      { body } = await env.vendor('POST', targeting, { rules }),
      url = `${targeting}/${body.id}`
    const change = () => env.vendor('PATCH', url, { rules: [] })
    const answers = await Promise.all([change(), change(), env.vendor('DELETE', url), change(), change()])
    for (const { status } of answers) expect([200, 404]).toContain(status)
    expect(answers[2].status).toBe(200)
    expect((await env.vendor('GET', targeting)).status).toBe(404)
  })

  test('refuses rules that mean nothing', async () => {
    const env = await newEnvironment(),
      good = rules[0]!
    const refuse = async (rule: object, error: string) =>
      expect(await env.vendor('POST', targeting, { rules: [rule] })).toMatchObject({
        status: 400,
        body: { errors: [error] },
      })
    const withCondition = (change: object) => ({ ...good, conditions: [{ ...good.conditions[0], ...change }] })
    await refuse({ ...good, conditionLogic: 'or' }, 'rules.0.conditionLogic must be one of the following values: and')
    await refuse({ ...good, treatment: '' }, 'rules.0.treatment should not be empty')
    await refuse(withCondition({ attribute: 'shoeSize' }), expect.stringContaining('rules.0.conditions.0.attribute'))
    await refuse(withCondition({ op: 'matches' }), expect.stringContaining('rules.0.conditions.0.op'))
    await refuse(withCondition({ negate: 'no' }), 'rules.0.conditions.0.negate must be a boolean value')
    await refuse(withCondition({ value: {} }), 'rules.0.conditions.0.value.list must be an array')
    await refuse(withCondition({ value: { list: [] } }), expect.stringContaining('at least 1 elements'))
    const long = Array.from({ length: 300 }, (_, i) => `${i}`.padEnd(255, 'x'))
    expect((await env.vendor('POST', targeting, { rules: [ruleFor('plain', 'tenantId', long)] })).status).toBe(400)
    expect((await env.vendor('GET', targeting)).status).toBe(404)
  })

  test('is for management, not for users', async () => {
    const env = await newEnvironment(),
      admin = await env.user({ roleKeys: ['Admin'] })
    expect((await admin('GET', targeting)).status).toBe(401)
    expect((await admin('PUT', targeting, { rules: [] })).status).toBe(401)
  })

  test('is created as Terraform does it: the same body again by PUT where it is there already', async () => {
    const env = await newEnvironment()
    await env.vendor('POST', targeting, { rules: [] })
    const first = await env.vendor('POST', targeting, { rules })
    expect(first.status).toBe(409)
    expect((await env.vendor('PUT', targeting, { rules })).status).toBe(200)
    expect((await env.vendor('GET', targeting)).body.targeting).toEqual({ rules })
  })
})

/** The names of templates, which say so in their tokens. */
const NAMES = ['first', 'second', 'third'] as const
async function withTemplates(env: TestEnvironment) {
  for (const key of NAMES) await done(env.vendor('POST', jwtTemplates, withClaims({ from: key }, { key })))
}
const templateOf = async (env: TestEnvironment, who: { email: string }) =>
  claimsOf((await logIn(env, who)).body.accessToken as string)['from']

/** These tests are about one environment, one after another. */
const subject = await (async () => {
  const env = await newEnvironment(),
    user = await env.newUser({ password: PASSWORD, email: 'ada@coop.example', roleKeys: ['Admin', 'ReadOnly'] }),
    [, readOnly] = (await env.vendor('GET', '/identity/resources/roles/v1')).body as { id: string }[]
  await withTemplates(env)
  return { env, user, roleId: readOnly!.id }
})()
const { user, roleId } = subject

describe.concurrent('the rules of JWT templates', () => {
  const cases: [string, ReturnType<typeof condition>, boolean][] = [
    ['the user', condition('userId', ['x', user.id]), true],
    ['another user', condition('userId', ['x']), false],
    ['any but another user', condition('userId', ['x'], 'in_list', true), true],
    ['the tenant', condition('tenantId', [user.tenantId]), true],
    ['part of the tenant, which is in no list by that', condition('tenantId', [user.tenantId.slice(1)]), false],
    ['part of the tenant', condition('tenantId', [user.tenantId.slice(1, 9)], 'contains'), true],
    ['the end of the tenant', condition('tenantId', [user.tenantId.slice(-5)], 'ends_with'), true],
    ['the beginning of the tenant', condition('tenantId', [user.tenantId.slice(0, 5)], 'ends_with'), false],
    ['one of the roles', condition('roleIds', ['x', roleId]), true],
    ['none of these roles', condition('roleIds', ['x', roleId], 'in_list', true), false],
    ['none of other roles', condition('roleIds', ['x'], 'in_list', true), true],
    ['users', condition('tokenType', ['userToken']), true],
    ['programs', condition('tokenType', ['tenantApiToken', 'userApiToken']), false],
    ['the domain, in any case', condition('userEmail', ['@other.example', '@COOP.example'], 'ends_with'), true],
    ['another domain', condition('userEmail', ['@example'], 'ends_with'), false],
    ['an application, where there is none', condition('applicationId', ['x'], 'contains'), false],
    ['all but an application, where there is none', condition('applicationId', ['x'], 'in_list', true), true],
  ]
  test.sequential.for(cases)('fit or do not fit: %s', async ([, one, fits]) => {
    await setRules(subject.env.vendor, [{ ...ruleForAll('first'), conditions: [one] }])
    expect(await templateOf(subject.env, user)).toBe(fits ? 'first' : undefined)
  })

  test('fit an application, for logins there', async () => {
    const env = await newEnvironment(),
      { email } = await env.newUser({ password: PASSWORD })
    await withTemplates(env)
    const { id } = await done(
      env.vendor('POST', '/applications/resources/applications/v1', {
        name: 'App',
        appURL: 'https://a.example',
        loginURL: 'https://a.example/login',
        accessType: 'FREE_ACCESS',
      }),
    )
    await setRules(env.vendor, [ruleFor('second', 'applicationId', [id])])
    const inApplication = await env.anonymous(
      'POST',
      '/identity/resources/auth/v1/user',
      { email, password: PASSWORD },
      { headers: { 'frontegg-requested-application-id': id } },
    )
    expect(claimsOf(inApplication.body.accessToken)['from']).toBe('second')
    expect(await templateOf(env, { email })).toBeUndefined()
  })

  test('come in their order: the first that fits decides, and all its conditions must hold', async () => {
    const env = await newEnvironment(),
      ada = await env.newUser({ password: PASSWORD, email: 'ada@coop.example' }),
      bob = await env.newUser({ password: PASSWORD, email: 'bob@coop.example' })
    await withTemplates(env)
    const both = [condition('userEmail', ['@coop.example'], 'ends_with'), condition('userId', [ada.id])]
    await setRules(env.vendor, [
      { ...ruleForAll('first'), conditions: both },
      ruleForAll('second'),
      ruleForAll('third'),
    ])
    expect([await templateOf(env, ada), await templateOf(env, bob)]).toEqual(['first', 'second'])
    await setRules(env.vendor, [ruleForAll('third'), { ...ruleForAll('first'), conditions: both }])
    expect([await templateOf(env, ada), await templateOf(env, bob)]).toEqual(['third', 'third'])
  })

  test('that name no template are skipped, whether it is to come, was deleted, or has another key', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD })
    await setRules(env.vendor, [ruleForAll('first'), ruleForAll('second')])
    expect(await templateOf(env, user)).toBeUndefined()
    await withTemplates(env)
    expect(await templateOf(env, user)).toBe('first')
    const { items } = (await env.vendor('GET', `${jwtTemplates}?keys=first`)).body
    await done(env.vendor('PUT', `${jwtTemplates}/${items[0].id}`, { key: 'renamed' }))
    expect(await templateOf(env, user)).toBe('second')
    await done(env.vendor('PUT', `${jwtTemplates}/${items[0].id}`, { key: 'first' }))
    expect(await templateOf(env, user)).toBe('first')
    await done(env.vendor('DELETE', `${jwtTemplates}/${items[0].id}`))
    expect(await templateOf(env, user)).toBe('second')
    await setRules(env.vendor, [])
    expect(await templateOf(env, user)).toBeUndefined()
  })

  test("of one environment do not touch another's tokens", async () => {
    const env = await newEnvironment(),
      other = await newEnvironment(),
      user = await other.newUser({ password: PASSWORD })
    await withTemplates(env)
    await done(other.vendor('POST', jwtTemplates, plainTemplate))
    await setRules(env.vendor, [ruleForAll('first')])
    expect(claimsOf((await logIn(other, user)).body.accessToken)).toMatchObject({ email: user.email })
  })
})
