// The endpoints of the benchmark as one would write them by hand, with Fastify, pg and a KeyObject only. They read and write the same tables.
import {
  createHash,
  createPrivateKey,
  createSign,
  randomBytes,
  randomUUID,
  timingSafeEqual,
  type KeyObject,
} from 'node:crypto'
import argon2 from 'argon2'
import { createVerifier } from 'fast-jwt'
import Fastify from 'fastify'
import pg from 'pg'
import { pino } from 'pino'
import { rendered } from '../apps/server/src/areas/delivery/mail/render.ts'
import type { Fixture } from './fixture.ts'
import { codeOf, currentStep } from './totp.ts'

const fixture = JSON.parse(process.env['BENCH_FIXTURE']!) as Fixture
const pool = new pg.Pool({ connectionString: fixture.databaseUrl, max: 10 })
const app = Fastify()
const sha = (text: string) => createHash('sha256').update(text).digest('hex')

function signer(pem: string, kid: string) {
  const key: KeyObject = createPrivateKey(pem),
    head = Buffer.from(JSON.stringify({ alg: 'RS256', typ: 'JWT', kid })).toString('base64url')
  return (claims: object) => {
    const iat = Math.floor(Date.now() / 1000)
    const body = `${head}.${Buffer.from(JSON.stringify({ ...claims, iat, exp: iat + 86_400 })).toString('base64url')}`
    return `${body}.${createSign('sha256').update(body).sign(key, 'base64url')}`
  }
}
const sign = signer(fixture.privateKey, 'baseline')
const verify = createVerifier({ key: fixture.publicKey, algorithms: ['RS256'], cache: 1000 }) as (token: string) => {
  sub: string
  tenantId: string
}
const bearer = (header: string | undefined) => verify((header ?? '').slice('Bearer '.length))

const KEYS = `select coalesce(array_agg(distinct r.key), '{}') as roles, coalesce(array_agg(distinct p.key), '{}') as permissions
  from "MembershipRole" mr join "Role" r on r.id = mr."roleId" left join "RolePermission" rp on rp."roleId" = r.id left join "Permission" p on p.id = rp."permissionId"
  where mr."vendorId" = $1 and mr."userId" = $2 and mr."tenantId" = $3`
interface UserRow {
  /** of an authenticator app */
  deviceId: string | null
  id: string
  name: string
  email: string
  verified: boolean
  activeTenantId: string
}
interface Keys {
  roles: string[]
  permissions: string[]
}
const claimsOf = (user: UserRow, keys: Keys, sid: string) => ({
  type: 'userToken',
  sub: user.id,
  sid,
  name: user.name,
  email: user.email,
  email_verified: user.verified,
  metadata: {},
  tenantId: user.activeTenantId,
  tenantIds: [user.activeTenantId],
  iss: 'http://localhost',
  aud: fixture.vendorId,
  roles: keys.roles,
  permissions: keys.permissions,
})

const loggedIn = (user: UserRow, keys: Keys, sid: string, refreshToken: string) => ({
  mfaRequired: false,
  accessToken: sign(claimsOf(user, keys, sid)),
  refreshToken,
  expiresIn: 86_400,
  expires: new Date().toUTCString(),
  userId: user.id,
  userEmail: user.email,
  emailVerified: user.verified,
})

app.get('/health/live', async () => ({ status: 'live' }))

app.post<{ Body: { clientId: string; secret: string } }>('/auth/vendor', async ({ body }, reply) => {
  const {
    rows: [vendor],
  } = await pool.query({
    name: 'vendor',
    text: 'select "apiKeyHash" from "Vendor" where id = $1',
    values: [body.clientId],
  })
  if (!vendor || !timingSafeEqual(Buffer.from(vendor.apiKeyHash), Buffer.from(sha(body.secret))))
    return reply.code(401).send()
  return { token: sign({ type: 'vendor', vendorId: body.clientId, scopes: [] }), expiresIn: 86_400 }
})

app.post<{ Body: { email: string; password: string } }>('/identity/resources/auth/v1/user', async ({ body }, reply) => {
  const {
    rows: [user],
  } = await pool.query({
    name: 'user',
    text: `select u.*, (select d.id from "MfaDevice" d where d."vendorId" = u."vendorId" and d."userId" = u.id and d.kind = 'authenticator') as "deviceId"
      from "User" u where u."vendorId" = $1 and u.email = $2`,
    values: [fixture.vendorId, body.email],
  })
  if (!user || !(await argon2.verify(user.passwordHash, body.password))) return reply.code(401).send()
  if (user.deviceId !== null) return askForCode(user)
  const {
    rows: [keys],
  } = await pool.query({ name: 'keys', text: KEYS, values: [fixture.vendorId, user.id, user.activeTenantId] })
  const sid = randomUUID(),
    refreshToken = randomBytes(32).toString('base64url')
  await pool.query({
    name: 'session',
    text: `with s as (insert into "Session" ("vendorId", id, "userId", "tenantId", "createdAt", "lastActiveAt", "expiresAt") values ($1, $2, $3, $4, now(), now(), now() + interval '30 days')),
      u as (update "User" set "lastLogin" = now(), "failedLogins" = 0 where id = $3)
      insert into "RefreshToken" ("vendorId", id, "sessionId", "createdAt", "expiresAt") values ($1, $5, $2, now(), now() + interval '30 days')`,
    values: [fixture.vendorId, sid, user.id, user.activeTenantId, sha(refreshToken)],
  })
  reply.header('set-cookie', `fe_refresh_bench=${refreshToken}; Path=/; HttpOnly`)
  return loggedIn(user, keys, sid, refreshToken)
})

const MACHINE_KEYS = `select coalesce(array_agg(distinct r.key), '{}') as roles, coalesce(array_agg(distinct p.key) filter (where p.key is not null), '{}') as permissions
  from "ApiTokenRole" tr join "Role" r on r.id = tr."roleId" left join "RolePermission" rp on rp."roleId" = r.id left join "Permission" p on p.id = rp."permissionId"
  where tr."vendorId" = $1 and tr."apiTokenId" = $2`

/** Client credentials have a hundred refresh tokens at most: the oldest goes for the next. */
app.post<{ Body: { clientId: string; secret: string } }>(
  '/identity/resources/auth/v2/api-token',
  async ({ body }, reply) => {
    const {
      rows: [token],
    } = await pool.query({
      name: 'credentials',
      text: `select t.* from "ApiToken" t where t."vendorId" = $1 and t.id = $2 and (t."expiresAt" is null or t."expiresAt" > now())`,
      values: [fixture.vendorId, body.clientId],
    })
    if (!token || !timingSafeEqual(Buffer.from(token.secretHash), Buffer.from(sha(body.secret))))
      return reply.code(401).send()
    const {
      rows: [keys],
    } = await pool.query({ name: 'machineKeys', text: MACHINE_KEYS, values: [fixture.vendorId, token.id] })
    const refreshToken = randomBytes(32).toString('base64url')
    await pool.query({
      name: 'machineRefresh',
      text: `with surplus as (select id from "ApiRefreshToken" where "vendorId" = $1 and "apiTokenId" = $3 order by sequence desc offset 99),
        gone as (delete from "ApiRefreshToken" r using surplus where r.id = surplus.id)
        insert into "ApiRefreshToken" ("vendorId", id, "apiTokenId", "expiresAt") values ($1, $2, $3, now() + interval '30 days')`,
      values: [fixture.vendorId, sha(refreshToken), token.id],
    })
    return {
      access_token: sign({
        sub: token.id,
        type: 'tenantApiToken',
        iss: 'http://localhost',
        aud: fixture.vendorId,
        tenantId: token.tenantId,
        roles: keys.roles,
        permissions: keys.permissions,
        metadata: token.metadata,
        createdByUserId: token.createdByUserId,
      }),
      refresh_token: refreshToken,
      expires_in: 86_400,
      expires: new Date().toUTCString(),
    }
  },
)

async function askForCode(user: UserRow) {
  const mfaToken = randomBytes(32).toString('base64url')
  await pool.query({
    name: 'ask',
    text: `insert into "Challenge" ("vendorId", id, purpose, "userId", "tenantId", "secretHash", "maxAttempts", "createdAt", "expiresAt")
      values ($1, $2, 'mfa', $3, $4, $5, 5, now(), now() + interval '10 minutes')`,
    values: [fixture.vendorId, randomUUID(), user.id, user.activeTenantId, sha(mfaToken)],
  })
  return { mfaRequired: true, mfaToken, mfaEnrolled: true, mfaDevices: { authenticators: [{ id: user.deviceId }] } }
}

app.post<{ Params: { deviceId: string }; Body: { mfaToken: string; value: string } }>(
  '/identity/resources/auth/v1/user/mfa/authenticator/:deviceId/verify',
  async ({ params, body }, reply) => {
    const {
      rows: [user],
    } = await pool.query({
      name: 'asked',
      text: `select u.*, d.secret, c.id as "challengeId" from "Challenge" c join "User" u on u.id = c."userId" join "MfaDevice" d on d."userId" = u.id
        where c."vendorId" = $1 and c.purpose = 'mfa' and c."secretHash" = $2 and c."consumedAt" is null and c."expiresAt" > now() and d.id = $3 and not u."isLocked"`,
      values: [fixture.vendorId, sha(body.mfaToken), params.deviceId],
    })
    // all have the same key: what is sealed in the database is not opened here
    const step = [-1, 0, 1].map((ago) => currentStep() + ago).find((one) => codeOf(one) === body.value)
    if (!user || step === undefined) return reply.code(401).send()
    const {
      rows: [keys],
    } = await pool.query({ name: 'keys', text: KEYS, values: [fixture.vendorId, user.id, user.activeTenantId] })
    const sid = randomUUID(),
      refreshToken = randomBytes(32).toString('base64url')
    const { rowCount } = await pool.query({
      name: 'factor',
      text: `with c as (update "Challenge" set "consumedAt" = now() where id = $6 and "consumedAt" is null returning id),
        d as (update "MfaDevice" set "lastStep" = $7 where id = $8 and ("lastStep" is null or "lastStep" < $7) returning id),
        s as (insert into "Session" ("vendorId", id, "userId", "tenantId", "createdAt", "lastActiveAt", "expiresAt") select $1, $2, $3, $4, now(), now(), now() + interval '30 days' from c, d),
        u as (update "User" set "lastLogin" = now(), "failedLogins" = 0 where id = $3)
        insert into "RefreshToken" ("vendorId", id, "sessionId", "createdAt", "expiresAt") select $1, $5, $2, now(), now() + interval '30 days' from c, d`,
      values: [
        fixture.vendorId,
        sid,
        user.id,
        user.activeTenantId,
        sha(refreshToken),
        user.challengeId,
        step,
        params.deviceId,
      ],
    })
    if (rowCount !== 1) return reply.code(401).send()
    reply.code(201).header('set-cookie', `fe_refresh_bench=${refreshToken}; Path=/; HttpOnly`)
    return loggedIn(user, keys, sid, refreshToken)
  },
)

app.post('/identity/resources/auth/v1/user/token/refresh', async (request, reply) => {
  const old = /fe_refresh_[^=]+=([^;]+)/.exec(request.headers.cookie ?? '')?.[1] ?? ''
  const {
    rows: [user],
  } = await pool.query({
    name: 'rotate',
    text: `with t as (update "RefreshToken" set "usedAt" = now() where id = $1 and "vendorId" = $2 and "usedAt" is null and "expiresAt" > now() returning "sessionId")
      select u.*, s.id as sid from t join "Session" s on s.id = t."sessionId" join "User" u on u.id = s."userId" where s."endedAt" is null and not u."isLocked"`,
    values: [sha(old), fixture.vendorId],
  })
  if (!user) return reply.code(401).send({ errors: ['Session not found'] })
  const {
    rows: [keys],
  } = await pool.query({ name: 'keys', text: KEYS, values: [fixture.vendorId, user.id, user.activeTenantId] })
  const refreshToken = randomBytes(32).toString('base64url')
  await pool.query({
    name: 'next',
    text: `with s as (update "Session" set "lastActiveAt" = now() where id = $2)
      insert into "RefreshToken" ("vendorId", id, "sessionId", "createdAt", "expiresAt") values ($1, $3, $2, now(), now() + interval '30 days')`,
    values: [fixture.vendorId, user.sid, sha(refreshToken)],
  })
  reply.code(201).header('set-cookie', `fe_refresh_bench=${refreshToken}; Path=/; HttpOnly`)
  return loggedIn(user, keys, user.sid, refreshToken)
})

app.get('/identity/resources/users/v2/me', async ({ headers }) => {
  const { sub, tenantId } = bearer(headers.authorization)
  const {
    rows: [me],
  } = await pool.query({
    name: 'me',
    text: `select u.*,
      (select json_agg(m."tenantId") from "Membership" m where m."vendorId" = u."vendorId" and m."userId" = u.id) as "tenantIds",
      (select json_agg(row_to_json(r)) from "MembershipRole" mr join "Role" r on r.id = mr."roleId" where mr."vendorId" = u."vendorId" and mr."userId" = u.id and mr."tenantId" = $3) as roles,
      (select json_agg(distinct to_jsonb(p)) from "MembershipRole" mr join "RolePermission" rp on rp."roleId" = mr."roleId" join "Permission" p on p.id = rp."permissionId"
        where mr."vendorId" = u."vendorId" and mr."userId" = u.id and mr."tenantId" = $3) as permissions
      from "User" u where u.id = $1 and u."vendorId" = $2`,
    values: [sub, fixture.vendorId, tenantId],
  })
  delete me.passwordHash
  return me
})

app.get('/identity/resources/users/v1/me/authorization', async ({ headers }) => {
  const { sub, tenantId } = bearer(headers.authorization)
  const {
    rows: [rights],
  } = await pool.query({
    name: 'authorization',
    text: `select
      (select coalesce(json_agg(row_to_json(r)), '[]') from "MembershipRole" mr join "Role" r on r.id = mr."roleId" where mr."vendorId" = $2 and mr."userId" = $1 and mr."tenantId" = $3) as roles,
      (select coalesce(json_agg(distinct to_jsonb(p)), '[]') from "MembershipRole" mr join "RolePermission" rp on rp."roleId" = mr."roleId" join "Permission" p on p.id = rp."permissionId"
        where mr."vendorId" = $2 and mr."userId" = $1 and mr."tenantId" = $3) as permissions`,
    values: [sub, fixture.vendorId, tenantId],
  })
  return rights
})

app.get('/identity/resources/users/v3', async ({ headers }) => {
  bearer(headers.authorization)
  const [
    { rows: items },
    {
      rows: [total],
    },
  ] = await Promise.all([
    pool.query({
      name: 'list',
      text: `select u.id, u.email, u.name, u.verified, u."createdAt", u."lastLogin", u.metadata, u."isLocked", u.provider, u."phoneNumber",
        (select json_agg(json_build_object('tenantId', m."tenantId", 'isDisabled', m."isDisabled")) from "Membership" m where m."vendorId" = u."vendorId" and m."userId" = u.id) as tenants
        from "User" u where u."vendorId" = $1 order by u."createdAt", u.id limit 50`,
      values: [fixture.vendorId],
    }),
    pool.query({
      name: 'count',
      text: 'select count(*)::int from "User" where "vendorId" = $1',
      values: [fixture.vendorId],
    }),
  ])
  return { items, _metadata: { totalItems: total.count, totalPages: Math.ceil(total.count / 50) } }
})

app.post<{ Body: { email: string; name: string } }>(
  '/identity/resources/users/v2',
  async ({ headers, body }, reply) => {
    bearer(headers.authorization)
    const id = randomUUID()
    const {
      rows: [user],
    } = await pool.query({
      name: 'create',
      text: `with u as (insert into "User" ("vendorId", id, email, name, verified, "activeTenantId", "createdAt", "updatedAt") values ($1, $2, $3, $4, true, $5, now(), now()) returning *),
      m as (insert into "Membership" ("vendorId", "userId", "tenantId", "acceptedAt", "createdAt") select $1, id, $5, now(), now() from u returning "userId"),
      r as (insert into "MembershipRole" ("vendorId", "userId", "tenantId", "roleId") select $1, m."userId", $5, d.id from m, (select id from "Role" where "vendorId" = $1 and "isDefault") d)
      select * from u`,
      values: [fixture.vendorId, id, body.email.toLowerCase(), body.name, fixture.tenantId],
    })
    reply.code(201)
    return user
  },
)

const MAIL = `with n as (select * from jsonb_to_recordset($2) as n(id uuid, email text, "challengeId" uuid, "messageId" uuid, hash text, link text, html text, text text)),
  c as (insert into "Challenge" ("vendorId", id, purpose, "userId", "tenantId", "secretHash", data, "maxAttempts", "createdAt", "expiresAt")
    select $1, "challengeId", 'activation', id, $3, hash, jsonb_build_object('email', email), 5, now(), now() + interval '7 days' from n)
  insert into "Message" ("vendorId", id, channel, template, "tenantId", "userId", sender, recipient, subject, html, text, link, status, "createdAt")
    select $1, "messageId", 'email', 'ActivateUser', $3, id, 'no-reply@localhost', email, 'Activate your account', html, text, link, 'held', now() from n`

/** A mail as long as that of Henhouse, with marks where the user's values go. */
const PAGE = rendered({ log: pino({ level: 'silent' }) }, 'ActivateUser', undefined, {
  name: 'NAME',
  redirectURL: 'LINK',
  expiresIn: '7 days',
})

/** Adds all in one transaction, and writes each a mail with a link to activate the account. */
app.post<{ Body: { users: { email: string; name: string }[]; tenantId: string; roleIds: string[] } }>(
  '/identity/resources/sub-tenants/users/v2',
  async ({ headers, body }, reply) => {
    bearer(headers.authorization)
    const rows = body.users.map(({ email, name }) => {
      const id = randomUUID(),
        token = randomBytes(32).toString('base64url'),
        link = `http://localhost/account/activate?userId=${id}&token=${token}`
      return {
        id,
        email: email.toLowerCase(),
        name,
        challengeId: randomUUID(),
        messageId: randomUUID(),
        hash: sha(token),
        link,
        text: PAGE.text.replaceAll('NAME', name).replaceAll('LINK', link),
        html: PAGE.html.replaceAll('NAME', name).replaceAll('LINK', link.replaceAll('&', '&amp;')),
      }
    })
    const json = JSON.stringify(rows),
      client = await pool.connect()
    try {
      await client.query('begin')
      await client.query({
        name: 'users',
        text: `with n as (select * from jsonb_to_recordset($2) as n(id uuid, email text, name text)),
          u as (insert into "User" ("vendorId", id, email, name, "activeTenantId", "createdAt", "updatedAt") select $1, id, email, name, $3, now(), now() from n returning id),
          m as (insert into "Membership" ("vendorId", "userId", "tenantId", "createdAt") select $1, id, $3, now() from u returning "userId")
          insert into "MembershipRole" ("vendorId", "userId", "tenantId", "roleId") select $1, "userId", $3, r from m, unnest($4::uuid[]) r`,
        values: [fixture.vendorId, json, body.tenantId, body.roleIds],
      })
      await client.query({ name: 'mail', text: MAIL, values: [fixture.vendorId, json, body.tenantId] })
      await client.query('commit')
      client.release()
    } catch (error) {
      client.release(true)
      throw error
    }
    return reply.code(201).send()
  },
)

await app.listen({ port: Number(process.env['BENCH_PORT']), host: '127.0.0.1' })
process.send?.('ready')
// ends with the bench
process.once('disconnect', () => process.exit())
