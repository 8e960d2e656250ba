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
  MayBeRecoveryCode,
  OwnWebauthnEnrolment,
  OwnWebauthnProof,
  StartedEnrolment,
  StartedProof,
  WebauthnEnrolment,
  WebauthnProof,
  WithMfaToken,
} from './mfa.schemas.ts'
import * as webauthn from './mfa-webauthn.service.ts'

const atLogin = '/identity/resources/auth/v1/user/mfa/webauthn',
  own = '/identity/resources/users/v1/mfa/webauthn'
const tag = 'MFA'
const device = Type.Object({ deviceId: Id })
const started = [mfaErrors.badToken, loginErrors.locked]
const finished = [...started, mfaErrors.badWebauthnToken, mfaErrors.wrongDevice, errors.tooMany]

export const mfaWebauthnRoutes = [
  operation({
    id: 'startWebauthnAtLoginV1',
    method: 'POST',
    path: `${atLogin}/enroll`,
    summary: 'Begin to enrol a security key or this device while logging in',
    tag,
    auth: 'public',
    body: WithMfaToken,
    limits: [perIp(30, MINUTE)],
    returns: { 201: StartedEnrolment },
    errors: [...started, mfaErrors.alreadyEnrolled, mfaErrors.strategyOff],
    handler: (ctx, { body }) => webauthn.startAtLogin(ctx, body.mfaToken),
  }),
  operation({
    id: 'enrolWebauthnAtLoginV1',
    method: 'POST',
    path: `${atLogin}/enroll/verify`,
    summary: 'Enrol a security key or this device, and finish the login',
    tag,
    auth: 'public',
    cookies: true,
    body: WebauthnEnrolment,
    limits: [perIp(10, MINUTE)],
    returns: { 201: LoginAnswer },
    errors: [...finished, mfaErrors.alreadyEnrolled, mfaErrors.strategyOff, mfaErrors.deviceTaken],
    handler: (ctx, { body }) => webauthn.enrolAtLogin(ctx, body),
  }),
  operation({
    id: 'startMfaByWebauthnV1',
    method: 'POST',
    path: `${atLogin}/{deviceId}`,
    summary: 'Ask an enrolled device to sign, to finish a login with',
    tag,
    auth: 'public',
    params: device,
    body: WithMfaToken,
    limits: [perIp(30, MINUTE)],
    returns: { 201: StartedProof },
    errors: [...started, mfaErrors.noDevice],
    handler: (ctx, { params, body }) => webauthn.ask(ctx, params.deviceId, body.mfaToken),
  }),
  operation({
    id: 'verifyMfaByWebauthnV1',
    method: 'POST',
    path: `${atLogin}/{deviceId}/verify`,
    summary: 'Finish a login with what a device has signed',
    tag,
    auth: 'public',
    cookies: true,
    params: device,
    body: WebauthnProof,
    limits: [perIp(10, MINUTE)],
    returns: { 201: LoginAnswer },
    errors: [...finished, mfaErrors.noDevice],
    handler: (ctx, { params, body }) => webauthn.verify(ctx, params.deviceId, body),
  }),
  operation({
    id: 'startWebauthnV1',
    method: 'POST',
    path: `${own}/enroll`,
    summary: "Begin to enrol a security key or device of one's own",
    tag,
    auth: 'both',
    recentLogin: true,
    user: 'required',
    returns: { 200: StartedEnrolment },
    errors: [mfaErrors.strategyOff],
    handler: (ctx) => webauthn.start(ctx, ctx.user),
  }),
  operation({
    id: 'enrolWebauthnV1',
    method: 'POST',
    path: `${own}/enroll/verify`,
    summary: "Enrol a security key or device of one's own",
    tag,
    auth: 'both',
    people: true,
    user: 'required',
    body: OwnWebauthnEnrolment,
    returns: { 200: MayBeRecoveryCode },
    errors: [mfaErrors.strategyOff, mfaErrors.badWebauthnToken, mfaErrors.wrongDevice, mfaErrors.deviceTaken],
    handler: (ctx, { body }) => webauthn.enrol(ctx, ctx.user, body),
  }),
  operation({
    id: 'startDisableWebauthnV1',
    method: 'POST',
    path: `${own}/{deviceId}/disable`,
    summary: 'Ask an enrolled device to sign, to take it away',
    tag,
    auth: 'both',
    people: true,
    user: 'required',
    params: device,
    returns: { 200: StartedProof },
    errors: [mfaErrors.noDevice],
    handler: (ctx, { params }) => webauthn.startDisable(ctx, ctx.user, params.deviceId),
  }),
  operation({
    id: 'disableWebauthnV1',
    method: 'POST',
    path: `${own}/{deviceId}/disable/verify`,
    summary: 'Take a device away that has signed',
    tag,
    auth: 'both',
    people: true,
    user: 'required',
    params: device,
    body: OwnWebauthnProof,
    returns: { 200: Empty },
    errors: [mfaErrors.noDevice, mfaErrors.badWebauthnToken, mfaErrors.wrongDevice],
    handler: (ctx, { params, body }) => webauthn.disable(ctx, ctx.user, params.deviceId, body),
  }),
]
