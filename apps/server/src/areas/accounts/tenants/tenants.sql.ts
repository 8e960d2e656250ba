import { listOf } from '../../../kernel/paging.ts'
import { statement } from '../../../kernel/sql.ts'

const orders = { createdAt: 't."createdAt"', name: 't.name', tenantId: 't.id' }

/** By their `rowId`. */
export const allTenants = listOf('tenants.all', { rows: '"Tenant" t where t."vendorId" = $1', id: 't."rowId"', orders })

/** By their `rowId`, those right below one tenant. */
export const childrenOf = listOf<keyof typeof orders, [parentId: string]>('tenants.children', {
  rows: '"Tenant" t where t."vendorId" = $1 and t."parentId" = $4',
  id: 't."rowId"',
  orders,
})

/** As jsonb: numbers keep their digits there. What is no object gives way to one. */
const keys = `case jsonb_typeof(metadata::jsonb) when 'object' then metadata::jsonb else '{}' end`
/** Without the blanks that Postgres writes outside of texts. */
const compact = (value: string) => String.raw`regexp_replace((${value})::text, '("(?:[^"\\]|\\.)*")|\s+', '\1', 'g')`
const changingMetadata = (name: string, next: string) =>
  statement<{ id: string }, [tenantId: string, now: Date, value: string]>(
    name,
    `update "Tenant" set metadata = ${compact(next)}, "updatedAt" = $3 where "vendorId" = $1 and id = $2 returning id`,
  )
export const mergingMetadata = changingMetadata('tenants.mergeMetadata', `${keys} || $4::text::jsonb`)
export const removingMetadata = changingMetadata('tenants.removeMetadata', `${keys} - $4::text`)

/**
 * Locks those of a tenant's users who belong to no other, some of them or all, in an order of their own: from here on nobody
 * makes them members elsewhere. Who has just become one is among them, too.
 */
export const lockingOwnUsers = statement<{ id: string }, [tenantId: string, among: readonly string[] | null]>(
  'tenants.lockOwnUsers',
  `
  select u.id from "Membership" m
  join "User" u on u."vendorId" = m."vendorId" and u.id = m."userId"
  where m."vendorId" = $1 and m."tenantId" = $2 and ($3::uuid[] is null or m."userId" = any ($3))
    and not u."superUser"
    and not exists (
      select from "Membership" other
      where other."vendorId" = $1 and other."userId" = u.id and other."tenantId" <> $2)
  order by u.id for update of u`,
  { planEachTime: true },
)
