import { Type } from 'typebox'
import { MINUTE } from '../../../kernel/clock.ts'
import { perIp } from '../../../kernel/limits.ts'
import { Empty, operation } from '../../../kernel/operation.ts'
import { Id } from '../../../kernel/validation.ts'
import { loginErrors } from '../login/login.errors.ts'
import { LoginAnswer } from '../entry/entry.schemas.ts'
import { mfaErrors } from '../mfa/mfa.errors.ts'
import { Assertion, CreationOptions, NewCredential, RequestOptions } from '../mfa/mfa.schemas.ts'
import * as passkeyLogin from './passkey-login.flow.ts'
import { passkeyErrors } from './passkeys.errors.ts'
import { PasskeyDevice, PasskeyDevices, PasskeyPrelogin, toPasskeyDevice } from './passkeys.schemas.ts'
import * as passkeys from './passkeys.service.ts'

const login = '/identity/resources/auth/v1/webauthn',
  devices = '/identity/resources/users/webauthn/v1/devices'
const tag = 'Passkeys'

export const passkeysRoutes = [
  operation({
    id: 'startPasskeyLoginV1',
    method: 'POST',
    path: `${login}/prelogin`,
    summary: 'Begin a login with a passkey',
    tag,
    auth: 'public',
    body: PasskeyPrelogin,
    limits: [perIp(100, MINUTE)],
    // the iOS client accepts no other status
    returns: { 200: Type.Object({ options: RequestOptions }) },
    errors: [passkeyErrors.off],
    handler: (ctx, { body }) => passkeyLogin.start(ctx, body),
  }),
  operation({
    id: 'logInWithPasskeyV1',
    method: 'POST',
    path: `${login}/postlogin`,
    summary: 'Log in with what a passkey has signed',
    tag,
    auth: 'public',
    cookies: true,
    body: Assertion,
    limits: [perIp(100, MINUTE)],
    returns: { 201: LoginAnswer },
    errors: [
      passkeyErrors.off,
      mfaErrors.badWebauthnToken,
      mfaErrors.wrongDevice,
      loginErrors.locked,
      loginErrors.notVerified,
      loginErrors.noTenant,
    ],
    handler: (ctx, { body }) => passkeyLogin.finish(ctx, body),
  }),
  operation({
    id: 'listPasskeysV1',
    method: 'GET',
    path: devices,
    summary: "List one's passkeys",
    tag,
    auth: 'user',
    user: 'required',
    returns: { 200: PasskeyDevices },
    handler: async (ctx) => ({ devices: (await passkeys.list(ctx, ctx.user)).map(toPasskeyDevice) }),
  }),
  operation({
    id: 'startPasskeyV1',
    method: 'POST',
    path: devices,
    summary: 'Begin to make a passkey',
    tag,
    auth: 'user',
    recentLogin: true,
    user: 'required',
    returns: { 201: Type.Object({ options: CreationOptions }) },
    errors: [passkeyErrors.off],
    handler: (ctx) => passkeys.start(ctx, ctx.user),
  }),
  operation({
    id: 'createPasskeyV1',
    method: 'POST',
    path: `${devices}/verify`,
    summary: 'Register the passkey that was made',
    tag,
    auth: 'user',
    people: true,
    user: 'required',
    body: NewCredential,
    returns: { 201: PasskeyDevice },
    errors: [passkeyErrors.off, passkeyErrors.taken, mfaErrors.badWebauthnToken, mfaErrors.wrongDevice],
    handler: async (ctx, { body }) => toPasskeyDevice(await passkeys.register(ctx, ctx.user, body)),
  }),
  operation({
    id: 'deletePasskeyV1',
    method: 'DELETE',
    path: `${devices}/{deviceId}`,
    summary: "Delete one of one's passkeys",
    tag,
    auth: 'user',
    audit: 'user.passkeyRemoved',
    recentLogin: true,
    user: 'required',
    params: Type.Object({ deviceId: Id }),
    returns: { 200: Empty },
    errors: [passkeyErrors.notFound],
    handler: (ctx, { params }) => passkeys.remove(ctx, ctx.user, params.deviceId),
  }),
]
