import { createHash } from 'node:crypto'
import type { Prisma } from '@henhouse/database'
import type { PasswordHasher } from '@henhouse/passwords'
import { canonicalEmail } from '../kernel/email-addresses.ts'
import { addBuiltIns, createEnvironment, type NewEnvironment } from '../areas/environments/environments.service.ts'
import { identityConfiguration } from '../areas/policies/identity-settings/identity-settings.schemas.ts'
import { plain } from '../areas/people/users/users.service.ts'
import { contextFor } from '../kernel/context.ts'
import type { ServerDeps } from '../kernel/deps.ts'
import { fingerprint } from '../kernel/random.ts'
import type { Ctx } from '../kernel/operation.ts'
import { finder } from './seed-faults.ts'
import { storedSeed, type Seed, type SeedEnvironment } from './seed.schemas.ts'

type Transaction = Prisma.TransactionClient

/** A new environment with its seed, in one transaction. @throws P2002 when the id, name, host or a user's id is taken */
export async function plant(deps: ServerDeps, environment: NewEnvironment, seed: Seed) {
  const hashes = await hashesOf(deps.passwords, seed)
  const { id = deps.random.uuid() } = environment
  return createEnvironment(deps, { ...environment, id, applicationId: firstApplication(id) }, (tx, ctx) =>
    sow(tx, ctx, seed, hashes),
  )
}

/**
 * Makes sure that these environments exist. Missing ones are planted. Existing ones stay as they are, except for their
 * API key and which one is the default; `reset` goes back to the new seed.
 */
export async function plantMissing(
  deps: ServerDeps,
  environments: readonly (SeedEnvironment & { clientId: string; apiKey: string })[],
  onPlant: (name: string) => void,
) {
  const { prisma } = deps.database
  for (const { name, clientId: id, apiKey, host, default: isDefault = false, ...seed } of environments) {
    if (!(await prisma.vendor.findUnique({ where: { id }, select: { id: true } }))) {
      onPlant(name)
      await plant(deps, { id, name, apiKey, isDefault, ...(host !== undefined && { host }) }, seed)
      continue
    }
    await prisma.$transaction(async (tx) => {
      if (isDefault) await tx.vendor.updateMany({ where: { isDefault, id: { not: id } }, data: { isDefault: false } })
      await tx.vendor.update({
        where: { id },
        data: { apiKeyHash: fingerprint(apiKey), ...(isDefault && { isDefault }) },
      })
      await tx.setting.updateMany({ where: { vendorId: id, key: storedSeed.key }, data: { value: seed } })
    })
  }
}

/**
 * Takes an environment back to its seed. Its client id, API key and signing keys stay, so that its clients can go on.
 * Its clock shows the real time again.
 */
export async function reset(deps: ServerDeps, id: string) {
  const { prisma } = deps.database
  const stored = await prisma.setting.findFirst({
    where: { vendorId: id, key: storedSeed.key },
    select: { value: true },
  })
  const seed = (stored?.value ?? storedSeed.initial) as Seed,
    hashes = await hashesOf(deps.passwords, seed)
  await prisma.$transaction(
    async (tx) => {
      // a simultaneous reset waits here
      await tx.$queryRaw`select from "Vendor" where id = ${id}::uuid for update`
      await tx.$executeRawUnsafe(await wiping(tx), id)
      await tx.tally.deleteMany({ where: { scope: id } })
      const vendor = await tx.vendor.update({ where: { id }, data: { clockOffsetMs: 0, clockFrozenAt: null } })
      const ctx = contextFor(deps, { ...vendor, keys: [], title: null, allowedOrigins: [], domains: [] }, deps.log)
      await addBuiltIns(tx, ctx, firstApplication(id))
      await sow(tx, ctx, seed, hashes)
    },
    { maxWait: 10_000, timeout: 30_000 },
  )
}

/**
 * Empties every table of an environment except that of its keys, in one statement, so that foreign keys are checked
 * only at its end.
 */
async function wiping(tx: Transaction) {
  const tables = await tx.$queryRaw<{ name: string }[]>`
    select quote_ident(relname) as name from pg_class
    where relkind = 'r' and relnamespace = current_schema()::regnamespace and relname <> 'SigningKey'
      and exists (select from pg_attribute where attrelid = pg_class.oid and attname = 'vendorId' and not attisdropped)`
  return `with ${tables.map(({ name }, index) => `t${index} as (delete from ${name} where "vendorId" = $1::uuid)`).join(', ')} select`
}

/**
 * Each password is hashed once, because hashing takes long: the demo's users share theirs, and a reset finds it done.
 */
const known = new WeakMap<PasswordHasher, Map<string, Promise<string>>>()
async function hashesOf(passwords: PasswordHasher, { users = [] }: Seed) {
  let hashes = known.get(passwords)
  if (!hashes) known.set(passwords, (hashes = new Map<string, Promise<string>>()))
  const wanted = [...new Set(users.flatMap(({ password }) => password ?? []))]
  return new Map(
    await Promise.all(
      wanted.map(async (password) => {
        const hash = hashes.get(password) ?? passwords.hash(password)
        hashes.set(password, hash)
        // one that failed must fail nobody else
        hash.catch(() => hashes.delete(password))
        return [password, await hash] as const
      }),
    ),
  )
}

/** The same id at every reset, and wherever the fixed client id is used (RFC 9562 §5.5, name-based). */
export function nameBasedId(namespace: string, name: string) {
  const bytes = createHash('sha1')
    .update(Buffer.from(namespace.replaceAll('-', ''), 'hex'))
    .update(name)
    .digest()
    .subarray(0, 16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x50
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

const firstApplication = (environmentId: string) => nameBasedId(environmentId, 'first application')

/** Writes the seed's rows into an environment that has only what is built in. */
async function sow(tx: Transaction, ctx: Ctx, seed: Seed, hashes: ReadonlyMap<string, string>) {
  const now = ctx.clock.now(),
    { vendorId } = ctx,
    times = { createdAt: now, updatedAt: now }
  const setting = (key: string, value: object) => ({ vendorId, id: ctx.random.uuid(), key, value, ...times })
  const tenants = tenantRows(ctx, seed),
    tenantOf = finder(seed.tenants ?? []),
    tenantIdOf = (reference: string) => tenants[tenantOf(reference)!]!.id
  await tx.setting.createMany({
    data: [
      setting(storedSeed.key, seed),
      ...(seed.settings
        ? [setting(identityConfiguration.key, { ...identityConfiguration.initial, ...seed.settings })]
        : []),
    ],
  })
  await tx.tenant.createMany({ data: tenants.map((row) => ({ ...row, vendorId, ...times })) })
  await tx.redirectUri.createMany({
    data: (seed.redirectUris ?? []).map((redirectUri) => ({
      vendorId,
      id: nameBasedId(vendorId, `redirect ${redirectUri}`),
      applicationId: null,
      redirectUri,
      createdAt: now,
    })),
  })
  await sowRoles(tx, ctx, seed, tenantIdOf)
  await sowUsers(tx, ctx, seed, tenantIdOf, hashes)
}

function tenantRows({ vendorId }: Ctx, { tenants = [] }: Seed) {
  const ids = tenants.map(({ id, name }) => id ?? nameBasedId(vendorId, `tenant ${name}`)),
    indexOf = finder(tenants)
  return tenants.map(({ name, alias, parent, metadata }, index) => ({
    id: ids[index]!,
    rowId: nameBasedId(vendorId, `row of ${ids[index]}`),
    name,
    alias: alias ?? null,
    parentId: parent === undefined ? null : ids[indexOf(parent)!]!,
    metadata: JSON.stringify(metadata ?? {}),
  }))
}

async function sowRoles(
  tx: Transaction,
  { vendorId, clock, random }: Ctx,
  { permissions = [], roles = [] }: Seed,
  tenantIdOf: (reference: string) => string,
) {
  const now = clock.now(),
    stamp = { vendorId, createdAt: now, updatedAt: now }
  if (permissions.length)
    await tx.permission.createMany({
      data: permissions.map(({ key, name = key, description }) => ({
        ...stamp,
        id: random.uuid(),
        key,
        name,
        description: description ?? null,
      })),
    })
  if (!roles.length) return
  const all = await tx.permission.findMany({ where: { vendorId }, select: { id: true, key: true } }),
    permissionIds = new Map(all.map(({ id, key }) => [key, id]))
  const rows = roles.map(
    ({ key, name = key, description, level = 0, isDefault = false, firstUserRole = false, tenant }) => ({
      ...stamp,
      id: random.uuid(),
      key,
      name,
      description: description ?? null,
      level,
      isDefault,
      firstUserRole,
      tenantId: tenant === undefined ? null : tenantIdOf(tenant),
    }),
  )
  await tx.role.createMany({ data: rows })
  await tx.rolePermission.createMany({
    data: roles.flatMap((role, index) =>
      [...new Set(role.permissions)].map((key) => ({
        vendorId,
        roleId: rows[index]!.id,
        permissionId: permissionIds.get(key)!,
      })),
    ),
  })
}

async function sowUsers(
  tx: Transaction,
  ctx: Ctx,
  { users = [] }: Seed,
  tenantIdOf: (reference: string) => string,
  hashes: ReadonlyMap<string, string>,
) {
  if (!users.length) return
  const { vendorId } = ctx,
    now = ctx.clock.now()
  const rows = users.map((user) => userRow(ctx, user, tenantIdOf, hashes))
  const memberships = users.flatMap(({ tenants = [] }, index) =>
    tenants.map(({ tenant, roles }) => ({ userId: rows[index]!.id, tenantId: tenantIdOf(tenant), roles })),
  )
  const roleIdsIn = await rolesByKey(tx, vendorId)
  await tx.user.createMany({ data: rows })
  // as management vouches for the numbers that it writes
  await tx.phoneNumber.updateMany({ where: { vendorId }, data: { verified: true } })
  await tx.membership.createMany({
    data: memberships.map(({ userId, tenantId }) => ({ vendorId, userId, tenantId, acceptedAt: now, createdAt: now })),
  })
  await tx.membershipRole.createMany({
    data: memberships.flatMap(({ userId, tenantId, roles }) =>
      roleIdsIn(tenantId, roles).map((roleId) => ({ vendorId, userId, tenantId, roleId })),
    ),
  })
}

function userRow(
  { vendorId, clock }: Ctx,
  user: NonNullable<Seed['users']>[number],
  tenantIdOf: (reference: string) => string,
  hashes: ReadonlyMap<string, string>,
) {
  const { id, email, name, password, verified = true, phoneNumber, profilePictureUrl, tenants = [] } = user,
    now = clock.now()
  return {
    vendorId,
    id: id?.toLowerCase() ?? nameBasedId(vendorId, `user ${canonicalEmail(email)}`),
    email: canonicalEmail(email),
    name: name ?? email.split('@')[0]!,
    verified,
    phoneNumber: phoneNumber === undefined ? null : plain(phoneNumber),
    profilePictureUrl: profilePictureUrl ?? null,
    metadata: JSON.stringify(user.metadata ?? {}),
    vendorMetadata: JSON.stringify(user.vendorMetadata ?? {}),
    passwordHash: password === undefined ? null : hashes.get(password)!,
    passwordChangedAt: password === undefined ? null : now,
    activeTenantId: tenants[0] ? tenantIdOf(tenants[0].tenant) : null,
    createdAt: now,
    updatedAt: now,
  }
}

/** A member's roles in a tenant: those with the keys, or the default ones. */
async function rolesByKey(tx: Transaction, vendorId: string) {
  const roles = await tx.role.findMany({
    where: { vendorId },
    select: { id: true, key: true, tenantId: true, isDefault: true },
  })
  return (tenantId: string, keys: readonly string[] | undefined) => {
    const there = roles.filter((role) => role.tenantId === null || role.tenantId === tenantId)
    if (!keys) return there.filter((role) => role.isDefault).map(({ id }) => id)
    // the tenant's own before the environment's with the same key
    return [...new Set(keys)].map(
      (key) =>
        (there.find((role) => role.key === key && role.tenantId !== null) ?? there.find((role) => role.key === key)!)
          .id,
    )
  }
}
