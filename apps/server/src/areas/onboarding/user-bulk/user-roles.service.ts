import { isUuid } from '../../../kernel/environments.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import { membershipErrors } from '../../people/memberships/memberships.errors.ts'
import { giveRoles } from '../../people/memberships/memberships.sql.ts'
import * as roles from '../../rights/roles/roles.service.ts'
import { live } from '../../rights/held/held.service.ts'

export interface RolesIn {
  userId: string
  tenantIds: readonly string[]
  add: readonly string[]
  remove: readonly string[]
}

/** Gives and takes roles in tenants, in all of them or in none; a role that is both given and taken is given. @throws 404 for a user who is no member, 400 for roles that cannot be given there */
export async function changeRolesIn(ctx: Ctx, { userId, tenantIds, add, remove }: RolesIn) {
  const wanted = new Set(add),
    tenantId = { in: [...tenantIds] }
  const plans = tenantIds.map((id) => ({ tenantId: id, add: [...wanted] }))
  await roles.mustBeAssignable(
    ctx,
    { kind: 'vendor' },
    plans.map((plan) => ({ tenantId: plan.tenantId, roleIds: plan.add })),
  )
  await ctx.atomically(async (tx) => {
    if ((await tx.db.membership.count({ where: { userId, tenantId, ...live(tx) } })) < tenantIds.length)
      throw membershipErrors.notFound()
    await giveRoles(tx, userId, plans)
    await tx.db.membershipRole.deleteMany({
      where: { userId, tenantId, roleId: { in: remove.filter((id) => isUuid(id) && !wanted.has(id)) } },
    })
  })
}
