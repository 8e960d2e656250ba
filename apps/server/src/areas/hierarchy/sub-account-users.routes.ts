import { Type } from 'typebox'
import { Empty, operation } from '../../kernel/operation.ts'
import { Id, Rows } from '../../kernel/validation.ts'
import { needs } from '../permissions/permissions.keys.ts'
import { roleErrors } from '../roles/roles.errors.ts'
import * as roles from '../roles/roles.service.ts'
import { userErrors } from '../users/users.errors.ts'
import * as users from '../users/users.service.ts'
import * as subAccountUsers from './sub-account-users.service.ts'

const tag = 'User Management'

export const subAccountUsersRoutes = [
  operation({
    id: 'setSubAccountAccessV1', method: 'PUT', path: '/identity/resources/sub-tenants/users/v1/{userId}/access', summary: 'Say whether a member may go into the accounts below', tag,
    auth: 'both', permission: needs.subAccounts.access, tenant: 'optional',
    params: Type.Object({ userId: Id }), body: Type.Object({ allowAccess: Type.Boolean() }),
    returns: { 200: Empty },
    errors: [userErrors.notFound, roleErrors.strongerUser],
    handler: async (ctx, { params, body }) => {
      await roles.mayManage(ctx, ctx.caller, ctx.tenant, params.userId)
      await users.mark(ctx, users.of(ctx, params.userId, ctx.tenant), { subAccountAccess: body.allowAccess })
    },
  }),
  operation({
    id: 'listOwnHierarchyV2', method: 'GET', path: '/identity/resources/users/v2/me/hierarchy', summary: 'List one\'s accounts, those below another of them left out', tag,
    auth: 'both', user: 'required',
    returns: { 200: Rows<subAccountUsers.Root>() },
    handler: (ctx) => subAccountUsers.rootsOf(ctx, ctx.user),
  }),
]
