import { describe, expect, test } from 'vitest'
import { newEnvironment, unique, type Answer, type TestEnvironment } from '../../../../test/environment.ts'

const url = '/identity/resources/configurations/restrictions/v1/email-domain',
  settings = '/identity/resources/configurations/v1',
  users = '/identity/resources/users',
  login = '/identity/resources/auth/v1/user'
const PASSWORD = 'Henhouse-1!'
const good = () => `${unique()}@good.example`,
  bad = () => `${unique()}@bad.example`

/** Keeps bad.example out: of the environment, or of one tenant. */
async function guard(env: TestEnvironment, type: 'ALLOW' | 'BLOCK', tenantId?: string) {
  const manage = tenantId === undefined ? env.vendor : env.as(tenantId)
  expect(
    (
      await manage('POST', `${url}/replace-bulk`, {
        type,
        domains: [type === 'ALLOW' ? 'good.example' : 'bad.example'],
      })
    ).status,
  ).toBe(201)
  expect((await manage('POST', `${url}/config`, { active: true, type })).status).toBe(201)
}
const lines = async (env: TestEnvironment) =>
  (await env.context()).db.event.findMany({
    where: { key: 'frontegg.account.security.domain.restricted' },
    select: { tenantId: true, outcome: true, details: true },
    orderBy: { at: 'asc' },
  })
async function onlyGood(env: TestEnvironment, attempt: (email: string) => Promise<Answer>) {
  const refused = bad(),
    before = (await lines(env)).length
  expect(await attempt(refused)).toMatchObject({
    status: 403,
    body: { errors: ['The domain of this e-mail address is not allowed'] },
  })
  expect(await (await env.context()).db.userEmail.count({ where: { email: refused } })).toBe(0)
  expect(await env.messages({ to: refused })).toEqual([])
  expect((await lines(env)).slice(before)).toMatchObject([{ outcome: 'failure', details: { domain: 'bad.example' } }])
  const answer = await attempt(good())
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300)
  expect(await lines(env)).toHaveLength(before + 1)
}

describe.concurrent.for(['ALLOW', 'BLOCK'] as const)('a domain that is kept out (%s)', (type) => {
  test('signs up for nothing, and is added to nothing', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant()
    await guard(env, type)
    await onlyGood(env, (email) =>
      env.anonymous('POST', `${users}/v1/signUp`, { email, name: 'A', companyName: unique(), password: PASSWORD }),
    )
    await onlyGood(env, (email) => env.as(tenantId)('POST', `${users}/v2`, { email }))
  })

  test('is invited to no account that does not want it, new or known, one by one or in bulk', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant(),
      elsewhere = await env.newTenant()
    await guard(env, type, tenantId)
    await onlyGood(env, (email) => env.as(tenantId)('POST', `${users}/v2`, { email }))
    const known = await env.newUser({ email: bad() }),
      free = bad()
    expect((await env.as(elsewhere)('POST', `${users}/v2`, { email: free })).status).toBe(201)
    for (const attempt of [
      env.as(tenantId)('POST', `${users}/v2`, { email: known.email }),
      env.vendor('POST', `${users}/v1/${known.id}/tenant`, { tenantId }),
    ])
      expect((await attempt).status).toBe(403)
    const before = (await lines(env)).length
    const { body } = await env.as(tenantId)('POST', `${users}/bulk/v1/invite`, {
      users: [{ email: good() }, { email: bad() }, { email: known.email }],
    })
    await env.runJobs()
    expect((await lines(env)).slice(before)).toMatchObject(Array.from({ length: 2 }, () => ({ tenantId })))
    expect((await env.vendor('GET', `${users}/bulk/v1/status/${body.id}`)).body).toMatchObject({
      status: 'CompletedWithErrors',
      processed: 3,
      errors: [{ index: 1 }, { index: 2 }],
    })
    expect(await (await env.context()).db.membership.count({ where: { userId: known.id } })).toBe(1)
    expect((await env.messages()).filter((m) => m.recipient.endsWith('@bad.example')).map((m) => m.recipient)).toEqual([
      free,
    ])
  })

  test('is asked about again when the code for an address is entered: what has been kept out since cannot be taken, and the code waits', async () => {
    const env = await newEnvironment()
    await env.vendor('POST', `${settings}/user-emails-policy`, { allowEmailChange: true })
    for (const [ask, enter] of [
      [`${users}/emails/v1`, `${users}/emails/v1/verify`],
      [`${users}/v1/email/me`, `${users}/v1/email/me/verify`],
    ] as const) {
      const user = await env.user({ email: good() }),
        email = bad()
      expect((await user('POST', ask, { email })).status).toBeLessThan(300)
      const code = (await env.messages({ to: email })).at(-1)!.code
      await guard(env, type, user.tenantId)
      expect(await user('POST', enter, { email, code })).toMatchObject({
        status: 403,
        body: { errors: ['The domain of this e-mail address is not allowed'] },
      })
      expect(await (await env.context()).db.userEmail.count({ where: { email, verified: true } })).toBe(0)
      expect((await env.as(user.tenantId)('POST', `${url}/config`, { active: false, type })).status).toBe(201)
      expect((await user('POST', enter, { email, code })).status).toBeLessThan(300)
      await guard(env, type, user.tenantId)
      expect((await user('GET', '/identity/resources/users/v2/me')).status).toBe(200)
    }
  })

  test("is nothing to change to, by the user or by management, in any of the user's accounts; those who are there stay", async () => {
    const env = await newEnvironment(),
      user = await env.user({ email: good(), permissions: ['fe.secure.write.users'] }),
      old = await env.newUser({ email: bad(), password: PASSWORD })
    await env.vendor('POST', `${settings}/user-emails-policy`, { allowEmailChange: true })
    await guard(env, type, user.tenantId)
    await guard(env, type, old.tenantId)
    await onlyGood(env, (email) => user('POST', `${users}/v1/email/me`, { email }))
    await onlyGood(env, (email) => env.vendor('PUT', `${users}/v1/${user.id}/email`, { email }))
    await onlyGood(env, (email) => user('POST', `${users}/emails/v1`, { email }))
    await onlyGood(env, (email) =>
      env.vendor('POST', `${users}/emails/v1/vendor/${user.id}`, { email, verified: true }),
    )
    expect((await env.anonymous('POST', login, { email: old.email, password: PASSWORD })).status).toBe(200)
  })
})
