import { may } from '../../../kernel/authorize.ts'
import type { BoundCaller, Caller, Ctx } from '../../../kernel/operation.ts'
import { definedRights, rolesNamed } from '../held/defined.ts'
import { keysOfRoles, rolesOf } from '../held/held.service.ts'
import { rolesHeldIn } from '../held/held.sql.ts'
import { roleErrors } from './roles.errors.ts'
import { assignable, strengthOf, strongest, usable } from './roles.service.ts'

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
  const { strength, held } = await rightsOf(ctx, caller),
    wanted = await assignable(ctx, caller, tenantId, roleIds, strength)
  const { permissions: given } = await keysOfRoles(ctx, await rolesNamed(ctx, wanted, [tenantId]))
  mustHold(caller, held, given)
  return wanted
}

/**
 * As `entrustable`, for permissions that a machine gets without a role. It has no strength of its own then, and could give no
 * role to anybody: it is as strong as the caller.
 * @returns that strength; null stands for management, and for what is as strong
 * @throws 404 when one is unknown, 403 when a user lacks it or may not use it in a role
 */
export async function entrustPermissions(
  ctx: Ctx,
  caller: Caller,
  permissionIds: readonly string[],
): Promise<number | null> {
  const wanted = permissionIds.length ? await usable(ctx, caller, permissionIds) : []
  if (caller.kind === 'vendor' || !wanted.length) return null
  const { strength = await strengthOf(ctx, caller), held } = await rightsOf(ctx, caller),
    { permissions } = await definedRights(ctx)
  mustHold(
    caller,
    held,
    wanted.flatMap((id) => permissions.get(id.toLowerCase())?.key ?? []),
  )
  return strength === -Infinity ? null : Math.min(strength, WEAKEST)
}
/** weaker than every role; fits into an int */
const WEAKEST = 2 ** 31 - 1

/** What callers hold now, whatever their token says. That of a machine was looked up for this call. */
async function rightsOf(ctx: Ctx, caller: BoundCaller) {
  if (caller.kind === 'machine') return { strength: undefined, held: caller.permissions }
  const own = await rolesOf(ctx, await ctx.sql(rolesHeldIn, ctx.clock.now(), caller.userId, caller.tenantId, false))
  return { strength: strongest(own), held: (await keysOfRoles(ctx, own)).permissions }
}

function mustHold(caller: BoundCaller, held: readonly string[], given: readonly string[]) {
  const lacking = given.find((key) => !may(held, key) || !may(caller.permissions, key))
  if (lacking !== undefined) throw roleErrors.notHeld(lacking)
}
