import type { Ctx } from '../../../kernel/operation.ts'
import * as tenants from '../../accounts/tenants/tenants.service.ts'
import { ask, type Question } from '../../delivery/prehooks/asking.service.ts'
import { profileIn, SignUpChanges } from '../../delivery/prehooks/users.ts'
import { mustBeObjects } from '../../people/users/users.schemas.ts'
import * as roles from '../../rights/roles/roles.service.ts'

/** What the environment's prehook says of a newcomer. */
export interface Said {
  name?: string
  metadata?: string
  chosenRoleIds?: string[]
  subAccountAccess?: boolean
  /** an account that is there, which they join in place of their own */
  chosenTenantId?: string
}

/** Asks the environment's prehook about somebody who comes by themselves. @throws what it says; 404 for an account that is not there */
export async function letPass(
  ctx: Ctx,
  event: 'SIGN_UP' | 'SIGN_UP_USER_POOL',
  question: () => Question,
): Promise<Said> {
  const { user, tenant } = await ask(ctx, event, question, SignUpChanges),
    { roleIds, allowSubaccountAccess } = user ?? {}
  const said: Said = {
    ...profileIn(user),
    ...(roleIds?.length && { chosenRoleIds: roleIds }),
    ...(allowSubaccountAccess !== undefined && { subAccountAccess: allowSubaccountAccess }),
    ...(tenant?.id !== undefined && { chosenTenantId: tenant.id }),
  }
  mustBeObjects(said)
  if (said.chosenTenantId !== undefined) await tenants.mustExist(ctx, said.chosenTenantId)
  return said
}

/** The roles that it has chosen must be there. @throws 400, 404 */
export async function mustHaveRoles(ctx: Ctx, { chosenRoleIds }: Said, tenantIds: readonly string[]) {
  if (!chosenRoleIds) return
  for (const tenantId of tenantIds) await roles.assignable(ctx, { kind: 'vendor' }, tenantId, chosenRoleIds)
}
