import { Type } from 'typebox'
import { MINUTE } from '../../../kernel/clock.ts'
import { perIp, perRecipient } from '../../../kernel/limits.ts'
import { Empty, operation } from '../../../kernel/operation.ts'
import { FilledToken, Id } from '../../../kernel/validation.ts'
import { loginErrors } from '../login/login.errors.ts'
import { LoginAnswer } from '../entry/entry.schemas.ts'
import { sessionErrors } from '../../access/sessions/sessions.errors.ts'
import * as activationMails from '../../people/activation-mails/activation-mails.service.ts'
import { userErrors } from '../../people/users/users.errors.ts'
import { activationErrors } from './activation.errors.ts'
import { activate, activateWithCode, strategyFor } from './activation.flow.ts'
import {
  Activation,
  ActivationLink,
  ActivationStrategy,
  CodeActivation,
  Renewal,
  StatusesOfUser,
  StatusQuery,
} from './activation.schemas.ts'
import { LinkToken } from '../../access/codes/codes.schemas.ts'
import * as activation from './activation.service.ts'
import { unlock } from '../../access/guesses/unlock.service.ts'

const tag = 'User Management',
  management = 'Users'
const refusals = [
  activationErrors.invalidToken,
  loginErrors.strategyOff,
  loginErrors.locked,
  loginErrors.noTenant,
  sessionErrors.ended,
]

export const activationRoutes = [
  operation({
    id: 'activateUserV1',
    method: 'POST',
    path: '/identity/resources/users/v1/activate',
    summary: 'Verify the own address with the token of a link, and log in',
    tag,
    auth: 'public',
    cookies: true,
    body: Activation,
    limits: [perIp(100, MINUTE)],
    returns: { 200: LoginAnswer },
    errors: refusals,
    handler: (ctx, { body }) => activate(ctx, body),
  }),
  operation({
    id: 'activateUserWithCodeV1',
    method: 'POST',
    path: '/identity/resources/users/v1/activate/code',
    summary: 'Verify the own address with a code, and log in',
    tag,
    auth: 'public',
    cookies: true,
    body: CodeActivation,
    limits: [perIp(30, MINUTE)],
    returns: { 200: LoginAnswer },
    errors: [...refusals, activationErrors.wrongCode, activationErrors.codeExpired],
    handler: (ctx, { body }) => activateWithCode(ctx, body),
  }),
  operation({
    id: 'getActivationStrategyOfUserV1',
    method: 'GET',
    path: '/identity/resources/users/v1/activate/strategy',
    summary: 'Read whether a user has to choose a password to become active',
    tag,
    auth: 'public',
    query: LinkToken,
    limits: [perIp(100, MINUTE)],
    returns: { 200: ActivationStrategy },
    errors: [activationErrors.invalidToken],
    handler: (ctx, { query }) => strategyFor(ctx, query),
  }),
  operation({
    id: 'resendActivationV1',
    method: 'POST',
    path: '/identity/resources/users/v1/activate/reset',
    summary: 'Have the activation mail sent once more',
    tag,
    auth: 'public',
    body: Renewal,
    limits: [perIp(30, MINUTE), { of: ({ body }) => body.email, ...perRecipient }],
    returns: { 201: Empty },
    handler: (ctx, { body }) => activation.resend(ctx, body),
  }),
  operation({
    id: 'unlockMeV3',
    method: 'POST',
    path: '/identity/resources/users/v3/me/unlock',
    summary: 'Unlock oneself with the token of a link',
    tag,
    auth: 'public',
    body: Type.Object({ token: FilledToken }),
    limits: [perIp(30, MINUTE)],
    returns: { 200: Empty },
    errors: [activationErrors.invalidToken],
    handler: (ctx, { body }) => unlock(ctx, body.token),
  }),
  operation({
    id: 'createActivationLinkV1',
    method: 'POST',
    path: '/identity/resources/users/v1/{userId}/links/generate-activation-token',
    summary: 'Make an activation link without a mail',
    tag: management,
    auth: 'vendor',
    audit: 'user.activationLinkCreated',
    params: Type.Object({ userId: Id }),
    returns: { 201: ActivationLink },
    errors: [userErrors.notFound],
    handler: (ctx, { params }) => activationMails.linkFor(ctx, params.userId),
  }),
  operation({
    id: 'listUserStatusesV1',
    method: 'GET',
    path: '/identity/resources/tenants/users/v1/statuses',
    summary: 'List how far users have got in their accounts',
    tag: management,
    auth: 'vendor',
    query: StatusQuery,
    returns: { 200: Type.Array(StatusesOfUser) },
    handler: (ctx, { query }) => activation.statuses(ctx, query),
  }),
]
