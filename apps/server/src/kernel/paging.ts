import { Type, type TSchema } from 'typebox'
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

/** Prisma's filter for text that holds `part` anywhere, in either case. Prisma by itself takes `%` and `_` for wildcards. */
export const containing = (part: string) => ({
  contains: part.replace(/[\\%_]/g, '\\$&'),
  mode: 'insensitive' as const,
})

export const Page = <S extends TSchema>(item: S) =>
  Type.Object({
    items: Type.Array(item),
    _links: Type.Object({ next: Type.String(), prev: Type.String(), first: Type.String(), last: Type.String() }),
    _metadata: Type.Object({ totalItems: Type.Integer(), totalPages: Type.Integer() }),
  })

/** The reference's wrapper of a page; links are query strings with every other parameter kept (clients put the question mark before them), empty where there is no such page. */
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
