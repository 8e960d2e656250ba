import { statement } from '../../../kernel/sql.ts'
import type { MigrationStatus } from './imports.schemas.ts'

/** Keeps a part of an import whose rows are still arriving. */
export const keeping = statement<{ number: number }, [importId: string, number: number, start: number, rows: string]>(
  'imports.keeping',
  `
  insert into "UserImportPart" ("vendorId", "importId", number, start, rows) values ($1, $2, $3, $4, $5) returning number`,
)

interface NextPart {
  readonly format: string
  readonly settings: string | null
  /** null: all parts are done */
  readonly number: number | null
  readonly start: number
  readonly rows: string | null
}
/** The next part after $3 of an import that is under way. An import that was pending begins. */
export const nextPart = statement<NextPart, [importId: string, after: number]>(
  'imports.nextPart',
  `
  with begun as (
    update "UserImport" i set state = 'in_progress' where i."vendorId" = $1 and i.id = $2 and i.state = 'pending')
  select i.format, i.settings, p.number, coalesce(p.start, 0) as start, p.rows
  from "UserImport" i left join lateral (
    select p.number, p.start, p.rows from "UserImportPart" p
    where p."vendorId" = i."vendorId" and p."importId" = i.id and p.number > $3 and p.rows is not null
    order by p.number limit 1) p on true
  where i."vendorId" = $1 and i.id = $2 and i.state in ('pending', 'in_progress')`,
)

type Found = Omit<MigrationStatus, 'migrationId'> & { error: string | null }
/** How far an import is, with the first faults. */
export const importStatus = statement<Found, [importId: string, most: number]>(
  'imports.status',
  `
  select i.state, i.total, i.error,
    (select coalesce(sum(p.migrated), 0)::int from "UserImportPart" p where p."vendorId" = $1 and p."importId" = i.id) as migrated,
    coalesce((
      select json_agg(f.fault) from (
        select f.fault from "UserImportPart" p cross join jsonb_array_elements(p.faults) with ordinality f(fault, place)
        where p."vendorId" = $1 and p."importId" = i.id order by p.number, f.place limit $3) f), '[]') as errors
  from "UserImport" i where i."vendorId" = $1 and i.id = $2 and i.state <> 'receiving'`,
)
