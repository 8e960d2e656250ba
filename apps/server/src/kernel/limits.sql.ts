import { statement } from './sql.ts'

type Key = [key: string]

/**
 * Counts each key as often as it is there; returns the number that its first time got. In the order of the keys, so that no
 * two calls wait for each other.
 */
export const counting = statement<{ count: number }, [keys: readonly string[], expiresAt: Date]>(
  'tally.count',
  `
  with asked as (select key, count(*)::int as times from unnest($2::text[]) key group by key),
  counted as (
    insert into "Tally" ("scope", key, count, "expiresAt") select $1, key, times, $3 from asked order by key
    on conflict (key) do update set count = "Tally".count + excluded.count returning key, count)
  select c.count - a.times + 1 as count from counted c join asked a using (key)`,
)
export const forgetting = statement<object, Key>('tally.forget', `delete from "Tally" where "scope" = $1 and key = $2`)
export const givingBack = statement<object, [keys: readonly string[]]>(
  'tally.giveBack',
  `
  update "Tally" t set count = greatest(t.count - a.times, 0)
  from (select key, count(*)::int as times from unnest($2::text[]) key group by key) a
  where t."scope" = $1 and t.key = a.key`,
)

/** Has others who add to the same list wait until the transaction ends. */
export const queueing = statement<{ queued: string }, [list: string, owner: string]>(
  'limits.queue',
  `select pg_advisory_xact_lock(hashtextextended($2::text || ' ' || $1::text || ' ' || $3::text, 0))::text as queued`,
)
