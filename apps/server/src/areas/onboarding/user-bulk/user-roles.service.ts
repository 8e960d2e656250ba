import { isUuid } from '../../../kernel/environments.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import { membershipErrors } from '../../people/memberships/memberships.errors.ts'
import * as roles from '../../rights/roles/roles.service.ts'
import { live } from '../../rights/held/held.service.ts'

export interface RolesIn {
  userId: string
  tenantId: string
  add: readonly string[]
  remove: readonly string[]
}

/** Gives and takes roles in one tenant; a role that is both given and taken is given. @throws 404 for a user who is no member, 400 for roles that cannot be given there */
export async function changeRolesIn(ctx: Ctx, { userId, tenantId, add, remove }: RolesIn) {
  const wanted = await roles.assignable(ctx, { kind: 'vendor' }, tenantId, add)
  await ctx.atomically(async (tx) => {
    if (
      !(await tx.db.membership.findFirst({
        where: { userId, tenantId, ...live(tx) },
        select: { userId: true },
      }))
    )
      throw membershipErrors.notFound()
    await tx.db.membershipRole.createMany({
      data: wanted.map((roleId) => ({ userId, tenantId, roleId })),
      skipDuplicates: true,
    })
    await tx.db.membershipRole.deleteMany({
      where: { userId, tenantId, roleId: { in: remove.filter((id) => isUuid(id) && !wanted.includes(id)) } },
    })
  })
}
