import { LRUCache } from 'lru-cache'

/** Statements with more values are mostly lists of ids: each length is another text, which hardly ever comes again. */
const MOST_VALUES = 32

/**
 * Names for the statements that Prisma sends: a connection parses a named statement once and then remembers it. A text gets its
 * name when it comes for the second time. Of those used least recently, more than `max` lose their names; one that comes
 * back gets a new name, as connections still know the old one. An empty name is none.
 */
export function statementNames(max = 500) {
  const names = new LRUCache<string, string>({ max })
  let given = 0
  return ({ sql, args }: { readonly sql: string; readonly args: readonly unknown[] }) => {
    if (args.length > MOST_VALUES) return ''
    const known = names.get(sql)
    if (known) return known
    const name = known === undefined ? '' : `p${++given}`
    names.set(sql, name)
    return name
  }
}
