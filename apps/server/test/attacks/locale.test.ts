import { dropDatabase, migrate, openDatabase } from '@henhouse/database'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { createEnvironment } from '../../src/areas/environments/environments.service.ts'
import { contextFor } from '../../src/kernel/context.ts'
import { cryptoRandom } from '../../src/kernel/random.ts'
import { signToken } from '../../src/kernel/tokens.ts'
import { deps, newServer } from '../environment.ts'

/* A database has the locale and time zone of the machine it was made on. This one knows no letters beyond ASCII, and is in New York. */

const name = `henhouse_locale_${cryptoRandom.uuid().replaceAll('-', '')}`
const users = '/identity/resources/users',
  NAMES = ['Zoe', 'anna', 'Bert', 'Änne', 'zebra', 'Élise']
let database: ReturnType<typeof openDatabase>,
  read: (path: string) => Promise<any>,
  write: (path: string, body: object, tenantId?: string) => Promise<any>

beforeAll(async () => {
  await deps.database.pool.query(`create database ${name} template template0 locale_provider libc locale 'C'`)
  const url = new URL(inject('databaseUrl'))
  url.pathname = `/${name}`
  await deps.database.pool.query(`alter database ${name} set timezone = 'America/New_York'`)
  await migrate(url.href)
  database = openDatabase(url.href, { max: 4 })
  const own = { ...deps, database },
    server = await newServer({ database })
  const { environment } = await createEnvironment(own, { name: 'locale', isDefault: true })
  const token = signToken(
    contextFor(own, environment, deps.log),
    { type: 'vendor', vendorId: environment.id, scopes: [] },
    { expiresIn: 3600 },
  )
  const call = async (method: 'GET' | 'POST', url: string, body?: object, tenantId?: string) => {
    const response = await server.http.inject({
      method,
      url,
      ...(body && { payload: body }),
      headers: { authorization: `Bearer ${token}`, ...(tenantId && { 'frontegg-tenant-id': tenantId }) },
    })
    expect(response.statusCode, response.body).toBeLessThan(300)
    return response.json<any>()
  }
  read = (path) => call('GET', path)
  write = (path, body, tenantId) => call('POST', path, body, tenantId)
  const { tenantId } = await write('/tenants/resources/tenants/v1', { name: 'Home' })
  for (const [index, person] of NAMES.entries()) {
    const email = `${index === 5 ? 'ÉLISE' : `u${index}`}@example.com`
    await write(`${users}/v2`, { email, name: person, metadata: '{}', skipInviteEmail: true }, tenantId)
    await write('/tenants/resources/tenants/v1', { name: person })
  }
}, 120_000)
afterAll(async () => {
  await database?.pool.end()
  await dropDatabase(inject('databaseUrl'), name)
})

const namesIn = (page: { items: { name: string }[] }) => page.items.map((item) => item.name)
const alphabetical = ['anna', 'Änne', 'Bert', 'Élise', 'zebra', 'Zoe']

describe('whatever the locale and time zone of the database', () => {
  test('every text column says how it is compared', async () => {
    const { rows } = await database.pool.query<{ column: string }>(`
      select c.relname || '.' || a.attname as column from pg_attribute a join pg_class c on c.oid = a.attrelid
      where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace and c.relname <> '_prisma_migrations'
        and a.attnum > 0 and not a.attisdropped and a.attcollation = (select oid from pg_collation where collname = 'default')`)
    expect(rows.map(({ column }) => column)).toEqual([])
  })

  test('a moment is the same for Prisma and in statements', async () => {
    const { rows } = await database.pool.query<{ createdAt: Date }>(`select "createdAt" from "User"`)
    expect(rows.length).toBe(NAMES.length)
    const { items } = (await read(`${users}/v3`)) as { items: { createdAt: string }[] }
    expect(items.map(({ createdAt }) => createdAt).sort()).toEqual(
      rows.map(({ createdAt }) => createdAt.toISOString()).sort(),
    )
    expect(Math.abs(Date.now() - Date.parse(items[0]!.createdAt))).toBeLessThan(10 * 60_000)
  })

  test('names are in the order of an alphabet', async () => {
    expect(namesIn(await read(`${users}/v3?_sortBy=name&_order=ASC`))).toEqual(alphabetical)
    expect(namesIn(await read(`${users}/v3?_sortBy=name&_order=DESC`))).toEqual(alphabetical.toReversed())
    expect(namesIn(await read(`${users}/v3?_sortBy=name&_filter=n`))).toEqual(['anna', 'Änne'])
    expect(namesIn(await read('/tenants/resources/tenants/v2?_sortBy=name')).filter((n) => n !== 'Home')).toEqual(
      alphabetical,
    )
  })

  test.for([
    ['Ä', 'Änne'],
    ['ä', 'Änne'],
    ['éLISE', 'Élise'],
    ['élise@', 'Élise'],
    ['É', 'Élise'],
  ] as const)('what is searched for is found in either case: %s', async ([filter, found]) => {
    expect(namesIn(await read(`${users}/v3?_filter=${encodeURIComponent(filter)}`))).toEqual([found])
    if (!filter.includes('@'))
      expect(namesIn(await read(`/tenants/resources/tenants/v2?_filter=${encodeURIComponent(filter)}`))).toEqual([
        found,
      ])
  })
})
