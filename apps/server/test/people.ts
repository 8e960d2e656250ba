import { recoveryHash } from '../src/areas/sign-in/mfa/mfa-devices.service.ts'
import { authenticator } from './authenticator.ts'
import { deps, unique, type TestEnvironment } from './environment.ts'
import { PASSWORD } from './second-factors.ts'

export interface Traits {
  password?: string
  verified?: boolean
  roleKeys?: string[]
  /** a member of another tenant as well */
  elsewhere?: boolean
  phone?: boolean
  app?: boolean
  mfaPhone?: boolean
  key?: boolean
  passkey?: boolean
}
const APP_SECRET = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'

let phones = 0
export const newPhone = () => `+1202${String(6_550_000 + ++phones)}`
export const keyOf = (env: TestEnvironment) => authenticator({ origin: `http://${env.name}.localhost:3100` })

/** A second tenant of an environment, in which many may be. */
const second = new WeakMap<TestEnvironment, Promise<string>>()
function elsewhereIn(env: TestEnvironment) {
  if (!second.has(env)) second.set(env, env.newTenant('Elsewhere'))
  return second.get(env)!
}

/** A user, in a tenant of their own and one more: in one statement, as tests make thousands of them. */
const inserting = `
  with at as (select $10::timestamptz as now),
  tenant as (
    insert into "Tenant" ("vendorId", id, "rowId", name, "createdAt", "updatedAt")
    select $1, $2, gen_random_uuid(), 'Home', now, now from at),
  person as (
    insert into "User" ("vendorId", id, email, name, verified, "passwordHash", "passwordChangedAt", "activeTenantId",
      "phoneNumber", "mfaEnrolled", "createdAt", "updatedAt")
    select $1, $3, $4, 'Somebody', $5, $6, now, $2, $7, $8, now, now from at)
  insert into "Membership" ("vendorId", "userId", "tenantId", "acceptedAt", "createdAt")
  select $1, $3, place, now, now from at, unnest($9::text[]) place`

/** A user with these ways to log in, written into the database: by the API each would take two calls. */
export async function personWith(env: TestEnvironment, has: Traits) {
  const { password = PASSWORD, verified = true, roleKeys = [] } = has,
    ctx = await env.context(),
    { uuid } = ctx.random,
    createdAt = ctx.clock.now(),
    [id, tenantId, deviceId, recoveryCode] = [uuid(), uuid(), uuid(), uuid()],
    email = `${unique('user')}@example.com`,
    elsewhere = has.elsewhere ? await elsewhereIn(env) : undefined,
    phoneNumber = has.phone || has.mfaPhone ? newPhone() : undefined,
    isEnrolled = !!(has.app || has.mfaPhone || has.key),
    key = keyOf(env)
  await deps.database.pool.query({
    name: 'test.person',
    text: inserting,
    values: [
      env.id,
      tenantId,
      id,
      email,
      verified,
      await deps.passwords.hash(password),
      has.phone ? phoneNumber : null,
      isEnrolled,
      elsewhere === undefined ? [tenantId] : [tenantId, elsewhere],
      createdAt,
    ],
  })
  if (has.phone) await ctx.db.phoneNumber.updateMany({ where: { userId: id }, data: { verified: true } })
  const rpId = `${env.name}.localhost`,
    base = { id: deviceId, userId: id, createdAt }
  if (has.key || has.passkey)
    key.create({ challenge: 'eHh4', rp: { id: rpId }, user: { id: Buffer.from(id).toString('base64url') } })
  const credential = () => ({
    credentialId: key.held[0]!.id,
    publicKey: key.held[0]!.publicKey,
    counter: 0n,
    rpId,
    deviceType: 'CrossPlatform',
  })
  const secret = ctx.deps.secrets.seal(APP_SECRET)
  if (has.app) await ctx.db.mfaDevice.create({ data: { ...base, kind: 'authenticator', secret } })
  if (has.mfaPhone) await ctx.db.mfaDevice.create({ data: { ...base, kind: 'sms', phoneNumber: phoneNumber! } })
  if (has.key) await ctx.db.mfaDevice.create({ data: { ...base, kind: 'webauthn', ...credential() } })
  if (isEnrolled)
    await ctx.db.recoveryCode.create({ data: { userId: id, hash: recoveryHash(recoveryCode), createdAt } })
  if (has.passkey) await ctx.db.passkey.create({ data: { ...base, ...credential() } })
  for (const { id: roleId } of roleKeys.length ? await ctx.db.role.findMany({ where: { key: { in: roleKeys } } }) : [])
    await ctx.db.membershipRole.create({ data: { userId: id, tenantId, roleId } })
  return {
    id,
    email,
    tenantId,
    password,
    key,
    recoveryCode,
    deviceId,
    ...(has.app && { secret: APP_SECRET }),
    ...(phoneNumber !== undefined && { phoneNumber }),
    ...(elsewhere !== undefined && { elsewhere }),
  }
}
export type Person = Awaited<ReturnType<typeof personWith>>
