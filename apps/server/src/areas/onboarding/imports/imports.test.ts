import { isForeign, verify } from '@henhouse/foreign-hashes'
import { openDatabase } from '@henhouse/database'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import {
  deps,
  newEnvironment,
  newServer,
  unique,
  UNKNOWN_ID,
  type TestEnvironment,
} from '../../../../test/environment.ts'
import { everythingOf } from '../../../../test/furnished.ts'
import { codeOf, logIn, mfa, PASSWORD } from '../../../../test/second-factors.ts'
import { runDue } from '../../../kernel/jobs.ts'

const url = '/identity/resources/migrations/v1/local',
  users = '/identity/resources/users'
/** of `test`, as PHP makes it */
const BCRYPT = '$2y$10$wisIVhmjWjm/lkujDJVAXuuYDXiGU/c9HK3mMzqFbfk45PXA527ui'
const SECRET = 'JBSWY3DPEHPK3PXP'

const one = (env: TestEnvironment, user: object) => env.vendor('POST', url, user)
const many = async (env: TestEnvironment, list: object[], version = 'v1') => {
  const answer = await env.vendor('POST', `/identity/resources/migrations/${version}/local/bulk`, { users: list })
  expect(answer, JSON.stringify(answer.body)).toMatchObject({ status: 202, body: { migrationId: expect.any(String) } })
  return answer.body.migrationId as string
}
const status = async (env: TestEnvironment, id: string) => (await env.vendor('GET', `${url}/bulk/status/${id}`)).body
const stored = async (env: TestEnvironment, email: string) =>
  (await env.context()).db.user.findFirst({
    where: { email },
    include: { phones: true, emails: true, mfaDevices: true },
  })
const rolesOf = async (env: TestEnvironment, userId: string, tenantId: string) =>
  (await (await env.context()).db.membershipRole.findMany({ where: { userId, tenantId }, select: { role: true } }))
    .map(({ role }) => role.key)
    .toSorted()

describe.concurrent('a user who is brought over', () => {
  test('is answered as users are, with the password of before and without any mail', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant()
    const answer = await one(env, {
      ...{ tenantId, email: 'Ada@Example.com', name: 'Ada', passwordHash: BCRYPT, passwordHashType: 'bcrypt' },
      ...{ metadata: '{"a":1}', vendorMetadata: '{"b":2}', externalId: 'x1', phoneNumber: '+1 (603) 718-4056' },
    })
    expect(answer).toMatchObject({
      status: 201,
      body: {
        ...{
          email: 'ada@example.com',
          name: 'Ada',
          tenantId,
          tenantIds: [tenantId],
          verified: false,
          mfaEnrolled: false,
        },
        ...{ metadata: '{"a":1}', vendorMetadata: '{"b":2}', externalId: 'x1', phoneNumber: '+16037184056' },
        provider: 'local',
      },
    })
    const user = (await stored(env, 'ada@example.com'))!
    expect(user.id).toBe(answer.body.id)
    expect(isForeign(user.passwordHash!)).toBe(true)
    expect(await verify(user.passwordHash!, 'test')).toBe(true)
    expect(await verify(user.passwordHash!, 'Test')).toBe(false)
    expect(user.phones).toMatchObject([{ phoneNumber: '+16037184056', verified: true }])
    expect(user.emails).toMatchObject([{ email: 'ada@example.com', verified: false }])
    expect(await env.messages()).toEqual([])
  })

  test('logs in with the password of before, and with no other', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant(),
      email = 'ada@example.com'
    await one(env, { tenantId, email, passwordHash: BCRYPT, verifyUser: true })
    expect((await logIn(env, { email, password: 'Test' })).status).toBe(401)
    expect((await logIn(env, { email, password: 'test' })).status).toBe(200)
    expect(await env.messages({ template: 'ActivateUser' })).toEqual([])
  })

  test('is verified if the environment says so, and a hash without a type is bcrypt', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant()
    expect(
      (await one(env, { tenantId, email: 'a@example.com', verifyUser: true, passwordHash: BCRYPT })).body.verified,
    ).toBe(true)
    expect(isForeign((await stored(env, 'a@example.com'))!.passwordHash!)).toBe(true)
    // a provider proves nothing here
    expect((await one(env, { tenantId, email: 'b@example.com', provider: 'google' })).body).toMatchObject({
      ...{ verified: false, provider: 'google' },
    })
  })

  test('has the roles that are named by id or key, or else the default ones, even as the first of an account', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant(),
      roles = '/identity/resources/roles/v1'
    for (const { id } of (await env.vendor('GET', roles)).body)
      await env.vendor('PATCH', `${roles}/${id}`, { isDefault: false, firstUserRole: false })
    await env.vendor('POST', roles, [
      { key: 'founder', name: 'F', firstUserRole: true },
      { key: 'guest', name: 'G', isDefault: true },
    ])
    const [own] = (await env.as(tenantId)('POST', roles, [{ key: 'own', name: 'O' }])).body,
      other = await env.newTenant()
    const first = await one(env, { tenantId, email: 'first@example.com' })
    expect(await rolesOf(env, first.body.id, tenantId)).toEqual(['guest'])
    const named = await one(env, { tenantId, email: 'named@example.com', roleIds: ['own', own.id, 'Admin'] })
    expect(named.body.roles.map((role: { key: string }) => role.key).toSorted()).toEqual(['Admin', 'own'])
    for (const roleIds of [['own'], [own.id], ['nothing'], [UNKNOWN_ID]])
      expect(await one(env, { tenantId: other, email: 'x@example.com', roleIds }), String(roleIds)).toMatchObject({
        status: 400,
        body: { errors: ['Some of the roles do not exist'] },
      })
    expect(await stored(env, 'x@example.com')).toBeNull()
  })

  test('who is there already keeps everything, whatever the case of the address, and gets into the account', async () => {
    const env = await newEnvironment(),
      known = await env.newUser({ password: PASSWORD, email: `${unique('known')}@example.com` }),
      tenantId = await env.newTenant(),
      before = await stored(env, known.email)
    const call = () =>
      one(env, {
        ...{ tenantId, email: known.email.toUpperCase(), name: 'Other', passwordHash: BCRYPT, metadata: '{"x":1}' },
        ...{ phoneNumber: '+16037184057', authenticatorAppMfaSecret: SECRET, roleIds: ['Admin'] },
      })
    const answer = await call()
    expect(answer).toMatchObject({
      status: 201,
      body: { id: known.id, email: known.email, tenantId, mfaEnrolled: false },
    })
    expect(await stored(env, known.email)).toEqual(before)
    expect(await rolesOf(env, known.id, tenantId)).toEqual(['Admin'])
    expect((await logIn(env, known)).status).toBe(200)
    // and a second time nothing changes
    const all = await everythingOf(env.id)
    expect((await one(env, { tenantId, email: known.email, roleIds: ['ReadOnly'] })).body.id).toBe(known.id)
    expect(await everythingOf(env.id)).toEqual(all)
  })

  test('is found by a further address that was verified, and not by one that was not', async () => {
    const env = await newEnvironment(),
      { db, clock, random } = await env.context(),
      known = await env.newUser(),
      tenantId = await env.newTenant(),
      row = { userId: known.id, createdAt: clock.now(), updatedAt: clock.now() }
    await db.userEmail.create({ data: { ...row, id: random.uuid(), email: 'proved@example.com', verified: true } })
    await db.userEmail.create({ data: { ...row, id: random.uuid(), email: 'claimed@example.com', verified: false } })
    expect((await one(env, { tenantId, email: 'proved@example.com' })).body.id).toBe(known.id)
    const other = await one(env, { tenantId, email: 'claimed@example.com' })
    expect(other.status).toBe(201)
    expect(other.body.id).not.toBe(known.id)
    expect(await db.userEmail.findMany({ where: { email: 'claimed@example.com' } })).toMatchObject([
      { userId: other.body.id },
    ])
  })

  test('has an address and a number that somebody else had added and not proved', async () => {
    const env = await newEnvironment(),
      { db, clock, random } = await env.context(),
      other = await env.newUser(),
      tenantId = await env.newTenant(),
      row = () => ({
        id: random.uuid(),
        userId: other.id,
        verified: false,
        createdAt: clock.now(),
        updatedAt: clock.now(),
      })
    await db.phoneNumber.create({ data: { ...row(), phoneNumber: '+16037184056' } })
    await db.userEmail.create({ data: { ...row(), email: 'second@example.com' } })
    expect(await one(env, { tenantId, email: 'a@example.com', phoneNumber: '+16037184056' })).toMatchObject({
      status: 201,
      body: { phoneNumber: '+16037184056' },
    })
    const emails = ['b@example.com', 'second@example.com'].map((email, i) => ({
      email,
      primary: i === 0,
      verified: true,
    }))
    const id = await many(env, [{ tenantId, emails }], 'v2')
    await env.runJobs()
    expect(await status(env, id)).toMatchObject({ migrated: 1, errors: [] })
    expect((await stored(env, 'b@example.com'))!.emails.map(({ email }) => email).toSorted()).toEqual([
      'b@example.com',
      'second@example.com',
    ])
    expect(await db.phoneNumber.count({ where: { userId: other.id } })).toBe(0)
    expect(await db.userEmail.count({ where: { userId: other.id } })).toBe(1)
  })

  test('whose time in the account is up comes back, with the roles of now', async () => {
    const env = await newEnvironment(),
      known = await env.newUser({ roleKeys: ['Admin'] }),
      { db, clock } = await env.context()
    await db.membership.updateMany({ where: { userId: known.id }, data: { expiresAt: clock.now() } })
    expect((await one(env, { tenantId: known.tenantId, email: known.email, roleIds: ['ReadOnly'] })).status).toBe(201)
    expect(await rolesOf(env, known.id, known.tenantId)).toEqual(['ReadOnly'])
    expect(await db.membership.findMany({ where: { userId: known.id } })).toMatchObject([{ expiresAt: null }])
  })

  test('with an authenticator app logs in with its codes, however its key was written', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant()
    const ways = [
      SECRET,
      'jbsw y3dp ehpk 3pxp',
      'JBSWY3DPEHPK3PXP====',
      `otpauth://totp/Coop:ada?secret=${SECRET}&issuer=Coop&digits=6&period=30&algorithm=SHA1`,
    ]
    for (const [index, authenticatorAppMfaSecret] of ways.entries()) {
      const email = `app${index}@example.com`,
        made = await one(env, { tenantId, email, verifyUser: true, authenticatorAppMfaSecret })
      expect(made, authenticatorAppMfaSecret).toMatchObject({ status: 201, body: { mfaEnrolled: true } })
      await (
        await env.context()
      ).db.user.updateMany({ where: { email }, data: { passwordHash: await deps.passwords.hash(PASSWORD) } })
      const { mfaToken, mfaDevices } = (await logIn(env, { email })).body
      expect(mfaDevices.authenticators).toHaveLength(1)
      const value = await codeOf(env, SECRET)
      expect(
        (
          await env.anonymous('POST', `${mfa}/authenticator/${mfaDevices.authenticators[0].id}/verify`, {
            mfaToken,
            value,
          })
        ).status,
      ).toBe(201)
    }
    expect(await env.messages()).toEqual([])
  })

  test.each([
    ['not base32!', 'base32'],
    ['JBSWY3DPEHPK3PX1', 'base32'],
    ['JBSWY3DPEHPK3PXPA', 'base32'],
    ['JBSWY3DPEHPK3', 'bytes'],
    ['A'.repeat(200), 'bytes'],
    [`otpauth://totp/x?secret=${SECRET}&digits=8`, 'digits'],
    [`otpauth://totp/x?secret=${SECRET}&period=60`, 'period'],
    [`otpauth://totp/x?secret=${SECRET}&algorithm=SHA256`, 'algorithm'],
    [`otpauth://hotp/x?secret=${SECRET}&counter=1`, 'totp'],
    ['otpauth://totp/x', 'base32'],
  ])('with the key %s of an authenticator app is refused', async (authenticatorAppMfaSecret, word) => {
    const env = await newEnvironment(),
      answer = await one(env, { tenantId: await env.newTenant(), email: 'a@example.com', authenticatorAppMfaSecret })
    expect(answer.status).toBe(400)
    expect(answer.body.errors[0]).toContain(word)
    expect(answer.body.errors[0]).not.toContain(SECRET)
    expect(await stored(env, 'a@example.com')).toBeNull()
  })

  test('with a number for second factors is asked for its codes, and cannot log in with it', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant()
    const made = await one(env, {
      ...{ tenantId, email: 'a@example.com', phoneNumber: '+16037184056', phoneNumberType: 'mfa' },
    })
    expect(made.body).toMatchObject({ mfaEnrolled: true, phoneNumber: null })
    expect(await stored(env, 'a@example.com')).toMatchObject({
      phones: [],
      mfaDevices: [{ kind: 'sms', phoneNumber: '+16037184056' }],
    })
  })

  test('may have a username alone', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant(),
      made = await one(env, { tenantId, username: 'Hen' })
    expect(made).toMatchObject({ status: 201, body: { email: '', verified: true } })
    expect((await one(env, { tenantId: await env.newTenant(), username: 'hen' })).body.id).toBe(made.body.id)
  })

  test('is refused for what is not there, is taken or cannot be used', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant(),
      email = 'new@example.com'
    await one(env, { tenantId, email: 'holder@example.com', username: 'holder', phoneNumber: '+16037184056' })
    const before = await everythingOf(env.id)
    const refused: [object, number][] = [
      [{ email }, 400],
      [{ tenantId: '', email }, 400],
      [{ tenantId }, 400],
      [{ tenantId, email: 'nobody' }, 400],
      [{ tenantId: 'nowhere', email }, 404],
      [{ tenantId: await (await newEnvironment()).newTenant(), email }, 404],
      [{ tenantId, email, phoneNumber: '+16037184056' }, 409],
      [{ tenantId, email, phoneNumber: '6037184056' }, 400],
      [{ tenantId, email, phoneNumber: '+1603718405x' }, 400],
      [{ tenantId, email, username: 'HOLDER' }, 409],
      [{ tenantId, email, metadata: '[1]' }, 400],
      [{ tenantId, email, metadata: '{' }, 400],
      [{ tenantId, email, passwordHash: 'x', passwordHashType: 'md5' }, 400],
      [{ tenantId, email, passwordHash: 'x', passwordHashType: 'bcrypt' }, 400],
      [{ tenantId, email, passwordHash: 'x', passwordHashType: 'scrypt', passwordHashConfig: '7' }, 400],
      [{ tenantId, email, provider: 'nobody' }, 400],
    ]
    for (const [body, expected] of refused) expect((await one(env, body)).status, JSON.stringify(body)).toBe(expected)
    expect(await everythingOf(env.id)).toEqual(before)
  })

  test('needs a default application', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant(),
      { db } = await env.context()
    await db.defaultApplication.deleteMany({})
    await env.clock.advance(0)
    const calls = [
      one(env, { tenantId, email: 'a@example.com' }),
      env.vendor('POST', `${url}/bulk`, { users: [{ tenantId, email: 'a@example.com' }] }),
    ]
    for (const answer of await Promise.all(calls))
      expect(answer).toMatchObject({ status: 403, body: { errors: ['Application ID is not specified'] } })
    expect(await db.userImport.count({ where: {} })).toBe(0)
  })

  test('who had signed up with an address that was never proved does not bring that password along', async () => {
    const env = await newEnvironment(),
      email = 'victim@example.com',
      tenantId = await env.newTenant()
    await env.anonymous('POST', `${users}/v1/signUp`, { email, password: PASSWORD, companyName: 'Mallory' })
    const made = await one(env, { tenantId, email, roleIds: ['Admin'] })
    expect(made.status).toBe(201)
    expect(await stored(env, email)).toMatchObject({ passwordHash: null, unprovenPast: false })
  })
})

describe.concurrent('many users', () => {
  test('are brought over by a task: bad rows are named by index and field, and stop nobody', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant()
    const list: object[] = Array.from({ length: 300 }, (_, i) => ({
      tenantId,
      email: `u${i}@example.com`,
      roleIds: ['Admin'],
    }))
    list[3] = { email: 'three@example.com' }
    list[7] = { tenantId, email: 'no address' }
    list[11] = { tenantId, email: 'eleven@example.com', phoneNumber: '12' }
    list[13] = { tenantId, email: 'thirteen@example.com', roleIds: ['nothing'] }
    list[17] = { tenantId: 'nowhere', email: 'seventeen@example.com' }
    list[19] = { tenantId, email: 'nineteen@example.com', passwordHash: 'x' }
    list[23] = { tenantId, email: 'twentythree@example.com', metadata: '[]' }
    list[29] = { tenantId, email: 'twentynine@example.com', authenticatorAppMfaSecret: '!' }
    list[260] = { tenantId, username: 'no blanks' }
    const id = await many(env, list)
    expect(await status(env, id)).toEqual({ migrationId: id, state: 'pending', total: 300, migrated: 0, errors: [] })
    expect(await stored(env, 'u0@example.com')).toBeNull()
    await env.runJobs()
    const found = await status(env, id)
    expect(found).toMatchObject({ state: 'completed', total: 300, migrated: 291 })
    expect(found.errors.map(({ index, field }: { index: number; field: string }) => [index, field])).toEqual([
      [3, 'tenantId'],
      [7, 'email'],
      [11, 'phoneNumber'],
      [13, 'roleIds'],
      [17, 'tenantId'],
      [19, 'passwordHash'],
      [23, 'metadata'],
      [29, 'authenticatorAppMfaSecret'],
      [260, 'username'],
    ])
    expect(found.errors[1]).toMatchObject({ email: 'no address', message: 'email must be an email' })
    const { db } = await env.context()
    expect(await db.user.count({ where: {} })).toBe(291)
    expect(await db.membershipRole.count({ where: { tenantId, role: { key: 'Admin' } } })).toBe(291)
    expect(await env.messages()).toEqual([])
  })

  test('change nothing when they come a second time', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant()
    const list = Array.from({ length: 30 }, (_, i) => ({
      ...{ tenantId, email: `u${i}@example.com`, phoneNumber: `+1603718${4000 + i}`, passwordHash: BCRYPT },
      ...{ authenticatorAppMfaSecret: SECRET, username: `user${i}`, metadata: '{"a":1}' },
    }))
    await many(env, list)
    await env.runJobs()
    const { UserImport: _, UserImportPart: _parts, Job: _jobs, Event: _events, ...before } = await everythingOf(env.id)
    const id = await many(env, list)
    await env.runJobs()
    expect(await status(env, id)).toMatchObject({ state: 'completed', migrated: 30, errors: [] })
    const { UserImport: _1, UserImportPart: _2, Job: _3, Event: _4, ...after } = await everythingOf(env.id)
    expect(after).toEqual(before)
  })

  test('with one person in several rows: they are one user, in all of the accounts', async () => {
    const env = await newEnvironment(),
      [a, b] = [await env.newTenant(), await env.newTenant()]
    const id = await many(env, [
      { tenantId: a, email: 'ada@example.com', name: 'First' },
      { tenantId: b, email: 'ADA@example.com', name: 'Second' },
      { tenantId: a, email: 'ada@example.com', name: 'Third' },
      { tenantId: a, email: 'other@example.com', username: 'x', phoneNumber: '+16037184056' },
      { tenantId: a, email: 'more@example.com', username: 'X' },
      { tenantId: a, email: 'most@example.com', phoneNumber: '+1-603-718-4056' },
    ])
    await env.runJobs()
    expect(await status(env, id)).toMatchObject({
      migrated: 4,
      errors: [
        { index: 4, field: 'username' },
        { index: 5, field: 'phoneNumber' },
      ],
    })
    const { db } = await env.context(),
      user = (await stored(env, 'ada@example.com'))!
    expect(user).toMatchObject({ name: 'First', activeTenantId: a })
    expect(await db.membership.count({ where: { userId: user.id } })).toBe(2)
  })

  test('of the second version have several addresses', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant()
    const address = (email: string, primary: boolean, verified: boolean) => ({ email, primary, verified })
    await one(env, { tenantId, email: 'taken@example.com' })
    const id = await many(
      env,
      [
        {
          tenantId,
          emails: [
            address('B@example.com', false, true),
            address('a@example.com', true, true),
            address('c@example.com', false, false),
          ],
        },
        { tenantId, emails: [address('d@example.com', false, false)], username: 'dee' },
        { tenantId, emails: [address('e@example.com', true, true), address('taken@example.com', false, true)] },
        { tenantId, emails: [address('f@example.com', true, true), address('g@example.com', true, true)] },
        { tenantId, username: 'nobody' },
        { tenantId, emails: [] },
      ],
      'v2',
    )
    await env.runJobs()
    const found = await status(env, id)
    expect(found).toMatchObject({ migrated: 3 })
    expect(found.errors.map(({ index, field }: { index: number; field: string }) => [index, field])).toEqual([
      [2, 'emails'],
      [3, 'emails'],
      [5, 'email'],
    ])
    const a = (await stored(env, 'a@example.com'))!
    expect(a.verified).toBe(true)
    expect(Object.fromEntries(a.emails.map(({ email, verified }) => [email, verified]))).toEqual({
      'a@example.com': true,
      'b@example.com': true,
      'c@example.com': false,
    })
    expect(await stored(env, 'd@example.com')).toMatchObject({ verified: false, username: 'dee' })
  })

  test('are a thousand at most, and one call is refused as a whole for what no client would send', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant()
    for (const list of [
      Array.from({ length: 1001 }, () => ({ tenantId })),
      [],
      [7],
      [{ tenantId, email: 7 }],
      [{ tenantId, roleIds: 'Admin' }],
    ])
      expect((await env.vendor('POST', `${url}/bulk`, { users: list })).status).toBe(400)
    expect(await (await env.context()).db.userImport.count({ where: {} })).toBe(0)
  })

  test('belong to their environment, and their status goes after a while', async () => {
    const env = await newEnvironment(),
      other = await newEnvironment(),
      id = await many(env, [{ tenantId: await env.newTenant(), email: 'a@example.com' }])
    await env.runJobs()
    for (const unknown of [id, UNKNOWN_ID, 'x'])
      expect((await other.vendor('GET', `${url}/bulk/status/${unknown}`)).status).toBe(404)
    expect((await env.vendor('GET', `${url}/bulk/status/${id}`)).status).toBe(200)
  })

  test('wait sealed, and nothing secret of them is left afterwards', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant(),
      email = `${unique('secret')}@example.com`
    await many(env, [{ tenantId, email, passwordHash: BCRYPT, authenticatorAppMfaSecret: SECRET }])
    const pending = JSON.stringify(await everythingOf(env.id))
    for (const secret of [BCRYPT, SECRET, email]) expect(pending).not.toContain(secret)
    await env.runJobs()
    const { UserImport: imports, UserImportPart: parts } = await everythingOf(env.id)
    expect(imports).toMatchObject([{ settings: null }])
    expect(parts).toMatchObject([{ rows: null }])
    expect(JSON.stringify(await everythingOf(env.id))).not.toContain(SECRET)
  })

  test('are only for environment tokens', async () => {
    const env = await newEnvironment(),
      admin = await env.user({ roleKeys: ['Admin'] })
    expect((await admin('POST', url, { tenantId: admin.tenantId, email: 'a@example.com' })).status).toBe(401)
    expect((await admin('POST', `${url}/bulk`, { users: [{ tenantId: admin.tenantId }] })).status).toBe(401)
    expect((await env.anonymous('POST', url, { tenantId: admin.tenantId, email: 'a@example.com' })).status).toBe(401)
  })
})

describe.concurrent('at the same time', () => {
  test('two imports of the same people make each of them once', async () => {
    const env = await newEnvironment(),
      [a, b] = [await env.newTenant(), await env.newTenant()]
    const people = (tenantId: string, reverse: boolean) => {
      const list = Array.from({ length: 60 }, (_, i) => ({
        tenantId,
        email: `u${i}@example.com`,
        username: `user${i}`,
      }))
      return reverse ? list.toReversed() : list
    }
    const ids = [await many(env, people(a, false)), await many(env, people(b, true)), await many(env, people(a, true))]
    const { worker } = await newServer()
    await Promise.all([env.runJobs(), runDue(worker, env.id), runDue(worker, env.id)])
    // what one worker had taken, another may have waited for
    await env.runJobs()
    for (const id of ids) expect(await status(env, id)).toMatchObject({ state: 'completed', migrated: 60, errors: [] })
    const { db } = await env.context()
    expect(await db.user.count({ where: {} })).toBe(60)
    expect(await db.membership.count({ where: {} })).toBe(120)
  })

  test('eight calls for one person make them once', async () => {
    const env = await newEnvironment(),
      tenantIds = await Promise.all(Array.from({ length: 8 }, () => env.newTenant()))
    const answers = await Promise.all(
      tenantIds.map((tenantId) => one(env, { tenantId, email: 'ada@example.com', phoneNumber: '+16037184056' })),
    )
    expect(answers.map((answer) => answer.status)).toEqual(tenantIds.map(() => 201))
    expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(1)
  })

  test('an import and a sign-up of one address end with one user, who is in the account that imported them', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant()
    for (let i = 0; i < 5; i++) {
      const email = `u${i}@example.com`
      const [imported, signedUp] = await Promise.all([
        one(env, { tenantId, email }),
        env.anonymous('POST', `${users}/v1/signUp`, { email, password: PASSWORD, companyName: 'New' }),
      ])
      expect(imported.status).toBe(201)
      expect(signedUp.status).toBeLessThan(500)
      const { db } = await env.context()
      expect(await db.user.findMany({ where: { email }, select: { id: true } })).toEqual([{ id: imported.body.id }])
      expect(await db.membership.count({ where: { userId: imported.body.id, tenantId } })).toBe(1)
    }
  })
})

test('a hundred users are brought in by few statements', async () => {
  const texts: string[] = [],
    database = openDatabase(inject('databaseUrl'), { max: 2 })
  onTestFinished(() => database.close())
  database.pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...given: unknown[]) => unknown
    client.query = ((given: string | { text: string }, ...rest: unknown[]) => {
      texts.push(typeof given === 'string' ? given : given.text)
      return query(given, ...rest)
    }) as typeof client.query
  })
  const own = { ...deps, database },
    server = await newServer({ database }),
    env = await newEnvironment(server, own),
    tenantIds = await Promise.all(Array.from({ length: 20 }, () => env.newTenant()))
  const list = (from: number) =>
    Array.from({ length: 100 }, (_, i) => ({
      ...{ tenantId: tenantIds[i % 20], email: `u${from + i}@example.com`, phoneNumber: `+1603718${4000 + from + i}` },
      ...{ passwordHash: BCRYPT, authenticatorAppMfaSecret: SECRET, roleIds: ['Admin'] },
    }))
  await many(env, list(0))
  await env.runJobs()
  const id = await many(env, list(100))
  texts.length = 0
  await env.runJobs()
  const about = texts.filter((text) => /"(User|Membership|UserImport|Tenant|UserEmail)\b/.test(text))
  expect(await status(env, id)).toMatchObject({ state: 'completed', migrated: 100 })
  // the next part, what is there, all that is stored; that no part is left, and that this is the end
  expect(about.length, about.join('\n')).toBeLessThanOrEqual(6)
})
