import type { User } from '@henhouse/database'
import { statement } from '../../../kernel/sql.ts'
import { storing } from '../../rights/events/events.sql.ts'
import { door, held, type HeldRole } from '../../rights/held/held.sql.ts'
import type { Person } from '../../delivery/mail/person.ts'

/** A user who is there already. */
export type Known = Person & Pick<User, 'username' | 'unprovenPast'>

/** What has to be known to add users to tenants. */
interface Knowledge {
  /** those who have one of the addresses or usernames */
  readonly people: readonly Known[]
  /** their memberships in the tenants */
  readonly members: readonly { readonly userId: string; readonly tenantId: string; readonly isOver: boolean }[]
  readonly tenants: readonly Destination[]
  /** the user who calls, and their roles where they call from */
  readonly issuer: Person | null
  readonly held: readonly HeldRole[]
}
export interface Destination {
  readonly id: string
  readonly name: string
  readonly subAccountAccessType: string
  readonly isEmpty: boolean
}

const person = (u: string, more = '') => `json_build_object(
  'id', ${u}.id, 'name', ${u}.name, 'email', ${u}.email, 'phoneNumber', ${u}."phoneNumber",
  'profilePictureUrl', ${u}."profilePictureUrl", 'metadata', ${u}.metadata${more})`

type Asked = [now: Date, emails: readonly string[], usernames: readonly string[], tenantIds: readonly string[]]

/*
 * The lists stand in selects of their own, so that Postgres thinks the same of every list. Otherwise it takes a list that it
 * knows, which is mostly of one address, for so much cheaper than an unknown one that it plans the statement anew at each
 * call, and that takes several times as long as the statement itself.
 */
const knowing = <Issuer extends readonly unknown[]>(name: string, issuer: { parts: string; columns: string }) =>
  statement<Knowledge, [...Asked, ...Issuer]>(
    name,
    `
  with known as materialized (
    select u.* from "User" u where u."vendorId" = $1 and u.email = any ((select $3::text[])::text[])
    union all
    select u.* from "User" u where u."vendorId" = $1 and u.username = any ((select $4::text[])::text[])
      and (u.email = any ((select $3::text[])::text[])) is not true)${issuer.parts}
  select
    coalesce((
      select json_agg(${person('u', `, 'username', u.username, 'unprovenPast', u."unprovenPast"`)}) from known u), '[]') as people,
    coalesce((
      select json_agg(json_build_object(
        'userId', m."userId", 'tenantId', m."tenantId", 'isOver', coalesce(m."expiresAt" <= $2, false)))
      from known u join "Membership" m on m."vendorId" = $1 and m."userId" = u.id
      where m."tenantId" = any ((select $5::text[])::text[])), '[]') as members,
    coalesce((
      select json_agg(json_build_object(
        'id', t.id, 'name', t.name, 'subAccountAccessType', t."subAccountAccessType", 'isEmpty', not exists (
          select from "Membership" m where m."vendorId" = t."vendorId" and m."tenantId" = t.id)))
      from "Tenant" t where t."vendorId" = $1 and t.id = any ((select $5::text[])::text[])), '[]') as tenants,
    ${issuer.columns}`,
  )

export const knowledge = knowing('arrivals.knowledge', { parts: '', columns: `null as issuer, '[]'::json as held` })
export const knowledgeOfIssuer = knowing<[issuerId: string, issuersTenantId: string]>('arrivals.knowledgeOfIssuer', {
  parts: `,
  who as (select $6::uuid as "userId"), here as (select $7::text as id), ${door}`,
  columns: `(select ${person('u')} from "User" u where u."vendorId" = $1 and u.id = $6) as issuer,
    coalesce((select json_agg(r) from (${held('true')}) r), '[]') as held`,
})

/** Inserts the rows of a JSON array, which have these columns. @param when a condition on all of them */
export const insert = (table: string, rows: string, columns: readonly string[], when = 'true') => {
  const names = columns.map((column) => `"${column}"`).join(', ')
  return `insert into "${table}" ("vendorId", ${names})
    select $1::uuid, ${names} from json_populate_recordset(null::"${table}", ${rows}::json) where ${when}`
}

/** Users who are active nowhere become active in the first of these tenants. */
export const atHome = (memberships: string, when = 'true') => `
  update "User" u set "activeTenantId" = m."tenantId"
  from (
    select distinct on (m."userId") m."userId", m."tenantId"
    from json_populate_recordset(null::"Membership", ${memberships}::json) with ordinality m
    order by m."userId", m.ordinality) m
  where u."vendorId" = $1 and u.id = m."userId" and u."activeTenantId" is null and ${when}`

type Places = [users: string, memberships: string, roles: string, applications: string, events: string]

const places = `
  with users as (${insert('User', '$2', [
    'id',
    'email',
    'username',
    'phoneNumber',
    'name',
    'profilePictureUrl',
    'provider',
    'externalId',
    'metadata',
    'vendorMetadata',
    'mfaBypass',
    'passwordHash',
    'passwordChangedAt',
    'verified',
    'activeTenantId',
    'createdAt',
    'updatedAt',
  ])}),
  memberships as (${insert('Membership', '$3', ['userId', 'tenantId', 'acceptedAt', 'expiresAt', 'createdAt'])}),
  roles as (${insert('MembershipRole', '$4', ['userId', 'tenantId', 'roleId'])}),
  applications as (${insert('ApplicationUser', '$5', ['applicationId', 'userId', 'tenantId', 'createdAt'])}),
  told as (${storing('$6')})`

/** As `arriving`, when all are new and nothing is sent or queued: each further part takes time even if it has no rows. */
export const arrivingQuietly = statement<{ done: boolean }, Places>(
  'arrivals.arrivingQuietly',
  `${places}
  select true as done`,
)

/**
 * Stores everything about arrivals at once: users ($2), their memberships ($3) with roles ($4) and applications ($5), what
 * is written down about them ($6), what they were sent ($7, $8, $9). Open challenges of the purposes $10 that say the same about the same member are revoked.
 */
export const arriving = statement<
  { done: boolean },
  [...Places, challenges: string, messages: string, jobs: string, revoked: readonly string[]]
>(
  'arrivals.arriving',
  `${places},
  homes as (${atHome('$3')}),
  revoked as (
    delete from "Challenge" c using json_populate_recordset(null::"Challenge", $7::json) n
    where c."vendorId" = $1 and c."userId" = n."userId" and c."tenantId" = n."tenantId" and c.purpose = any ($10::text[])
      and c."consumedAt" is null),
  challenges as (${insert('Challenge', '$7', [
    'id',
    'purpose',
    'secretHash',
    'maxAttempts',
    'userId',
    'tenantId',
    'data',
    'createdAt',
    'expiresAt',
  ])}),
  messages as (${insert('Message', '$8', [
    'id',
    'channel',
    'template',
    'userId',
    'tenantId',
    'recipient',
    'sender',
    'senderName',
    'subject',
    'html',
    'text',
    'link',
    'code',
    'createdAt',
    'status',
    'provider',
  ])}),
  jobs as (${insert('Job', '$9', ['id', 'name', 'payload', 'runAt', 'maxAttempts', 'state', 'createdAt'])})
  select true as done`,
)
