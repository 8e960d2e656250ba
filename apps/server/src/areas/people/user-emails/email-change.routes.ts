import { Type } from 'typebox'
import { codeErrors } from '../../../kernel/challenges.ts'
import { errors } from '../../../kernel/errors.ts'
import { Empty, operation } from '../../../kernel/operation.ts'
import { Id } from '../../../kernel/validation.ts'
import { userErrors } from '../users/users.errors.ts'
import { toUser, User } from '../users/users.schemas.ts'
import * as users from '../users/users.service.ts'
import * as emailChange from './email-change.service.ts'
import { userEmailErrors } from './user-emails.errors.ts'
import { EmailOnly, EmailWithCode } from './user-emails.schemas.ts'

export const emailChangeRoutes = [
  operation({
    id: 'changeOwnEmailV1',
    method: 'POST',
    path: '/identity/resources/users/v1/email/me',
    summary: "Get a code mailed to the address that is to replace one's own",
    tag: 'User Management',
    auth: 'both',
    recentLogin: true,
    user: 'required',
    body: EmailOnly,
    returns: { 200: Empty },
    errors: [userEmailErrors.changeOff, userEmailErrors.same, userErrors.emailTaken, errors.tooMany],
    handler: (ctx, { body }) => emailChange.ask(ctx, ctx.user, body.email),
  }),
  operation({
    id: 'verifyOwnEmailChangeV1',
    method: 'POST',
    path: '/identity/resources/users/v1/email/me/verify',
    summary: "Replace one's own e-mail address",
    tag: 'User Management',
    auth: 'both',
    people: true,
    user: 'required',
    body: EmailWithCode,
    returns: { 200: Empty },
    errors: [userEmailErrors.changeOff, codeErrors.wrong, codeErrors.expired, userErrors.emailTaken, errors.tooMany],
    handler: (ctx, { body }) => emailChange.confirm(ctx, ctx.user, body),
  }),
  operation({
    id: 'setUserEmailV1',
    method: 'PUT',
    path: '/identity/resources/users/v1/{userId}/email',
    summary: 'Set the e-mail address of a user',
    tag: 'Users',
    auth: 'vendor',
    tenant: 'optional',
    params: Type.Object({ userId: Id }),
    body: EmailOnly,
    returns: { 200: User },
    errors: [userErrors.notFound, userErrors.emailTaken, userEmailErrors.notForTenants, errors.tooMany],
    handler: async (ctx, { params, body }) => {
      if (ctx.tenant) throw userEmailErrors.notForTenants()
      await emailChange.set(ctx, params.userId, body.email)
      return toUser(await users.read(ctx, { id: params.userId }), ctx.caller)
    },
  }),
]
