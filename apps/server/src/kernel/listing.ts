import type { PoolClient } from 'pg'
import { databaseOf } from './context.ts'
import type { ServerDeps } from './deps.ts'
import type { Ctx } from './operation.ts'
import { slice, type PageRequest } from './paging.ts'

/*
 * Pages of lists of any length, in any of their orders, at the cost of a short one: how many entries there are before one is
 * added up from the sizes of chunks and the changes since, instead of counted. Both are kept in the transaction of the change
 * (by triggers, in the migrations), so that total and page are as exact as counting. A list without chunks is short, and
 * counted. Raw SQL: windows and row comparison.
 */

interface Order {
  /** the list of all that are ordered by this; a tenant's members, and the tenants right below it, are so, too */
  list: 'users' | 'emails' | 'phone-numbers' | 'tenants'
  /** what keys are compared as: they are kept as text */
  type: 'timestamptz' | 'text' | 'boolean' | 'uuid'
  /** selects the entries (key, id) that come of what is noted in `keys` of a row `of` */
  entries: (keys: string, of: string) => string
  /** the list as rows `r` of a table that has an index on the environment, column and id */
  table: string
  column: string
  id?: string
  rows?: string
  /** there is no such index: only a tenant's members have the order */
  ofMembers?: true
}

const ofUser = (type: Order['type'], name: string, column = `r."${name}"`): Order => ({
  list: 'users',
  type,
  table: 'User',
  column,
  entries: (keys, of) => `select ${keys}->>'${name}' as key, ${of} as id`,
})
const ofUsername = (type: Order['type'], column: string, key: (keys: string, of: string) => string): Order => ({
  list: 'users',
  type,
  table: 'User',
  column,
  rows: 'r.username is not null',
  entries: (keys, of) => `select ${key(keys, of)} as key, ${of} as id where ${keys}->>'username' is not null`,
})
const ofIdentifier = (
  list: 'emails' | 'phone-numbers',
  type: Order['type'],
  column: string,
  key: (of: string) => string,
): Order => ({
  list,
  type,
  table: { emails: 'UserEmail', 'phone-numbers': 'PhoneNumber' }[list],
  column: `r."${column}"`,
  entries: (keys, of) =>
    `select ${key(of)} as key, (e->>0)::uuid as id from jsonb_array_elements(${keys}->'${list}') e`,
})
const ofTenant = (type: Order['type'], name: string, column = name): Order => ({
  list: 'tenants',
  type,
  table: 'Tenant',
  column: `r."${column}"`,
  id: 'rowId',
  entries: (keys, of) => `select ${keys}->>'${name}' as key, ${of} as id`,
})

const orders = {
  createdAt: ofUser('timestamptz', 'createdAt'),
  name: ofUser('text', 'name'),
  email: ofUser('text', 'email', `coalesce(r.email, '')`),
  id: { ...ofUser('uuid', 'id'), entries: (_, of) => `select ${of}::text as key, ${of} as id` },
  verified: ofUser('boolean', 'verified'),
  isLocked: ofUser('boolean', 'isLocked'),
  provider: ofUser('text', 'provider'),
  tenantId: ofUser('text', 'tenantId', `coalesce(r."activeTenantId", '')`),
  lastLogin: { ...ofUser('timestamptz', 'lastLogin'), ofMembers: true },
  subAccountAccess: { ...ofUser('text', 'subAccountAccess'), ofMembers: true },
  'usernames.createdAt': ofUsername('timestamptz', 'r."createdAt"', (keys) => `${keys}->>'createdAt'`),
  'usernames.userId': ofUsername('uuid', 'r.id', (_, of) => `${of}::text`),
  'usernames.username': ofUsername('text', 'r.username', (keys) => `${keys}->>'username'`),
  'emails.createdAt': ofIdentifier('emails', 'timestamptz', 'createdAt', () => 'e->>1'),
  'emails.userId': ofIdentifier('emails', 'uuid', 'userId', (of) => `${of}::text`),
  'emails.email': ofIdentifier('emails', 'text', 'email', () => 'e->>2'),
  'phone-numbers.createdAt': ofIdentifier('phone-numbers', 'timestamptz', 'createdAt', () => 'e->>1'),
  'phone-numbers.userId': ofIdentifier('phone-numbers', 'uuid', 'userId', (of) => `${of}::text`),
  'phone-numbers.phoneNumber': ofIdentifier('phone-numbers', 'text', 'phoneNumber', () => 'e->>2'),
  'tenants.createdAt': ofTenant('timestamptz', 'createdAt'),
  'tenants.name': ofTenant('text', 'name'),
  'tenants.tenantId': ofTenant('text', 'tenantId', 'id'),
} satisfies Record<string, Order>

/** What goes before a tenant's id: `members:` has the orders of users, addresses and numbers, `children:` those of tenants. */
export type List = Order['list'] | `members:${string}` | `children:${string}`
export type By = keyof typeof orders

const kindOf = (list: string) => list.split(':', 1)[0]!
const isOfMembers = (list: string) => kindOf(list) === 'members'
const ordersOf = (list: string) =>
  Object.entries<Order>(orders).filter(([, order]) =>
    isOfMembers(list)
      ? order.list !== 'tenants'
      : order.list === (kindOf(list) === 'children' ? 'tenants' : list) && !order.ofMembers,
  )

/** $1 is the environment, $2 the list. */
const TENANT = `substr($2, strpos($2, ':') + 1)`
const MEMBERS = `"Membership" m where m."vendorId" = $1 and m."tenantId" = ${TENANT}`
const rowsOf = ({ table, rows }: Order, list: string) =>
  `"${table}" r where r."vendorId" = $1${rows ? ` and ${rows}` : ''}${kindOf(list) === 'children' ? ` and r."parentId" = ${TENANT}` : ''}`
/** Before all keys. */
const FIRST = { timestamptz: '-infinity', text: '', boolean: 'false', uuid: '00000000-0000-0000-0000-000000000000' }
const FIRST_ID = `'${FIRST.uuid}'::uuid`

/**
 * Of list $2 in order $3: its chunks, what has changed since, how many entries there are before each, which page ($4 rows before
 * it, of $5, from the end on if $6) is wanted, and in which chunk it begins.
 */
const counted = ({ type, entries }: Order, { hidden = '', length }: { hidden?: string; length: string }) => `
  chunk as (
    select key as raw, key::${type} as key, id, size from "ListChunk" where "vendorId" = $1 and list = $2 and by = $3
  ), change as (
    select c.id as member, e.key::${type} as key, e.id, c.change from "ListChange" c cross join lateral (${entries('c.keys', 'c.id')}) e
    where c."vendorId" = $1 and c.list = $2 and c.change <> 0
  ), entry as (
    select raw, key, id, size, true as chunk from chunk union all select null, key, id, change, false from change ${hidden}
  ), summed as (
    select raw, key, id, chunk, sum(size) over (order by key, id, chunk desc rows unbounded preceding) - size as before from entry
  ), total as (
    select case when exists (select from chunk) then (select sum(size) from entry) else (${length}) end::int as rows
  ), wanted as (
    select case when $6 then greatest(rows - $4::bigint - $5::int, 0) else $4 end as skip, case when $6 then greatest(least($5, rows - $4), 0) else $5 end as take from total
  ), begin as (
    select key, id, before from summed, wanted where chunk and before <= skip order by key desc, id desc limit 1
  )`

/** Of a table: on from the beginning of a chunk, with its index. */
const ofTable = (order: Order, list: string) => `
  with ${counted(order, { length: `select count(*) from ${rowsOf(order, list)}` })}, first as (
    (select key, id, before from begin) union all select '${FIRST[order.type]}', ${FIRST_ID}, 0 limit 1
  )
  select (select rows from total) as total, array(
    select r."${order.id ?? 'id'}" from ${rowsOf(order, list)} and (${order.column}, r."${order.id ?? 'id'}") >= ((select key from first), (select id from first))
    order by ${order.column}, r."${order.id ?? 'id'}" offset (select skip - before from wanted, first) limit (select take from wanted)) as ids`

/** Members of tenants whose time is up, and invisible ones if they are not to be seen. */
const hiddenOf = (tenantIds: string, now: string, hideInvisible: string) => `
    select "tenantId", "userId", listed from "Membership" where "vendorId" = $1 and "tenantId" = any (${tenantIds}) and "expiresAt" <= ${now}
    union select m."tenantId", m."userId", m.listed from "User" u join "Membership" m on m."vendorId" = u."vendorId" and m."userId" = u.id where ${hideInvisible} and u."vendorId" = $1 and u.invisible and m."tenantId" = any (${tenantIds})`

/**
 * Of a tenant's members: no index has the order, so that a chunk names its entries. Of whoever has changed since they are taken
 * from the membership instead. Those hidden at $7, invisible ones or not ($8), count as if they had gone just now: they must
 * be few.
 */
const ofMembers = (order: Order) => {
  const { type, entries } = order
  const isInPage = `(key, id) >= (select key, id from begin) and ((select key from finish) is null or (key, id) < (select key, id from finish))`
  const entriesOf = (some: string) =>
    `select e.key::${type} as key, e.id from (${some}) m cross join lateral (${entries('m.listed', 'm."userId"')}) e`
  return `
  with hidden as (${hiddenOf(`array[${TENANT}]`, '$7', '$8')}
  ), short as (
    ${entriesOf(`select * from ${MEMBERS} and not exists (select from "ListChunk" where "vendorId" = $1 and list = $2 and by = $3) and m."userId" not in (select "userId" from hidden)`)}
  ), ${counted(order, { length: 'select count(*) from short', hidden: `union all select null, key, id, -1, false from (${entriesOf('select * from hidden')}) h` })}, here as (
    select raw, id from summed, wanted where chunk and (key, id) >= (select key, id from begin) and before < skip + take
  ), finish as (
    select key, id from summed, wanted where chunk and (key, id) >= (select key, id from begin) and before >= skip + take order by key, id limit 1
  ), named as (
    select unnest(c.members) as member, unnest(c.keys)::${type} as key, unnest(c.ids) as id
    from here join "ListChunk" c on c."vendorId" = $1 and c.list = $2 and c.by = $3 and c.key = here.raw and c.id = here.id
  ), changed as (
    ${entriesOf(`select * from ${MEMBERS} and m."userId" = any (array(select member from change where ${isInPage} except select "userId" from hidden))`)}
  )
  select (select rows from total) as total, array(
    select id from (
      select key, id from short union all select key, id from changed where ${isInPage}
      union all select key, id from named where member not in (select member from change union select "userId" from hidden)
    ) e order by key, id offset (select skip from wanted) - coalesce((select before from begin), 0) limit (select take from wanted)) as ids`
}

/**
 * The ids of a page, in order, and how long the list is. It sees what is committed: not for use inside `ctx.atomically`.
 * `hideInvisible`: in a tenant's list, users who are.
 */
export async function pageOf(
  ctx: Ctx,
  list: List,
  by: By,
  query: PageRequest & { _order?: 'ASC' | 'DESC' | undefined },
  { hideInvisible = false } = {},
) {
  const { vendorId, clock } = ctx,
    { skip, take } = slice(query),
    ofTenant = isOfMembers(list),
    backwards = query._order === 'DESC'
  const {
    rows: [found],
  } = await databaseOf(ctx).pool.query<{ total: number; ids: string[] }>(
    ofTenant ? ofMembers(orders[by]) : ofTable(orders[by], list),
    [vendorId, list, by, skip, take, backwards, ...(ofTenant ? [clock.now(), hideInvisible] : [])],
  )
  const { total, ids } = found!
  return { total, ids: backwards ? ids.reverse() : ids }
}

/**
 * How many members each tenant has with each key of an order that knows few: most chunks have one throughout. Like `pageOf`
 * not for use inside `ctx.atomically`.
 */
export async function countsOf(ctx: Ctx, tenantIds: readonly string[], by: By, { hideInvisible = false } = {}) {
  const { type, entries } = orders[by]
  const { vendorId, clock } = ctx
  const { rows } = await databaseOf(ctx).pool.query<{ tenantId: string; counts: Record<string, number> }>(
    `
    with hidden as (${hiddenOf('$2', '$4', '$5')}
    ), chunk as (
      select list, key, size, keys, lead(key) over (partition by list order by key::${type}, id) as next_key from "ListChunk" where "vendorId" = $1 and list in (select 'members:' || unnest($2::text[])) and by = $3
    ), counted as (
      select list, key, size from chunk where key = next_key
      union all select list, unnest(keys), 1 from chunk where key is distinct from next_key
      union all select c.list, e.key, c.change from "ListChange" c cross join lateral (${entries('c.keys', 'c.id')}) e where c."vendorId" = $1 and c.list in (select list from chunk) and c.change <> 0
      union all select 'members:' || "tenantId", e.key, -1 from hidden cross join lateral (${entries('listed', '"userId"')}) e
      union all select 'members:' || "tenantId", e.key, 1 from "Membership" cross join lateral (${entries('listed', '"userId"')}) e
        where "vendorId" = $1 and "tenantId" = any (array(select t from unnest($2::text[]) t where 'members:' || t not in (select list from chunk)))
    )
    select substr(list, length('members:') + 1) as "tenantId", jsonb_object_agg(key, count) as counts
    from (select list, key, sum(size) as count from counted group by 1, 2) c group by 1`,
    [vendorId, tenantIds, by, clock.now(), hideInvisible],
  )
  return new Map(rows.map((row) => [row.tenantId, row.counts]))
}

/** Rows in the order of their ids in `ids`, as a look-up by ids has none. */
export function inOrderOf<R extends { id: string }>(
  ids: readonly string[],
  rows: readonly R[],
  idOf = (row: R) => row.id,
) {
  const byId = new Map(rows.map((row) => [idOf(row), row]))
  return ids.flatMap((id) => byId.get(id) ?? [])
}

/** Entries in a chunk after a split; at twice as many it is split again. They are gone over for a page, and all chunks for a total. Going over an index is the cheapest; chunks that name their entries are written anew with each change. */
const CHUNK = 2000,
  CHUNK_OF_MEMBERS = 400

/**
 * Moves what has changed into the chunks, and splits those that have grown, in all environments. Any number of replicas may
 * do it: each list in a transaction that sees one moment, and gives way to whoever is faster.
 */
export async function foldLists(
  { database, log }: Pick<ServerDeps, 'database' | 'log'>,
  { chunk, vendorId }: { chunk?: number; vendorId?: string } = {},
) {
  await database.pool.query(`
    with chunk as (delete from "ListChunk" c where not exists (select from "Vendor" v where v.id = c."vendorId"))
    delete from "ListChange" c where not exists (select from "Vendor" v where v.id = c."vendorId")`)
  const { rows } = await database.pool.query<{ vendorId: string; list: string }>(
    `select distinct "vendorId", list from "ListChange" where $1::uuid is null or "vendorId" = $1`,
    [vendorId ?? null],
  )
  for (const row of rows) {
    const client = await database.pool.connect()
    try {
      await client.query('begin isolation level repeatable read')
      const {
        rows: [lock],
      } = await client.query<{ mine: boolean }>('select pg_try_advisory_xact_lock(hashtextextended($1, 7)) as mine', [
        `${row.vendorId} ${row.list}`,
      ])
      if (lock!.mine)
        await fold(client, row.vendorId, row.list, chunk ?? (isOfMembers(row.list) ? CHUNK_OF_MEMBERS : CHUNK))
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

async function fold(client: PoolClient, vendorId: string, list: string, chunk: number) {
  const all = ordersOf(list)
  // a newer replica's
  if (!all.length) return
  const {
    rows: [state],
  } = await client.query<{ chunked: boolean; rows: number }>(
    `
    select exists (select from "ListChunk" where "vendorId" = $1 and list = $2) as chunked, (
      select count(*)::int from (select from ${isOfMembers(list) ? MEMBERS : rowsOf(all[0]![1], list)} limit 2 * $3::int) r) as rows`,
    [vendorId, list, chunk],
  )
  const { chunked, rows } = state!
  if (rows >= (chunked ? chunk : 2 * chunk)) {
    for (const [by, order] of all)
      await (isOfMembers(list) ? foldMembers : foldTable)(client, order, [vendorId, list, by], chunk)
  } else if (chunked) {
    await client.query('delete from "ListChunk" where "vendorId" = $1 and list = $2', [vendorId, list])
  }
  await client.query('delete from "ListChange" where "vendorId" = $1 and list = $2', [vendorId, list])
}

type Of = [vendorId: string, list: string, by: string]
const mine = `"vendorId" = $1 and list = $2 and by = $3`
/** The chunks, numbered. */
const numbered = ({ type }: Order) => `
  chunk as (
    select key as raw, key::${type} as key, id, size, row_number() over following as n, lead(key::${type}) over following as next_key, lead(id) over following as next_id
    from "ListChunk" where ${mine} window following as (order by key::${type}, id)
  )`
/** Beside them what has come or gone in this order (a change to what others compare has not), with the number of the chunk that it belongs to. */
const placed = ({ type, entries }: Order) => `
  change as (
    select c.id as member, sum(c.change) as change, e.key::${type}, e.id from "ListChange" c cross join lateral (${entries('c.keys', 'c.id')}) e
    where c."vendorId" = $1 and c.list = $2 group by 1, 3, 4 having sum(c.change) <> 0
  ), placed as (
    select * from (
      select member, change, chunk, count(*) filter (where chunk) over (order by key, id, chunk desc) as n from (
        select null as member, 0 as change, key, id, true as chunk from chunk union all select member, change, key, id, false from change) e
    ) e where not chunk
  )`

async function foldTable(client: PoolClient, order: Order, of: Of, chunk: number) {
  const { type, column, id = 'id' } = order,
    rows = rowsOf(order, of[1])
  const { rowCount: isNew } = await client.query(
    `
    insert into "ListChunk" ("vendorId", list, by, key, id, size) select $1, $2, $3, '${FIRST[type]}', ${FIRST_ID}, (select count(*) from ${rows})
    where not exists (select from "ListChunk" where ${mine})`,
    of,
  )
  if (!isNew) {
    await client.query(
      `
      with ${numbered(order)}, ${placed(order)} update "ListChunk" c set size = c.size + change
      from chunk join (select n, sum(change) as change from placed group by n) p using (n) where ${mine} and c.key = chunk.raw and c.id = chunk.id`,
      of,
    )
    if (await isFrayed(client, of, chunk)) {
      const {
        rows: [sum],
      } = await client.query<{ size: number }>(`select sum(size)::int as size from "ListChunk" where ${mine}`, of)
      await client.query(`delete from "ListChunk" where ${mine}`, of)
      await client.query(
        `insert into "ListChunk" ("vendorId", list, by, key, id, size) values ($1, $2, $3, '${FIRST[type]}', ${FIRST_ID}, $4)`,
        [...of, sum!.size],
      )
    }
  }
  await client.query(
    `
    with ${numbered(order)}, row as (
      select raw, c.id as of_id, r.key, r.id, row_number() over inside - 1 as i, count(*) over (partition by n) as rows
      from (select * from chunk where size >= 2 * $4::int) c
      cross join lateral (
        select ${column} as key, r."${id}" as id from ${rows} and (${column}, r."${id}") >= (c.key, c.id) and (c.next_key is null or (${column}, r."${id}") < (c.next_key, c.next_id))) r
      window inside as (partition by n order by r.key, r.id)
    ), cut as (
      select raw, of_id, key, id, i, least($4, rows - i) as size from row where i % $4 = 0
    ), shortened as (
      update "ListChunk" c set size = cut.size from cut where ${mine} and i = 0 and c.key = raw and c.id = of_id
    )
    insert into "ListChunk" ("vendorId", list, by, key, id, size) select $1, $2, $3, key::text, id, size from cut where i > 0`,
    [...of, chunk],
  )
}

/** Whether there are far more chunks than there is in them. */
async function isFrayed(client: PoolClient, of: Of, chunk: number) {
  const {
    rows: [found],
  } = await client.query<{ frayed: boolean }>(
    `select count(*) > 4 * (1 + sum(size) / $4::int) as frayed from "ListChunk" where ${mine}`,
    [...of, chunk],
  )
  return found!.frayed
}

async function foldMembers(client: PoolClient, order: Order, of: Of, chunk: number) {
  const { type, entries } = order
  /** Has chunks count, and name, what is in them now, and splits them where need be. Members are looked up, not joined: where nothing is known of a table yet, Postgres would go through all of them for each. */
  const regroup = (touched: string, members: string) =>
    client.query(
      `
    with ${numbered(order)}, ${placed(order)}, touched as (${touched}), entry as (
      select c.n, member, e.key, e.id, row_number() over inside - 1 as i, count(*) over (partition by c.n) as rows
      from touched c cross join lateral (${members}) m cross join lateral (${entries('m.listed', 'm.member')}) e
      where (e.key::${type}, e.id) >= (c.key, c.id) and (c.next_key is null or (e.key::${type}, e.id) < (c.next_key, c.next_id))
      window inside as (partition by c.n order by e.key::${type}, e.id)
    ), part as (
      select n, case when rows >= 2 * $4::int then i / $4 else 0 end as part, count(*)::int as size, array_agg(key order by i) as keys, array_agg(id order by i) as ids, array_agg(member order by i) as members
      from entry group by 1, 2
    )
    insert into "ListChunk" ("vendorId", list, by, key, id, size, keys, ids, members)
    select $1, $2, $3, case when coalesce(part, 0) = 0 then c.raw else keys[1] end, case when coalesce(part, 0) = 0 then c.id else ids[1] end, coalesce(p.size, 0), coalesce(keys, '{}'), coalesce(ids, '{}'), coalesce(members, '{}')
    from touched c left join part p using (n)
    on conflict ("vendorId", list, by, key, id) do update set size = excluded.size, keys = excluded.keys, ids = excluded.ids, members = excluded.members`,
      [...of, chunk],
    )
  const { rowCount: chunks } = await client.query(`select from "ListChunk" where ${mine} limit 1`, of)
  if (chunks)
    await regroup(
      'select * from chunk where n in (select n from placed)',
      `
    select u.member, m.listed from (
      select member from placed where placed.n = c.n union select unnest(k.members) from "ListChunk" k where k."vendorId" = $1 and k.list = $2 and k.by = $3 and k.key = c.raw and k.id = c.id
    ) u cross join lateral (select listed from "Membership" where "vendorId" = $1 and "userId" = u.member and "tenantId" = ${TENANT} offset 0) m`,
    )
  if (!chunks || (await isFrayed(client, of, chunk))) {
    await client.query(`delete from "ListChunk" where ${mine}`, of)
    await client.query(
      `insert into "ListChunk" ("vendorId", list, by, key, id, size) values ($1, $2, $3, '${FIRST[type]}', ${FIRST_ID}, 0)`,
      of,
    )
    await regroup('select * from chunk', `select m."userId" as member, m.listed from ${MEMBERS}`)
  }
}
