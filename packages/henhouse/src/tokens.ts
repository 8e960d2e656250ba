import type { Login, Seed } from './environment.ts'
import type { Call } from './http.ts'
import { roleWith, rolesOf, tenantOf, userOf } from './rights.ts'

export interface TokenOptions {
  /** keys; those that are missing are made */
  permissions?: readonly string[]
  /** keys of roles that are there */
  roles?: readonly string[]
  /** id or name of a tenant that is there; without it, the user's active one, or the first of the seed, or a new one */
  tenant?: string
}

type Api = (path: string, request?: Call) => Promise<unknown>

const PASSWORD = 'Henhouse-1!'

/** Users, and what proves who they are. */
export function tokens(api: Api, token: () => Promise<string>, seed: Seed) {
  /** of the users of the seed, and of those that `tokenFor` has made */
  let passwords = seeded(seed)
  const admin: Api = async (path, { headers, ...request } = {}) =>
    api(path, { method: 'POST', ...request, headers: { authorization: `Bearer ${await token()}`, ...headers } })

  // two tests in one environment may ask for the same at once
  let turn: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>) => {
    const mine = turn.then(work, work)
    turn = mine
    return mine
  }

  async function login(email = [...passwords.keys()][0], password = email && passwords.get(email.toLowerCase())) {
    if (email === undefined)
      throw new Error('The seed has no user with a password: name the address and password to log in with')
    if (password === undefined) throw new Error(`The password of ${email} is not in the seed: give it`)
    const reply = (await api('/identity/resources/auth/v1/user', { body: { email, password } })) as Login
    if (typeof reply.accessToken !== 'string')
      throw new Error(`The login of ${email} needs another step: ${JSON.stringify(reply)}`)
    return reply
  }

  async function tokenFor(email: string, options: TokenOptions = {}) {
    const tenantId = await inTurn(() => prepare(email, options))
    const session = await login(email)
    return tenantIn(session.accessToken) === tenantId ? session.accessToken : switched(api, session, tenantId)
  }

  /** Makes what is missing. @returns the tenant that the token is for */
  async function prepare(email: string, { permissions, roles, tenant }: TokenOptions) {
    const user = await userOf(admin, email)
    const tenantId = await tenantOf(admin, tenant ?? user?.tenantId, seed.tenants?.[0]?.name),
      roleIds = [...(await rolesOf(admin, roles)), ...(await roleWith(admin, permissions))]
    if (!user) {
      const body = { email, tenantId, roleIds, password: PASSWORD }
      await admin('/identity/resources/vendor-only/users/v1', { body })
      passwords.set(email.toLowerCase(), PASSWORD)
    } else if (roleIds.length) {
      const headers = { 'frontegg-tenant-id': tenantId }
      await admin(`/identity/resources/users/v1/${user.id}/roles`, { headers, body: { roleIds } })
    }
    return tenantId
  }

  return { login, tokenFor, forget: () => (passwords = seeded(seed)) }
}

const seeded = ({ users = [] }: Seed) =>
  new Map(users.flatMap(({ email, password }) => (password ? [[email.toLowerCase(), password] as const] : [])))

/** A login is in the tenant where the user was last. */
async function switched(api: Api, { accessToken, refreshToken }: Login, tenantId: string) {
  const headers = { authorization: `Bearer ${accessToken}` }
  await api('/identity/resources/users/v1/tenant', { method: 'PUT', headers, body: { tenantId } })
  const reply = (await api('/identity/resources/auth/v1/user/token/refresh', { body: { refreshToken } })) as Login
  if (tenantIn(reply.accessToken) !== tenantId) throw new Error(`The user cannot change to the tenant ${tenantId}`)
  return reply.accessToken
}

const tenantIn = (token: string) =>
  (JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as { tenantId: string }).tenantId
