import { Type } from 'typebox'
import { isUuid } from '../../kernel/environments.ts'
import { Empty, operation } from '../../kernel/operation.ts'
import { toDocument } from '../../kernel/settings.ts'
import { needs } from '../permissions/permissions.keys.ts'
import { passwordErrors } from './password-settings.errors.ts'
import { HistoryPolicy, NewHistoryPolicy, PasswordPolicy, PasswordPolicyChange, Rotation, RotationChange, toPasswordPolicy, toRotation } from './password-settings.schemas.ts'
import * as passwords from './password-settings.service.ts'

const path = '/identity/resources/configurations/v1'
const tag = 'Password Settings'

export const passwordSettingsRoutes = [
  operation({
    id: 'getPasswordPolicyV1', method: 'GET', path: `${path}/password`, summary: 'Read what passwords must be like', tag,
    // sign-up pages read it
    auth: 'public', tenant: 'optional',
    returns: { 200: PasswordPolicy },
    handler: async (ctx) => toPasswordPolicy(await passwords.rules(ctx, ctx.tenant)),
  }),
  operation({
    id: 'setPasswordPolicyV1', method: 'POST', path: `${path}/password`, summary: 'Say what passwords must be like; what is not given stays', tag,
    auth: 'both', permission: needs.securityPolicy.write, tenant: 'optional',
    body: PasswordPolicyChange,
    returns: { 201: PasswordPolicy },
    errors: [passwordErrors.minOverMax],
    handler: async (ctx, { body }) => toPasswordPolicy(await passwords.changeRules(ctx, ctx.tenant, body)),
  }),
  operation({
    id: 'getStrictestPasswordPolicyV1', method: 'GET', path: '/identity/resources/users/v1/passwords/config', summary: 'Read what the passwords of a user must be like', tag,
    // reset pages read it, whose user is not logged in; an unknown user is answered like a known one
    auth: 'public', user: 'optional',
    query: Type.Object({ userId: Type.Optional(Type.String()) }),
    returns: { 200: PasswordPolicy },
    handler: async (ctx, { query: { userId = ctx.user?.id } }) => toPasswordPolicy(await passwords.strictestRules(ctx, { userId: userId !== undefined && isUuid(userId) ? userId : undefined })),
  }),
  operation({
    id: 'getPasswordHistoryPolicyV1', method: 'GET', path: `${path}/password-history-policy`, summary: 'Read which earlier passwords cannot be used again', tag,
    auth: 'both', permission: needs.securityPolicy.read, tenant: 'optional',
    returns: { 200: HistoryPolicy },
    errors: [passwordErrors.noHistoryPolicy],
    handler: async (ctx) => toDocument(await passwords.history(ctx, ctx.tenant)),
  }),
  operation({
    id: 'getEnvironmentPasswordHistoryPolicyV1', method: 'GET', path: `${path}/password-history-policy/vendor`, summary: 'Read which earlier passwords cannot be used again, as the environment has it', tag,
    auth: 'both', permission: needs.securityPolicy.read,
    returns: { 200: HistoryPolicy },
    errors: [passwordErrors.noHistoryPolicy],
    handler: async (ctx) => toDocument(await passwords.history(ctx, undefined)),
  }),
  operation({
    id: 'createPasswordHistoryPolicyV1', method: 'POST', path: `${path}/password-history-policy`, summary: 'Keep users from using earlier passwords again', tag,
    auth: 'both', permission: needs.securityPolicy.write, tenant: 'optional',
    body: NewHistoryPolicy,
    returns: { 201: HistoryPolicy },
    errors: [passwordErrors.historyPolicyTaken],
    handler: async (ctx, { body }) => toDocument(await passwords.createHistory(ctx, ctx.tenant, body)),
  }),
  operation({
    id: 'updatePasswordHistoryPolicyV1', method: 'PATCH', path: `${path}/password-history-policy`, summary: 'Change which earlier passwords cannot be used again', tag,
    auth: 'both', permission: needs.securityPolicy.write, tenant: 'optional',
    body: NewHistoryPolicy,
    returns: { 200: HistoryPolicy },
    errors: [passwordErrors.noHistoryPolicy],
    handler: async (ctx, { body }) => toDocument(await passwords.updateHistory(ctx, ctx.tenant, body)),
  }),
  operation({
    id: 'getPasswordRotationV1', method: 'GET', path: `${path}/password-rotation`, summary: 'Read when passwords run out', tag,
    auth: 'both', permission: needs.passwordRotation.read, tenant: 'optional',
    returns: { 200: Rotation },
    errors: [passwordErrors.noRotation],
    handler: async (ctx) => toRotation(await passwords.rotationOf(ctx, ctx.tenant)),
  }),
  operation({
    id: 'getEnvironmentPasswordRotationV1', method: 'GET', path: `${path}/password-rotation/vendor`, summary: 'Read when passwords run out, as the environment has it', tag,
    auth: 'both', permission: needs.passwordRotation.read,
    returns: { 200: Rotation },
    errors: [passwordErrors.noRotation],
    handler: async (ctx) => toRotation(await passwords.rotationOf(ctx, undefined)),
  }),
  operation({
    id: 'setPasswordRotationV1', method: 'POST', path: `${path}/password-rotation`, summary: 'Say when passwords run out; what is not given stays', tag,
    auth: 'both', permission: needs.passwordRotation.write, tenant: 'optional',
    body: RotationChange,
    returns: { 200: Empty },
    handler: (ctx, { body }) => passwords.changeRotation(ctx, ctx.tenant, body),
  }),
]
