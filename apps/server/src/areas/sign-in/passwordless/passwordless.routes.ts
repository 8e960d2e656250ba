import { codeErrors } from '../../../kernel/challenges.ts'
import { MINUTE } from '../../../kernel/clock.ts'
import { perIp, perRecipient } from '../../../kernel/limits.ts'
import { errors } from '../../../kernel/errors.ts'
import { Empty, operation } from '../../../kernel/operation.ts'
import { loginErrors } from '../login/login.errors.ts'
import { LoginAnswer } from '../entry/entry.schemas.ts'
import { sessionErrors } from '../../access/sessions/sessions.errors.ts'
import { smsErrors } from '../../delivery/sms/sms.errors.ts'
import { passwordlessErrors } from './passwordless.errors.ts'
import { MaskedPhone, Person, PersonOrPhone, Shown } from './passwordless.schemas.ts'
import { postlogin } from './postlogin.flow.ts'
import * as prelogin from './prelogin.service.ts'

const path = '/identity/resources/auth/v1/passwordless'
const tag = 'Passwordless'
/** In the order in which `prelogin` looks them up. */
const whose = ({ body }: { body: PersonOrPhone }) => body.email || body.userId || body.username || body.phoneNumber
const refusals = [
  loginErrors.strategyOff,
  loginErrors.locked,
  loginErrors.notVerified,
  loginErrors.noTenant,
  sessionErrors.ended,
]
const codeRefusals = [...refusals, codeErrors.wrong, codeErrors.expired, passwordlessErrors.otherDevice, errors.tooMany]

export const passwordlessRoutes = [
  operation({
    id: 'requestMagicLinkV1',
    method: 'POST',
    path: `${path}/magiclink/prelogin`,
    summary: 'Have a link mailed that logs in',
    tag,
    auth: 'public',
    cookies: true,
    body: Person,
    limits: [perIp(100, MINUTE), { of: whose, ...perRecipient }],
    returns: { 200: Empty },
    errors: [loginErrors.strategyOff],
    handler: (ctx, { body }) => prelogin.byMail(ctx, 'magiclink', body),
  }),
  operation({
    id: 'logInWithMagicLinkV1',
    method: 'POST',
    path: `${path}/magiclink/postlogin`,
    summary: 'Log in with the token of a link',
    tag,
    auth: 'public',
    cookies: true,
    body: Shown,
    limits: [perIp(100, MINUTE)],
    returns: { 201: LoginAnswer },
    errors: [
      ...refusals,
      passwordlessErrors.linkNotFound,
      passwordlessErrors.linkExpired,
      passwordlessErrors.otherDevice,
    ],
    handler: (ctx, { body }) => postlogin(ctx, 'magiclink', body),
  }),
  operation({
    id: 'requestLoginCodeV1',
    method: 'POST',
    path: `${path}/code/prelogin`,
    summary: 'Have a code mailed that logs in',
    tag,
    auth: 'public',
    cookies: true,
    body: Person,
    limits: [perIp(100, MINUTE), { of: whose, ...perRecipient }],
    returns: { 201: Empty },
    errors: [loginErrors.strategyOff],
    handler: (ctx, { body }) => prelogin.byMail(ctx, 'code', body),
  }),
  operation({
    id: 'logInWithCodeV1',
    method: 'POST',
    path: `${path}/code/postlogin`,
    summary: 'Log in with a code that came by mail',
    tag,
    auth: 'public',
    cookies: true,
    body: Shown,
    limits: [perIp(100, MINUTE)],
    returns: { 201: LoginAnswer },
    errors: codeRefusals,
    handler: (ctx, { body }) => postlogin(ctx, 'code', body),
  }),
  operation({
    id: 'requestLoginSmsV1',
    method: 'POST',
    path: `${path}/smscode/prelogin`,
    summary: "Have a code sent to one's phone that logs in",
    tag,
    auth: 'public',
    cookies: true,
    body: PersonOrPhone,
    limits: [perIp(30, MINUTE), { of: whose, ...perRecipient }],
    returns: { 201: MaskedPhone },
    errors: [loginErrors.strategyOff, passwordlessErrors.noPhone, smsErrors.notSent],
    handler: (ctx, { body }) => prelogin.bySms(ctx, body),
  }),
  operation({
    id: 'logInWithSmsV1',
    method: 'POST',
    path: `${path}/smscode/postlogin`,
    summary: "Log in with a code that came to one's phone",
    tag,
    auth: 'public',
    cookies: true,
    body: Shown,
    limits: [perIp(100, MINUTE)],
    returns: { 201: LoginAnswer },
    errors: codeRefusals,
    handler: (ctx, { body }) => postlogin(ctx, 'smscode', body),
  }),
]
