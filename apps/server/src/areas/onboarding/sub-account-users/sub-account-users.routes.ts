import { Type } from 'typebox'
import { errors } from '../../../kernel/errors.ts'
import { Empty, operation } from '../../../kernel/operation.ts'
import { Id, Rows } from '../../../kernel/validation.ts'
import { membershipErrors } from '../../people/memberships/memberships.errors.ts'
import { needs } from '../../rights/permissions/permissions.keys.ts'
import { roleErrors } from '../../rights/roles/roles.errors.ts'
import * as roles from '../../rights/roles/roles.service.ts'
import { tenantErrors } from '../../accounts/tenants/tenants.errors.ts'
import { UserQuery } from '../../people/users/user-list.service.ts'
import { userErrors } from '../../people/users/users.errors.ts'
import * as users from '../../people/users/users.service.ts'
import {
  Counted,
  Departure,
  RolesInSubAccounts,
  SubAccountUsers,
  UserCount,
  UserOfSubAccounts,
  UsersOfSubAccount,
} from './sub-account-users.schemas.ts'
import * as subAccountUsers from './sub-account-users.service.ts'

const tag = 'User Management',
  v1 = '/identity/resources/sub-tenants/users/v1'
const UserId = Type.Object({ userId: Id })
const adding = {
  tag,
  method: 'POST',
  auth: 'both',
  permission: needs.usersBelow.write,
  tenant: 'optional',
  errors: [
    tenantErrors.notFound,
    membershipErrors.alreadyMember,
    roleErrors.unknownRoles,
    roleErrors.tooStrong,
    errors.tooMany,
  ],
} as const
const changing = {
  tag,
  auth: 'both',
  tenant: 'optional',
  path: `${v1}/{userId}/roles`,
  params: UserId,
  body: RolesInSubAccounts,
  errors: [tenantErrors.notFound, membershipErrors.notFound, roleErrors.unknownRoles, roleErrors.tooStrong],
} as const

export const subAccountUsersRoutes = [
  operation({
    id: 'listSubAccountUsersV1',
    method: 'GET',
    path: v1,
    summary: 'List the users of the account and of all below it',
    tag,
    auth: 'both',
    permission: needs.usersBelow.read,
    tenant: 'required',
    query: UserQuery,
    returns: { 200: SubAccountUsers },
    handler: (ctx, { query }) => subAccountUsers.list(ctx, ctx.caller, ctx.tenant, query),
  }),
  operation({
    ...adding,
    id: 'addUserToSubAccountsV1',
    path: v1,
    summary: 'Invite a user to several accounts of the hierarchy',
    body: UserOfSubAccounts,
    returns: { 201: Empty },
    handler: async (ctx, { body: { user, subTenants } }) => {
      await subAccountUsers.bringIn(
        ctx,
        ctx.caller,
        ctx.tenant,
        subTenants.map((place) => ({ ...user, ...place, applicationId: ctx.http.applicationId })),
      )
    },
  }),
  operation({
    ...adding,
    id: 'addUsersToSubAccountV2',
    path: '/identity/resources/sub-tenants/users/v2',
    summary: 'Invite several users to an account of the hierarchy',
    body: UsersOfSubAccount,
    returns: { 201: Empty },
    handler: (ctx, { body }) => subAccountUsers.bringManyIn(ctx, ctx.caller, ctx.tenant, body, ctx.http.applicationId),
  }),
  operation({
    id: 'removeUserFromSubAccountsV1',
    method: 'DELETE',
    path: v1,
    summary: 'Remove a user from several accounts of the hierarchy',
    tag,
    auth: 'both',
    permission: needs.usersBelow.delete,
    tenant: 'optional',
    body: Departure,
    returns: { 200: Empty },
    errors: [tenantErrors.notFound, membershipErrors.notFound, roleErrors.strongerUser],
    handler: (ctx, { body }) =>
      subAccountUsers.remove(
        ctx,
        ctx.caller,
        ctx.tenant,
        body.userId,
        body.subTenants.map((place) => place.tenantId),
      ),
  }),
  operation({
    ...changing,
    id: 'addRolesInSubAccountsV1',
    method: 'POST',
    summary: 'Give a user roles in accounts of the hierarchy',
    permission: needs.users.giveRoles,
    audit: 'frontegg.user.updated',
    returns: { 201: Empty },
    handler: (ctx, { params, body }) =>
      subAccountUsers.changeRoles(ctx, ctx.caller, ctx.tenant, params.userId, body.subTenantsRoles, 'add'),
  }),
  operation({
    ...changing,
    id: 'setRolesInSubAccountsV1',
    method: 'PATCH',
    summary: 'Replace the roles that a user has in accounts of the hierarchy',
    permission: needs.users.giveRoles,
    audit: 'frontegg.user.updated',
    returns: { 200: Empty },
    handler: (ctx, { params, body }) =>
      subAccountUsers.changeRoles(ctx, ctx.caller, ctx.tenant, params.userId, body.subTenantsRoles, 'set'),
  }),
  operation({
    ...changing,
    id: 'removeRolesInSubAccountsV1',
    method: 'DELETE',
    summary: 'Take roles from a user in accounts of the hierarchy',
    permission: needs.users.takeRoles,
    audit: 'frontegg.user.updated',
    returns: { 200: Empty },
    handler: (ctx, { params, body }) =>
      subAccountUsers.changeRoles(ctx, ctx.caller, ctx.tenant, params.userId, body.subTenantsRoles, 'remove'),
  }),
  operation({
    id: 'countUsersOfTenantsV1',
    method: 'POST',
    path: '/identity/resources/tenants/users/v1/count',
    summary: 'Count the users of accounts of the hierarchy',
    tag,
    auth: 'both',
    permission: needs.subAccounts.read,
    tenant: 'optional',
    body: Counted,
    returns: { 201: Type.Array(UserCount) },
    handler: (ctx, { body }) => subAccountUsers.counts(ctx, ctx.caller, ctx.tenant, body),
  }),
  operation({
    id: 'setSubAccountAccessV1',
    method: 'PUT',
    path: `${v1}/{userId}/access`,
    summary: 'Say whether a member may go into the accounts below',
    tag,
    auth: 'both',
    audit: 'user.subAccountAccessChanged',
    permission: needs.subAccounts.access,
    tenant: 'optional',
    params: UserId,
    body: Type.Object({ allowAccess: Type.Boolean() }),
    returns: { 200: Empty },
    errors: [userErrors.notFound, roleErrors.strongerUser],
    handler: async (ctx, { params, body }) => {
      await roles.mayManage(ctx, ctx.caller, ctx.tenant, params.userId)
      await users.mark(ctx, users.arrivedOf(ctx, ctx.caller, params.userId, ctx.tenant), {
        subAccountAccess: body.allowAccess,
      })
    },
  }),
  operation({
    id: 'listOwnHierarchyV2',
    method: 'GET',
    path: '/identity/resources/users/v2/me/hierarchy',
    summary: "List one's accounts, those below another of them left out",
    tag,
    auth: 'both',
    user: 'required',
    returns: { 200: Rows<subAccountUsers.Root>() },
    handler: (ctx) => subAccountUsers.rootsOf(ctx, ctx.user),
  }),
]
