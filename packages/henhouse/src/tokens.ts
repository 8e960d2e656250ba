import { createHash } from 'node:crypto'
import type { Login, Seed } from './environment.ts'
import { HenhouseError, type Call } from './http.ts'

export interface TokenOptions {
  /** keys; those that are missing are made */
  permissions?: readonly string[]
  /** keys of roles that are there */
  roles?: readonly string[]
  /** id or name of a tenant that is there; without it, the user's first, or the first of the seed, or a new one */
  tenant?: string
}

type Api = (path: string, request?: Call) => Promise<unknown>
type Keyed = { id: string; key: string }

const PASSWORD = 'Henhouse-1!'

/** Users, and what proves who they are. */
export function tokens(api: Api, token: () => Promise<string>, seed: Seed) {
  const passwords = new Map<string, string>()
  const known = () => seed.users?.flatMap(({ email, password }) => (password ? [{ email, password }] : [])) ?? []
  const passwordOf = (email: string) =>
    passwords.get(email.toLowerCase()) ??
    known().find((user) => user.email.toLowerCase() === email.toLowerCase())?.password
  const admin = async (path: string, { headers, ...request }: Call = {}) =>
    api(path, { ...request, headers: { authorization: `Bearer ${await token()}`, ...headers } })

  async function login(email = known()[0]?.email, password = email && passwordOf(email)): Promise<Login> {
    if (email === undefined || password === undefined)
      throw new Error(
        email === undefined
          ? 'The seed has no user with a password: name the address and password to log in with'
          : `The password of ${email} is not in the seed: give it`,
      )
    const reply = (await api('/identity/resources/auth/v1/user', { body: { email, password } })) as Login
    if (typeof reply.accessToken !== 'string')
      throw new Error(`The login of ${email} needs another step: ${JSON.stringify(reply)}`)
    return reply
  }

  async function tokenFor(email: string, { permissions, roles, tenant }: TokenOptions = {}): Promise<string> {
    const there = await userOf(email)
    const tenantId = await tenantOf(there?.tenantId, tenant),
      roleIds = [...(await idsOfRoles(roles)), ...(await roleWith(permissions))]
    if (there) await giveRoles(there.id, tenantId, roleIds)
    else await newUser(email, tenantId, roleIds)
    const { accessToken, refreshToken } = await login(email)
    if (tenant === undefined || claimsOf(accessToken)['tenantId'] === tenantId) return accessToken
    return switched(email, { accessToken, refreshToken }, tenantId)
  }

  async function userOf(email: string) {
    const query = new URLSearchParams({ email })
    try {
      return (await admin(`/identity/resources/users/v1/email?${query}`, { method: 'GET' })) as {
        id: string
        tenantId: string
      }
    } catch (error) {
      if (error instanceof HenhouseError && error.status === 404) return undefined
      throw error
    }
  }

  async function tenantOf(ofUser: string | undefined, wanted = ofUser) {
    const all = (await admin('/tenants/resources/tenants/v1', { method: 'GET' })) as {
      tenantId: string
      name: string
    }[]
    if (wanted !== undefined) {
      const found = all.find(({ tenantId, name }) => tenantId === wanted || name === wanted)
      if (!found) throw new Error(`There is no tenant ${wanted}`)
      return found.tenantId
    }
    const first = all.find(({ name }) => name === seed.tenants?.[0]?.name) ?? all[0]
    if (first) return first.tenantId
    const made = (await admin('/tenants/resources/tenants/v1', { body: { name: 'Test' } })) as { tenantId: string }
    return made.tenantId
  }

  async function idsOfRoles(keys: readonly string[] = []) {
    if (!keys.length) return []
    const all = (await admin('/identity/resources/roles/v1', { method: 'GET' })) as Keyed[]
    return keys.map((key) => {
      const found = all.find((role) => role.key === key)
      if (!found) throw new Error(`There is no role ${key}`)
      return found.id
    })
  }

  /** One role for each set of permissions, whoever asks for it. */
  async function roleWith(permissions: readonly string[] = []) {
    const keys = [...new Set(permissions)].sort()
    if (!keys.length) return []
    const key = `test-${createHash('sha256').update(keys.join()).digest('hex').slice(0, 12)}`
    const list = async (path: string) => (await admin(path, { method: 'GET' })) as Keyed[]
    const there = (await list('/identity/resources/roles/v1')).find((role) => role.key === key)
    if (there) return [there.id]
    const known = await list('/identity/resources/permissions/v1'),
      missing = keys.filter((wanted) => !known.some((permission) => permission.key === wanted))
    const made = missing.length
      ? ((await admin('/identity/resources/permissions/v1', {
          body: missing.map((name) => ({ key: name, name })),
        })) as Keyed[])
      : []
    const permissionIds = [...known, ...made].filter((one) => keys.includes(one.key)).map(({ id }) => id)
    const [role] = (await admin('/identity/resources/roles/v1', {
      body: [{ key, name: keys.join(', ').slice(0, 255) }],
    })) as [Keyed]
    await admin(`/identity/resources/roles/v1/${role.id}/permissions`, { method: 'PUT', body: { permissionIds } })
    return [role.id]
  }

  async function giveRoles(userId: string, tenantId: string, roleIds: string[]) {
    if (!roleIds.length) return
    await admin(`/identity/resources/users/v1/${userId}/roles`, {
      headers: { 'frontegg-tenant-id': tenantId },
      body: { roleIds },
    })
  }

  async function newUser(email: string, tenantId: string, roleIds: string[]) {
    await admin('/identity/resources/vendor-only/users/v1', { body: { email, tenantId, roleIds, password: PASSWORD } })
    passwords.set(email.toLowerCase(), PASSWORD)
  }

  /** A login is in the user's active tenant. */
  async function switched(
    email: string,
    { accessToken, refreshToken }: Pick<Login, 'accessToken' | 'refreshToken'>,
    tenantId: string,
  ) {
    await api('/identity/resources/users/v1/tenant', {
      method: 'PUT',
      headers: { authorization: `Bearer ${accessToken}` },
      body: { tenantId },
    })
    const reply = (await api('/identity/resources/auth/v1/user/token/refresh', { body: { refreshToken } })) as Login
    if (claimsOf(reply.accessToken)['tenantId'] !== tenantId) throw new Error(`${email} is no member of ${tenantId}`)
    return reply.accessToken
  }

  return { login, tokenFor, forget: () => passwords.clear() }
}

const claimsOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as Record<string, unknown>
