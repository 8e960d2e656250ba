import { errors, failure } from '../../../kernel/errors.ts'
import { mayImpersonate } from '../../rights/permissions/permissions.keys.ts'

export const impersonationErrors = {
  off: failure(403, null, 'Impersonation is disabled'),
  /** not the token of a user who has logged in, or it has ended */
  badActor: failure(401, null, 'actorToken is not valid'),
  mayNot: () => errors.forbidden(mayImpersonate),
  oneself: failure(400, null, 'Nobody can impersonate themselves'),
  /** who is impersonated may do more than the impersonator, or is a superuser */
  stronger: failure(403, null, 'The user may do more than you'),
}
