import { may } from '../../../kernel/authorize.ts'
import type { Ctx, UserCaller, VendorCaller } from '../../../kernel/operation.ts'
import { rolesNamed } from '../held/defined.ts'
import { keysOfRoles, rolesOf } from '../held/held.service.ts'
import { rolesHeldIn } from '../held/held.sql.ts'
import { roleErrors } from './roles.errors.ts'
import { assignable, strongest } from './roles.service.ts'

/**
 * The ids of roles that a machine in this tenant may get, each once. Users see the secret of a machine that they make, so
 * they hold each permission that it gets, by their token and by the roles that they have now: the machine outlasts the
 * token.
 * @throws 400 when a role is unknown there, 403 when one is too strong or has a permission that the user lacks
 */
export async function entrustable(
  ctx: Ctx,
  caller: VendorCaller | UserCaller,
  tenantId: string,
  roleIds: readonly string[],
): Promise<string[]> {
  if (caller.kind === 'vendor' || !roleIds.length) return assignable(ctx, caller, tenantId, roleIds)
  const own = await rolesOf(ctx, await ctx.sql(rolesHeldIn, ctx.clock.now(), caller.userId, caller.tenantId, false)),
    wanted = await assignable(ctx, caller, tenantId, roleIds, strongest(own))
  const { permissions: held } = await keysOfRoles(ctx, own),
    { permissions: given } = await keysOfRoles(ctx, await rolesNamed(ctx, wanted, [tenantId])),
    lacking = given.find((key) => !may(held, key) || !may(caller.permissions, key))
  if (lacking !== undefined) throw roleErrors.notHeld(lacking)
  return wanted
}
