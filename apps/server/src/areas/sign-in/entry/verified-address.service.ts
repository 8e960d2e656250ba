import type { Ctx } from '../../../kernel/operation.ts'
import * as sendings from '../../access/codes/sendings.service.ts'
import type { Subject } from '../../access/tokens/refresh-tokens.service.ts'
import * as activationMails from '../../people/activation-mails/activation-mails.service.ts'
import type { IdentityConfiguration } from '../../policies/identity-settings/identity-settings.schemas.ts'
import { loginErrors } from '../login/login.errors.ts'

/** A user with an address must have verified it; if not, the activation mail is sent again. @throws 401 */
export async function mustBeVerified(
  ctx: Ctx,
  user: Subject,
  { allowNotVerifiedUsersLogin }: Pick<IdentityConfiguration, 'allowNotVerifiedUsersLogin'>,
) {
  if (user.verified || user.email === null || allowNotVerifiedUsersLogin) return
  if (await sendings.mayGetOne(ctx, user.email))
    await ctx.atomically((tx) => activationMails.send(tx, user, user.activeTenantId ?? undefined))
  throw loginErrors.notVerified(user.email)
}
