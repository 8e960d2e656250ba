import { MINUTE } from '../../../kernel/clock.ts'
import { perIp } from '../../../kernel/limits.ts'
import { operation, Redirect } from '../../../kernel/operation.ts'
import { sessionErrors } from '../../access/sessions/sessions.errors.ts'
import { applicationErrors } from '../../applications/applications/applications.errors.ts'
import { invitationErrors } from '../../onboarding/invitations/invitations.errors.ts'
import { userErrors } from '../../people/users/users.errors.ts'
import { domainErrors } from '../../policies/domain-restrictions/domain-restrictions.errors.ts'
import { socialProviderErrors } from '../../policies/social-providers/social-providers.errors.ts'
import { loginErrors } from '../login/login.errors.ts'
import { signUpErrors } from '../signup/signup.errors.ts'
import * as roundTrip from './round-trip.service.ts'
import { socialErrors } from './social.errors.ts'
import { logInBy } from './social.flow.ts'
import { Beginning, NamedProvider, Newcomer, Return, Shown, SocialAnswer } from './social.schemas.ts'

const auth = '/identity/resources/auth'

// no specification lists these operations: login boxes call them, and providers send browsers here
const common = { tag: 'Social login', auth: 'public', params: NamedProvider, limits: [perIp(100, MINUTE)] } as const
const beginning = {
  ...common,
  method: 'GET',
  cookies: true,
  navigated: true,
  query: Beginning,
  returns: { 302: Redirect },
  errors: [socialProviderErrors.notFound, socialErrors.unreachable],
} as const

export const socialRoutes = [
  operation({
    ...beginning,
    id: 'startSocialLoginV1',
    path: `${auth}/v1/user/sso/default/{provider}/prelogin`,
    summary: 'Go to a built-in provider to log in, for older clients',
    handler: async (ctx, { params, query }) => ({ location: await roundTrip.begin(ctx, params.provider, query) }),
  }),
  operation({
    ...beginning,
    id: 'startSocialLoginV2',
    path: `${auth}/v2/user/sso/default/{provider}/prelogin`,
    summary: 'Go to a built-in provider to log in',
    handler: async (ctx, { params, query }) => ({ location: await roundTrip.begin(ctx, params.provider, query) }),
  }),
  operation({
    ...beginning,
    id: 'startCustomLoginV2',
    path: `${auth}/v2/user/sso/custom/{provider}/prelogin`,
    summary: 'Go to a custom provider to log in',
    handler: async (ctx, { params, query }) => ({ location: await roundTrip.begin(ctx, params.provider, query) }),
  }),
  operation({
    ...common,
    id: 'passSocialLoginV2',
    method: 'GET',
    path: `${auth}/v2/user/sso/{provider}/callback`,
    summary: 'Come back from a provider, and go on to the page that asks for the session',
    cookies: true,
    navigated: true,
    query: Return,
    returns: { 302: Redirect },
    errors: [socialProviderErrors.notFound, socialErrors.wrong],
    handler: async (ctx, { params, query }) => ({ location: await roundTrip.pass(ctx, params.provider, query) }),
  }),
  operation({
    ...common,
    id: 'postSocialLoginV2',
    method: 'POST',
    path: `${auth}/v2/user/sso/{provider}/callback`,
    summary: 'Come back from a provider by a form, as Apple sends one',
    body: Return,
    returns: { 303: Redirect },
    handler: (ctx, { params, body }) => ({ location: roundTrip.again(ctx, params.provider, body) }),
  }),
  operation({
    ...common,
    id: 'logInBySocialV1',
    method: 'POST',
    path: `${auth}/v1/user/sso/{provider}/postlogin`,
    summary: 'Log in, or sign up, once a provider has said who it is',
    cookies: true,
    query: Shown,
    body: Newcomer,
    // mobile clients expect this one
    returns: { 200: SocialAnswer },
    errors: [
      socialProviderErrors.notFound,
      socialErrors.wrong,
      socialErrors.noVerifiedEmail,
      socialErrors.unreachable,
      signUpErrors.switchedOff,
      domainErrors.restricted,
      userErrors.emailTaken,
      invitationErrors.inviteNotFound,
      invitationErrors.switchedOff,
      invitationErrors.tenantLocked,
      applicationErrors.notSpecified,
      applicationErrors.notFound,
      applicationErrors.tenantNotAssigned,
      loginErrors.locked,
      loginErrors.notVerified,
      loginErrors.noTenant,
      sessionErrors.ended,
    ],
    handler: (ctx, { params, query, body }) => logInBy(ctx, params.provider, query, body),
  }),
]
