import { Empty, operation } from '../../kernel/operation.ts'
import { toDocument } from '../../kernel/settings.ts'
import { needs } from '../permissions/permissions.keys.ts'
import { mfaPolicyErrors } from './mfa-policy.errors.ts'
import { MfaConfiguration, MfaConfigurationChange, MfaPolicy, MfaPolicyChange, MfaStrategies, MfaStrategyState, toMfaConfiguration, toMfaStrategies } from './mfa-policy.schemas.ts'
import * as mfaPolicy from './mfa-policy.service.ts'

const path = '/identity/resources/configurations/v1'
const tag = 'MFA Settings'

export const mfaPolicyRoutes = [
  operation({
    id: 'getMfaPolicyV1', method: 'GET', path: `${path}/mfa-policy`, summary: 'Read who must use a second factor', tag,
    auth: 'both', permission: needs.securityPolicy.read, tenant: 'optional',
    returns: { 200: MfaPolicy },
    errors: [mfaPolicyErrors.notFound],
    handler: async (ctx) => toDocument(await mfaPolicy.policy(ctx, ctx.tenant)),
  }),
  operation({
    id: 'getEnvironmentMfaPolicyV1', method: 'GET', path: `${path}/mfa-policy/vendor`, summary: 'Read who must use a second factor, as the environment has it', tag,
    auth: 'both', permission: needs.securityPolicy.read,
    returns: { 200: MfaPolicy },
    errors: [mfaPolicyErrors.notFound],
    handler: async (ctx) => toDocument(await mfaPolicy.policy(ctx, undefined)),
  }),
  operation({
    id: 'createMfaPolicyV1', method: 'POST', path: `${path}/mfa-policy`, summary: 'Say who must use a second factor', tag,
    auth: 'both', permission: needs.securityPolicy.write, tenant: 'optional',
    body: MfaPolicyChange,
    returns: { 201: MfaPolicy },
    errors: [mfaPolicyErrors.taken],
    handler: async (ctx, { body }) => toDocument(await mfaPolicy.createPolicy(ctx, ctx.tenant, body)),
  }),
  operation({
    id: 'putMfaPolicyV1', method: 'PUT', path: `${path}/mfa-policy`, summary: 'Say who must use a second factor, whether or not it was said before', tag,
    auth: 'both', permission: needs.securityPolicy.write, tenant: 'optional',
    body: MfaPolicyChange,
    returns: { 200: MfaPolicy },
    handler: async (ctx, { body }) => toDocument(await mfaPolicy.putPolicy(ctx, ctx.tenant, body)),
  }),
  operation({
    id: 'updateMfaPolicyV1', method: 'PATCH', path: `${path}/mfa-policy`, summary: 'Change who must use a second factor', tag,
    auth: 'both', permission: needs.securityPolicy.write, tenant: 'optional',
    body: MfaPolicyChange,
    returns: { 200: MfaPolicy },
    errors: [mfaPolicyErrors.nothingToUpdate, mfaPolicyErrors.notFound],
    handler: async (ctx, { body }) => toDocument(await mfaPolicy.updatePolicy(ctx, ctx.tenant, body)),
  }),
  operation({
    id: 'listMfaStrategiesV1', method: 'GET', path: `${path}/mfa/strategies`, summary: 'List the kinds of second factor', tag,
    // whoever enrols has to know them
    auth: 'both',
    returns: { 200: MfaStrategies },
    handler: async (ctx) => toMfaStrategies(await mfaPolicy.configuration(ctx)),
  }),
  operation({
    id: 'setMfaStrategyV1', method: 'POST', path: `${path}/mfa/strategies`, summary: 'Switch a kind of second factor on or off', tag,
    auth: 'vendor',
    body: MfaStrategyState,
    returns: { 201: Empty },
    handler: (ctx, { body }) => mfaPolicy.switchStrategy(ctx, body.strategy, body.isActive),
  }),
  operation({
    id: 'getMfaConfigurationV1', method: 'GET', path: `${path}/mfa`, summary: 'Read how second factors are set up', tag: 'MFA Configuration',
    auth: 'vendor',
    returns: { 200: MfaConfiguration },
    handler: async (ctx) => toMfaConfiguration(await mfaPolicy.configuration(ctx)),
  }),
  operation({
    id: 'updateMfaConfigurationV1', method: 'POST', path: `${path}/mfa`, summary: 'Set second factors up; what is not given stays', tag: 'MFA Configuration',
    auth: 'vendor',
    body: MfaConfigurationChange,
    returns: { 201: MfaConfiguration },
    handler: async (ctx, { body }) => toMfaConfiguration(await mfaPolicy.changeConfiguration(ctx, body)),
  }),
]
