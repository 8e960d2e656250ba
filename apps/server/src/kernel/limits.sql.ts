import { statement } from './sql.ts'

type Key = [key: string]

export const counting = statement<{ count: number }, [key: string, expiresAt: Date]>(
  'tally.count',
  `
  insert into "Tally" ("scope", key, count, "expiresAt") values ($1, $2, 1, $3)
  on conflict (key) do update set count = "Tally".count + 1 returning count`,
)
export const forgetting = statement<object, Key>('tally.forget', `delete from "Tally" where "scope" = $1 and key = $2`)
export const givingBack = statement<object, Key>(
  'tally.giveBack',
  `update "Tally" set count = count - 1 where "scope" = $1 and key = $2 and count > 0`,
)
