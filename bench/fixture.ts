import { randomUUID } from 'node:crypto'
import { migrate, openDatabase } from '@henhouse/database'
import { passwordHasher } from '@henhouse/passwords'
import { pino } from 'pino'
import { createEnvironment } from '../apps/server/src/areas/environments/environments.service.ts'
import { contextFor } from '../apps/server/src/kernel/context.ts'
import { benchDeps, HASH } from './deps.ts'
import { SECRET } from './totp.ts'

/** What the bench tells both servers. */
export interface Fixture {
  databaseUrl: string
  vendorId: string
  apiKey: string
  tenantId: string
  password: string
  emails: string[]
  privateKey: string
  publicKey: string
  roleId: string
  passwordHash: string
  /** of every authenticator app, as the database has it */
  sealedTotpSecret: string
}

const USERS = 1000

/** An environment with a thousand users in one account, in an empty database. */
export async function prepare(databaseUrl: string): Promise<Fixture> {
  await migrate(databaseUrl)
  const database = openDatabase(databaseUrl),
    passwords = passwordHasher(HASH)
  const deps = { ...benchDeps(database, passwords, pino({ level: 'fatal' })) }
  const { environment, apiKey } = await createEnvironment(deps, { name: 'bench', isDefault: true })
  const ctx = contextFor(deps, environment, deps.log),
    now = ctx.clock.now(),
    stamp = { createdAt: now, updatedAt: now }
  const tenantId = randomUUID(),
    password = 'Henhouse-1!',
    passwordHash = await passwords.hash(password)
  await ctx.db.tenant.create({ data: { id: tenantId, rowId: randomUUID(), name: 'Bench', ...stamp } })
  const users = Array.from({ length: USERS }, (_, i) => ({
    id: randomUUID(),
    email: `user${i}@example.com`,
    name: `User ${i}`,
    verified: true,
    activeTenantId: tenantId,
    passwordHash,
    ...stamp,
  }))
  await ctx.db.user.createMany({ data: users })
  await ctx.db.membership.createMany({
    data: users.map(({ id }) => ({ userId: id, tenantId, acceptedAt: now, createdAt: now })),
  })
  const { id: roleId } = await ctx.db.role.findFirstOrThrow({ where: { key: 'Admin' }, select: { id: true } })
  await ctx.db.membershipRole.createMany({ data: users.map(({ id }) => ({ userId: id, tenantId, roleId })) })
  const key = environment.keys[0]!

  const fixture = {
    databaseUrl,
    vendorId: environment.id,
    apiKey,
    tenantId,
    password,
    emails: users.map((u) => u.email),
    publicKey: key.publicKey,
    privateKey: deps.secrets.open(key.privateKey),
    roleId,
    passwordHash,
    sealedTotpSecret: deps.secrets.seal(SECRET),
  }
  await database.pool.query('vacuum analyze')
  await database.close()
  return fixture
}
