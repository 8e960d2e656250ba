import { Type } from 'typebox'
import { Empty, operation } from '../../../kernel/operation.ts'
import { FilledKey, Id } from '../../../kernel/validation.ts'
import { roleErrors } from '../../rights/roles/roles.errors.ts'
import { tenantErrors } from '../../accounts/tenants/tenants.errors.ts'
import { NewUser } from '../user-creation/user-creation.schemas.ts'
import { userErrors } from '../../people/users/users.errors.ts'
import { moveMembers } from './moving.service.ts'
import { bulkErrors } from './user-bulk.errors.ts'
import { InviteStatus, RolesChange, RolesOutcome, RolesTask } from './user-bulk.schemas.ts'
import * as bulk from './user-bulk.service.ts'

const tag = 'Users'
const Invited = Type.Object({ ...NewUser.properties, verified: Type.Optional(Type.Boolean()) })

export const userBulkRoutes = [
  operation({
    id: 'inviteUsersInBulkV1',
    method: 'POST',
    path: '/identity/resources/users/bulk/v1/invite',
    summary: 'Invite many users to an account',
    tag,
    auth: 'vendor',
    audit: 'user.bulkInviteStarted',
    tenant: 'required',
    body: Type.Object({ users: Type.Array(Invited, { minItems: 1, maxItems: 1000 }) }),
    returns: { 202: Type.Object({ id: Id }) },
    handler: async (ctx, { body }) => ({ id: await bulk.invite(ctx, ctx.tenant, body.users) }),
  }),
  operation({
    id: 'getBulkInviteStatusV1',
    method: 'GET',
    path: '/identity/resources/users/bulk/v1/status/{id}',
    summary: 'Tell how far a bulk invitation has come',
    tag,
    auth: 'vendor',
    params: Type.Object({ id: Id }),
    returns: { 200: InviteStatus },
    errors: [bulkErrors.notFound],
    handler: (ctx, { params }) => bulk.inviteStatus(ctx, params.id),
  }),
  operation({
    id: 'changeUserRolesInBulkV1',
    method: 'PATCH',
    path: '/identity/resources/vendor-only/users/v1/{userId}/roles/bulk',
    summary: "Give and take a user's roles in many accounts",
    tag,
    auth: 'vendor',
    audit: 'user.bulkRolesStarted',
    params: Type.Object({ userId: Id }),
    body: RolesChange,
    returns: { 200: RolesOutcome },
    errors: [userErrors.notFound, roleErrors.unknownRoles],
    handler: (ctx, { params, body }) => bulk.changeUserRoles(ctx, params.userId, body),
  }),
  operation({
    id: 'getBulkRolesStatusV1',
    method: 'GET',
    path: '/identity/resources/vendor-only/users/v1/bulk-roles/status/{taskId}',
    summary: 'Tell how far a change of roles has come',
    tag,
    auth: 'vendor',
    params: Type.Object({ taskId: Id }),
    returns: { 200: RolesTask },
    errors: [bulkErrors.notFound],
    handler: (ctx, { params }) => bulk.rolesTask(ctx, params.taskId),
  }),
  operation({
    id: 'moveUsersToTenantV1',
    method: 'PUT',
    path: '/identity/resources/users/v1/tenants/migrate',
    summary: 'Move all users of an account to another',
    tag,
    auth: 'vendor',
    body: Type.Object({ srcTenantId: FilledKey, targetTenantId: FilledKey }),
    returns: { 200: Empty },
    errors: [tenantErrors.notFound, bulkErrors.sameTenant],
    handler: (ctx, { body }) => moveMembers(ctx, body.srcTenantId, body.targetTenantId),
  }),
]
