import { Type } from 'typebox'
import { codeErrors } from '../../../kernel/challenges.ts'
import { errors } from '../../../kernel/errors.ts'
import { Empty, operation, reply } from '../../../kernel/operation.ts'
import { Page } from '../../../kernel/paging.ts'
import { Id } from '../../../kernel/validation.ts'
import { needs } from '../../rights/permissions/permissions.keys.ts'
import { userErrors } from '../users/users.errors.ts'
import { EmailOnly, EmailWithCode, NewUserEmail, UserEmail, UserEmailQuery } from './user-emails.schemas.ts'
import { userEmailErrors } from './user-emails.errors.ts'
import * as userEmails from './user-emails.service.ts'

const tag = 'User Management'
const codeFailures = [codeErrors.wrong, codeErrors.expired, errors.tooMany]
const added = ({ made, userEmail }: Awaited<ReturnType<typeof userEmails.add>>) => reply(made ? 201 : 200, userEmail)

export const userEmailsRoutes = [
  operation({
    id: 'listUserEmailsV1',
    method: 'GET',
    path: '/identity/resources/users/emails/v1',
    summary: 'List e-mail addresses of users',
    tag,
    auth: 'both',
    permission: needs.users.read,
    tenant: 'optional',
    query: UserEmailQuery,
    returns: { 200: Page(UserEmail) },
    handler: (ctx, { query }) => userEmails.list(ctx, ctx.caller, ctx.tenant, query),
  }),
  operation({
    id: 'listOwnEmailsV1',
    method: 'GET',
    path: '/identity/resources/users/emails/v1/me',
    summary: "List one's own e-mail addresses",
    tag,
    auth: 'both',
    user: 'required',
    returns: { 200: Type.Array(UserEmail) },
    handler: (ctx) => userEmails.own(ctx, ctx.user),
  }),
  operation({
    id: 'createUserEmailV1',
    method: 'POST',
    path: '/identity/resources/users/emails/v1',
    summary: 'Add an e-mail address, and get a code mailed to it',
    tag,
    auth: 'both',
    recentLogin: true,
    user: 'required',
    body: EmailOnly,
    // 200: it was there, and another code is sent
    returns: { 201: UserEmail, 200: UserEmail },
    errors: [userErrors.emailTaken, errors.tooMany],
    handler: async (ctx, { body }) => added(await userEmails.add(ctx, ctx.user.id, body.email, { verified: false })),
  }),
  operation({
    id: 'verifyUserEmailV1',
    method: 'POST',
    path: '/identity/resources/users/emails/v1/verify',
    summary: "Show that an e-mail address is one's own",
    tag,
    auth: 'both',
    people: true,
    user: 'required',
    body: EmailWithCode,
    returns: { 200: Empty },
    errors: [...codeFailures, userErrors.emailTaken],
    handler: (ctx, { body }) => userEmails.verify(ctx, ctx.user, body),
  }),
  operation({
    id: 'setOwnPrimaryEmailV1',
    method: 'POST',
    path: '/identity/resources/users/emails/v1/me/primary',
    summary: "Choose which of one's e-mail addresses is the primary one",
    tag,
    auth: 'both',
    recentLogin: true,
    user: 'required',
    body: EmailOnly,
    returns: { 200: Empty },
    errors: [userEmailErrors.notFound, userEmailErrors.notVerified, userEmailErrors.changeOff],
    handler: (ctx, { body }) => userEmails.choosePrimary(ctx, ctx.user, body.email),
  }),
  operation({
    id: 'deleteUserEmailV1',
    method: 'DELETE',
    path: '/identity/resources/users/emails/v1/{emailId}',
    summary: "Delete one of one's e-mail addresses",
    tag,
    auth: 'both',
    recentLogin: true,
    user: 'required',
    params: Type.Object({ emailId: Id }),
    returns: { 200: Empty },
    errors: [userEmailErrors.notFound, userEmailErrors.isPrimary],
    handler: (ctx, { params }) => userEmails.remove(ctx, ctx.user.id, params.emailId),
  }),
  operation({
    id: 'createVendorUserEmailV1',
    method: 'POST',
    path: '/identity/resources/users/emails/v1/vendor/{userId}',
    summary: 'Give a user an e-mail address',
    tag,
    auth: 'vendor',
    params: Type.Object({ userId: Id }),
    body: NewUserEmail,
    returns: { 201: UserEmail, 200: UserEmail },
    errors: [userErrors.notFound, userErrors.emailTaken, errors.tooMany],
    handler: async (ctx, { params, body }) =>
      added(await userEmails.add(ctx, params.userId, body.email, { verified: body.isVerified ?? false })),
  }),
  operation({
    id: 'deleteVendorUserEmailV1',
    method: 'DELETE',
    path: '/identity/resources/users/emails/v1/vendor/{userId}/{emailId}',
    summary: 'Take an e-mail address from a user',
    tag,
    auth: 'vendor',
    params: Type.Object({ userId: Id, emailId: Id }),
    returns: { 200: Empty },
    errors: [userErrors.notFound, userEmailErrors.notFound, userEmailErrors.isPrimary],
    handler: (ctx, { params }) => userEmails.remove(ctx, params.userId, params.emailId),
  }),
  operation({
    id: 'setVendorPrimaryEmailV1',
    method: 'POST',
    path: '/identity/resources/users/emails/v1/vendor/{userId}/primary',
    summary: "Choose which of a user's e-mail addresses is the primary one",
    tag,
    auth: 'vendor',
    params: Type.Object({ userId: Id }),
    body: EmailOnly,
    returns: { 200: Empty },
    errors: [userErrors.notFound, userEmailErrors.notFound, userEmailErrors.notVerified],
    handler: (ctx, { params, body }) => userEmails.setPrimary(ctx, params.userId, body.email),
  }),
]
