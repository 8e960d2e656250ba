import { Type } from 'typebox'
import { Empty, operation } from '../../kernel/operation.ts'
import { Id } from '../../kernel/validation.ts'
import { needs } from '../permissions/permissions.keys.ts'
import { roleErrors } from '../roles/roles.errors.ts'
import { sessionErrors } from './sessions.errors.ts'
import { Session, SessionConfiguration, toSession } from './sessions.schemas.ts'
import * as sessions from './sessions.service.ts'

const own = '/identity/resources/users/sessions/v1', policy = '/identity/resources/configurations/sessions/v1'

export const sessionsRoutes = [
  operation({
    id: 'listOwnSessionsV1', method: 'GET', path: `${own}/me`, summary: 'List the sessions of a user', tag: 'User Sessions',
    auth: 'both', tenant: 'required', user: 'required',
    returns: { 200: Type.Array(Session) },
    handler: async (ctx) => (await sessions.list(ctx, ctx.caller, ctx.user, ctx.tenant)).map(toSession),
  }),
  operation({
    id: 'getCurrentSessionV1', method: 'GET', path: `${own}/me/current`, summary: 'Get the session that the token is of', tag: 'User Sessions',
    auth: 'user', tenant: 'required', user: 'required',
    returns: { 200: Session },
    errors: [sessionErrors.notFound],
    handler: async (ctx) => toSession(await sessions.current(ctx, ctx.caller, ctx.user, ctx.tenant)),
  }),
  operation({
    id: 'endOwnSessionsV1', method: 'DELETE', path: `${own}/me/all`, summary: 'End all sessions of a user', tag: 'User Sessions',
    auth: 'both', tenant: 'required', user: 'required',
    returns: { 200: Empty },
    handler: (ctx) => sessions.endOwn(ctx, ctx.caller, ctx.user, ctx.tenant),
  }),
  operation({
    id: 'endOwnSessionV1', method: 'DELETE', path: `${own}/me/{id}`, summary: 'End one session of a user', tag: 'User Sessions',
    auth: 'both', tenant: 'required', user: 'required',
    params: Type.Object({ id: Id }),
    returns: { 200: Empty },
    errors: [sessionErrors.notFound],
    handler: (ctx, { params }) => sessions.end(ctx, ctx.caller, ctx.user, ctx.tenant, params.id),
  }),
  operation({
    id: 'revokeSessionsV1', method: 'POST', path: `${own}/revoke`, summary: 'End the sessions of a member in the account', tag: 'User Sessions',
    auth: 'both', permission: needs.users.endSessions, tenant: 'optional',
    body: Type.Object({ userId: Type.String({ minLength: 1 }) }),
    returns: { 201: Empty },
    errors: [roleErrors.strongerUser],
    handler: (ctx, { body }) => sessions.revoke(ctx, ctx.caller, ctx.tenant, body.userId),
  }),
  operation({
    id: 'getSessionConfigurationV1', method: 'GET', path: policy, summary: 'Get what the account, or the environment, has decided about sessions', tag: 'Sessions Management',
    auth: 'both', permission: needs.securityPolicy.read, tenant: 'optional',
    returns: { 200: SessionConfiguration },
    handler: (ctx) => sessions.configuration(ctx, ctx.tenant),
  }),
  operation({
    id: 'setSessionConfigurationV1', method: 'POST', path: policy, summary: 'Decide about the sessions of the account, or of the environment', tag: 'Sessions Management',
    auth: 'both', permission: needs.securityPolicy.write, tenant: 'optional',
    body: SessionConfiguration,
    returns: { 201: Empty },
    handler: (ctx, { body }) => sessions.configure(ctx, body, ctx.tenant),
  }),
  operation({
    id: 'getEnvironmentSessionConfigurationV1', method: 'GET', path: `${policy}/vendor`, summary: 'Get what the environment has decided about sessions', tag: 'Sessions Configuration',
    auth: 'vendor',
    returns: { 200: SessionConfiguration },
    handler: (ctx) => sessions.configuration(ctx),
  }),
  operation({
    // in no specification; infrastructure tools write where they read
    id: 'setEnvironmentSessionConfigurationV1', method: 'POST', path: `${policy}/vendor`, summary: 'Decide about the sessions of the environment', tag: 'Sessions Configuration',
    auth: 'vendor',
    body: SessionConfiguration,
    returns: { 201: Empty },
    handler: (ctx, { body }) => sessions.configure(ctx, body),
  }),
]
