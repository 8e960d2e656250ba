import type { Family } from '../../rights/tree/tree.service.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import { statement } from '../../../kernel/sql.ts'

const MOST = 1000,
  COLUMNS = ['name', 'email', 'username']
/** The share of trigrams in common (Postgres's default for `similarity`): allows one extra, missing, wrong or swapped letter. */
const THRESHOLD = 0.3

const threshold = statement(
  'users.similarThreshold',
  `select set_config('pg_trgm.word_similarity_threshold', '${THRESHOLD}', true) where $1::uuid is not null`,
)

type Values = [tenantId: string | null, below: boolean, most: number, ...phrases: string[]]

/** One statement per number of phrases: the index needs each phrase as a condition of its own. */
export function similar(all: number, any: number) {
  const phrases = Array.from({ length: all + any }, (_, index) => `$${index + 5}::text`)
  const like = phrases.map((phrase) => `(${COLUMNS.map((column) => `u.${column} %> ${phrase}`).join(' or ')})`)
  const nearness = phrases.map(
    (phrase) => `greatest(${COLUMNS.map((column) => `word_similarity(${phrase}, u.${column})`).join(', ')})`,
  )
  const conditions = [...like.slice(0, all), ...(any ? [`(${like.slice(all).join(' or ')})`] : [])]
  return statement<{ id: string }, Values>(
    `users.similar.${all}.${any}`,
    `
    select u.id from "User" u where u."vendorId" = $1 and ${conditions.join(' and ')}
      and ($2::text is null or exists (
        select from "Membership" m join "Tenant" t on t."vendorId" = $1 and t.id = m."tenantId"
        where m."vendorId" = $1 and m."userId" = u.id and (t.id = $2 or ($3 and t.path @> array[$2]))))
    order by ${nearness.join(' + ')} desc, u."createdAt", u.id limit $4::int`,
  )
}

/**
 * The ids of users whose name, e-mail address or username has a part like each phrase of `all` and, if `any` is not empty,
 * like one of `any`; the nearest first, 1,000 at most. `family`: only members there. By trigrams (pg_trgm, "word similarity").
 */
export const usersLike = (
  ctx: Ctx,
  { all, any, family }: { all: readonly string[]; any: readonly string[]; family: Family | undefined },
) =>
  ctx.atomically(async (tx) => {
    await tx.sql(threshold)
    const rows = await tx.sql(
      similar(all.length, any.length),
      family?.tenantId ?? null,
      family?.below ?? false,
      MOST,
      ...all,
      ...any,
    )
    return rows.map((row) => row.id)
  })
