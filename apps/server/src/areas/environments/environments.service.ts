import type { Prisma } from '@henhouse/database'
import { keyId } from '@henhouse/jwt'
import { contextFor } from '../../kernel/context.ts'
import type { ServerDeps } from '../../kernel/deps.ts'
import type { Environment, EnvironmentDirectory } from '../../kernel/environments.ts'
import type { Ctx } from '../../kernel/operation.ts'
import { fingerprint } from '../../kernel/random.ts'
import * as applications from '../applications/applications/applications.service.ts'
import { builtInCategories, builtInRoles, permissionName } from './built-in.ts'
import { environmentErrors } from './environments.errors.ts'

export interface NewEnvironment {
  id?: string
  /** label of its host name: lower-case letters, digits and dashes */
  name: string
  /** its own host name, if it has one */
  host?: string
  apiKey?: string
  /** the default, for requests that name no environment */
  isDefault?: boolean
  /** the id of its first application, which is its default one */
  applicationId?: string
}

/**
 * Makes an environment with its key, its built-in permissions and roles, and its first application. Only this returns
 * the API key: its hash is stored. It is a random 122-bit secret (or the emulator's public one), so a fast hash is
 * enough.
 * @param more is written in the same transaction
 * @throws a unique violation (P2002) when the id, name or host is taken
 */
export async function createEnvironment(
  deps: ServerDeps,
  {
    id = deps.random.uuid(),
    name,
    host,
    apiKey = deps.random.uuid(),
    isDefault = false,
    applicationId,
  }: NewEnvironment,
  more?: (tx: Prisma.TransactionClient, ctx: Ctx) => Promise<void>,
) {
  const pair = await deps.newKeyPair()
  const createdAt = deps.systemClock.now()
  const key = {
    id: keyId(id, pair.publicKey),
    publicKey: pair.publicKey,
    createdAt,
    retiredAt: null,
    privateKey: deps.secrets.seal(pair.privateKey),
    secret: deps.secrets.seal(deps.random.token()),
  }
  const environment: Environment = {
    ...{ id, name, host: host ?? null, isDefault, clockOffsetMs: 0n, clockFrozenAt: null, keys: [key] },
    ...{ title: null, allowedOrigins: [], domains: [] },
  }
  const ctx = contextFor(deps, environment, deps.log)
  await deps.database.prisma.$transaction(
    async (tx) => {
      // there is one default: the index enforces it
      if (isDefault) await tx.vendor.updateMany({ where: { isDefault }, data: { isDefault: false } })
      await tx.vendor.create({
        data: { id, name, host: host ?? null, isDefault, apiKeyHash: fingerprint(apiKey), createdAt },
      })
      await tx.signingKey.create({ data: { vendorId: id, ...key } })
      await addBuiltIns(tx, ctx, applicationId)
      await more?.(tx, ctx)
    },
    { maxWait: 10_000, timeout: 20_000 },
  )
  return { environment, apiKey }
}

/** Writes what every environment starts with; none of it may be there yet. */
export async function addBuiltIns(tx: Prisma.TransactionClient, ctx: Ctx, applicationId?: string) {
  const rows = builtInRows(ctx),
    { application, asDefault } = applications.firstRows(ctx, applicationId)
  await tx.permissionCategory.createMany({ data: rows.categories })
  // a hundred rows as one parameter: Prisma's own statement has a thousand, and takes ten times as long
  await tx.$executeRaw`
    insert into "Permission" ("vendorId", id, "categoryId", key, name, "fePermission", "createdAt", "updatedAt")
    select "vendorId", id, "categoryId", key, name, "fePermission", "createdAt", "updatedAt" from jsonb_populate_recordset(null::"Permission", ${JSON.stringify(rows.permissions)}::jsonb)`
  await tx.role.createMany({ data: rows.roles })
  await tx.rolePermission.createMany({ data: rows.rolePermissions })
  await tx.application.create({ data: application })
  await tx.defaultApplication.create({ data: asDefault })
}

function builtInRows(ctx: Ctx) {
  const now = ctx.clock.now(),
    stamp = { vendorId: ctx.vendorId, createdAt: now, updatedAt: now }
  const categories = builtInCategories.map(({ name, description }) => ({
    ...stamp,
    id: ctx.random.uuid(),
    name,
    description,
    feCategory: true,
  }))
  const permissions = builtInCategories.flatMap((category, index) =>
    category.permissions.map((key) => ({
      ...stamp,
      id: ctx.random.uuid(),
      key,
      name: permissionName(key),
      fePermission: true,
      categoryId: categories[index]!.id,
    })),
  )
  const idOf = new Map(permissions.map((p) => [p.key, p.id]))
  const roles = builtInRoles.map(({ key, name, description, isDefault, firstUserRole }) => ({
    ...stamp,
    id: ctx.random.uuid(),
    key,
    name,
    description,
    isDefault,
    firstUserRole,
    level: 0,
  }))
  const rolePermissions = builtInRoles.flatMap((role, index) =>
    role.permissions.map((key) => ({ vendorId: ctx.vendorId, roleId: roles[index]!.id, permissionId: idOf.get(key)! })),
  )
  return { categories, permissions, roles, rolePermissions }
}

/** The environment for a client id and its API key. @throws 401, the same for an unknown id and a wrong key */
export async function authenticate(
  directory: EnvironmentDirectory,
  { clientId, secret }: { clientId: string; secret: string },
) {
  const environment = await directory.byApiKey(clientId, secret)
  if (!environment) throw environmentErrors.invalidAuthentication()
  return environment
}
