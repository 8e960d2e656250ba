import { startTestDatabase, openDatabase } from '@henhouse/database'
import { generateKeyPair } from '@henhouse/jwt'
import { pino } from 'pino'
import { createEnvironment } from './src/areas/environments/environments.service.ts'
import { list } from './src/areas/users/user-list.service.ts'
import { contextFor } from './src/kernel/context.ts'
import { systemClock } from './src/kernel/clock.ts'
import { cryptoRandom } from './src/kernel/random.ts'
import { secretBox } from './src/kernel/secrets.ts'

const db = await startTestDatabase()
const database = openDatabase(db.url, { max: 4 })
const deps: any = { database, systemClock, random: cryptoRandom, secrets: secretBox('a secret of the tests that is long enough'), log: pino({ level: 'warn' }), newKeyPair: generateKeyPair, publicUrl: new URL('http://localhost:3100') }
const { environment } = await createEnvironment(deps, { name: 'big' })
const v = environment.id
let t = Date.now()
const lap = (what: string) => { console.log(what, Date.now() - t, 'ms'); t = Date.now() }
await database.pool.query(`insert into "Tenant" ("vendorId", id, "rowId", name, "createdAt", "updatedAt") select $1, 't' || i, gen_random_uuid(), 'T' || i, now(), now() from generate_series(0, 10000) i`, [v])
await database.pool.query(`insert into "User" ("vendorId", id, email, name, "activeTenantId", "createdAt", "updatedAt", verified) select $1, gen_random_uuid(), 'user' || i || '@' || substr(md5(i::text), 1, 8) || '.example.com', initcap(substr(md5((i*7)::text), 1, 8)) || ' ' || initcap(substr(md5((i*3)::text), 1, 10)), 't' || (i % 10001), now() - (i || ' seconds')::interval, now(), i % 3 = 0 from generate_series(1, 1000000) i`, [v])
lap('users')
await database.pool.query(`insert into "Membership" ("vendorId", "userId", "tenantId", "createdAt") select "vendorId", id, "activeTenantId", "createdAt" from "User" where "vendorId" = $1`, [v])
await database.pool.query(`insert into "Membership" ("vendorId", "userId", "tenantId", "createdAt") select "vendorId", id, 't0', "createdAt" from "User" where "vendorId" = $1 and verified on conflict do nothing`, [v])
lap('memberships')
await database.pool.query('analyze')
lap('analyze')
const ctx = contextFor(deps, environment, deps.log)
const vendor = { kind: 'vendor' } as const
const run = async (name: string, tenant: string | undefined, query: any, roles = false) => {
  await list(ctx, vendor, tenant ? { id: tenant } as any : undefined, query, { roles }).catch((e) => console.log(e))
  t = Date.now()
  const r = await list(ctx, vendor, tenant ? { id: tenant } as any : undefined, query, { roles })
  console.log(name.padEnd(40), Date.now() - t, 'ms', r._metadata.totalItems, r.items[0]?.email)
}
await run('first page', undefined, {})
await run('page 10000', undefined, { _offset: 10000 })
for (const s of ['createdAt', 'name', 'email', 'id', 'verified', 'isLocked', 'provider', 'tenantId']) { await run(`sort ${s}`, undefined, { _sortBy: s }); await run(`sort ${s} DESC`, undefined, { _sortBy: s, _order: 'DESC' }) }
await run('small tenant', 't77', {})
await run('small tenant, sort email', 't77', { _sortBy: 'email' })
await run('large tenant', 't0', {})
await run('large tenant, roles', 't0', {}, true)
await run('large tenant, sort name', 't0', { _sortBy: 'name' })
await run('_tenantId', undefined, { _tenantId: 't5' })
await run('_filter rare', undefined, { _filter: 'user77777@' })
await run('_filter two letters', undefined, { _filter: 'zz' })
await run('_filter common', undefined, { _filter: 'example' })
await run('_filter in small tenant', 't77', { _filter: 'user7' })
await run('_filter in large tenant', 't0', { _filter: 'user7777' })
await run('_email', undefined, { _email: 'user77777@' })
await run('_namePrefix', undefined, { _namePrefix: 'Abc' })
await run('_identifier', undefined, { _identifier: 'user5555', _identifierType: 'email' })
await run('_externalIds', undefined, { _externalIds: 'a,b' })
await database.close()
await db.stop()
