import type { Tenant } from '@henhouse/database'
import { statement } from '../../../kernel/sql.ts'

/** A tenant as seen from one above it, whose children are at level 1. */
export interface Place extends Pick<Tenant, 'id' | 'parentId' | 'name' | 'status' | 'createdAt'> {
  readonly level: number
}

/** A hierarchy can be deep, and Prisma would follow it level by level. */
export const subtree = statement<Place, [tenantId: string]>(
  'tenants.subtree',
  `
  select id, "parentId", name, status, "createdAt", cardinality(path) - array_position(path, $2) as level from "Tenant"
  where "vendorId" = $1 and path @> array[$2] order by "createdAt", id`,
)

/** A count for each row. */
export const sizes = statement<{ id: string; size: number }, [tenantId: string, tenantIds: readonly string[]]>(
  'tenants.sizesBelow',
  `
  select id, (select count(*)::int - 1 from "Tenant" b where b."vendorId" = $1 and b.path @> array[t.id]) as size from "Tenant" t
  where t."vendorId" = $1 and t.id = any ($3) and t.path @> array[$2]`,
)
