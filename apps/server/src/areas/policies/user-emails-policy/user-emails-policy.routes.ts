import { Type } from 'typebox'
import { Empty, operation } from '../../../kernel/operation.ts'
import { UserEmailsPolicy } from './user-emails-policy.schemas.ts'
import * as userEmailsPolicy from './user-emails-policy.service.ts'

const path = '/identity/resources/configurations/v1/user-emails-policy'
const tag = 'User Emails Policy'

export const userEmailsPolicyRoutes = [
  operation({
    id: 'getUserEmailsPolicyV1',
    method: 'GET',
    path,
    summary: 'Read whether users may change their e-mail address',
    tag,
    // the portal reads it for its users
    auth: 'both',
    returns: { 200: UserEmailsPolicy },
    handler: (ctx) => userEmailsPolicy.current(ctx),
  }),
  operation({
    id: 'setUserEmailsPolicyV1',
    method: 'POST',
    path,
    summary: 'Set whether users may change their e-mail address',
    tag,
    auth: 'vendor',
    audit: 'userEmailsPolicy.updated',
    body: Type.Partial(UserEmailsPolicy),
    returns: { 200: Empty },
    handler: (ctx, { body }) => userEmailsPolicy.change(ctx, body),
  }),
]
