import { statement } from './sql.ts'

type Key = [key: string]

/** In the order of the keys, so that no two calls wait for each other. */
export const counting = statement<{ count: number }, [keys: readonly string[], expiresAt: Date]>(
  'tally.count',
  `
  insert into "Tally" ("scope", key, count, "expiresAt") select $1, key, 1, $3 from unnest($2::text[]) key order by key
  on conflict (key) do update set count = "Tally".count + 1 returning count`,
)
export const forgetting = statement<object, Key>('tally.forget', `delete from "Tally" where "scope" = $1 and key = $2`)
export const givingBack = statement<object, Key>(
  'tally.giveBack',
  `update "Tally" set count = count - 1 where "scope" = $1 and key = $2 and count > 0`,
)
