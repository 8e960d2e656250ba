import { Type } from 'typebox'
import { codeErrors } from '../../../kernel/challenges.ts'
import { MINUTE } from '../../../kernel/clock.ts'
import { errors } from '../../../kernel/errors.ts'
import { perIp } from '../../../kernel/limits.ts'
import { Empty, operation } from '../../../kernel/operation.ts'
import { FilledToken, Id } from '../../../kernel/validation.ts'
import { loginErrors } from '../login/login.errors.ts'
import { LoginAnswer } from '../entry/entry.schemas.ts'
import { smsErrors } from '../../delivery/sms/sms.errors.ts'
import { PhoneNumber } from '../../people/users/users.schemas.ts'
import { mfaErrors } from './mfa.errors.ts'
import { LoginOtc, MayBeRecoveryCode, Otc, OtcToken, SentSms, WithMfaToken } from './mfa.schemas.ts'
import * as email from './mfa-email.service.ts'
import * as sms from './mfa-sms.service.ts'

const atLogin = '/identity/resources/auth/v1/user/mfa',
  own = '/identity/resources/users/v1/mfa'
const tag = 'MFA'
const device = Type.Object({ deviceId: Id })
const started = [mfaErrors.badToken, loginErrors.locked, errors.tooMany]
const finished = [...started, codeErrors.wrong, codeErrors.expired]

export const mfaCodesRoutes = [
  operation({
    id: 'startMfaByEmailV1',
    method: 'POST',
    path: `${atLogin}/emailcode`,
    summary: 'Have a code mailed to finish a login with',
    tag,
    auth: 'public',
    body: WithMfaToken,
    limits: [perIp(30, MINUTE)],
    returns: { 201: OtcToken },
    errors: [...started, mfaErrors.strategyOff],
    handler: (ctx, { body }) => email.ask(ctx, body.mfaToken),
  }),
  operation({
    id: 'verifyMfaByEmailV1',
    method: 'POST',
    path: `${atLogin}/emailcode/verify`,
    summary: 'Finish a login with a mailed code',
    tag,
    auth: 'public',
    cookies: true,
    body: LoginOtc,
    limits: [perIp(10, MINUTE)],
    returns: { 201: LoginAnswer },
    errors: finished,
    handler: (ctx, { body }) => email.verify(ctx, body),
  }),
  operation({
    id: 'startSmsAtLoginV1',
    method: 'POST',
    path: `${atLogin}/sms/enroll`,
    summary: 'Have a code sent to a phone, to enrol it while logging in',
    tag,
    auth: 'public',
    body: Type.Object({ mfaToken: FilledToken, phoneNumber: PhoneNumber }),
    limits: [perIp(30, MINUTE)],
    returns: { 201: SentSms },
    errors: [...started, mfaErrors.alreadyEnrolled, mfaErrors.strategyOff, smsErrors.notSent],
    handler: (ctx, { body }) => sms.startAtLogin(ctx, body),
  }),
  operation({
    id: 'enrolSmsAtLoginV1',
    method: 'POST',
    path: `${atLogin}/sms/enroll/verify`,
    summary: 'Enrol the phone that the code was sent to, and finish the login',
    tag,
    auth: 'public',
    cookies: true,
    body: LoginOtc,
    limits: [perIp(10, MINUTE)],
    returns: { 201: LoginAnswer },
    errors: [...finished, mfaErrors.alreadyEnrolled, mfaErrors.strategyOff, mfaErrors.deviceTaken],
    handler: (ctx, { body }) => sms.enrolAtLogin(ctx, body),
  }),
  operation({
    id: 'startMfaBySmsV1',
    method: 'POST',
    path: `${atLogin}/sms/{deviceId}`,
    summary: 'Have a code sent to an enrolled phone, to finish a login with',
    tag,
    auth: 'public',
    params: device,
    body: WithMfaToken,
    limits: [perIp(30, MINUTE)],
    returns: { 201: SentSms },
    errors: [...started, mfaErrors.noDevice, smsErrors.notSent],
    handler: (ctx, { params, body }) => sms.ask(ctx, params.deviceId, body.mfaToken),
  }),
  operation({
    id: 'verifyMfaBySmsV1',
    method: 'POST',
    path: `${atLogin}/sms/{deviceId}/verify`,
    summary: 'Finish a login with a code that was sent to a phone',
    tag,
    auth: 'public',
    cookies: true,
    params: device,
    body: LoginOtc,
    limits: [perIp(10, MINUTE)],
    returns: { 201: LoginAnswer },
    errors: [...finished, mfaErrors.noDevice],
    handler: (ctx, { params, body }) => sms.verify(ctx, params.deviceId, body),
  }),
  operation({
    id: 'startSmsV1',
    method: 'POST',
    path: `${own}/sms/enroll`,
    summary: "Have a code sent to a phone of one's own, to enrol it",
    tag,
    auth: 'both',
    recentLogin: true,
    user: 'required',
    body: Type.Object({ phoneNumber: PhoneNumber }),
    returns: { 200: SentSms },
    errors: [mfaErrors.strategyOff, mfaErrors.deviceTaken, errors.tooMany, smsErrors.notSent],
    handler: (ctx, { body }) => sms.start(ctx, ctx.user, body.phoneNumber),
  }),
  operation({
    id: 'enrolSmsV1',
    method: 'POST',
    path: `${own}/sms/enroll/verify`,
    summary: 'Enrol the phone that the code was sent to',
    tag,
    auth: 'both',
    people: true,
    user: 'required',
    body: Otc,
    returns: { 200: MayBeRecoveryCode },
    errors: [mfaErrors.strategyOff, mfaErrors.deviceTaken, errors.tooMany, codeErrors.wrong, codeErrors.expired],
    handler: (ctx, { body }) => sms.enrol(ctx, ctx.user, body),
  }),
  operation({
    id: 'startDisableSmsV1',
    method: 'POST',
    path: `${own}/sms/{deviceId}/disable`,
    summary: 'Have a code sent to an enrolled phone, to take it away',
    tag,
    auth: 'both',
    people: true,
    tenant: 'optional',
    user: 'required',
    params: device,
    body: Type.Object({}),
    returns: { 200: SentSms },
    errors: [mfaErrors.noDevice, errors.tooMany, smsErrors.notSent],
    handler: (ctx, { params }) => sms.startDisable(ctx, ctx.user, params.deviceId),
  }),
  operation({
    id: 'disableSmsV1',
    method: 'POST',
    path: `${own}/sms/{deviceId}/disable/verify`,
    summary: 'Take a phone away, for the code that was sent to it',
    tag,
    auth: 'both',
    people: true,
    user: 'required',
    params: device,
    body: Otc,
    returns: { 200: Empty },
    errors: [mfaErrors.noDevice, errors.tooMany, codeErrors.wrong, codeErrors.expired],
    handler: (ctx, { params, body }) => sms.disable(ctx, ctx.user, params.deviceId, body),
  }),
]
