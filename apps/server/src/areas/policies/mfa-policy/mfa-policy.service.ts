import type { Ctx, TenantScope } from '../../../kernel/operation.ts'
import * as settings from '../../../kernel/settings.ts'
import { mfaPolicyErrors } from './mfa-policy.errors.ts'
import {
  fromMfaConfiguration,
  MFA_STRATEGIES,
  mfaPolicy,
  mfaSettings,
  type MfaConfigurationChange,
  type MfaPolicyChange,
  type MfaRequirement,
  type MfaStrategy,
} from './mfa-policy.schemas.ts'

/** What the tenant has stored or, without a tenant, the environment. @throws 404 */
export const policy = (ctx: Ctx, tenant: TenantScope | undefined) =>
  settings.mustBeStored(ctx, mfaPolicy, mfaPolicyErrors.notFound(), tenant)

export const createPolicy = (ctx: Ctx, tenant: TenantScope | undefined, fields: MfaPolicyChange) =>
  settings.create(ctx, mfaPolicy, { ...mfaPolicy.initial, ...fields }, mfaPolicyErrors.taken(), tenant)

export async function updatePolicy(ctx: Ctx, tenant: TenantScope | undefined, fields: MfaPolicyChange) {
  if (!Object.keys(fields).length) throw mfaPolicyErrors.nothingToUpdate()
  await policy(ctx, tenant)
  return settings.patch(ctx, mfaPolicy, fields, tenant)
}

/** Changes the given fields, or makes a policy of them where there is none. */
export const putPolicy = (ctx: Ctx, tenant: TenantScope | undefined, fields: MfaPolicyChange) =>
  settings.patch(ctx, mfaPolicy, fields, tenant)

const NONE: MfaRequirement = {
  enforceMFAType: 'DontForce',
  allowRememberMyDevice: false,
  mfaDeviceExpiration: mfaPolicy.initial.mfaDeviceExpiration,
}
const STRENGTH = ['DontForce', 'ForceExceptSAML', 'Force'] as const

/**
 * What applies to a user of these tenants (all of the user's, not just the active one): the strictest of the
 * environment's policy and theirs. A device is remembered only where no policy forbids it, and for the shortest time
 * that any allows.
 */
export async function requirement(ctx: Ctx, tenantIds: readonly string[]): Promise<MfaRequirement> {
  const policies = settings.inForce(await settings.layers(ctx, tenantIds), mfaPolicy, tenantIds, {
    override: false,
  })
  if (!policies.length) return NONE
  return {
    enforceMFAType: STRENGTH[Math.max(...policies.map((p) => STRENGTH.indexOf(p.enforceMFAType)))]!,
    allowRememberMyDevice: policies.every((p) => p.allowRememberMyDevice),
    mfaDeviceExpiration: Math.min(...policies.map((p) => p.mfaDeviceExpiration)),
  }
}

/** Which second factors users may have, and how they are set up. */
export const configuration = (ctx: Ctx) => settings.effective(ctx, mfaSettings)

export async function activeStrategies(ctx: Ctx): Promise<MfaStrategy[]> {
  const current = await configuration(ctx)
  return MFA_STRATEGIES.filter((strategy) => current[strategy])
}

export async function changeConfiguration(ctx: Ctx, change: MfaConfigurationChange) {
  return (await settings.patch(ctx, mfaSettings, fromMfaConfiguration(change))).value
}

export async function switchStrategy(ctx: Ctx, strategy: MfaStrategy, isActive: boolean) {
  await settings.patch(ctx, mfaSettings, { [strategy]: isActive })
}
