import type { Family } from './hierarchy.ts'
import type { Ctx } from './operation.ts'

const MOST = 1000,
  COLUMNS = ['name', 'email', 'username']
/** Of the trigrams of both, how many are in common: lets a letter be too many, too few, wrong or swapped with its neighbour (Postgres's own default of `similarity`). */
const THRESHOLD = 0.3

/**
 * The ids of those users whose name, e-mail address or username has a part like each phrase of `all`, and like one of `any`
 * if there are some; the nearest first, 1,000 at most. `family`: members there only. Raw SQL, as only that has the
 * operators of trigrams (pg_trgm, "word similarity"). It sees what is committed: not for use inside `ctx.atomically`.
 */
export async function usersLike(
  { deps, vendorId }: Ctx,
  { all, any, family }: { all: readonly string[]; any: readonly string[]; family: Family | undefined },
) {
  const phrases = [...all, ...any].map((phrase, index) => ({
    like: `(${COLUMNS.map((column) => `u.${column} %> $${index + 5}`).join(' or ')})`,
    nearness: `greatest(${COLUMNS.map((column) => `word_similarity($${index + 5}, u.${column})`).join(', ')})`,
  }))
  const conditions = [
    ...phrases.slice(0, all.length).map(({ like }) => like),
    ...(any.length
      ? [
          `(${phrases
            .slice(all.length)
            .map(({ like }) => like)
            .join(' or ')})`,
        ]
      : []),
  ]
  const client = await deps.database.pool.connect()
  try {
    await client.query(`begin; set local pg_trgm.word_similarity_threshold = ${THRESHOLD}`)
    const { rows } = await client.query<{ id: string }>(
      `
      select u.id from "User" u where u."vendorId" = $1 and ${conditions.join(' and ')}
        and ($2::text is null or exists (
          select from "Membership" m join "Tenant" t on t."vendorId" = $1 and t.id = m."tenantId" where m."vendorId" = $1 and m."userId" = u.id and (t.id = $2 or ($3 and t.path @> array[$2]))))
      order by ${phrases.map(({ nearness }) => nearness).join(' + ')} desc, u."createdAt", u.id limit $4`,
      [vendorId, family?.tenantId ?? null, family?.below ?? false, MOST, ...all, ...any],
    )
    return rows.map((row) => row.id)
  } finally {
    await client.query('rollback')
    client.release()
  }
}
