import { operation } from '../../../kernel/operation.ts'
import {
  BasicConfiguration,
  Configuration,
  ConfigurationChange,
  PublicConfiguration,
  Strategies,
  toStrategies,
} from './identity-settings.schemas.ts'
import * as identitySettings from './identity-settings.service.ts'

const path = '/identity/resources/configurations/v1'
const tag = 'Core Settings'

export const identitySettingsRoutes = [
  operation({
    id: 'getConfigurationV1',
    method: 'GET',
    path,
    summary: 'Read how the environment treats identities',
    tag,
    // the portal reads it for its users
    auth: 'both',
    returns: { 200: Configuration },
    handler: (ctx) => identitySettings.withKeys(ctx, ctx.caller, identitySettings.current),
  }),
  operation({
    id: 'updateConfigurationV1',
    method: 'POST',
    path,
    summary: 'Change how the environment treats identities; what is not given stays',
    tag,
    auth: 'vendor',
    audit: 'identitySettings.updated',
    body: ConfigurationChange,
    returns: { 201: Configuration },
    handler: (ctx, { body }) => identitySettings.withKeys(ctx, ctx.caller, () => identitySettings.change(ctx, body)),
  }),
  operation({
    id: 'getBasicConfigurationV1',
    method: 'GET',
    path: `${path}/basic`,
    summary: 'Read the few settings that backends ask for',
    tag,
    auth: 'vendor',
    returns: { 200: BasicConfiguration },
    handler: (ctx) => identitySettings.current(ctx),
  }),
  operation({
    id: 'getPublicConfigurationV1',
    method: 'GET',
    path: `${path}/public`,
    summary: 'Read the settings that a login page needs',
    tag,
    auth: 'public',
    returns: { 200: PublicConfiguration },
    handler: (ctx) => identitySettings.current(ctx),
  }),
  operation({
    id: 'getAuthStrategiesV1',
    method: 'GET',
    path: `${path}/auth/strategies`,
    summary: 'Read the ways to log in',
    tag,
    auth: 'public',
    returns: { 200: Strategies },
    handler: async (ctx) => toStrategies(await identitySettings.current(ctx)),
  }),
  operation({
    id: 'getPublicAuthStrategiesV1',
    method: 'GET',
    path: `${path}/auth/strategies/public`,
    summary: 'Read the ways to log in, for a login page',
    tag,
    auth: 'public',
    returns: { 200: Strategies },
    handler: async (ctx) => toStrategies(await identitySettings.current(ctx)),
  }),
]
