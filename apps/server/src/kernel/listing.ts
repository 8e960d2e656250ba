import type { PoolClient } from 'pg'
import type { Deps } from './deps.ts'
import type { Ctx } from './operation.ts'
import { slice, type PageRequest } from './paging.ts'

/*
 * Pages of lists of any length, at the cost of a short one: how many rows there are before a row is added up from the sizes
 * of chunks and the changes since, instead of counted. Both are kept by triggers in the transaction of the change, so that
 * total and page are as exact as counting. Raw SQL: windows and row comparison.
 */

interface Source {
  readonly table: string
  readonly at: string
  readonly id: string
  /** which rows of the table are in the list; all */
  readonly rows?: string
  /** the keys of those in the list that are not shown now ($6), or not to a caller from whom invisible users are hidden ($7); they must be few */
  readonly hidden?: string
}
const OF_TENANT = `"tenantId" = substr($2, length('members:') + 1)`
/** Each list, and the columns that it is ordered by; its index has them after the environment (and the tenant). */
const sources = {
  'tenants': { table: 'Tenant', at: 'createdAt', id: 'rowId' },
  'users': { table: 'User', at: 'createdAt', id: 'id' },
  'usernames': { table: 'User', at: 'createdAt', id: 'id', rows: 'r.username is not null' },
  'emails': { table: 'UserEmail', at: 'createdAt', id: 'id' },
  'phone-numbers': { table: 'PhoneNumber', at: 'createdAt', id: 'id' },
  'members': {
    table: 'Membership', at: 'userCreatedAt', id: 'userId', rows: `r.${OF_TENANT}`,
    hidden: `
      select m."userCreatedAt", m."userId" from "Membership" m where m."vendorId" = $1 and m.${OF_TENANT} and m."expiresAt" <= $6
      union select m."userCreatedAt", m."userId" from "User" u join "Membership" m on m."vendorId" = u."vendorId" and m."userId" = u.id
      where $7 and u."vendorId" = $1 and u.invisible and m.${OF_TENANT}`,
  },
} satisfies Record<string, Source>

/** `members:` goes before a tenant's id. */
export type List = Exclude<keyof typeof sources, 'members'> | `members:${string}`

const sourceOf = (list: string): Source | undefined => (sources as Record<string, Source>)[list.split(':', 1)[0]!]
/** $1 is the environment, $2 the list. */
const rowsOf = ({ table, rows }: Source) => `"${table}" r where r."vendorId" = $1${rows ? ` and ${rows}` : ''}`

const START = `'-infinity'::timestamptz, '00000000-0000-0000-0000-000000000000'::uuid`

/**
 * The ids of a page, in order, and how many rows the list has. What is hidden counts as if it had gone just now.
 * It sees what is committed: not for use inside `ctx.atomically`.
 */
export async function pageOf({ deps, vendorId, clock }: Ctx, list: List, query: PageRequest & { _order?: 'ASC' | 'DESC' | undefined }, { hideInvisible = false } = {}) {
  const source = sourceOf(list)!, { at, id, hidden } = source, { skip, take } = slice(query)
  const { rows: [found] } = await deps.database.pool.query<{ total: number, ids: string[] }>(`
    with ${hidden ? `hidden (at, id) as (${hidden}), ` : ''}entry as (
      select at, id, size, true as chunk from "ListChunk" where "vendorId" = $1 and list = $2
      union all select at, id, change, false from "ListChange" where "vendorId" = $1 and list = $2
      ${hidden ? 'union all select at, id, -1, false from hidden' : ''}
    ), summed as (
      select at, id, chunk, sum(size) over (order by at, id, chunk desc rows unbounded preceding) - size as before from entry
    ), total as (
      select coalesce(sum(size), 0)::int as rows from entry
    ), wanted as (
      select case when $5 then greatest(rows - $3::bigint - $4::int, 0) else $3 end as skip, case when $5 then greatest(least($4, rows - $3), 0) else $4 end as take from total
    ), begin as (
      (select at, id, before from summed, wanted where chunk and before <= skip order by at desc, id desc limit 1) union all select ${START}, 0 limit 1
    )
    select (select rows from total) as total, array(
      select r."${id}" from ${rowsOf(source)} and (r."${at}", r."${id}") >= ((select at from begin), (select id from begin)) ${hidden ? `and r."${id}" not in (select id from hidden)` : ''}
      order by r."${at}", r."${id}" offset (select skip from wanted) - (select before from begin) limit (select take from wanted)) as ids`,
  [vendorId, list, skip, take, query._order === 'DESC', ...(hidden ? [clock.now(), hideInvisible] : [])])
  const { total, ids } = found!
  return { total, ids: query._order === 'DESC' ? ids.reverse() : ids }
}

/** Rows in the order of their ids in `ids`, as a look-up by ids has none. */
export function inOrderOf<R extends { id: string }>(ids: readonly string[], rows: readonly R[], idOf = (row: R) => row.id) {
  const byId = new Map(rows.map((row) => [idOf(row), row]))
  return ids.flatMap((id) => byId.get(id) ?? [])
}

/** Rows in a chunk after a split; at twice as many it is split again. Half of them are read over for a page, and all chunks for a total. */
const CHUNK = 2000

/**
 * Moves what has changed into the chunks, and splits those that have grown, in all environments. Any number of replicas may
 * do it: each list in a transaction that sees one moment, and gives way to whoever is faster.
 */
export async function foldLists({ database, log }: Pick<Deps, 'database' | 'log'>, { chunk = CHUNK, vendorId }: { chunk?: number, vendorId?: string } = {}) {
  await database.pool.query(`
    with chunk as (delete from "ListChunk" c where not exists (select from "Vendor" v where v.id = c."vendorId"))
    delete from "ListChange" c where not exists (select from "Vendor" v where v.id = c."vendorId")`)
  const { rows } = await database.pool.query<{ vendorId: string, list: string }>(`
    select "vendorId", list from "ListChange" where $1::uuid is null or "vendorId" = $1
    union select "vendorId", list from "ListChunk" where size >= 2 * $2::int and ($1::uuid is null or "vendorId" = $1)`, [vendorId ?? null, chunk])
  for (const row of rows) {
    const source = sourceOf(row.list)
    // a newer replica's
    if (!source) continue
    const client = await database.pool.connect()
    try {
      await client.query('begin isolation level repeatable read')
      await fold(client, source, [row.vendorId, row.list], chunk)
      await client.query('commit')
    } catch (error) {
      await client.query('rollback')
      if (!isLost(error)) log.error({ err: error, list: row.list }, 'a list could not be folded')
    } finally {
      client.release()
    }
  }
}

/** Somebody else has folded it at the same time: serialization failure, deadlock, unique violation. */
const isLost = (error: unknown) => ['40001', '40P01', '23505'].includes((error as { code?: string }).code ?? '')

async function fold(client: PoolClient, source: Source, of: [vendorId: string, list: string], chunk: number) {
  const mine = `"vendorId" = $1 and list = $2`, { at, id } = source
  await client.query(`insert into "ListChunk" ("vendorId", list, at, id, size) values ($1, $2, ${START}, 0) on conflict do nothing`, of)
  await client.query(`
    with gone as (delete from "ListChange" where ${mine} returning at, id, change), placed as (
      select c.at, c.id, sum(change) as change from gone
      cross join lateral (select at, id from "ListChunk" where ${mine} and (at, id) <= (gone.at, gone.id) order by at desc, id desc limit 1) c group by 1, 2)
    update "ListChunk" c set size = c.size + placed.change from placed where ${mine} and (c.at, c.id) = (placed.at, placed.id)`, of)
  const { rows: [found] } = await client.query<{ chunks: number, total: number }>(`select count(*)::int as chunks, sum(size)::int as total from "ListChunk" where ${mine}`, of)
  const { chunks, total } = found!
  // of a list that has shrunk, or is gone, one is left, or none
  if (!total || chunks > 4 * (1 + total / chunk)) {
    await client.query(`delete from "ListChunk" where ${mine} and at > '-infinity'`, of)
    await client.query(total ? `update "ListChunk" set size = ${total} where ${mine}` : `delete from "ListChunk" where ${mine}`, of)
  }
  await client.query(`
    with chunk as (
      select at, id, size, lead(at, 1, 'infinity') over w as next_at, lead(id) over w as next_id from "ListChunk" where ${mine} window w as (order by at, id)
    ), row as (
      select c.at as of_at, c.id as of_id, r.at, r.id, row_number() over w - 1 as n, count(*) over (partition by c.at, c.id) as rows
      from (select * from chunk where size >= 2 * $3::int) c
      cross join lateral (
        select r."${at}" as at, r."${id}" as id from ${rowsOf(source)} and (r."${at}", r."${id}") >= (c.at, c.id)
          and (r."${at}" < c.next_at or (r."${at}" = c.next_at and r."${id}" < c.next_id))) r
      window w as (partition by c.at, c.id order by r.at, r.id)
    ), cut as (
      select of_at, of_id, at, id, n, least($3, rows - n) as size from row where n % $3 = 0
    ), shortened as (
      update "ListChunk" c set size = cut.size from cut where ${mine} and n = 0 and (c.at, c.id) = (of_at, of_id)
    )
    insert into "ListChunk" ("vendorId", list, at, id, size) select $1, $2, at, id, size from cut where n > 0`, [...of, chunk])
}
