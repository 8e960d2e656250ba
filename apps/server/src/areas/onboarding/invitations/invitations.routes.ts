import { Type } from 'typebox'
import { MINUTE } from '../../../kernel/clock.ts'
import { errors } from '../../../kernel/errors.ts'
import { perIp, perRecipient } from '../../../kernel/limits.ts'
import { Empty, operation } from '../../../kernel/operation.ts'
import { activationErrors } from '../../sign-in/activation/activation.errors.ts'
import { LinkToken, MailedCode } from '../../access/codes/codes.schemas.ts'
import { loginErrors } from '../../sign-in/login/login.errors.ts'
import { membershipErrors } from '../../people/memberships/memberships.errors.ts'
import { needs } from '../../rights/permissions/permissions.keys.ts'
import { Email } from '../../people/users/users.schemas.ts'
import { invitationErrors } from './invitations.errors.ts'
import * as invitations from './invitations.service.ts'

const path = '/identity/resources/users/v1/invitation'
const tag = 'User Management'
const ToUser = Type.Object({ email: Email })
const refusals = [
  activationErrors.invalidToken,
  invitationErrors.tenantLocked,
  membershipErrors.disabled,
  loginErrors.locked,
]

export const invitationsRoutes = [
  operation({
    id: 'acceptInvitationV1',
    method: 'POST',
    path: `${path}/accept`,
    summary: 'Accept an invitation to an account with the token of a link',
    tag,
    auth: 'public',
    body: LinkToken,
    limits: [perIp(100, MINUTE)],
    returns: { 201: Empty },
    errors: refusals,
    handler: (ctx, { body }) => invitations.accept(ctx, body),
  }),
  operation({
    id: 'acceptInvitationWithCodeV1',
    method: 'POST',
    path: `${path}/accept/code`,
    summary: 'Accept an invitation to an account with a code',
    tag,
    auth: 'public',
    body: MailedCode,
    limits: [perIp(30, MINUTE)],
    returns: { 200: Empty },
    errors: [...refusals, activationErrors.wrongCode, activationErrors.codeExpired],
    handler: (ctx, { body }) => invitations.acceptWithCode(ctx, body),
  }),
  operation({
    id: 'resendInvitationV1',
    method: 'POST',
    path: `${path}/reset`,
    summary: 'Have an invitation mailed once more',
    tag,
    // the page of an expired link calls it, and its visitor is not logged in
    auth: 'public',
    tenant: 'optional',
    user: 'optional',
    body: ToUser,
    limits: [perIp(30, MINUTE), { of: ({ body }) => body.email, ...perRecipient }],
    returns: { 200: Empty },
    handler: (ctx, { body }) =>
      invitations.resend(ctx, body.email, ctx.tenant?.id ?? ctx.http.tenantHeader, ctx.user?.id),
  }),
  operation({
    id: 'resendAllInvitationsV1',
    method: 'POST',
    path: `${path}/reset/all`,
    summary: 'Have the invitations to an account and those below it mailed to a user once more',
    tag,
    auth: 'both',
    permission: needs.users.remind,
    tenant: 'required',
    body: ToUser,
    returns: { 200: Empty },
    errors: [errors.tooMany],
    handler: (ctx, { body }) => invitations.resendBelow(ctx, ctx.caller, ctx.tenant, body.email),
  }),
]
