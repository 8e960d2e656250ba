import type { TObject } from 'typebox'
import type { Ctx } from '../../../kernel/operation.ts'
import { candidateOf, type Candidate, type Hashing, Refusal } from './candidates.ts'
import { importErrors } from './imports.errors.ts'
import { MigratedUser, MigratedUserV2 } from './imports.schemas.ts'

/*
 * The rows of an import wait in parts, sealed, because they hold hashes and keys of authenticator apps. A part is what is
 * brought in at once.
 */

/** What a file or export may take. */
export const mostBytes = ({ deps }: Ctx) => deps.mostImportBytes ?? 100 * 1024 * 1024
export const MOST_ROWS_IN_ALL = 1_000_000

/** More of them would hold the rows that they touch for longer, and be hardly faster. */
const MOST_ROWS = 100,
  MOST_LENGTH = 256 * 1024

export type Format = 'v1' | 'v2' | 'csv' | 'auth0'
/** What is needed to read the rows of a file: the field of each column, null for one that is not imported. */
export interface FileSettings {
  readonly fields: readonly (string | null)[]
  readonly hashing?: Hashing
}

/** All parts of some rows. */
export function partsOf(ctx: Ctx, importId: string, rows: readonly unknown[]) {
  const parts: ReturnType<typeof partOf>[] = [],
    gather = gathering()
  const push = (some: readonly string[]) => parts.push(partOf(ctx, importId, parts.length, gather.start, some))
  for (const row of rows) {
    const full = gather.add(row)
    if (full) push(full)
  }
  const rest = gather.rest()
  if (rest) push(rest)
  return parts
}

/** Collects rows, as JSON, until there are enough for a part. */
export function gathering() {
  let rows: string[] = [],
    length = 0,
    total = 0,
    start = 0
  const take = () => {
    const taken = rows
    start = total - taken.length
    rows = []
    length = 0
    return taken
  }
  return {
    add(row: unknown) {
      const text = JSON.stringify(row)
      rows.push(text)
      length += text.length
      total++
      return rows.length === MOST_ROWS || length >= MOST_LENGTH ? take() : undefined
    },
    rest: () => (rows.length ? take() : undefined),
    get total() {
      return total
    },
    /** of the first of the rows that were returned last */
    get start() {
      return start
    },
  }
}

export const partOf = (ctx: Ctx, importId: string, number: number, start: number, rows: readonly string[]) => ({
  importId,
  number,
  start,
  rows: ctx.deps.secrets.seal(`[${rows.join(',')}]`),
})

/** The users that the rows of a part stand for. */
export function candidatesIn(ctx: Ctx, format: string, settings: string | null, rows: string): (Candidate | Refusal)[] {
  const found = JSON.parse(ctx.deps.secrets.open(rows)) as unknown[]
  if (format === 'v1') return found.map((row) => candidateOf(MigratedUser as TObject, row))
  if (format === 'v2') return found.map((row) => candidateOf(MigratedUserV2 as TObject, row))
  if (format === 'auth0')
    return found.map((row) => {
      const { blocked, ...user } = row as { blocked?: boolean }
      return candidateOf(MigratedUser, user, { isLocked: blocked === true })
    })
  const { fields, hashing } = JSON.parse(ctx.deps.secrets.open(settings!)) as FileSettings
  return (found as string[][]).map((values) =>
    values.length === fields.length
      ? candidateOf(MigratedUser as TObject, userOf(fields, values), { hashing })
      : new Refusal(null, importErrors.wrongLength(values.length, fields.length)),
  )
}

/** A row of a file. Nothing in a column stands for no value; several roles are joined by `|`. */
function userOf(fields: readonly (string | null)[], values: readonly string[]) {
  const user: Record<string, unknown> = {}
  for (const [index, field] of fields.entries()) {
    const value = values[index]!.trim()
    if (field === null || value === '') continue
    user[field] =
      field === 'roleIds'
        ? value
            .split('|')
            .map((role) => role.trim())
            .filter((role) => role !== '')
        : field === 'verifyUser'
          ? truthOf(value)
          : value
  }
  return user
}

/** As spreadsheets write it. Anything else is refused like any wrong value. */
function truthOf(text: string) {
  const lower = text.toLowerCase()
  if (['true', '1', 'yes'].includes(lower)) return true
  return ['false', '0', 'no'].includes(lower) ? false : text
}
