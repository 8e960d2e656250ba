import type { Static } from 'typebox'
import type { Caller, Ctx } from '../../../kernel/operation.ts'
import * as settings from '../../../kernel/settings.ts'
import { signWithSecret } from '../jwt-templates/targeting.service.ts'
import { loginErrors } from '../../sign-in/login/login.errors.ts'
import {
  identityConfiguration,
  type Configuration,
  type ConfigurationChange,
  type IdentityConfiguration,
} from './identity-settings.schemas.ts'

/** The environment's decisions that apply now. */
export const current = (ctx: Ctx) => settings.effective(ctx, identityConfiguration)

/** For ways to log in that no strategy names: activation, passkeys. @throws 400 where all users log in elsewhere */
export async function mustBeLocal(ctx: Ctx) {
  if ((await current(ctx)).authStrategy === 'NoLocalAuthentication') throw loginErrors.strategyOff()
}

/** Changes the given fields only. */
export async function change(ctx: Ctx, { skipTenantValidation: _, ...fields }: ConfigurationChange) {
  return (await settings.patch(ctx, identityConfiguration, fields)).value
}

/** Whether the shared secret signs users' tokens: all of them, or those of a JWT template in use. */
export const sharesSecret = async (ctx: Ctx) =>
  (await current(ctx)).jwtAlgorithm === 'HS256' || (await signWithSecret(ctx))

/**
 * The configuration, once it has been read or changed, with its keys. Users never see the secret; management sees it only
 * while it signs.
 */
export async function withKeys(
  ctx: Ctx,
  caller: Caller,
  configured: (ctx: Ctx) => Promise<IdentityConfiguration>,
): Promise<Static<typeof Configuration>> {
  const key = ctx.environment.keys[0]
  if (!key) throw new Error('the environment has no signing key')
  // a change does not touch the templates, but they would have to be read again after it
  const byTemplate = await signWithSecret(ctx),
    configuration = await configured(ctx),
    shown = caller.kind === 'vendor' && (byTemplate || configuration.jwtAlgorithm === 'HS256')
  return {
    ...configuration,
    id: ctx.vendorId,
    publicKey: key.publicKey,
    jwtSecret: shown ? ctx.deps.secrets.open(key.secret) : '',
  }
}
