import { Type } from 'typebox'
import { MINUTE } from '../../../kernel/clock.ts'
import { errors } from '../../../kernel/errors.ts'
import { perIp } from '../../../kernel/limits.ts'
import { Empty, operation } from '../../../kernel/operation.ts'
import { Id } from '../../../kernel/validation.ts'
import { loginErrors } from '../login/login.errors.ts'
import { LoginAnswer } from '../entry/entry.schemas.ts'
import { mfaErrors } from './mfa.errors.ts'
import {
  AuthenticatorCode,
  AuthenticatorEnrolment,
  OptionalCode,
  OwnAuthenticatorEnrolment,
  QrCode,
  RecoveryCode,
  WithMfaToken,
} from './mfa.schemas.ts'
import * as authenticator from './mfa-authenticator.service.ts'

const atLogin = '/identity/resources/auth/v1/user/mfa',
  own = '/identity/resources/users/v1/mfa'
const tag = 'MFA'
const device = Type.Object({ deviceId: Id })
const loginFailures = [mfaErrors.badToken, mfaErrors.wrongCode, loginErrors.locked, errors.tooMany]

export const mfaAuthenticatorRoutes = [
  operation({
    id: 'startAuthenticatorAtLoginV1',
    method: 'POST',
    path: `${atLogin}/authenticator/enroll`,
    summary: 'Get the QR code for an authenticator app while logging in',
    tag,
    auth: 'public',
    body: WithMfaToken,
    limits: [perIp(30, MINUTE)],
    returns: { 201: QrCode },
    errors: [mfaErrors.badToken, loginErrors.locked, mfaErrors.alreadyEnrolled, mfaErrors.strategyOff],
    handler: (ctx, { body }) => authenticator.startAtLogin(ctx, body.mfaToken),
  }),
  operation({
    id: 'enrolAuthenticatorAtLoginV1',
    method: 'POST',
    path: `${atLogin}/authenticator/enroll/verify`,
    summary: 'Enrol an authenticator app, and finish the login',
    tag,
    auth: 'public',
    cookies: true,
    body: AuthenticatorEnrolment,
    limits: [perIp(10, MINUTE)],
    returns: { 201: LoginAnswer },
    errors: [...loginFailures, mfaErrors.alreadyEnrolled, mfaErrors.strategyOff, mfaErrors.deviceTaken],
    handler: (ctx, { body }) => authenticator.enrolAtLogin(ctx, body),
  }),
  operation({
    id: 'verifyAuthenticatorAtLoginV1',
    method: 'POST',
    path: `${atLogin}/authenticator/{deviceId}/verify`,
    summary: 'Finish a login with a code of an authenticator app',
    tag,
    auth: 'public',
    cookies: true,
    params: device,
    body: AuthenticatorCode,
    limits: [perIp(10, MINUTE)],
    returns: { 201: LoginAnswer },
    errors: [...loginFailures, mfaErrors.noDevice],
    handler: (ctx, { params, body }) => authenticator.verifyAtLogin(ctx, body, params.deviceId),
  }),
  operation({
    id: 'verifyMfaAtLoginV1',
    method: 'POST',
    path: `${atLogin}/verify`,
    summary: 'Finish a login with a code of any of the authenticator apps',
    tag,
    deprecated: true,
    auth: 'public',
    cookies: true,
    body: AuthenticatorCode,
    limits: [perIp(10, MINUTE)],
    returns: { 201: LoginAnswer },
    errors: [...loginFailures, mfaErrors.notEnrolled],
    handler: (ctx, { body }) => authenticator.verifyAtLogin(ctx, body),
  }),
  ...[
    { id: 'Mfa', path: own, deprecated: true },
    { id: 'Authenticator', path: `${own}/authenticator`, deprecated: false },
  ].flatMap(({ id, path, deprecated }) => [
    operation({
      id: `start${id}V1`,
      method: 'POST',
      path: `${path as '/'}/enroll`,
      summary: "Get the QR code for an authenticator app of one's own",
      tag,
      deprecated,
      auth: 'both',
      recentLogin: true,
      user: 'required',
      returns: { 200: QrCode },
      errors: [mfaErrors.strategyOff],
      handler: (ctx) => authenticator.start(ctx, ctx.user),
    }),
    operation({
      id: `enrol${id}V1`,
      method: 'POST',
      path: `${path as '/'}/enroll/verify`,
      summary: 'Enrol the authenticator app whose code this is',
      tag,
      deprecated,
      auth: 'both',
      people: true,
      user: 'required',
      body: OwnAuthenticatorEnrolment,
      returns: { 200: RecoveryCode },
      errors: [
        mfaErrors.strategyOff,
        mfaErrors.noEnrolment,
        mfaErrors.wrongCode,
        mfaErrors.deviceTaken,
        errors.tooMany,
      ],
      handler: (ctx, { body }) => authenticator.enrol(ctx, ctx.user, body.token),
    }),
  ]),
  operation({
    id: 'disableAuthenticatorV1',
    method: 'POST',
    path: `${own}/authenticator/{deviceId}/disable/verify`,
    summary: 'Take an authenticator app away, for a code of it',
    tag,
    auth: 'both',
    people: true,
    user: 'required',
    params: device,
    body: OptionalCode,
    returns: { 200: Empty },
    errors: [mfaErrors.wrongCode, mfaErrors.noDevice, errors.tooMany],
    handler: (ctx, { params, body }) => authenticator.disable(ctx, ctx.user, params.deviceId, body.token),
  }),
  operation({
    id: 'disableMfaV1',
    method: 'POST',
    path: `${own}/disable`,
    summary: 'Take an authenticator app away for a code of it, or as the environment every factor',
    tag,
    deprecated: true,
    auth: 'both',
    people: true,
    user: 'required',
    body: OptionalCode,
    returns: { 200: Empty },
    errors: [mfaErrors.wrongCode, mfaErrors.notEnrolled, errors.tooMany],
    handler: (ctx, { body }) => authenticator.disableAny(ctx, ctx.user, body.token),
  }),
]
