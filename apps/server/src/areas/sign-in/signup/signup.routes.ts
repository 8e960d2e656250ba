import { MINUTE } from '../../../kernel/clock.ts'
import { perIp, perRecipient } from '../../../kernel/limits.ts'
import { operation } from '../../../kernel/operation.ts'
import { applicationErrors } from '../../applications/applications/applications.errors.ts'
import { domainErrors } from '../../policies/domain-restrictions/domain-restrictions.errors.ts'
import { invitationErrors } from '../../onboarding/invitations/invitations.errors.ts'
import { loginErrors } from '../login/login.errors.ts'
import { userErrors } from '../../people/users/users.errors.ts'
import { signUpErrors } from './signup.errors.ts'
import { signUp } from './signup.flow.ts'
import { SignUp, SignUpAnswer, SignUpWithPhoneNumber, SignUpWithUsername } from './signup.schemas.ts'

const signingUp = {
  tag: 'General',
  auth: 'public',
  cookies: true,
  limits: [
    perIp(5, MINUTE),
    {
      of: ({ body }: { body: { email?: string; username?: string; phoneNumber?: string } }) =>
        body.email ?? body.username ?? body.phoneNumber,
      ...perRecipient,
    },
  ],
  returns: { 201: SignUpAnswer },
  errors: [
    signUpErrors.switchedOff,
    loginErrors.strategyOff,
    domainErrors.restricted,
    userErrors.emailTaken,
    userErrors.usernameTaken,
    userErrors.phoneNumberTaken,
    invitationErrors.inviteNotFound,
    invitationErrors.switchedOff,
    invitationErrors.tenantLocked,
    applicationErrors.notSpecified,
    applicationErrors.notFound,
    applicationErrors.tenantNotAssigned,
  ],
} as const

export const signUpRoutes = [
  operation({
    ...signingUp,
    id: 'signUpV1',
    method: 'POST',
    path: '/identity/resources/users/v1/signUp',
    summary: 'Sign up, with a new account or by an invitation link',
    body: SignUp,
    handler: (ctx, { body }) => signUp(ctx, 'email', body),
  }),
  operation({
    ...signingUp,
    id: 'signUpWithUsernameV1',
    method: 'POST',
    path: '/identity/resources/users/v1/signUp/username',
    summary: 'Sign up with a username',
    body: SignUpWithUsername,
    handler: (ctx, { body }) => signUp(ctx, 'username', body),
  }),
  operation({
    // no specification lists it; the login box calls it
    ...signingUp,
    id: 'signUpWithPhoneNumberV1',
    method: 'POST',
    path: '/identity/resources/users/v1/signUp/phoneNumber',
    summary: 'Sign up with a phone number',
    body: SignUpWithPhoneNumber,
    handler: (ctx, { body }) => signUp(ctx, 'phoneNumber', body),
  }),
]
