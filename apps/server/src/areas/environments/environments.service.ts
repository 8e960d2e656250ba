import { keyId } from '@henhouse/jwt'
import { contextFor } from '../../kernel/context.ts'
import type { Deps } from '../../kernel/deps.ts'
import type { Ctx } from '../../kernel/operation.ts'
import { fingerprint } from '../../kernel/random.ts'
import { builtInCategories, builtInRoles, permissionName } from './built-in.ts'

export interface NewEnvironment {
  id?: string
  /** label of its host name: lower-case letters, digits and dashes */
  name: string
  /** the host name it is reached by, where it has one of its own */
  host?: string
  apiKey?: string
  /** the one that is meant when nothing in a request says which */
  isDefault?: boolean
}

/**
 * Makes an environment with its key and its built-in permissions and roles. The API key is returned this once: only its
 * hash is stored. It is a random 122-bit secret (or the emulator's public one), so a fast hash does.
 * @throws a unique violation (P2002) when the id, name or host is taken
 */
export async function createEnvironment(deps: Deps, { id = deps.random.uuid(), name, host, apiKey = deps.random.uuid(), isDefault = false }: NewEnvironment) {
  const pair = await deps.newKeyPair()
  const createdAt = deps.systemClock.now()
  const key = {
    id: keyId(id, pair.publicKey), publicKey: pair.publicKey, createdAt, retiredAt: null,
    privateKey: deps.secrets.seal(pair.privateKey), secret: deps.secrets.seal(deps.random.token()),
  }
  const environment = { id, name, host: host ?? null, isDefault, clockOffsetMs: 0n, clockFrozenAt: null, keys: [key] }
  const ctx = contextFor(deps, environment, deps.log)
  await deps.database.prisma.$transaction(async (tx) => {
    await tx.vendor.create({ data: { id, name, host: host ?? null, isDefault, apiKeyHash: fingerprint(apiKey), createdAt } })
    await tx.signingKey.create({ data: { vendorId: id, ...key } })
    const rows = builtInRows(ctx)
    await tx.permissionCategory.createMany({ data: rows.categories })
    await tx.permission.createMany({ data: rows.permissions })
    await tx.role.createMany({ data: rows.roles })
    await tx.rolePermission.createMany({ data: rows.rolePermissions })
  })
  return { environment, apiKey }
}

/** The rows that every environment starts with. */
function builtInRows(ctx: Ctx) {
  const now = ctx.clock.now(), stamp = { vendorId: ctx.vendorId, createdAt: now, updatedAt: now }
  const categories = builtInCategories.map(({ name, description }) => ({ ...stamp, id: ctx.random.uuid(), name, description, feCategory: true }))
  const permissions = builtInCategories.flatMap((category, index) => category.permissions.map((key) => ({
    ...stamp, id: ctx.random.uuid(), key, name: permissionName(key), fePermission: true, categoryId: categories[index]!.id,
  })))
  const idOf = new Map(permissions.map((p) => [p.key, p.id]))
  const roles = builtInRoles.map(({ key, name, description, isDefault, firstUserRole }) => ({ ...stamp, id: ctx.random.uuid(), key, name, description, isDefault, firstUserRole, level: 0 }))
  const rolePermissions = builtInRoles.flatMap((role, index) => role.permissions.map((key) => ({ vendorId: ctx.vendorId, roleId: roles[index]!.id, permissionId: idOf.get(key)! })))
  return { categories, permissions, roles, rolePermissions }
}
