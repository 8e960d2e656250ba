import { Type, type TSchema } from 'typebox'
import type { Ctx } from './operation.ts'
import { statement } from './sql.ts'
import { OneOf } from './validation.ts'

/** `_offset` is the index of a page, not of a row. */
export const pageQuery = {
  _limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200 })),
  _offset: Type.Optional(Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1 })),
}
export const Order = OneOf(['ASC', 'DESC'])

export interface PageRequest {
  _limit?: number | undefined
  _offset?: number | undefined
}

/** Prisma's `take` and `skip`. */
export const slice = ({ _limit = 50, _offset = 0 }: PageRequest) => ({ take: _limit, skip: _limit * _offset })

export interface List<By extends string> {
  /** the rows and their filter: `"Tenant" t where t."vendorId" = $1` */
  rows: string
  /** counts them, where that takes less than going through `rows` */
  total?: string
  id: string
  /** what it can be ordered by; equal ones follow their ids */
  orders: Record<By, string>
  /** orders that can be null: such rows come first */
  nullable?: readonly NoInfer<By>[]
}

/**
 * A list as one statement for each of its orders: the ids of a page, in order, and the total, both as of one moment.
 * $2 and $3 are the page; the list's own values follow.
 */
export function listOf<By extends string, Values extends readonly unknown[] = []>(name: string, list: List<By>) {
  const { rows, total = `select count(*) from ${rows}`, id, orders, nullable = [] } = list
  const inOrder = (by: By, order: 'ASC' | 'DESC') => {
    const nulls = nullable.includes(by) ? (order === 'ASC' ? ' nulls first' : ' nulls last') : ''
    return statement<{ total: number; ids: string[] }, [skip: number, take: number, ...Values]>(
      `${name}.${by}.${order}`,
      `
      select (${total})::int as total, to_json(array(
        select ${id} from ${rows} order by ${orders[by]} ${order}${nulls}, ${id} ${order} offset $2::bigint limit $3::int)) as ids`,
      { planEachTime: true },
    )
  }
  const statements = Object.fromEntries(
    Object.keys(orders).map((by) => [by, { ASC: inOrder(by as By, 'ASC'), DESC: inOrder(by as By, 'DESC') }]),
  ) as Record<By, Record<'ASC' | 'DESC', ReturnType<typeof inOrder>>>
  return async (ctx: Ctx, by: By, query: PageRequest & { _order?: 'ASC' | 'DESC' | undefined }, ...values: Values) => {
    const { skip, take } = slice(query)
    const [found] = await ctx.sql(statements[by][query._order ?? 'ASC'], skip, take, ...values)
    return found!
  }
}

/** Puts rows in the order of their ids in `ids`, as a look-up by ids has no order. */
export function inOrderOf<R extends { id: string }>(
  ids: readonly string[],
  rows: readonly R[],
  idOf = (row: R) => row.id,
) {
  const byId = new Map(rows.map((row) => [idOf(row), row]))
  return ids.flatMap((id) => byId.get(id) ?? [])
}

/** Rows by their keys, each in the order of the rows. */
export function grouped<R>(rows: readonly R[], keyOf: (row: R) => string) {
  const found = new Map<string, R[]>()
  for (const row of rows) {
    const key = keyOf(row),
      group = found.get(key)
    if (group) group.push(row)
    else found.set(key, [row])
  }
  return found
}

/**
 * Prisma's filter for text that contains `part`, in either case. Prisma by itself reads `%` and `_` as wildcards. Columns
 * that are compared byte by byte hold lower case, and Postgres would make that of ASCII only.
 */
export const containing = (part: string) => ({
  contains: part.toLowerCase().replace(/[\\%_]/g, '\\$&'),
  mode: 'insensitive' as const,
})

export const Page = <S extends TSchema>(item: S) =>
  Type.Object({
    items: Type.Array(item),
    _links: Type.Object({ next: Type.String(), prev: Type.String(), first: Type.String(), last: Type.String() }),
    _metadata: Type.Object({ totalItems: Type.Integer(), totalPages: Type.Integer() }),
  })

/**
 * The reference's wrapper of a page. Links are query strings that keep every other parameter, and empty where there is no
 * such page. The app puts the address of the call before them.
 */
export function page<I>(items: I[], totalItems: number, query: PageRequest & object) {
  const { _limit = 50, _offset = 0 } = query
  const totalPages = Math.ceil(totalItems / _limit)
  const link = (offset: number) => {
    if (offset < 0 || offset >= totalPages) return ''
    const parameters = new URLSearchParams()
    for (const [name, value] of Object.entries({ ...query, _limit, _offset: offset })) {
      for (const v of [value].flat()) if (v !== undefined) parameters.append(name, String(v))
    }
    return parameters.toString()
  }
  return {
    items,
    _links: { next: link(_offset + 1), prev: link(_offset - 1), first: link(0), last: link(totalPages - 1) },
    _metadata: { totalItems, totalPages },
  }
}
