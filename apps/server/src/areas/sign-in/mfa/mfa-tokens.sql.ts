import type { Challenge, MfaDevice } from '@henhouse/database'
import { statement } from '../../../kernel/sql.ts'
import { subjectColumns, type Subject } from '../../access/tokens/refresh-tokens.service.ts'

/**
 * Stores a token for a user who is as they were read. It waits at the user's row, as `mustBeUnchanged` does. No row: somebody has
 * locked or removed the user, or changed the password.
 */
export const issuing = statement<
  { id: string },
  [
    now: Date,
    userId: string,
    passwordChangedAt: Date | null,
    id: string,
    purpose: string,
    tenantId: string,
    secretHash: string,
    maxAttempts: number,
    expiresAt: Date,
    data: string,
  ]
>(
  'mfa.issueToken',
  `
  with unchanged as materialized (
    select u.id from "User" u
    where u."vendorId" = $1 and u.id = $3 and not u."isLocked" and u."passwordChangedAt" is not distinct from $4
    for no key update)
  insert into "Challenge" ("vendorId", id, purpose, "userId", "tenantId", "secretHash", "maxAttempts", "createdAt", "expiresAt",
    data)
  select $1, $5, $6, u.id, $7, $8, $9, $2, $10, $11 from unchanged u
  returning id`,
)

/** A device as JSON has it. */
export type DeviceRow = Pick<
  MfaDevice,
  'id' | 'kind' | 'secret' | 'phoneNumber' | 'credentialId' | 'publicKey' | 'transports'
> & { readonly counter: string | null }

/** A token that may still be tried, its user, and their devices. */
export const tokenShown = statement<
  Subject &
    Pick<Challenge, 'tenantId' | 'createdAt' | 'data'> & {
      readonly challengeId: string
      readonly devices: readonly DeviceRow[]
    },
  [now: Date, purpose: string, secretHash: string]
>(
  'mfa.tokenShown',
  `
  select c.id as "challengeId", c."tenantId", c."createdAt", c.data, ${subjectColumns}, coalesce((
    select json_agg(json_build_object('id', d.id, 'kind', d.kind, 'secret', d.secret, 'phoneNumber', d."phoneNumber",
      'credentialId', d."credentialId", 'publicKey', d."publicKey", 'transports', coalesce(d.transports, '{}'),
      'counter', d.counter::text) order by d."createdAt", d.id)
    from "MfaDevice" d where d."vendorId" = $1 and d."userId" = u.id), '[]') as devices
  from "Challenge" c join "User" u on u."vendorId" = c."vendorId" and u.id = c."userId"
  where c."vendorId" = $1 and c.purpose = $3 and c."secretHash" = $4 and c."consumedAt" is null and c."expiresAt" > $2
    and c.attempts < c."maxAttempts"`,
)

/** Counts a try of a token that may still be tried, and one of its user's. No row: it may not. */
export const trying = statement<
  { count: number },
  [now: Date, challengeId: string, tallyKey: string, tallyExpiresAt: Date]
>(
  'mfa.try',
  `
  with tried as (
    update "Challenge" c set attempts = c.attempts + 1
    where c."vendorId" = $1 and c.id = $3 and c."consumedAt" is null and c."expiresAt" > $2 and c.attempts < c."maxAttempts"
    returning c.id)
  insert into "Tally" ("scope", key, count, "expiresAt") select $1::text, $4, 1, $5 from tried
  on conflict (key) do update set count = "Tally".count + 1 returning count`,
)

/** Uses the token up, and forgets the tries of its user. No row: it was used, or has expired. */
export const using = statement<{ id: string }, [now: Date, challengeId: string, tallyKey: string]>(
  'mfa.use',
  `
  with used as (
    update "Challenge" c set "consumedAt" = $2
    where c."vendorId" = $1 and c.id = $3 and c."consumedAt" is null and c."expiresAt" > $2
    returning c.id),
  forgotten as (
    delete from "Tally" t where t."scope" = $1::text and t.key = $4 and exists (select from used))
  select id from used`,
)
