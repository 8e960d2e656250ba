import { openDatabase } from '@henhouse/database'
import { outbound } from '@henhouse/outbound'
import { passwordHasher } from '@henhouse/passwords'
import { pino } from 'pino'
import { inject } from 'vitest'
import { createEnvironment } from '../src/areas/environments/environments.service.ts'
import { addControlPlane } from '../src/emulator/control-plane.ts'
import { systemClock } from '../src/kernel/clock.ts'
import type { Watch } from '../src/kernel/app.ts'
import { contextFor } from '../src/kernel/context.ts'
import type { ServerDeps } from '../src/kernel/deps.ts'
import { runDue } from '../src/kernel/jobs.ts'
import { ANYBODY } from '../src/kernel/limits.ts'
import type { Ctx } from '../src/kernel/operation.ts'
import { cryptoRandom, fingerprint } from '../src/kernel/random.ts'
import { secretBox } from '../src/kernel/secrets.ts'
import { signToken } from '../src/kernel/tokens.ts'
import { buildServer } from '../src/server.ts'
import { keysOf } from '../src/areas/rights/held/held.service.ts'
import { userToken } from './user-token.ts'

const keyPairs = inject('keyPairs')
let nextPair = 0

export const deps: ServerDeps = {
  database: openDatabase(inject('databaseUrl'), { max: 12 }),
  systemClock,
  random: cryptoRandom,
  // the cheapest that argon2 allows, as tests log in hundreds of times
  passwords: passwordHasher({ memoryCost: 64, timeCost: 1, parallelism: 1 }),
  secrets: secretBox('a secret of the tests that is long enough'),
  log: pino({ level: process.env['LOG_LEVEL'] ?? 'fatal' }),
  newKeyPair: async () => keyPairs[nextPair++ % keyPairs.length]!,
  publicUrl: new URL('http://localhost:3100'),
  allowedOrigins: '*',
  trustProxy: true,
  rateLimits: false,
  mail: 'hold',
  sms: 'hold',
  metrics: 'open',
  // no name is looked up: `<label>.of.<name>.example` is an alias of the environment with this name
  outbound: {
    ...outbound('anywhere'),
    aliasesOf: async (host) =>
      [/\.of\.([^.]+)\.example$/.exec(host)?.[1]].flatMap((name) => (name ? `${name}.localhost` : [])),
  },
  strict: true,
}

export const server = await buildServer(deps)
await addControlPlane(server, { open: false })
export const { operations } = server

/** Another server on the same database, like a replica; its deps may differ. */
export const newServer = (changes: Partial<ServerDeps> = {}, watch?: Watch) =>
  buildServer({ ...deps, ...changes }, watch)

let address: Promise<string> | undefined
/** The server's address on a port, for clients that bring their own HTTP. */
export const listening = () => (address ??= server.http.listen({ port: 0, host: '127.0.0.1' }))

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
export interface Answer<B = any> {
  status: number
  body: B
  headers: Record<string, string | string[] | undefined>
  cookies: { name: string; value: string; [attribute: string]: unknown }[]
}

type Server = Awaited<ReturnType<typeof buildServer>>

/** A client that sends these headers with every call. Give `cookies` to send some. */
function clientOf(headers: Record<string, string>, on: Server) {
  return async (
    method: Method,
    url: string,
    payload?: unknown,
    more: { headers?: Record<string, string>; cookies?: Record<string, string> } = {},
  ): Promise<Answer> => {
    const response = await on.http.inject({
      method,
      url,
      ...(payload !== undefined && { payload: payload as object }),
      headers: { ...(payload !== undefined && { 'content-type': 'application/json' }), ...headers, ...more.headers },
      ...(more.cookies && { cookies: more.cookies }),
    })
    const isJson = response.body !== '' && String(response.headers['content-type'] ?? '').includes('json')
    return {
      status: response.statusCode,
      body: isJson ? response.json() : response.body || null,
      headers: response.headers as Answer['headers'],
      cookies: response.cookies,
    }
  }
}
export type Client = ReturnType<typeof clientOf>

/** Tests send messages by themselves, and count none. */
export function mayReachAnybody(ctx: Ctx) {
  ctx.counted.add(ANYBODY)
  return ctx
}

let sequence = 0
/** A tag that no other test uses: `unique('ada')` → `ada-7-3f2a`. */
export const unique = (prefix = 'x') =>
  `${prefix}-${++sequence}-${cryptoRandom
    .token(4)
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '0')}`

/**
 * A whole environment for one test: nothing is shared with other tests, nothing needs cleaning up.
 * `vendor` manages it, `user(…)` is somebody in it, `anonymous` is a browser that found it by its client id.
 * @param on another server than the usual one
 * @param own with whose database the environment is made and prepared
 */
export async function newEnvironment(on: Server = server, own: ServerDeps = on.worker.deps) {
  const client = (headers: Record<string, string>) => clientOf(headers, on)
  const { environment, apiKey } = await createEnvironment(own, { name: unique('env') })
  const id = environment.id
  /** made anew each time, as the clock may have moved */
  const context = async () => mayReachAnybody(contextFor(own, (await on.environments.byId(id))!, own.log))
  const token = async (claims: object, expiresIn = 3600) => signToken(await context(), claims, { expiresIn })
  const vendorToken = await token({ type: 'vendor', vendorId: id, scopes: [] }, 10 * 365 * 86_400)
  const vendor = (tenantId?: string, userId?: string): Client =>
    client({
      authorization: `Bearer ${vendorToken}`,
      ...(tenantId && { 'frontegg-tenant-id': tenantId }),
      ...(userId && { 'frontegg-user-id': userId }),
    })

  async function newTenant(name = unique('Tenant')) {
    const ctx = await context()
    const row = await ctx.db.tenant.create({
      data: {
        id: cryptoRandom.uuid(),
        rowId: cryptoRandom.uuid(),
        name,
        createdAt: ctx.clock.now(),
        updatedAt: ctx.clock.now(),
      },
    })
    return row.id
  }

  interface NewUser {
    tenantId?: string
    email?: string
    password?: string
    permissions?: string[]
    roleKeys?: string[]
    verified?: boolean
    level?: number
  }
  /** Makes a user in a tenant with exactly these permissions (in a role made for that), or with these roles; verified, and with a password if one is given. */
  async function newUser({
    tenantId,
    email = `${unique('user')}@example.com`,
    password,
    permissions = [],
    roleKeys = [],
    verified = true,
    level = 0,
  }: NewUser = {}) {
    const ctx = await context(),
      now = ctx.clock.now()
    const tenant = tenantId ?? (await newTenant())
    const roleIds = roleKeys.length
      ? (await ctx.db.role.findMany({ where: { key: { in: roleKeys } }, select: { id: true } })).map((r) => r.id)
      : []
    if (permissions.length) {
      const rows = await ctx.db.permission.findMany({
        where: { key: { in: permissions } },
        select: { id: true, key: true },
      })
      const missing = permissions.filter((key) => !rows.some((row) => row.key === key))
      if (missing.length) throw new Error(`no such permission: ${missing.join(', ')}`)
      const role = await ctx.db.role.create({
        data: {
          id: cryptoRandom.uuid(),
          key: unique('role'),
          name: 'For a test',
          level,
          createdAt: now,
          updatedAt: now,
          permissions: { create: rows.map((row) => ({ permissionId: row.id })) },
        },
      })
      roleIds.push(role.id)
    }
    const user = await ctx.db.user.create({
      data: {
        id: cryptoRandom.uuid(),
        email,
        name: email.split('@')[0]!,
        verified,
        activeTenantId: tenant,
        createdAt: now,
        updatedAt: now,
        passwordHash: password === undefined ? null : await deps.passwords.hash(password),
        passwordChangedAt: password === undefined ? null : now,
      },
    })
    await ctx.db.membership.create({
      data: {
        userId: user.id,
        tenantId: tenant,
        acceptedAt: now,
        createdAt: now,
        roles: { create: roleIds.map((roleId) => ({ roleId })) },
      },
    })
    return { id: user.id, email, tenantId: tenant, ...(password !== undefined && { password }) }
  }

  /** A client that holds a user token of `newUser`, as a login would make it. */
  async function user(who: NewUser = {}) {
    const made = await newUser(who)
    const call = await asUser(made)
    return Object.assign(call, made)
  }
  async function asUser(who: Parameters<typeof userToken>[1]) {
    const ctx = await context(),
      keys = await keysOf(ctx, who.id, who.tenantId)
    return client({ authorization: `Bearer ${await userToken(ctx, who, keys)}` })
  }

  interface NewMachine {
    tenantId?: string
    /** for whom it acts; absent: for the tenant */
    userId?: string
    permissions?: readonly string[]
    roleIds?: readonly string[]
    expiresAt?: Date
  }
  /** Makes an API token: of a user; or of a tenant, with exactly these permissions, or with these roles. Management gave them. */
  async function newMachine({ tenantId, userId, permissions = [], roleIds = [], expiresAt }: NewMachine = {}) {
    const ctx = await context(),
      secret = cryptoRandom.uuid(),
      rows = await ctx.db.permission.findMany({ where: { key: { in: [...permissions] } }, select: { id: true } })
    if (rows.length < new Set(permissions).size) throw new Error(`no such permission among ${permissions.join(', ')}`)
    const { id, tenantId: place } = await ctx.db.apiToken.create({
      data: {
        id: cryptoRandom.uuid(),
        tenantId: tenantId ?? (await newTenant()),
        secretHash: fingerprint(secret),
        createdAt: ctx.clock.now(),
        ...(userId !== undefined && { userId, createdByUserId: userId }),
        ...(expiresAt && { expiresAt }),
        permissions: { create: rows.map((row) => ({ permissionId: row.id })) },
        roles: { create: roleIds.map((roleId) => ({ roleId })) },
      },
    })
    return { id, secret, tenantId: place }
  }
  /** A client that holds the token of `newMachine`, got with its client id and secret. */
  async function machine(who: NewMachine = {}) {
    const made = await newMachine(who),
      { body } = await client({ 'frontegg-vendor-id': id })('POST', '/identity/resources/auth/v2/api-token', {
        clientId: made.id,
        secret: made.secret,
      })
    const token = body.access_token as string
    return Object.assign(client({ authorization: `Bearer ${token}` }), made, { token })
  }
  /**
   * A client that shows an access token: of a user, or of a tenant, with these roles. From the first one on, the environment
   * takes no API tokens.
   */
  async function key({ tenantId, userId, roleIds = [] }: Pick<NewMachine, 'tenantId' | 'userId' | 'roleIds'> = {}) {
    const place = tenantId ?? (await newTenant())
    await vendor()('POST', '/identity/resources/configurations/v1', { machineToMachineAuthStrategy: 'AccessToken' })
    const { status, body } = await vendor(place, userId)(
      'POST',
      `/identity/resources/${userId === undefined ? 'tenants' : 'users'}/access-tokens/v1`,
      userId === undefined ? { roleIds } : {},
    )
    if (status !== 201) throw new Error(`no access token: ${status} ${JSON.stringify(body)}`)
    const token = body.secret as string
    return Object.assign(client({ 'x-api-key': token }), { id: body.id as string, tenantId: place, token })
  }

  const changeClock = async (data: { clockOffsetMs?: bigint; clockFrozenAt?: Date | null }) => {
    await own.database.prisma.vendor.update({ where: { id }, data })
  }
  return {
    id,
    apiKey,
    name: environment.name,
    vendor: vendor(),
    as: vendor,
    newTenant,
    newUser,
    user,
    asUser,
    newMachine,
    machine,
    key,
    token,
    userToken: async (who: Parameters<typeof userToken>[1], claims: object = {}) =>
      userToken(await context(), who, claims),
    context,
    anonymous: client({ 'frontegg-vendor-id': id }),
    /** without a header that names the environment */
    bare: client({}),
    client: (headers: Record<string, string>, to = on) => clientOf({ 'frontegg-vendor-id': id, ...headers }, to),
    withToken: (bearer: string) => client({ authorization: `Bearer ${bearer}` }),
    clock: {
      async advance(ms: number) {
        const { clockOffsetMs, clockFrozenAt } = (await on.environments.byId(id))!
        await changeClock({
          clockOffsetMs: clockOffsetMs + BigInt(ms),
          ...(clockFrozenAt && { clockFrozenAt: new Date(clockFrozenAt.getTime() + ms) }),
        })
      },
      freeze: (at = new Date()) => changeClock({ clockFrozenAt: at }),
      now: async () => (await context()).clock.now(),
    },
    /** The messages that were sent, oldest first. */
    messages: async (where: { to?: string; template?: string } = {}) =>
      (await context()).db.message.findMany({
        where: { ...(where.to && { recipient: where.to }), ...(where.template && { template: where.template }) },
        orderBy: { sequence: 'asc' },
      }),
    /** Runs the jobs that are due by this environment's clock, until none is left. */
    runJobs: () => runDue(on.worker, id),
  }
}
export type TestEnvironment = Awaited<ReturnType<typeof newEnvironment>>

export const UNKNOWN_ID = '0b0e5f0e-7a0e-4c55-9d0e-222222222222'
