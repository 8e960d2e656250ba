import { parse } from 'csv-parse/sync'
import { describe, expect, test } from 'vitest'
import { newEnvironment, unique, UNKNOWN_ID } from '../../../../test/environment.ts'
import { record } from './events.service.ts'

const reader = { permissions: ['fe.secure.read.audits'] }

/** An account with three lines, and another one with one. */
async function furnished() {
  const env = await newEnvironment(),
    member = await env.user(reader),
    other = await env.user(reader),
    ctx = await env.context()
  for (const [key, severity] of [
    ['a.one', 'Info'],
    ['b.two', 'High'],
    ['a.three', 'Medium'],
  ] as const)
    await record(ctx, { key, severity, tenantId: member.tenantId, userId: member.id, details: { note: `of ${key}` } })
  await record(ctx, { key: 'c.four', tenantId: other.tenantId }, { key: 'd.five' })
  return { env, member, other }
}
const actions = (body: { data: { action: string }[] }) => body.data.map(({ action }) => action)

describe.concurrent('GET /audits', () => {
  test('lists what has happened in the account, the newest first, below /frontegg, too', async () => {
    const { env, member, other } = await furnished()
    const { status, body } = await member(
      'GET',
      '/frontegg/audits?offset=0&count=20&sortBy=createdAt&sortDirection=desc',
    )
    expect(status).toBe(200)
    expect(body.total).toBe(3)
    expect(actions(body)).toEqual(['a.three', 'b.two', 'a.one'])
    expect(body.data[1]).toMatchObject({
      ...{
        _id: expect.any(String),
        severity: 'High',
        email: member.email,
        tenantId: member.tenantId,
        vendorId: env.id,
      },
      ...{ createdAt: expect.stringMatching(/Z$/), json: [{ note: 'of b.two' }] },
    })
    expect(actions((await other('GET', '/audits')).body)).toEqual(['c.four'])
    expect(actions((await env.as(member.tenantId)('GET', '/audits/')).body)).toHaveLength(3)
    expect((await env.vendor('GET', '/audits')).body.total).toBe(5)
  })

  test('pages by rows, sorts, and filters by what stands in the lines', async () => {
    const { member } = await furnished(),
      of = async (query: string) => actions((await member('GET', `/audits?${query}`)).body)
    expect(await of('offset=1&count=1&sortBy=createdAt&sortDirection=ASC')).toEqual(['b.two'])
    expect(await of('sortBy=action&sortDirection=asc')).toEqual(['a.one', 'a.three', 'b.two'])
    expect(await of('sortBy=severity&sortDirection=desc')).toEqual(['a.three', 'a.one', 'b.two'])
    expect(await of('filter=A.')).toEqual(['a.three', 'a.one'])
    expect(await of('filter=of%20b')).toEqual(['b.two'])
    expect(await of('filter=%25')).toEqual([])
    expect((await member('GET', '/audits?sortBy=passwordHash')).status).toBe(400)
    expect((await member('GET', '/audits?count=201')).status).toBe(400)
  })

  test('is for those who may read it, and about no other account', async () => {
    const { env, member, other } = await furnished()
    expect((await (await env.user())('GET', '/audits')).status).toBe(403)
    expect((await member('GET', `/audits?tenantId=${other.tenantId}`)).status).toBe(404)
    expect((await env.as(member.tenantId)('GET', `/audits?tenantId=${other.tenantId}`)).status).toBe(404)
    expect(actions((await env.vendor('GET', `/audits?tenantId=${other.tenantId}`)).body)).toEqual(['c.four'])
    expect((await env.as(UNKNOWN_ID)('GET', '/audits')).status).toBe(404)
    expect((await (await newEnvironment()).vendor('GET', '/audits')).body).toEqual({ data: [], total: 0 })
  })

  test('shows an account nothing of another one that had its id before', async () => {
    const env = await newEnvironment(),
      tenantId = unique('coop'),
      make = () => env.vendor('POST', '/tenants/resources/tenants/v1', { tenantId, name: 'Coop' })
    await make()
    await env.vendor('DELETE', `/tenants/resources/tenants/v1/${tenantId}`)
    await env.clock.advance(1000)
    await make()
    expect(actions((await env.as(tenantId)('GET', '/audits')).body)).toEqual(['frontegg.tenant.created'])
    expect((await env.vendor('GET', '/audits')).body.total).toBe(3)
  })

  test('counts today and this week', async () => {
    const { env, member } = await furnished()
    expect((await member('GET', '/audits//stats?sortBy=createdAt&count=1')).body).toEqual({
      ...{ totalToday: 3, severeThisWeek: 1 },
    })
    await env.clock.advance(2 * 86_400_000)
    const later = await env.asUser(member)
    expect((await later('GET', '/audits/stats')).body).toEqual({ totalToday: 0, severeThisWeek: 1 })
    await env.clock.advance(6 * 86_400_000)
    expect((await (await env.asUser(member))('GET', '/audits/stats')).body).toEqual({
      totalToday: 0,
      severeThisWeek: 0,
    })
  })
})

describe.concurrent('lines that an environment adds', () => {
  test('keep their fields, and cannot pass for another environment, account or event', async () => {
    const env = await newEnvironment(),
      member = await env.user(reader)
    const line = {
      severity: 'Critical',
      action: 'eggs.laid',
      email: 'hen@example.com',
      eggs: 3,
      eventKey: 'role.created',
    }
    const { status, body } = await env.as(member.tenantId)('POST', '/audits', {
      ...line,
      vendorId: UNKNOWN_ID,
      _id: 'x',
    })
    expect({ status, body }).toEqual({ status: 202, body: null })
    expect((await member('GET', '/audits')).body.data).toMatchObject([
      {
        ...line,
        eventKey: 'custom',
        vendorId: env.id,
        tenantId: member.tenantId,
        outcome: 'success',
        _id: expect.not.stringMatching('^x$'),
      },
    ])
    expect((await env.as(member.tenantId)('POST', '/audits', { ...line, tenantId: 'another' })).status).toBe(404)
    expect((await env.vendor('POST', '/audits', line)).status).toBeGreaterThanOrEqual(400)
    expect((await member('POST', '/audits', line)).status).toBe(401)
    expect((await env.as(member.tenantId)('POST', '/audits', { ...line, severity: 'Loud' })).status).toBe(400)
    expect((await env.as(member.tenantId)('POST', '/audits', { ...line, text: 'x'.repeat(9000) })).status).toBe(400)
  })
})

describe.concurrent('POST /audits/export', () => {
  const columns = { properties: [{ name: 'action', displayName: 'Action' }, { name: 'note' }, { name: 'constructor' }] }

  test('makes a file of the columns that are asked for, and is written down itself', async () => {
    const { env, member } = await furnished()
    const { status, body, headers } = await member(
      'POST',
      '/frontegg/audits/export/csv/v2?sortBy=createdAt&sortDirection=asc&filter=a.&offset=0',
      columns,
    )
    expect(status).toBe(201)
    expect(headers['content-type']).toBe('text/csv; charset=utf-8')
    expect(parse(body)).toEqual([
      ['Action', 'note', 'constructor'],
      ['a.one', '', ''],
      ['a.three', '', ''],
    ])
    expect((await member('POST', '/audits/export/csv', columns)).status).toBe(201)
    expect((await member('POST', '/audits/export/pdf', columns)).status).toBe(501)
    expect((await (await env.user())('POST', '/audits/export/csv', columns)).status).toBe(403)
    expect(actions((await member('GET', '/audits?filter=exported')).body)).toHaveLength(2)
  })

  test('has no formulas', async () => {
    const env = await newEnvironment(),
      member = await env.user(reader)
    const notes = ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '"=1', 'a,b\n"c"']
    for (const note of notes) await env.as(member.tenantId)('POST', '/audits', { severity: 'Info', action: 'x', note })
    const { body } = await member('POST', '/audits/export/csv?sortDirection=asc', {
      properties: [{ name: 'note', displayName: '=A1' }],
    })
    const rows: string[][] = parse(body)
    const cells = rows.map(([cell]) => cell)
    expect(cells).toEqual(["'=A1", ...notes.slice(0, 6).map((note) => `'${note}`), ...notes.slice(6)])
  })
})
