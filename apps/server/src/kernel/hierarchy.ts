import type { Ctx } from './operation.ts'

/** A tenant below another one: its children are at level 1. */
export interface Below { readonly id: string, readonly parentId: string, readonly level: number }

/*
 * Raw SQL, as only it can recurse. It runs on a connection of its own: it sees what is committed, and must not be called
 * inside `ctx.atomically`, where everybody would hold one connection and wait for a second.
 */

/** The ids of the tenants above, the nearest first. Empty for a tenant at the top, or none. */
export async function ancestorsOf({ deps, vendorId }: Ctx, tenantId: string): Promise<string[]> {
  const { rows } = await deps.database.pool.query<{ id: string }>(`
    with recursive above as (
      select "parentId" as id, 1 as level from "Tenant" where "vendorId" = $1 and id = $2
      union all select t."parentId", a.level + 1 from above a join "Tenant" t on t."vendorId" = $1 and t.id = a.id
    ) cycle id set again using path
    select id from above where id is not null and not again order by level`, [vendorId, tenantId])
  return rows.map((row) => row.id)
}

/** The tenants below, level by level. */
export async function descendantsOf({ deps, vendorId }: Ctx, tenantId: string): Promise<Below[]> {
  const { rows } = await deps.database.pool.query<Below>(`
    with recursive below as (
      select id, "parentId", 1 as level from "Tenant" where "vendorId" = $1 and "parentId" = $2
      union all select t.id, t."parentId", b.level + 1 from below b join "Tenant" t on t."vendorId" = $1 and t."parentId" = b.id
    ) cycle id set again using path
    select id, "parentId", level from below where not again order by level`, [vendorId, tenantId])
  return rows
}
