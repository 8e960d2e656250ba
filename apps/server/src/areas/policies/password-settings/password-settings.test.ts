import { describe, expect, test } from 'vitest'
import {
  deps,
  newEnvironment,
  unique,
  UNKNOWN_ID,
  type Client,
  type TestEnvironment,
} from '../../../../test/environment.ts'
import { tenantIdsOf } from '../../rights/held/held.service.ts'
import * as passwords from './password-settings.service.ts'

const url = '/identity/resources/configurations/v1/password',
  config = '/identity/resources/users/v1/passwords/config'
const settings = '/identity/resources/configurations/v1'
const keys = ['fe.secure.read.securityPolicy', 'fe.secure.write.securityPolicy']
const fresh = {
  minLength: 6,
  maxLength: 128,
  minOptionalTestsToPass: 1,
  allowPassphrases: false,
  minPhraseLength: 20,
  blockPwnedPasswords: false,
  optionalTests: {
    requireLowercase: true,
    requireUppercase: true,
    requireNumbers: true,
    requireSpecialChars: true,
    checkThreeRepeatedChars: false,
  },
  requiredTests: {
    requireLowercase: false,
    requireUppercase: false,
    requireNumbers: false,
    requireSpecialChars: false,
    checkThreeRepeatedChars: true,
  },
}
async function join(env: TestEnvironment, userId: string, tenantId: string) {
  const ctx = await env.context()
  await ctx.db.membership.create({
    data: { userId, tenantId, acceptedAt: ctx.clock.now(), createdAt: ctx.clock.now() },
  })
}
const refusal = (messages: string[]) => ({ status: 400, messages })

describe.concurrent('the password policy', () => {
  test('can be read at sign-up, and has its defaults', async () => {
    const env = await newEnvironment()
    expect(await env.anonymous('GET', url)).toMatchObject({ status: 200, body: fresh })
    expect(await env.vendor('GET', url)).toMatchObject({ status: 200, body: fresh })
  })

  test('changes in what is given, single tests too, and also many at once', async () => {
    const env = await newEnvironment()
    expect(await env.vendor('POST', url, { minLength: 10, optionalTests: { requireNumbers: false } })).toMatchObject({
      status: 201,
      body: { ...fresh, minLength: 10, optionalTests: { ...fresh.optionalTests, requireNumbers: false } },
    })
    const answers = await Promise.all(
      [
        { maxLength: 64 },
        { blockPwnedPasswords: true },
        { optionalTests: { requireUppercase: false } },
        { requiredTests: { checkThreeRepeatedChars: false } },
      ].map((change) => env.vendor('POST', url, change)),
    )
    expect(answers.map((a) => a.status)).toEqual([201, 201, 201, 201])
    expect((await env.anonymous('GET', url)).body).toEqual({
      ...fresh,
      minLength: 10,
      maxLength: 64,
      blockPwnedPasswords: true,
      optionalTests: { ...fresh.optionalTests, requireNumbers: false, requireUppercase: false },
      requiredTests: { ...fresh.requiredTests, checkThreeRepeatedChars: false },
    })
  })

  test('takes each of the five tests in both objects, and asks for what is required whatever else is passed', async () => {
    const env = await newEnvironment(),
      five = Object.keys(fresh.optionalTests)
    for (const object of ['optionalTests', 'requiredTests'] as const)
      for (const name of five) {
        const value = !fresh[object][name as keyof (typeof fresh)['optionalTests']]
        const { status, body } = await env.vendor('POST', url, { [object]: { [name]: value } })
        expect([status, body[object][name]], `${object}.${name}`).toEqual([201, value])
      }
    await env.vendor('POST', url, {
      optionalTests: Object.fromEntries(five.map((name) => [name, false])),
      requiredTests: { ...fresh.requiredTests, requireNumbers: true, checkThreeRepeatedChars: false },
    })
    const make = async (password: string) =>
      (
        await env.vendor('POST', '/identity/resources/vendor-only/users/v1', {
          email: `${unique()}@example.com`,
          password,
          tenantId: await env.newTenant(),
          metadata: '{}',
        })
      ).status
    expect([await make('Abcdefgh!'), await make('abcdefg1')]).toEqual([400, 201])
  })

  test('wrong input is refused, and nothing changes', async () => {
    const env = await newEnvironment()
    const { status, body } = await env.vendor('POST', url, {
      minLength: 0,
      maxLength: 5000,
      optionalTests: { requireNumbers: 'yes' },
    })
    expect(status).toBe(400)
    expect(body.errors).toEqual([
      'maxLength must not be greater than 1024',
      'minLength must not be less than 1',
      'optionalTests.requireNumbers must be a boolean value',
    ])
    expect(await env.vendor('POST', url, { minLength: 200 })).toMatchObject({
      status: 400,
      body: { errors: ['minLength must not be greater than maxLength'] },
    })
    expect((await env.vendor('GET', url)).body).toEqual(fresh)
  })

  test("of a tenant is the environment's in all that the tenant has not said itself", async () => {
    const env = await newEnvironment(),
      admin = await env.user({ permissions: keys }),
      other = await env.user({ permissions: keys })
    await env.vendor('POST', url, { minLength: 8, maxLength: 50 })
    expect(await admin('POST', url, { minLength: 12 })).toMatchObject({
      status: 201,
      body: { ...fresh, minLength: 12, maxLength: 50 },
    })
    await env.vendor('POST', url, { minLength: 9, maxLength: 60 })
    expect((await admin('GET', url)).body).toMatchObject({ minLength: 12, maxLength: 60 })
    expect((await env.as(admin.tenantId)('GET', url)).body).toMatchObject({ minLength: 12, maxLength: 60 })
    expect((await other('GET', url)).body).toMatchObject({ minLength: 9, maxLength: 60 })
    expect((await env.vendor('GET', url)).body).toMatchObject({ minLength: 9 })
  })

  test('of a tenant is shown to nobody by a header alone', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant()
    await env.as(tenantId)('POST', url, { minLength: 12 })
    const headers = { 'frontegg-tenant-id': tenantId }
    expect(await env.anonymous('GET', url, undefined, { headers })).toMatchObject({
      status: 200,
      body: { minLength: 6 },
    })
    expect(await env.anonymous('GET', url, undefined, { headers: { 'frontegg-tenant-id': 'nowhere' } })).toMatchObject({
      status: 200,
      body: { minLength: 6 },
    })
    expect((await env.vendor('GET', url, undefined, { headers: { 'frontegg-tenant-id': 'nowhere' } })).status).toBe(404)
    expect((await (await env.user())('GET', url, undefined, { headers })).body.minLength).toBe(6)
  })

  test('is not for every user to change', async () => {
    const env = await newEnvironment()
    expect((await (await env.user({ permissions: [keys[0]!] }))('POST', url, { minLength: 1 })).status).toBe(403)
    expect((await env.anonymous('POST', url, { minLength: 1 })).status).toBe(401)
  })
})

describe.concurrent('the strictest policy that a user is under', () => {
  test("is of the environment and all the user's tenants", async () => {
    const env = await newEnvironment(),
      user = await env.user(),
      second = await env.newTenant()
    await join(env, user.id, second)
    await env.vendor('POST', url, { maxLength: 90 })
    await env.as(user.tenantId)('POST', url, { minLength: 10, blockPwnedPasswords: true })
    await env.as(second)('POST', url, { minLength: 8, minOptionalTestsToPass: 3 })
    const wanted = { ...fresh, minLength: 10, maxLength: 90, blockPwnedPasswords: true, minOptionalTestsToPass: 3 }
    expect(await env.anonymous('GET', `${config}?userId=${user.id}`)).toMatchObject({ status: 200, body: wanted })
    expect((await user('GET', config)).body).toEqual(wanted)
  })

  test("is the environment's for unknown users, as for users without stricter tenants", async () => {
    const env = await newEnvironment(),
      other = await newEnvironment(),
      theirs = await other.newUser(),
      known = await env.newUser()
    await other.as(theirs.tenantId)('POST', url, { minLength: 20 })
    await env.vendor('POST', url, { minLength: 7 })
    for (const userId of [known.id, UNKNOWN_ID, theirs.id, 'nobody', '', '%27--']) {
      expect(await env.anonymous('GET', `${config}?userId=${userId}`), userId).toMatchObject({
        status: 200,
        body: { ...fresh, minLength: 7 },
      })
    }
    expect((await env.anonymous('GET', config)).status).toBe(200)
  })

  test('cannot be loosened by a tenant, unless the environment lets tenants override it', async () => {
    const env = await newEnvironment(),
      { id, tenantId } = await env.newUser()
    await env.vendor('POST', url, { minLength: 12 })
    await env.as(tenantId)('POST', url, { minLength: 4 })
    expect((await env.anonymous('GET', `${config}?userId=${id}`)).body.minLength).toBe(12)
    await env.vendor('POST', settings, { allowOverridePasswordComplexity: true })
    expect((await env.anonymous('GET', `${config}?userId=${id}`)).body.minLength).toBe(4)
    expect((await env.anonymous('GET', `${config}?userId=${UNKNOWN_ID}`)).body.minLength).toBe(12)
  })

  test('is what a password must satisfy', async () => {
    const env = await newEnvironment(),
      ctx = await env.context(),
      { id, tenantId } = await env.newUser()
    await env.as(tenantId)('POST', url, { minLength: 10, minOptionalTestsToPass: 4 })
    await passwords.mustSatisfy(ctx, 'abcdef', [])
    await passwords.mustSatisfy(ctx, 'Abcdefgh1!', [tenantId])
    const tooWeak = refusal([
      'The password must be at least 10 characters long.',
      'The password must contain at least one uppercase letter.',
      'The password must contain at least one number.',
      'The password must contain at least one special character.',
    ])
    await expect(passwords.mustSatisfy(ctx, 'abcdef', [tenantId])).rejects.toMatchObject(tooWeak)
    await expect(passwords.mustSatisfy(ctx, 'abcdef', await tenantIdsOf(ctx, id))).rejects.toMatchObject(tooWeak)
  })
})

const historyUrl = `${settings}/password-history-policy`

describe.concurrent('the password history policy', () => {
  test('is not there until it is created, and then once', async () => {
    const env = await newEnvironment()
    expect((await env.vendor('GET', historyUrl)).status).toBe(404)
    expect((await env.vendor('PATCH', historyUrl, { enabled: true, historySize: 2 })).status).toBe(404)
    const made = await env.vendor('POST', historyUrl, { enabled: true, historySize: 3 })
    expect(made).toMatchObject({ status: 201, body: { enabled: true, historySize: 3, id: expect.any(String) } })
    expect((await env.vendor('POST', historyUrl, { enabled: true, historySize: 3 })).status).toBe(409)
    expect(await env.vendor('PATCH', historyUrl, { enabled: false, historySize: 10 })).toMatchObject({
      status: 200,
      body: { id: made.body.id, enabled: false, historySize: 10 },
    })
    for (const historySize of [0, 11])
      expect((await env.vendor('PATCH', historyUrl, { enabled: true, historySize })).status).toBe(400)
    expect((await env.vendor('GET', historyUrl)).body.historySize).toBe(10)
  })

  test('of many that create it at once, one does', async () => {
    const env = await newEnvironment()
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => env.vendor('POST', historyUrl, { enabled: true, historySize: 3 })),
    )
    expect(answers.map((a) => a.status).sort()).toEqual([201, 409, 409, 409, 409, 409, 409, 409])
  })

  test("a tenant has its own beside the environment's", async () => {
    const env = await newEnvironment(),
      admin = await env.user({ permissions: keys })
    await env.vendor('POST', historyUrl, { enabled: true, historySize: 3 })
    expect((await admin('GET', historyUrl)).status).toBe(404)
    expect((await admin('POST', historyUrl, { enabled: true, historySize: 5 })).status).toBe(201)
    expect((await admin('GET', historyUrl)).body.historySize).toBe(5)
    expect((await admin('GET', `${historyUrl}/vendor`)).body.historySize).toBe(3)
  })
})

/** A user who has had these passwords, the last of them now, as changes of the password would leave them. */
async function userWith(env: TestEnvironment, had: string[], tenantId?: string) {
  const { id } = await env.newUser({ password: had[0]!, ...(tenantId !== undefined && { tenantId }) })
  for (const password of had.slice(1)) await change(env, id, password)
  return id
}
async function change(env: TestEnvironment, id: string, password: string) {
  const ctx = await env.context(),
    passwordHash = await deps.passwords.hash(password)
  await ctx.atomically(async (tx) => {
    const before = await tx.db.user.findUniqueOrThrow({ where: { id } })
    await tx.db.user.update({ where: { id }, data: { passwordHash } })
    await passwords.remember(tx, id, before.passwordHash, await tenantIdsOf(tx, id))
  })
}
/** Which of these a user may take. */
async function free(env: TestEnvironment, id: string, wanted: string[]) {
  const ctx = await env.context()
  const tenantIds = await tenantIdsOf(ctx, id)
  const answers = await Promise.allSettled(wanted.map((password) => passwords.mustBeNew(ctx, id, password, tenantIds)))
  for (const answer of answers) if (answer.status === 'rejected') expect(answer.reason).toMatchObject({ status: 400 })
  return wanted.filter((_, index) => answers[index]!.status === 'fulfilled')
}
const kept = async (env: TestEnvironment, userId: string) =>
  (await env.context()).db.passwordHistory.count({ where: { userId } })

describe.concurrent('a new password', () => {
  test('may be any without a policy, and no old hash is kept', async () => {
    const env = await newEnvironment()
    await env.vendor('POST', historyUrl, { enabled: false, historySize: 5 })
    const id = await userWith(env, ['one', 'two'])
    expect(await free(env, id, ['one', 'two'])).toEqual(['one', 'two'])
    expect(await kept(env, id)).toBe(0)
  })

  test('differs from the last three, also when they were set in the same moment', async () => {
    const env = await newEnvironment()
    await env.clock.freeze()
    await env.vendor('POST', historyUrl, { enabled: true, historySize: 3 })
    const id = await userWith(env, ['one', 'two', 'three', 'four'])
    expect(await free(env, id, ['one', 'two', 'three', 'four', 'five'])).toEqual(['one', 'five'])
    expect(await kept(env, id)).toBe(2)
    await expect(passwords.mustBeNew(await env.context(), id, 'two', [])).rejects.toMatchObject({
      message: 'The new password must differ from the last 3 passwords',
    })
  })

  test('differs from the present one, though that was set before there was a policy', async () => {
    const env = await newEnvironment()
    const id = await userWith(env, ['one', 'two'])
    await env.vendor('POST', historyUrl, { enabled: true, historySize: 2 })
    expect(await free(env, id, ['one', 'two'])).toEqual(['one'])
    await change(env, id, 'three')
    expect(await free(env, id, ['one', 'two', 'three'])).toEqual(['one'])
  })

  test('old hashes go when the policy asks for fewer', async () => {
    const env = await newEnvironment()
    await env.vendor('POST', historyUrl, { enabled: true, historySize: 10 })
    const id = await userWith(env, ['one', 'two', 'three', 'four'])
    expect(await kept(env, id)).toBe(3)
    await env.vendor('PATCH', historyUrl, { enabled: true, historySize: 2 })
    await change(env, id, 'five')
    expect(await kept(env, id)).toBe(1)
    await env.vendor('PATCH', historyUrl, { enabled: false, historySize: 2 })
    await change(env, id, 'six')
    expect(await kept(env, id)).toBe(0)
  })

  test("follows the longest history of the environment and the tenants, or the tenant's own where it may override", async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant()
    await env.vendor('POST', historyUrl, { enabled: true, historySize: 3 })
    await env.as(tenantId)('POST', historyUrl, { enabled: true, historySize: 1 })
    const id = await userWith(env, ['one', 'two', 'three'], tenantId)
    expect(await free(env, id, ['one', 'two', 'three'])).toEqual([])
    await env.vendor('POST', settings, { allowOverrideEnforcePasswordHistory: true })
    expect(await free(env, id, ['one', 'two', 'three'])).toEqual(['one', 'two'])
    await env.as(tenantId)('PATCH', historyUrl, { enabled: false, historySize: 1 })
    expect(await free(env, id, ['one', 'two', 'three'])).toEqual(['one', 'two', 'three'])
  })
})

const rotationUrl = `${settings}/password-rotation`
const rotationKeys = [
  'fe.secure.read.passwordExpirationConfiguration',
  'fe.secure.write.passwordExpirationConfiguration',
]
const MINUTE = 60_000

describe.concurrent('the rotation of passwords', () => {
  test('is not there until it is set, with its defaults, and what is not given stays', async () => {
    const env = await newEnvironment()
    expect(await env.vendor('GET', rotationUrl)).toMatchObject({
      status: 404,
      body: { errors: ['Password rotation configuration not found'] },
    })
    expect(await env.vendor('POST', rotationUrl)).toMatchObject({ status: 200, body: null })
    expect(await env.vendor('GET', rotationUrl)).toMatchObject({
      status: 200,
      body: {
        isActive: false,
        rotationPeriod: 129600,
        notificationPeriod: 10080,
        tenantId: '',
        createdAt: expect.any(String),
      },
    })
    await env.vendor('POST', rotationUrl, { isActive: true, rotationPeriod: 100 })
    await env.vendor('POST', rotationUrl, { notificationPeriod: 0 })
    expect((await env.vendor('GET', rotationUrl)).body).toMatchObject({
      isActive: true,
      rotationPeriod: 100,
      notificationPeriod: 0,
    })
    for (const wrong of [
      { rotationPeriod: 0 },
      { rotationPeriod: 2628001 },
      { notificationPeriod: -1 },
      { isActive: 1 },
    ])
      expect((await env.vendor('POST', rotationUrl, wrong)).status).toBe(400)
    expect((await env.vendor('GET', rotationUrl)).body.rotationPeriod).toBe(100)
  })

  test("a tenant has its own beside the environment's, under a permission of its own", async () => {
    const env = await newEnvironment(),
      admin = await env.user({ permissions: rotationKeys }),
      other = await env.user({ permissions: keys })
    await env.vendor('POST', rotationUrl, { rotationPeriod: 500 })
    expect((await admin('GET', rotationUrl)).status).toBe(404)
    expect((await admin('POST', rotationUrl, { rotationPeriod: 200 })).status).toBe(200)
    expect((await admin('GET', rotationUrl)).body).toMatchObject({ rotationPeriod: 200, tenantId: admin.tenantId })
    expect((await admin('GET', `${rotationUrl}/vendor`)).body).toMatchObject({ rotationPeriod: 500, tenantId: '' })
    expect((await other('GET', rotationUrl)).status).toBe(403)
  })

  test('lets a password run out, and says so beforehand', async () => {
    const env = await newEnvironment()
    await env.clock.freeze()
    const { id } = await env.newUser({ password: 'Henhouse-1!' }),
      user = await (await env.context()).db.user.findUniqueOrThrow({ where: { id } })
    const at = async (minutes: number, tenantIds: string[] = []) => {
      await env.clock.freeze(new Date(user.createdAt.getTime() + minutes * MINUTE))
      return passwords.expiry(await env.context(), user, tenantIds)
    }
    expect(await at(1e6)).toBeUndefined()
    await env.vendor('POST', rotationUrl, { isActive: true, rotationPeriod: 100, notificationPeriod: 10 })
    expect(await at(89)).toBeUndefined()
    expect(await at(90)).toEqual({ expiresInMinutes: 10, notificationPeriod: 10 })
    expect(await at(99.5)).toEqual({ expiresInMinutes: 1, notificationPeriod: 10 })
    expect(await at(100)).toEqual({ expired: true })
    expect(await passwords.expiry(await env.context(), { ...user, passwordHash: null }, [])).toBeUndefined()
    expect(await passwords.expiry(await env.context(), { ...user, passwordChangedAt: null }, [])).toEqual({
      expired: true,
    })
    await env.vendor('POST', rotationUrl, { isActive: false })
    expect(await at(100)).toBeUndefined()
  })

  test("goes by the shortest period of the environment and the tenants, or the tenant's own where it may override", async () => {
    const env = await newEnvironment(),
      [short, long] = [await env.newTenant(), await env.newTenant()],
      hour = 60 * MINUTE
    const user = {
      passwordHash: 'x',
      passwordChangedAt: new Date((await env.clock.now()).getTime() - hour),
      createdAt: new Date(0),
    }
    await env.vendor('POST', rotationUrl, { isActive: true, rotationPeriod: 100, notificationPeriod: 0 })
    await env.as(short)('POST', rotationUrl, { isActive: true, rotationPeriod: 30 })
    await env.as(long)('POST', rotationUrl, { isActive: true, rotationPeriod: 1000 })
    await env.clock.advance(hour)
    const ctx = await env.context()
    expect(await passwords.expiry(ctx, user, [long])).toEqual({ expired: true })
    await env.vendor('POST', settings, { allowOverridePasswordExpiration: true })
    expect(await passwords.expiry(ctx, user, [long])).toEqual({
      expiresInMinutes: expect.any(Number),
      notificationPeriod: 10080,
    })
    expect(await passwords.expiry(ctx, user, [long, short])).toEqual({ expired: true })
  })
})

test('policies of one environment are not those of another', async () => {
  const one = await newEnvironment(),
    two = await newEnvironment()
  const read = async (client: Client) => [
    (await client('GET', url)).body.minLength,
    (await client('GET', historyUrl)).status,
    (await client('GET', rotationUrl)).status,
  ]
  await one.vendor('POST', url, { minLength: 30 })
  await one.vendor('POST', historyUrl, { enabled: true, historySize: 3 })
  await one.vendor('POST', rotationUrl, {})
  expect(await read(one.vendor)).toEqual([30, 200, 200])
  expect(await read(two.vendor)).toEqual([6, 404, 404])
})
