import { createHash } from 'node:crypto'
import { HenhouseError, type Call } from './http.ts'

/** Calls the API with the token of the environment. */
export type Admin = (path: string, request?: Call) => Promise<unknown>
type Keyed = { id: string; key: string }
type Tenant = { tenantId: string; name: string }

const list = async (admin: Admin, path: string) => (await admin(path, { method: 'GET' })) as Keyed[]

/** Undefined when nobody has the address. */
export async function userOf(admin: Admin, email: string) {
  const query = new URLSearchParams({ email })
  try {
    const user = await admin(`/identity/resources/users/v1/email?${query}`, { method: 'GET' })
    return user as { id: string; tenantId: string }
  } catch (error) {
    if (error instanceof HenhouseError && error.status === 404) return undefined
    throw error
  }
}

/**
 * The id of a tenant.
 * @param wanted its id or name; without it, the first of that name, else any, else a new one
 */
export async function tenantOf(admin: Admin, wanted: string | undefined, usual: string | undefined) {
  const all = (await admin('/tenants/resources/tenants/v1', { method: 'GET' })) as Tenant[]
  if (wanted !== undefined) {
    const found = all.find(({ tenantId, name }) => tenantId === wanted || name === wanted)
    if (!found) throw new Error(`There is no tenant ${wanted}`)
    return found.tenantId
  }
  const first = all.find(({ name }) => name === usual) ?? all[0]
  if (first) return first.tenantId
  return ((await admin('/tenants/resources/tenants/v1', { body: { name: 'Test' } })) as Tenant).tenantId
}

/** @throws when there is no role of a key */
export async function rolesOf(admin: Admin, keys: readonly string[] = []) {
  if (!keys.length) return []
  const all = await list(admin, '/identity/resources/roles/v1')
  return keys.map((key) => {
    const found = all.find((role) => role.key === key)
    if (!found) throw new Error(`There is no role ${key}`)
    return found.id
  })
}

/** One role for each set of permissions, whoever asks for it. */
export async function roleWith(admin: Admin, permissions: readonly string[] = []) {
  const keys = [...new Set(permissions)].sort()
  if (!keys.length) return []
  const key = `test-${createHash('sha256').update(keys.join()).digest('hex').slice(0, 12)}`
  const there = (await list(admin, '/identity/resources/roles/v1')).find((role) => role.key === key)
  if (there) return [there.id]
  const permissionIds = await permissionsOf(admin, keys)
  const body = [{ key, name: keys.join(', ').slice(0, 255) }]
  const [role] = (await admin('/identity/resources/roles/v1', { body })) as [Keyed]
  await admin(`/identity/resources/roles/v1/${role.id}/permissions`, { method: 'PUT', body: { permissionIds } })
  return [role.id]
}

async function permissionsOf(admin: Admin, keys: readonly string[]) {
  const path = '/identity/resources/permissions/v1',
    known = await list(admin, path),
    missing = keys.filter((wanted) => !known.some(({ key }) => key === wanted))
  const made = missing.length ? await admin(path, { body: missing.map((key) => ({ key, name: key })) }) : []
  return [...known, ...(made as Keyed[])].filter(({ key }) => keys.includes(key)).map(({ id }) => id)
}
