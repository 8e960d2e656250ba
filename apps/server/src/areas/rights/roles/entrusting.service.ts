import { may } from '../../../kernel/authorize.ts'
import type { Ctx, UserCaller, VendorCaller } from '../../../kernel/operation.ts'
import { definedRights, rolesNamed } from '../held/defined.ts'
import { keysOfRoles, rolesOf } from '../held/held.service.ts'
import { rolesHeldIn } from '../held/held.sql.ts'
import { roleErrors } from './roles.errors.ts'
import { assignable, strongest, usable } from './roles.service.ts'

type Caller = VendorCaller | UserCaller

/**
 * The ids of roles that a machine in this tenant may get, each once. Users see the secret of a machine that they make, so
 * they hold each permission that it gets, by their token and by the roles that they have now: the machine outlasts the
 * token.
 * @throws 400 when a role is unknown there, 403 when one is too strong or has a permission that the user lacks
 */
export async function entrustable(
  ctx: Ctx,
  caller: Caller,
  tenantId: string,
  roleIds: readonly string[],
): Promise<string[]> {
  if (caller.kind === 'vendor' || !roleIds.length) return assignable(ctx, caller, tenantId, roleIds)
  const own = await rolesOfCaller(ctx, caller),
    wanted = await assignable(ctx, caller, tenantId, roleIds, strongest(own))
  const { permissions: held } = await keysOfRoles(ctx, own),
    { permissions: given } = await keysOfRoles(ctx, await rolesNamed(ctx, wanted, [tenantId]))
  mustHold(caller, held, given)
  return wanted
}

/**
 * As `entrustable`, for permissions that a machine gets without a role.
 * @throws 404 when one is unknown, 403 when a user lacks it or may not use it in a role
 */
export async function entrustablePermissions(
  ctx: Ctx,
  caller: Caller,
  permissionIds: readonly string[],
): Promise<string[]> {
  const wanted = permissionIds.length ? await usable(ctx, caller, permissionIds) : []
  if (caller.kind === 'vendor' || !wanted.length) return wanted
  const { permissions: held } = await keysOfRoles(ctx, await rolesOfCaller(ctx, caller)),
    { permissions } = await definedRights(ctx)
  mustHold(
    caller,
    held,
    wanted.flatMap((id) => permissions.get(id.toLowerCase())?.key ?? []),
  )
  return wanted
}

const rolesOfCaller = async (ctx: Ctx, { userId, tenantId }: UserCaller) =>
  rolesOf(ctx, await ctx.sql(rolesHeldIn, ctx.clock.now(), userId, tenantId, false))

function mustHold(caller: UserCaller, held: readonly string[], given: readonly string[]) {
  const lacking = given.find((key) => !may(held, key) || !may(caller.permissions, key))
  if (lacking !== undefined) throw roleErrors.notHeld(lacking)
}
