import type { Family } from '../../rights/tree/tree.service.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import { listOf, type List, type PageRequest } from '../../../kernel/paging.ts'

/** The users that a caller may list: all, or the members of a tenant and perhaps of those below it. */
export type Crowd = 'everybody' | (Family & { /** without invisible users */ readonly visible: boolean })

/** The current memberships at $5, in the tenant $4 or in it and those below it. */
const MEMBERSHIPS = {
  tenant: `"Membership" m where m."vendorId" = $1 and m."tenantId" = $4 and (m."expiresAt" is null or m."expiresAt" > $5)`,
  family: `"Membership" m join "Tenant" t on t."vendorId" = m."vendorId" and t.id = m."tenantId"
    where m."vendorId" = $1 and t.path @> array[$4] and (m."expiresAt" is null or m."expiresAt" > $5)`,
}
export const isInvisible = (userId: string) =>
  `exists (select from "User" i where i."vendorId" = $1 and i.id = ${userId} and i.invisible)`

/**
 * A list of users, or of their rows in another table, for any crowd. `userId` is the column that names the user. `onePerUser`:
 * each user has exactly one row, so that memberships can be counted instead.
 */
export function listOfCrowd<By extends string>(
  name: string,
  { userId, onePerUser, ...list }: Omit<List<By>, 'total'> & { userId: string; onePerUser?: true },
) {
  const among = (scope: keyof typeof MEMBERSHIPS, visible: boolean) => {
    const memberships = MEMBERSHIPS[scope],
      unseen = (id: string) => (visible ? ` and not ${isInvisible(id)}` : '')
    return listOf<By, [tenantId: string, now: Date]>(`${name}.${scope}${visible ? '.visible' : ''}`, {
      ...list,
      rows: `${list.rows} and exists (select from ${memberships} and m."userId" = ${userId})${unseen(userId)}`,
      ...(onePerUser && {
        // a user may be in several tenants
        total: `select count(${scope === 'family' ? 'distinct m."userId"' : '*'}) from ${memberships}${unseen('m."userId"')}`,
      }),
    })
  }
  const everybody = listOf(`${name}.everybody`, list),
    members = { tenant: among('tenant', false), family: among('family', false) },
    visibleMembers = { tenant: among('tenant', true), family: among('family', true) }
  return (ctx: Ctx, crowd: Crowd, by: By, query: PageRequest & { _order?: 'ASC' | 'DESC' | undefined }) =>
    crowd === 'everybody'
      ? everybody(ctx, by, query)
      : (crowd.visible ? visibleMembers : members)[crowd.below ? 'family' : 'tenant'](
          ctx,
          by,
          query,
          crowd.tenantId,
          ctx.clock.now(),
        )
}

export const usersOf = listOfCrowd('users.list', {
  rows: '"User" u where u."vendorId" = $1',
  id: 'u.id',
  userId: 'u.id',
  onePerUser: true,
  orders: {
    createdAt: 'u."createdAt"',
    name: 'u.name',
    email: 'u.email',
    id: 'u.id',
    verified: 'u.verified',
    isLocked: 'u."isLocked"',
    provider: 'u.provider',
    tenantId: 'u."activeTenantId"',
    lastLogin: 'u."lastLogin"',
  },
  nullable: ['email', 'tenantId', 'lastLogin'],
})
