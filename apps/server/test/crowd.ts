import type { ServerDeps } from '../src/kernel/deps.ts'
import type { Ctx } from '../src/kernel/operation.ts'

/** The numbers to make. The first tenant has `members` of the users; the others share the rest. All but three tenants are right below the second; the fourth is below the third. */
export interface Size {
  users: number
  tenants: number
  members: number
}
export interface Crowd {
  bigTenantId: string
  parentTenantId: string
  familyTenantId: string
  tenantId: string
  memberId: string
  userId: string
  email: string
  adminId: string
}

const FIRST = [
  'Ada',
  'Bob',
  'Carla',
  'Dmitri',
  'Elena',
  'Farid',
  'Grace',
  'Hugo',
  'Ines',
  'Jonas',
  'Katja',
  'Linus',
  'Maria',
  'Noor',
  'Otto',
  'Priya',
  'Quinn',
  'Rosa',
  'Sven',
  'Tara',
  'Umar',
  'Vera',
  'Wim',
  'Xenia',
  'Yusuf',
  'Zoe',
]
const LAST = [
  'Abel',
  'Brandt',
  'Castro',
  'Duarte',
  'Eriksen',
  'Fischer',
  'Gupta',
  'Haddad',
  'Ivanov',
  'Jansen',
  'Kowalski',
  'Lindgren',
  'Moreau',
  'Novak',
  'Okafor',
  'Petrov',
  'Quiroga',
  'Rossi',
  'Schmidt',
  'Tanaka',
  'Ueda',
  'Vargas',
  'Weber',
  'Yilmaz',
  'Zhang',
]

/**
 * Fills an environment with plain SQL, like one under load: users with an address, a number and a name each (one has a unique
 * name), spread in time, members of a tenant with a role. No triggers run, so what they would write is written here.
 */
export async function fill(deps: ServerDeps, ctx: Ctx, { users, tenants, members }: Size): Promise<Crowd> {
  const client = await deps.database.pool.connect(),
    v = ctx.vendorId
  try {
    // built once at the end, not row by row
    const { rows: indexes } =
      users < 20_000
        ? { rows: [] }
        : await client.query<{ name: string; definition: string }>(`
      select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition from pg_index i
      where indrelid = any (array['"User"', '"UserEmail"', '"PhoneNumber"', '"Membership"', '"MembershipRole"']::regclass[])
        and not exists (select from pg_constraint c where c.conindid = i.indexrelid)`)
    for (const { name } of indexes) await client.query(`drop index ${name}`)
    await client.query(`set session_replication_role = replica`)
    await client.query(`set maintenance_work_mem = '512MB'`)
    await client.query(
      `
      with t as materialized (select i, gen_random_uuid() as id, date_trunc('second', now()) - (($2::int - i) * interval '1 hour') as at from generate_series(1, $2) i)
      insert into "Tenant" ("vendorId", id, "rowId", "parentId", path, name, "createdAt", "updatedAt")
      select $1, id, gen_random_uuid(), above[cardinality(above)], above || id, 'Tenant ' || i, at, at
      from t cross join lateral (select array(select a.id from t a where a.i = 2 and t.i > 2 or a.i = 3 and t.i = 4 order by a.i) as above) p`,
      [v, tenants],
    )
    await client.query(
      `
      insert into "User" ("vendorId", id, email, username, "phoneNumber", name, verified, "createdAt", "updatedAt")
      select $1, gen_random_uuid(), lower(first || '.' || last || i || '@example.com'), lower(first || i), '+1' || (2000000000 + i), case i when $2::int / 2 then 'Wilhelmina Featherstonehaugh' else first || ' ' || last || ' ' || i end, true, at, at
      from generate_series(1, $2::int) i, lateral (select date_trunc('second', now()) - (($2 - i) * interval '1 second') as at, ($3::text[])[1 + (hashint4(i) & 2147483647) % ${FIRST.length}] as first, ($4::text[])[1 + (hashint4(-i) & 2147483647) % ${LAST.length}] as last) t`,
      [v, users, FIRST, LAST],
    )
    await client.query(
      `insert into "UserEmail" ("vendorId", id, "userId", email, verified, "createdAt", "updatedAt") select "vendorId", id, id, email, true, "createdAt", "createdAt" from "User" where "vendorId" = $1`,
      [v],
    )
    await client.query(
      `insert into "PhoneNumber" ("vendorId", id, "userId", "phoneNumber", verified, "createdAt", "updatedAt") select "vendorId", id, id, "phoneNumber", true, "createdAt", "createdAt" from "User" where "vendorId" = $1`,
      [v],
    )
    await client.query(
      `
      with t as (select id, row_number() over (order by "createdAt") n from "Tenant" where "vendorId" = $1), u as (select id, "createdAt", row_number() over (order by "createdAt") n from "User" where "vendorId" = $1)
      insert into "Membership" ("vendorId", "userId", "tenantId", "acceptedAt", "createdAt")
      select $1, u.id, t.id, u."createdAt", u."createdAt" from u join t on t.n = case when u.n <= $2::int then 1 else 2 + u.n % ($3::int - 1) end`,
      [v, members, tenants],
    )
    await client.query(
      `insert into "MembershipRole" ("vendorId", "userId", "tenantId", "roleId") select m."vendorId", m."userId", m."tenantId", r.id from "Membership" m join "Role" r on r."vendorId" = m."vendorId" and r.key = 'Admin' where m."vendorId" = $1`,
      [v],
    )
    await client.query(
      `update "User" u set "activeTenantId" = m."tenantId" from "Membership" m where u."vendorId" = $1 and m."vendorId" = $1 and m."userId" = u.id`,
      [v],
    )
    await client.query(`set session_replication_role = origin`)
    for (const { definition } of indexes) await client.query(definition)
    const {
      rows: [found],
    } = await client.query<Crowd>(
      `
      with t as (select id, row_number() over (order by "createdAt") n from "Tenant" where "vendorId" = $1)
      select (select id from t where n = 1) as "bigTenantId", (select id from t where n = 2) as "parentTenantId", (select id from t where n = 3) as "familyTenantId", (select id from t where n = 1 + $2::int / 2) as "tenantId",
        (select "userId" from "Membership" where "vendorId" = $1 and "tenantId" = (select id from t where n = 1 + $2::int / 2) limit 1) as "memberId",
        (select "userId" from "Membership" where "vendorId" = $1 and "tenantId" = (select id from t where n = 1) limit 1) as "adminId", u.id as "userId", u.email
      from "User" u where u."vendorId" = $1 order by u."createdAt" offset $3::int / 2 limit 1`,
      [v, tenants, users],
    )
    return found!
  } finally {
    client.release()
  }
}
