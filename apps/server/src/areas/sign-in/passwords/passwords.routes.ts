import { Type } from 'typebox'
import { codeErrors } from '../../../kernel/challenges.ts'
import { MINUTE } from '../../../kernel/clock.ts'
import { perIp, perRecipient } from '../../../kernel/limits.ts'
import { Empty, operation } from '../../../kernel/operation.ts'
import { Id, Key } from '../../../kernel/validation.ts'
import { loginErrors } from '../login/login.errors.ts'
import { PasswordPolicy, toPasswordPolicy } from '../../policies/password-settings/password-settings.schemas.ts'
import { passwordErrors } from '../../policies/password-settings/password-settings.errors.ts'
import { needs } from '../../rights/permissions/permissions.keys.ts'
import { smsErrors } from '../../delivery/sms/sms.errors.ts'
import { userErrors } from '../../people/users/users.errors.ts'
import { resetAll } from './breached.service.ts'
import { forgotten } from './forgotten.service.ts'
import { passwordsErrors } from './passwords.errors.ts'
import {
  ForgottenPassword,
  Identified,
  NewPassword,
  PasswordChange,
  PasswordTrial,
  ResetCode,
  ResetLink,
  ResetSession,
  ResetToken,
  Verdict,
} from './passwords.schemas.ts'
import * as passwords from './passwords.service.ts'
import * as reset from './reset.service.ts'

const path = '/identity/resources/users'
const tag = 'Password Settings',
  management = 'Users'

export const passwordsRoutes = [
  operation({
    id: 'getStrictestPasswordPolicyV1',
    method: 'GET',
    path: `${path}/v1/passwords/config`,
    summary: 'Read what the passwords of a user must be like',
    tag,
    // reset pages read it before a login; an unknown user is answered like a known one
    auth: 'public',
    user: 'optional',
    query: Type.Object({ userId: Type.Optional(Key) }),
    returns: { 200: PasswordPolicy },
    handler: async (ctx, { query: { userId = ctx.user?.id } }) =>
      toPasswordPolicy(await passwords.rulesFor(ctx, userId)),
  }),
  operation({
    id: 'requestPasswordResetV1',
    method: 'POST',
    path: `${path}/v1/passwords/reset`,
    summary: 'Have a link mailed that sets a new password',
    tag,
    auth: 'public',
    body: ForgottenPassword,
    limits: [perIp(10, MINUTE), { of: ({ body }) => body.identifier ?? body.email, ...perRecipient }],
    returns: { 201: Empty },
    errors: [loginErrors.strategyOff],
    handler: async (ctx, { body }) => {
      await forgotten(ctx, reset.identifiedBy(body))
    },
  }),
  operation({
    id: 'validatePasswordResetV1',
    method: 'POST',
    path: `${path}/v1/passwords/reset/validate`,
    summary: 'Ask whether a link that sets a new password still works',
    tag,
    auth: 'public',
    body: ResetToken,
    limits: [perIp(30, MINUTE)],
    returns: { 200: Empty },
    errors: [passwordsErrors.invalidToken, passwordsErrors.tokenOver],
    handler: (ctx, { body }) => reset.validate(ctx, body),
  }),
  operation({
    id: 'finishPasswordResetV1',
    method: 'POST',
    path: `${path}/v1/passwords/reset/verify`,
    summary: 'Set a new password with the token of a link',
    tag,
    auth: 'public',
    body: NewPassword,
    limits: [perIp(10, MINUTE)],
    returns: { 201: Empty },
    errors: [passwordsErrors.invalidToken, passwordErrors.breached, passwordErrors.usedBefore],
    handler: (ctx, { body }) => reset.finish(ctx, body),
  }),
  operation({
    id: 'changePasswordV1',
    method: 'POST',
    path: `${path}/v1/passwords/change`,
    summary: "Change one's own password",
    tag,
    auth: 'both',
    people: true,
    user: 'required',
    body: PasswordChange,
    returns: { 201: Empty },
    errors: [
      passwordsErrors.wrongCurrent,
      passwordErrors.breached,
      passwordErrors.usedBefore,
      loginErrors.locked,
      userErrors.notFound,
    ],
    handler: (ctx, { body }) => passwords.change(ctx, ctx.caller, ctx.user, body),
  }),
  operation({
    id: 'requestPasswordResetByEmailV2',
    method: 'POST',
    path: `${path}/v2/passwords/reset/email`,
    summary: 'Have a link mailed that sets a new password, by any identifier',
    tag,
    auth: 'public',
    body: Identified,
    limits: [perIp(10, MINUTE), { of: ({ body }) => body.identifier, ...perRecipient }],
    returns: { 200: ResetSession },
    errors: [loginErrors.strategyOff],
    handler: (ctx, { body }) => forgotten(ctx, body),
  }),
  operation({
    id: 'requestPasswordResetBySmsV2',
    method: 'POST',
    path: `${path}/v2/passwords/reset/sms`,
    summary: "Have a code sent to one's phone that leads to a new password",
    tag,
    auth: 'public',
    body: Identified,
    limits: [perIp(10, MINUTE), { of: ({ body }) => body.identifier, ...perRecipient }],
    returns: { 200: ResetSession },
    errors: [loginErrors.strategyOff, smsErrors.notSent],
    handler: (ctx, { body }) => reset.sendCode(ctx, body),
  }),
  operation({
    id: 'exchangePasswordResetCodeV2',
    method: 'POST',
    path: `${path}/v2/passwords/reset/sms/verify`,
    summary: 'Exchange the code for a token that sets a new password',
    tag,
    auth: 'public',
    body: ResetCode,
    limits: [perIp(10, MINUTE)],
    returns: { 200: ResetToken },
    errors: [codeErrors.wrong, codeErrors.expired, passwordsErrors.invalidToken, loginErrors.locked],
    handler: (ctx, { body }) => reset.exchangeCode(ctx, body),
  }),
  operation({
    id: 'resetBreachedPasswordsV1',
    method: 'POST',
    path: `${path}/v1/passwords/breached/reset/bulk`,
    summary: 'Mail a link to everybody whose password is known to others',
    tag,
    auth: 'both',
    audit: 'user.breachedPasswordsReset',
    permission: needs.users.invite,
    tenant: 'optional',
    returns: { 201: Empty },
    handler: (ctx) => resetAll(ctx, ctx.tenant),
  }),
  operation({
    id: 'createPasswordResetLinkV1',
    method: 'POST',
    path: `${path}/v1/{userId}/links/generate-password-reset-token`,
    summary: 'Make a link that sets a new password, without a mail',
    tag: management,
    auth: 'vendor',
    audit: 'user.passwordResetLinkCreated',
    params: Type.Object({ userId: Id }),
    returns: { 201: ResetLink },
    errors: [userErrors.notFound],
    handler: (ctx, { params }) => reset.linkFor(ctx, params.userId),
  }),
  operation({
    id: 'verifyPasswordV1',
    method: 'POST',
    path: '/identity/resources/vendor-only/users/v1/passwords/verify',
    summary: "Ask whether a password is a user's",
    tag: management,
    auth: 'vendor',
    body: PasswordTrial,
    returns: { 200: Verdict },
    handler: (ctx, { body }) => passwords.matches(ctx, body),
  }),
]
