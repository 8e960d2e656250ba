import type { Static } from 'typebox'
import type { Caller, Ctx } from '../../../kernel/operation.ts'
import * as settings from '../../../kernel/settings.ts'
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

/** The configuration with its keys. Users never see the secret; management sees it only while it signs. */
export function withKeys(ctx: Ctx, caller: Caller, configuration: IdentityConfiguration): Static<typeof Configuration> {
  const key = ctx.environment.keys[0]
  if (!key) throw new Error('the environment has no signing key')
  const shown = caller.kind === 'vendor' && configuration.jwtAlgorithm === 'HS256'
  return {
    ...configuration,
    id: ctx.vendorId,
    publicKey: key.publicKey,
    jwtSecret: shown ? ctx.deps.secrets.open(key.secret) : '',
  }
}
