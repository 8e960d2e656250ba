import { Type } from 'typebox'
import { Empty, operation } from '../../../kernel/operation.ts'
import { Id, Key, Rows } from '../../../kernel/validation.ts'
import { needs } from '../../rights/permissions/permissions.keys.ts'
import { roleErrors } from '../../rights/roles/roles.errors.ts'
import { membershipErrors } from './memberships.errors.ts'
import { MemberRoles, RoleIds } from './memberships.schemas.ts'
import * as memberships from './memberships.service.ts'

const UserId = Type.Object({ userId: Id })
const tag = 'User Management'

export const membershipsRoutes = [
  operation({
    id: 'listRolesOfUsersV3',
    method: 'GET',
    path: '/identity/resources/users/v3/roles',
    summary: 'List the roles that users have',
    tag,
    auth: 'both',
    permission: needs.users.read,
    tenant: 'optional',
    query: Type.Object({ ids: Type.Array(Key, { maxItems: 250 }) }),
    returns: { 200: Rows<{ vendorId: string; tenantId: string; userId: string; roleIds: string[] }>() },
    handler: (ctx, { query }) => memberships.rolesOfUsers(ctx, ctx.caller, ctx.tenant, query.ids),
  }),
  operation({
    id: 'addUserRolesV1',
    method: 'POST',
    path: '/identity/resources/users/v1/{userId}/roles',
    summary: 'Give a member of an account roles',
    tag,
    auth: 'both',
    permission: needs.users.giveRoles,
    tenant: 'required',
    params: UserId,
    body: RoleIds,
    audit: 'frontegg.user.updated',
    returns: { 201: MemberRoles },
    errors: [membershipErrors.notFound, roleErrors.unknownRoles, roleErrors.tooStrong],
    handler: (ctx, { params, body }) =>
      memberships.grantRoles(ctx, ctx.caller, params.userId, ctx.tenant.id, body.roleIds),
  }),
  operation({
    id: 'removeUserRolesV1',
    method: 'DELETE',
    path: '/identity/resources/users/v1/{userId}/roles',
    summary: 'Take roles from a member of an account',
    tag,
    auth: 'both',
    permission: needs.users.takeRoles,
    tenant: 'required',
    params: UserId,
    body: RoleIds,
    audit: 'frontegg.user.updated',
    returns: { 200: MemberRoles },
    errors: [membershipErrors.notFound, roleErrors.unknownRoles, roleErrors.tooStrong],
    handler: (ctx, { params, body }) =>
      memberships.revokeRoles(ctx, ctx.caller, params.userId, ctx.tenant.id, body.roleIds),
  }),
  operation({
    id: 'disableUserInTenantV1',
    method: 'POST',
    path: '/identity/resources/tenants/users/v1/{userId}/disable',
    summary: 'Keep a user out of an account',
    tag,
    auth: 'both',
    audit: 'user.disabledInTenant',
    permission: needs.users.enableDisable,
    tenant: 'required',
    params: UserId,
    returns: { 201: Empty },
    errors: [membershipErrors.notFound, roleErrors.strongerUser],
    handler: (ctx, { params }) => memberships.setDisabled(ctx, ctx.caller, params.userId, ctx.tenant, true),
  }),
  operation({
    id: 'enableUserInTenantV1',
    method: 'POST',
    path: '/identity/resources/tenants/users/v1/{userId}/enable',
    summary: 'Let a user into an account again',
    tag,
    auth: 'both',
    audit: 'user.enabledInTenant',
    permission: needs.users.enableDisable,
    tenant: 'required',
    params: UserId,
    returns: { 201: Empty },
    errors: [membershipErrors.notFound, roleErrors.strongerUser],
    handler: (ctx, { params }) => memberships.setDisabled(ctx, ctx.caller, params.userId, ctx.tenant, false),
  }),
]
