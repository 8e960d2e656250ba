import { Type } from 'typebox'
import { MINUTE } from '../../../kernel/clock.ts'
import { errors } from '../../../kernel/errors.ts'
import { perIp } from '../../../kernel/limits.ts'
import { Empty, operation } from '../../../kernel/operation.ts'
import { FilledToken, Id } from '../../../kernel/validation.ts'
import { loginErrors } from '../login/login.errors.ts'
import { mfaErrors } from './mfa.errors.ts'
import { MfaDevices, Recovery, RememberPolicy } from './mfa.schemas.ts'
import * as devices from './mfa-devices.service.ts'
import * as mfaLogin from './mfa-login.flow.ts'
import * as recovery from './mfa-recovery.service.ts'

export const mfaRoutes = [
  operation({
    id: 'recoverMfaV1',
    method: 'POST',
    path: '/identity/resources/auth/v1/user/mfa/recover',
    summary: 'Take all second factors away with the recovery code',
    tag: 'MFA',
    auth: 'public',
    body: Recovery,
    limits: [perIp(10, MINUTE)],
    returns: { 200: Empty },
    errors: [mfaErrors.wrongRecoveryCode, errors.tooMany],
    handler: (ctx, { body }) => recovery.recover(ctx, body),
  }),
  operation({
    id: 'getRememberDevicePolicyV1',
    method: 'GET',
    path: '/identity/resources/configurations/v1/mfa-policy/allow-remember-device',
    summary: 'Read whether the browser of a login may be remembered',
    tag: 'MFA',
    auth: 'public',
    query: Type.Object({ mfaToken: FilledToken }),
    limits: [perIp(100, MINUTE)],
    returns: { 200: RememberPolicy },
    errors: [mfaErrors.badToken, loginErrors.locked],
    handler: (ctx, { query }) => mfaLogin.rememberPolicy(ctx, query.mfaToken),
  }),
  operation({
    id: 'listMfaDevicesV1',
    method: 'GET',
    path: '/identity/resources/users/v1/mfa/devices',
    summary: "List one's second factors",
    tag: 'MFA',
    auth: 'both',
    user: 'required',
    returns: { 200: MfaDevices },
    handler: (ctx) => devices.overview(ctx, ctx.user),
  }),
  operation({
    id: 'unenrolUserV1',
    method: 'POST',
    path: '/identity/resources/vendor-only/users/v1/{userId}/mfa/unenroll',
    summary: 'Take all second factors away from a user',
    tag: 'Users',
    auth: 'vendor',
    params: Type.Object({ userId: Id }),
    returns: { 200: Empty },
    errors: [mfaErrors.notEnrolled],
    handler: (ctx, { params }) => devices.unenrol(ctx, params.userId),
  }),
]
