import { describe, expect, test } from 'vitest'
import { newEnvironment, UNKNOWN_ID, type Client, type TestEnvironment } from '../../../../test/environment.ts'
import * as domains from './domain-restrictions.service.ts'

const url = '/identity/resources/configurations/restrictions/v1/email-domain'
const keys = [
  'fe.secure.read.emailDomainRestrictions',
  'fe.secure.write.emailDomainRestrictions',
  'fe.secure.delete.emailDomainRestrictions',
]
const listed = async (client: Client) =>
  (await client('GET', url)).body.items.map((item: { domain: string; type: string }) => `${item.type} ${item.domain}`)
/** Which of these addresses may come in. */
async function allowed(env: TestEnvironment, emails: string[], tenantId?: string) {
  const ctx = await env.context()
  const answers = await Promise.allSettled(
    emails.map((email) => domains.mustAllow(ctx, email, tenantId === undefined ? [] : [tenantId])),
  )
  for (const answer of answers) if (answer.status === 'rejected') expect(answer.reason).toMatchObject({ status: 403 })
  return emails.filter((_, index) => answers[index]!.status === 'fulfilled')
}

describe.concurrent('domain restrictions', () => {
  test('are listed on one page, taken once per list, and taken off', async () => {
    const env = await newEnvironment()
    expect((await env.vendor('GET', url)).body).toEqual({
      items: [],
      _links: { next: '', prev: '', first: '', last: '' },
      _metadata: { totalItems: 0, totalPages: 0 },
    })
    const made = await env.vendor('POST', url, { domain: 'Example.COM', type: 'ALLOW' })
    expect(made).toMatchObject({ status: 201, body: { id: expect.any(String), domain: 'example.com', type: 'ALLOW' } })
    expect(await env.vendor('POST', url, { domain: 'example.com', type: 'ALLOW' })).toMatchObject({
      status: 409,
      body: { errors: ['Domain restriction already exists'] },
    })
    expect((await env.vendor('POST', url, { domain: 'example.com', type: 'BLOCK' })).status).toBe(201)
    expect((await env.vendor('GET', url)).body).toMatchObject({
      items: [{ domain: 'example.com' }, { domain: 'example.com' }],
      _metadata: { totalItems: 2, totalPages: 1 },
    })
    expect(await env.vendor('DELETE', `${url}/${made.body.id}`)).toMatchObject({ status: 200, body: null })
    expect((await env.vendor('DELETE', `${url}/${made.body.id}`)).status).toBe(404)
    expect((await env.vendor('DELETE', `${url}/${UNKNOWN_ID}`)).status).toBe(404)
    expect(await listed(env.vendor)).toEqual(['BLOCK example.com'])
  })

  test('of many that take the same at once, one gets it, in the environment as in a tenant', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant()
    for (const client of [env.vendor, env.as(tenantId)]) {
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => client('POST', url, { domain: 'example.com', type: 'ALLOW' })),
      )
      expect(answers.map((a) => a.status).sort()).toEqual([201, 409, 409, 409, 409, 409, 409, 409])
    }
  })

  test('want a domain', async () => {
    const env = await newEnvironment()
    for (const domain of [
      '',
      'example',
      'a@example.com',
      '-a.com',
      'a..com',
      '*.example.com',
      `${'a'.repeat(64)}.com`,
      '1.2.3.4',
      'https://example.com',
    ]) {
      const { status, body } = await env.vendor('POST', url, { domain, type: 'ALLOW' })
      expect({ domain, status, errors: body.errors }).toEqual({
        domain,
        status: 400,
        errors: ['domain must be a valid domain'],
      })
    }
    expect(await env.vendor('POST', `${url}/replace-bulk`, { type: 'ALLOW', domains: ['a.com', 'b'] })).toMatchObject({
      status: 400,
      body: { errors: ['each value in domains must be a valid domain'] },
    })
    expect((await env.vendor('POST', url, { domain: 'a.com', type: 'MAYBE' })).status).toBe(400)
    expect(await listed(env.vendor)).toEqual([])
    for (const domain of ['xn--mnchen-3ya.de', 'a-b.co.uk', 'x.museum'])
      expect((await env.vendor('POST', url, { domain, type: 'ALLOW' })).status).toBe(201)
  })

  test('a bulk swaps one list whole, and what stays keeps its id', async () => {
    const env = await newEnvironment()
    const kept = (await env.vendor('POST', url, { domain: 'b.com', type: 'ALLOW' })).body
    await env.vendor('POST', url, { domain: 'a.com', type: 'ALLOW' })
    await env.vendor('POST', url, { domain: 'x.com', type: 'BLOCK' })
    const { status, body } = await env.vendor('POST', `${url}/replace-bulk`, {
      type: 'ALLOW',
      domains: ['c.com', 'B.com', 'c.com'],
    })
    expect(status).toBe(201)
    expect(body).toEqual([kept, { id: expect.any(String), domain: 'c.com', type: 'ALLOW' }])
    expect((await listed(env.vendor)).sort()).toEqual(['ALLOW b.com', 'ALLOW c.com', 'BLOCK x.com'])
    expect(await env.vendor('POST', `${url}/replace-bulk`, { type: 'ALLOW', domains: [] })).toMatchObject({
      status: 201,
      body: [],
    })
    expect(await listed(env.vendor)).toEqual(['BLOCK x.com'])
  })

  test('of many bulks at once, one list is left, not a mixture', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant()
    await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        env.as(tenantId)('POST', `${url}/replace-bulk`, { type: 'ALLOW', domains: [`a${i}.com`, `b${i}.com`] }),
      ),
    )
    const left = await listed(env.as(tenantId))
    expect(left).toHaveLength(2)
    expect(left[0].replace('a', 'b').replace('ALLOW', '')).toBe(left[1].replace('ALLOW', ''))
  })

  test('a tenant has lists of its own, that no other tenant sees', async () => {
    const env = await newEnvironment(),
      admin = await env.user({ permissions: keys }),
      other = await env.user({ permissions: keys })
    await env.vendor('POST', url, { domain: 'env.com', type: 'ALLOW' })
    const mine = await admin('POST', url, { domain: 'mine.com', type: 'ALLOW' })
    expect(await listed(admin)).toEqual(['ALLOW mine.com'])
    expect(await listed(env.vendor)).toEqual(['ALLOW env.com'])
    expect(await listed(other)).toEqual([])
    expect((await other('DELETE', `${url}/${mine.body.id}`)).status).toBe(404)
    expect((await env.vendor('DELETE', `${url}/${mine.body.id}`)).status).toBe(404)
    await other('POST', `${url}/replace-bulk`, { type: 'ALLOW', domains: [] })
    expect(await listed(admin)).toEqual(['ALLOW mine.com'])
    const reader = await env.user({ permissions: [keys[0]!] })
    expect((await reader('DELETE', `${url}/${mine.body.id}`)).status).toBe(403)
  })

  test('are off at first; what is not given of the configuration stays', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant(),
      config = `${url}/config`
    expect(await env.vendor('GET', config)).toMatchObject({
      status: 200,
      body: { active: false, listType: 'ALLOW', blockPublicDomains: false },
    })
    expect(await env.vendor('POST', config, { active: true, type: 'BLOCK', blockPublicDomains: true })).toMatchObject({
      status: 201,
      body: { active: true, listType: 'BLOCK', blockPublicDomains: true },
    })
    expect((await env.vendor('POST', config, { active: false })).body).toEqual({
      active: false,
      listType: 'BLOCK',
      blockPublicDomains: true,
    })
    expect((await env.as(tenantId)('GET', config)).body).toEqual({
      active: false,
      listType: 'ALLOW',
      blockPublicDomains: false,
    })
    expect(await env.vendor('POST', config, { type: 'ALLOW' })).toMatchObject({
      status: 400,
      body: { errors: ['active must be a boolean value'] },
    })
    expect((await env.vendor('GET', config)).body.listType).toBe('BLOCK')
  })
})

describe.concurrent('an e-mail address', () => {
  const emails = ['ada@a.com', 'bob@B.COM', 'eve@sub.a.com', 'max@gmail.com', 'no address']

  test('is let in while nothing is restricted', async () => {
    const env = await newEnvironment()
    await env.vendor('POST', url, { domain: 'a.com', type: 'BLOCK' })
    expect(await allowed(env, emails, await env.newTenant())).toEqual(emails)
  })

  test('must be of a listed domain, or of none that is listed', async () => {
    const env = await newEnvironment()
    await env.vendor('POST', `${url}/replace-bulk`, { type: 'ALLOW', domains: ['a.com', 'b.com'] })
    await env.vendor('POST', `${url}/replace-bulk`, { type: 'BLOCK', domains: ['a.com', 'gmail.com'] })
    await env.vendor('POST', `${url}/config`, { active: true, type: 'ALLOW' })
    expect(await allowed(env, emails)).toEqual(['ada@a.com', 'bob@B.COM'])
    await env.vendor('POST', `${url}/config`, { active: true, type: 'BLOCK' })
    expect(await allowed(env, emails)).toEqual(['bob@B.COM', 'eve@sub.a.com', 'no address'])
  })

  test('of a public provider can be kept out', async () => {
    const env = await newEnvironment()
    await env.vendor('POST', `${url}/config`, { active: true, type: 'BLOCK', blockPublicDomains: true })
    expect(await allowed(env, ['a@gmail.com', 'a@GMX.de', 'a@proton.me', 'a@yahoo.co.uk', 'a@a.com'])).toEqual([
      'a@a.com',
    ])
    await env.vendor('POST', `${url}/config`, { active: false })
    expect(await allowed(env, ['a@gmail.com'])).toEqual(['a@gmail.com'])
  })

  test('must please both the environment and the tenant it is invited to, and no other tenant', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant(),
      other = await env.newTenant()
    await env.as(tenantId)('POST', url, { domain: 'a.com', type: 'ALLOW' })
    await env.as(tenantId)('POST', url, { domain: 'gmail.com', type: 'ALLOW' })
    await env.as(tenantId)('POST', `${url}/config`, { active: true, type: 'ALLOW' })
    expect(await allowed(env, emails, tenantId)).toEqual(['ada@a.com', 'max@gmail.com'])
    expect(await allowed(env, emails, other)).toEqual(emails)
    expect(await allowed(env, emails)).toEqual(emails)
    await env.vendor('POST', `${url}/config`, { active: true, type: 'BLOCK', blockPublicDomains: true })
    expect(await allowed(env, emails, tenantId)).toEqual(['ada@a.com'])
  })

  test('with an international domain is compared in its ASCII form', async () => {
    const env = await newEnvironment()
    await env.vendor('POST', url, { domain: 'xn--mnchen-3ya.de', type: 'ALLOW' })
    await env.vendor('POST', `${url}/config`, { active: true })
    expect(
      await allowed(env, [
        'a@münchen.de',
        'a@MÜNCHEN.de',
        'a@xn--mnchen-3ya.de',
        'a@munchen.de',
        'a@evil.com@münchen.de',
      ]),
    ).toEqual(['a@münchen.de', 'a@MÜNCHEN.de', 'a@xn--mnchen-3ya.de', 'a@evil.com@münchen.de'])
  })
})
