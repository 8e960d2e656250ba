import { Type } from 'typebox'
import { Empty, operation } from '../../../kernel/operation.ts'
import { Id, Key, Keys, Nullable } from '../../../kernel/validation.ts'
import { permissionErrors } from '../permissions/permissions.errors.ts'
import { needs } from '../permissions/permissions.keys.ts'
import { tenantErrors } from '../../accounts/tenants/tenants.errors.ts'
import { roleErrors } from './roles.errors.ts'
import { NewRole, Role, RoleChange, toRole } from './roles.schemas.ts'
import * as roles from './roles.service.ts'

const RoleId = Type.Object({ roleId: Id })
const tag = 'Roles'

export const rolesRoutes = [
  operation({
    id: 'listRolesV1',
    method: 'GET',
    path: '/identity/resources/roles/v1',
    summary: 'List roles',
    tag,
    auth: 'both',
    permission: needs.roles.read,
    tenant: 'optional',
    returns: { 200: Type.Array(Role) },
    handler: async (ctx) => (await roles.list(ctx, ctx.tenant)).map(toRole),
  }),
  operation({
    id: 'createRolesV1',
    method: 'POST',
    path: '/identity/resources/roles/v1',
    summary: 'Create roles',
    tag,
    auth: 'both',
    audit: 'role.created',
    permission: needs.roles.write,
    tenant: 'optional',
    body: Type.Array(NewRole, { minItems: 1, maxItems: 1000 }),
    returns: { 201: Type.Array(Role) },
    errors: [roleErrors.keyTaken, roleErrors.tooStrong],
    handler: async (ctx, { body }) => (await roles.create(ctx, ctx.caller, ctx.tenant, body)).map(toRole),
  }),
  operation({
    id: 'updateRoleV1',
    method: 'PATCH',
    path: '/identity/resources/roles/v1/{roleId}',
    summary: 'Update a role',
    tag,
    auth: 'both',
    audit: 'role.updated',
    permission: needs.roles.update,
    tenant: 'optional',
    params: RoleId,
    body: RoleChange,
    returns: { 200: Role },
    errors: [roleErrors.notFound, roleErrors.keyTaken, roleErrors.ofEnvironment, roleErrors.tooStrong],
    handler: async (ctx, { params, body }) =>
      toRole(await roles.update(ctx, ctx.caller, ctx.tenant, params.roleId, body)),
  }),
  operation({
    id: 'deleteRoleV1',
    method: 'DELETE',
    path: '/identity/resources/roles/v1/{roleId}',
    summary: 'Delete a role',
    tag,
    auth: 'both',
    audit: 'role.deleted',
    permission: needs.roles.delete,
    tenant: 'optional',
    params: RoleId,
    returns: { 204: Empty },
    errors: [roleErrors.notFound, roleErrors.ofEnvironment, roleErrors.tooStrong],
    handler: (ctx, { params }) => roles.remove(ctx, ctx.caller, ctx.tenant, params.roleId),
  }),
  operation({
    id: 'setRolePermissionsV1',
    method: 'PUT',
    path: '/identity/resources/roles/v1/{roleId}/permissions',
    summary: 'Replace the permissions of a role',
    tag,
    auth: 'both',
    audit: 'role.permissionsChanged',
    permission: needs.roles.write,
    tenant: 'optional',
    params: RoleId,
    body: Type.Object({ permissionIds: Keys }),
    returns: { 200: Role },
    errors: [
      roleErrors.notFound,
      permissionErrors.notFound,
      roleErrors.ofEnvironment,
      roleErrors.tooStrong,
      roleErrors.notAssignable,
    ],
    handler: async (ctx, { params, body }) =>
      toRole(await roles.setPermissions(ctx, ctx.caller, ctx.tenant, params.roleId, body.permissionIds)),
  }),
  operation({
    id: 'setRoleTenantV1',
    method: 'PUT',
    path: '/identity/resources/roles/v1/{roleId}/tenant',
    summary: 'Give a role to an account, or to the whole environment',
    tag,
    auth: 'vendor',
    audit: 'role.tenantChanged',
    params: RoleId,
    body: Type.Object({ tenantId: Nullable(Key) }),
    returns: { 200: Role },
    errors: [roleErrors.notFound, roleErrors.keyTaken, tenantErrors.notFound],
    handler: async (ctx, { params, body }) => toRole(await roles.setTenant(ctx, params.roleId, body.tenantId)),
  }),
]
