// What bench and bench:load ask for.
import { createHash, randomUUID } from 'node:crypto'
import type { Pool } from 'pg'
import type { Fixture } from './fixture.ts'
import type { Call } from './servers.ts'
import { codeOf, currentStep } from './totp.ts'

export interface Case {
  name: string
  /** of the load; ten when absent */
  connections?: number
  /** Writes into the database, before each measurement. The cases that do so come last, as lists grow by what they write. */
  before?(pool: Pool, fixture: Fixture): Promise<void>
  /** What one of the connections does before the measurement. @returns what it then does over and over */
  prepare(call: Call, fixture: Fixture, worker: number): Promise<(turn: number) => Promise<void>>
}

const identity = '/identity/resources'
const logIn = async (call: Call, { password }: Fixture, email: string) =>
  call('POST', `${identity}/auth/v1/user`, 200, { email, password })
export const environmentToken = async (call: Call, { vendorId, apiKey }: Fixture) =>
  (await call('POST', '/auth/vendor', 200, { clientId: vendorId, secret: apiKey })).body['token']!

/** A read with the token of a login. */
const reading =
  (path: string, emailOf: (fixture: Fixture, worker: number) => string): Case['prepare'] =>
  async (call, fixture, worker) => {
    const authorization = `Bearer ${(await logIn(call, fixture, emailOf(fixture, worker))).body['accessToken']}`
    return async () => {
      await call('GET', `${identity}/${path}`, 200, undefined, { authorization })
    }
  }
const own = ({ emails }: Fixture, worker: number) => emails[worker]!

const login: Case = {
  name: 'login',
  prepare: async (call, fixture, worker) => async () => {
    await logIn(call, fixture, own(fixture, worker))
  },
}

export const refresh: Case = {
  name: 'refresh',
  prepare: async (call, fixture, worker) => {
    let { cookie } = await logIn(call, fixture, own(fixture, worker))
    return async () => {
      cookie = (await call('POST', `${identity}/auth/v1/user/token/refresh`, 201, {}, { cookie })).cookie
    }
  },
}

export const profile: Case = { name: 'GET users/v2/me', prepare: reading('users/v2/me', own) }

const newUser = () => ({ email: `${randomUUID()}@example.com`, name: 'New' })

const PLACES = 50
const profileOfMany: Case = {
  name: `GET users/v2/me, of ${PLACES} tenants`,
  before: async (pool, { vendorId, roleId, passwordHash }) => {
    await pool.query(
      `with t as (
        insert into "Tenant" ("vendorId", id, "rowId", path, name, "createdAt", "updatedAt")
        select $1, 'wide' || i, gen_random_uuid(), array['wide' || i], 'Wide ' || i, now(), now() from generate_series(1, ${PLACES}) i
        on conflict do nothing returning id),
      u as (
        insert into "User" ("vendorId", id, email, name, verified, "activeTenantId", "passwordHash", "createdAt", "updatedAt")
        select $1, gen_random_uuid(), 'wide' || i || '@example.com', 'Wide ' || i, true, 'wide1', $3, now(), now() from generate_series(0, 9) i
        on conflict do nothing returning id),
      m as (
        insert into "Membership" ("vendorId", "userId", "tenantId", "acceptedAt", "createdAt")
        select $1, u.id, t.id, now(), now() from u, t returning "userId", "tenantId")
      insert into "MembershipRole" ("vendorId", "userId", "tenantId", "roleId") select $1, "userId", "tenantId", $2 from m`,
      [vendorId, roleId, passwordHash],
    )
  },
  prepare: reading('users/v2/me', (_, worker) => `wide${worker}@example.com`),
}

/** A code works once for a user, so every turn takes another user: more than are served in a measurement. */
const APPS = 5000
const secondFactor: Case = {
  name: 'login with an app code',
  before: async (pool, { vendorId, tenantId, roleId, passwordHash, sealedTotpSecret }) => {
    await pool.query(
      `with u as (
        insert into "User" ("vendorId", id, email, name, verified, "mfaEnrolled", "activeTenantId", "passwordHash", "createdAt", "updatedAt")
        select $1, gen_random_uuid(), 'app' || i || '@example.com', 'App ' || i, true, true, $2, $4, now(), now() from generate_series(0, ${APPS - 1}) i
        on conflict do nothing returning id),
      m as (
        insert into "Membership" ("vendorId", "userId", "tenantId", "acceptedAt", "createdAt")
        select $1, id, $2, now(), now() from u returning "userId"),
      r as (insert into "MembershipRole" ("vendorId", "userId", "tenantId", "roleId") select $1, "userId", $2, $3 from m)
      insert into "MfaDevice" ("vendorId", id, "userId", kind, secret, "createdAt") select $1, gen_random_uuid(), id, 'authenticator', $5, now() from u`,
      [vendorId, tenantId, roleId, passwordHash, sealedTotpSecret],
    )
    await pool.query(`update "MfaDevice" set "lastStep" = null where "vendorId" = $1 and "lastStep" is not null`, [
      vendorId,
    ])
  },
  prepare: async (call, fixture, worker) => {
    let next = worker
    return async () => {
      const { body } = await logIn(call, fixture, `app${next}@example.com`)
      next += 10
      if (next >= APPS) throw new Error(`a measurement takes more than ${APPS} users: make it shorter`)
      const { mfaToken, mfaDevices } = body as unknown as {
        mfaToken: string
        mfaDevices: { authenticators: [{ id: string }] }
      }
      const value = codeOf(currentStep())
      await call('POST', `${identity}/auth/v1/user/mfa/authenticator/${mfaDevices.authenticators[0].id}/verify`, 201, {
        mfaToken,
        value,
      })
    }
  },
}

/** One for each connection, as each backend has its own. */
const clientIdOf = (worker: number) => `00000000-0000-4000-8000-${String(worker).padStart(12, '0')}`
const CLIENT_SECRET = '5f0d6f0e-6a53-4f0c-9a3f-0d7c3b1f4a55'
const machineLogin: Case = {
  name: 'login by API token',
  before: async (pool, { vendorId, tenantId, roleId }) => {
    const ids = Array.from({ length: 10 }, (_, worker) => clientIdOf(worker)),
      secretHash = createHash('sha256').update(CLIENT_SECRET).digest('hex')
    await pool.query(
      `with t as (
        insert into "ApiToken" ("vendorId", id, "tenantId", "secretHash", metadata, "createdAt")
        select $1, unnest($4::uuid[]), $2, $5, '{"team": "bench"}', now() on conflict do nothing returning id)
      insert into "ApiTokenRole" ("vendorId", "apiTokenId", "roleId") select $1, id, $3 from t`,
      [vendorId, tenantId, roleId, ids, secretHash],
    )
  },
  prepare: async (call, _fixture, worker) => async () => {
    await call('POST', `${identity}/auth/v2/api-token`, 200, { clientId: clientIdOf(worker), secret: CLIENT_SECRET })
  },
}

export const cases: readonly Case[] = [
  {
    name: 'HEAD /health/live',
    prepare: async (call) => async () => {
      await call('HEAD', '/health/live', 200)
    },
  },
  login,
  refresh,
  profile,
  { name: 'GET me/authorization', prepare: reading('users/v1/me/authorization', own) },
  {
    name: 'environment token',
    prepare: async (call, fixture) => async () => {
      await environmentToken(call, fixture)
    },
  },
  {
    name: 'list users (50 of 1000)',
    prepare: async (call, fixture) => {
      const authorization = `Bearer ${await environmentToken(call, fixture)}`
      return async () => {
        await call('GET', `${identity}/users/v3?_limit=50`, 200, undefined, { authorization })
      }
    },
  },
  {
    name: 'create user',
    prepare: async (call, fixture) => {
      const headers = {
        authorization: `Bearer ${await environmentToken(call, fixture)}`,
        'frontegg-tenant-id': fixture.tenantId,
      }
      return async () => {
        await call(
          'POST',
          `${identity}/users/v2`,
          201,
          { ...newUser(), metadata: '{}', skipInviteEmail: true },
          headers,
        )
      }
    },
  },
  machineLogin,
  secondFactor,
  profileOfMany,
  {
    name: 'create 100 users, in one call',
    // one after the other: ten such transactions at once would wait for each other too long
    connections: 1,
    prepare: async (call, fixture) => {
      const headers = { authorization: `Bearer ${await environmentToken(call, fixture)}` }
      return async () => {
        await call(
          'POST',
          `${identity}/sub-tenants/users/v2`,
          201,
          { users: Array.from({ length: 100 }, newUser), tenantId: fixture.tenantId, roleIds: [fixture.roleId] },
          headers,
        )
      }
    },
  },
]
