import type { ApiRefreshToken, ApiToken } from '@henhouse/database'
import { statement } from '../../../kernel/sql.ts'
import { door, held, openMembership, type HeldRole } from '../../rights/held/held.sql.ts'

/** Client credentials with all that decides whether they are good, and what their access tokens say. */
export interface Credential extends Pick<
  ApiToken,
  'id' | 'tenantId' | 'userId' | 'secretHash' | 'metadata' | 'createdByUserId' | 'expiresAt'
> {
  /** they have not expired, and their user is let into the tenant */
  readonly isAlive: boolean
  /** of the user, like the next two; null and none for a tenant's own */
  readonly email: string | null
  readonly userMetadata: string | null
  readonly held: readonly HeldRole[]
  /** of a tenant's own, like the next */
  readonly roleIds: readonly string[]
  readonly permissionIds: readonly string[]
}
/** That of a refresh token that was shown, or of one that came before it. */
export interface Shown extends Credential, Pick<ApiRefreshToken, 'rotatedAt'> {
  readonly tokenId: string
  readonly tokenExpiresAt: Date
  /** how many were issued for the same credentials since */
  readonly newer: number
}

const columns = `
  a.id, a."tenantId", a."userId", a."secretHash", a.metadata, a."createdByUserId", a."expiresAt"`

/** The roles and permissions that the API token `of` was given. */
export const given = (of: string) => `
    coalesce((
      select json_agg(r."roleId") from "ApiTokenRole" r
      where r."vendorId" = $1 and r."apiTokenId" = ${of}.id), '[]') as "roleIds",
    coalesce((
      select json_agg(p."permissionId") from "ApiTokenPermission" p
      where p."vendorId" = $1 and p."apiTokenId" = ${of}.id), '[]') as "permissionIds"`

/** After `with shown as (…)`, whose one row has the columns of the credentials. `$2` is the present time. */
const everything = `
  who as (select s."userId" from shown s where s."userId" is not null),
  here as (select s."tenantId" as id from shown s where s."userId" is not null),
  ${door}
  select s.*, u.email, u.metadata as "userMetadata",
    (s."expiresAt" is null or s."expiresAt" > $2) and (s."userId" is null or coalesce(
      not u."isLocked" and ${openMembership}, false)) as "isAlive",
    coalesce((select json_agg(h) from (${held('false')}) h), '[]') as held,${given('s')}
  from shown s
  left join "User" u on u."vendorId" = $1 and u.id = s."userId"
  left join "Membership" m on m."vendorId" = $1 and m."userId" = s."userId" and m."tenantId" = s."tenantId"`

export const credentialById = statement<Credential, [now: Date, clientId: string]>(
  'apiTokens.byId',
  `
  with shown as materialized (
    select ${columns} from "ApiToken" a where a."vendorId" = $1 and a.id = $3),
  ${everything}`,
)

/**
 * `tokenIds` are those that the shown token may have become since. Only one of them can be there. It is found before its
 * credentials are: a plan that begins with those reads all their tokens.
 */
export const credentialByToken = statement<Shown, [now: Date, tokenIds: readonly string[]]>(
  'apiTokens.byRefreshToken',
  `
  with token as materialized (
    select r.* from "ApiRefreshToken" r where r."vendorId" = $1 and r.id = any ($3)),
  shown as materialized (
    select ${columns}, r.id as "tokenId", r."rotatedAt", r."expiresAt" as "tokenExpiresAt", (
      select count(*)::int from "ApiRefreshToken" n
      where n."vendorId" = $1 and n."apiTokenId" = r."apiTokenId" and n.sequence > r.sequence) as newer
    from token r join "ApiToken" a on a."vendorId" = $1 and a.id = r."apiTokenId" limit 1),
  ${everything}`,
)

/**
 * Adds a refresh token. The number of newer ones says that a token is dead, whether or not it is still there (`newer`), so
 * those that are too many go now and then: when one is added whose hash ends in a zero. Others who remove them at the same
 * time are not waited for.
 */
export const issuing = statement<object, [apiTokenId: string, tokenId: string, expiresAt: Date, othersAllowed: number]>(
  'apiTokens.issue',
  `
  with surplus as materialized (
    select o.id from "ApiRefreshToken" o
    where right($3, 1) = '0' and o."vendorId" = $1 and o."apiTokenId" = $2 and o.sequence < (
      select n.sequence from "ApiRefreshToken" n
      where n."vendorId" = $1 and n."apiTokenId" = $2 order by n.sequence desc offset $5::int - 1 limit 1)
    for update skip locked),
  removed as (
    delete from "ApiRefreshToken" r using surplus x where r."vendorId" = $1 and r.id = x.id)
  insert into "ApiRefreshToken" ("vendorId", id, "apiTokenId", "expiresAt") values ($1, $3, $2, $4)`,
)

/** Puts the next token in the place of this one: once, whoever else does so at the same time. */
export const rotating = statement<{ id: string }, [now: Date, tokenId: string, nextId: string, expiresAt: Date]>(
  'apiTokens.rotate',
  `
  update "ApiRefreshToken" r set id = $4, sequence = default, "expiresAt" = $5, "rotatedAt" = $2
  where r."vendorId" = $1 and r.id = $3
  returning r.id`,
)
