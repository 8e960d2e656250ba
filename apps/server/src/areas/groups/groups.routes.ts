import { Type, type Static } from 'typebox'
import { Empty, operation } from '../../kernel/operation.ts'
import { page } from '../../kernel/paging.ts'
import { Id, Rows } from '../../kernel/validation.ts'
import { RoleIds } from '../memberships/memberships.schemas.ts'
import { needs } from '../permissions/permissions.keys.ts'
import { roleErrors } from '../roles/roles.errors.ts'
import { userErrors } from '../users/users.errors.ts'
import * as configuration from './configuration.service.ts'
import { groupErrors } from './groups.errors.ts'
import {
  ConfigurationChange, Group, GroupChange, GroupIds, GroupPage, GroupPageQuery, GroupQuery, Groups, type GroupsOfUser, NewGroup, toGroup, toGroups, UserIds, UsersQuery,
} from './groups.schemas.ts'
import * as groups from './groups.service.ts'

const v1 = '/identity/resources/groups/v1'
const GroupId = Type.Object({ groupId: Id })
const tag = 'User Groups'

export const groupsRoutes = [
  operation({
    id: 'listGroupsV1', method: 'GET', path: v1, summary: 'List the groups of an account', tag,
    auth: 'both', permission: needs.groups.read, tenant: 'required',
    query: GroupQuery,
    returns: { 200: Groups },
    errors: [groupErrors.disabled],
    handler: async (ctx, { query }) => toGroups(await groups.list(ctx, ctx.caller, ctx.tenant, query._groupsRelations)),
  }),
  operation({
    id: 'listGroupsV2', method: 'GET', path: '/identity/resources/groups/v2', summary: 'List the groups of an account, page by page', tag,
    auth: 'both', permission: needs.groups.read, tenant: 'required',
    query: GroupPageQuery,
    returns: { 200: GroupPage },
    errors: [groupErrors.disabled],
    handler: async (ctx, { query }) => {
      const { rows, total } = await groups.page(ctx, ctx.caller, ctx.tenant, query)
      return page(rows.map(toGroup), total, query)
    },
  }),
  operation({
    id: 'createGroupV1', method: 'POST', path: v1, summary: 'Create a group', tag,
    auth: 'both', permission: needs.groups.write, tenant: 'required',
    body: NewGroup,
    returns: { 201: Group },
    errors: [groupErrors.disabled, groupErrors.nameTaken, userErrors.notAnObject],
    handler: async (ctx, { body }) => toGroup(await groups.create(ctx, ctx.tenant, body)),
  }),
  operation({
    id: 'getGroupsByIdsV1', method: 'POST', path: `${v1}/bulkGet`, summary: 'Find groups by their ids', tag,
    auth: 'both', permission: needs.groups.read, tenant: 'required',
    query: GroupQuery, body: GroupIds,
    returns: { 201: Groups },
    errors: [groupErrors.disabled],
    handler: async (ctx, { query, body }) => toGroups(await groups.byIds(ctx, ctx.caller, ctx.tenant, body.groupsIds, query._groupsRelations)),
  }),
  operation({
    id: 'getGroupsConfigurationV1', method: 'GET', path: `${v1}/config`, summary: 'Tell whether the environment has groups, and whether their roles count', tag,
    auth: 'both', permission: needs.groups.read,
    returns: { 200: configuration.GroupsConfiguration },
    handler: (ctx) => configuration.current(ctx),
  }),
  operation({
    id: 'changeGroupsConfigurationV1', method: 'POST', path: `${v1}/config`, summary: 'Switch groups, or their roles, on or off', tag,
    auth: 'vendor',
    body: ConfigurationChange,
    returns: { 201: Empty },
    handler: (ctx, { body }) => configuration.change(ctx, body),
  }),
  operation({
    id: 'getGroupV1', method: 'GET', path: `${v1}/{groupId}`, summary: 'Get a group', tag,
    auth: 'both', permission: needs.groups.read, tenant: 'required',
    params: GroupId, query: GroupQuery,
    returns: { 200: Group },
    errors: [groupErrors.disabled, groupErrors.notFound],
    handler: async (ctx, { params, query }) => toGroup(await groups.get(ctx, ctx.caller, ctx.tenant, params.groupId, query._groupsRelations)),
  }),
  operation({
    id: 'updateGroupV1', method: 'PATCH', path: `${v1}/{groupId}`, summary: 'Update a group', tag,
    auth: 'both', permission: needs.groups.write, tenant: 'required',
    params: GroupId, body: GroupChange,
    returns: { 200: Group },
    errors: [groupErrors.disabled, groupErrors.notFound, groupErrors.provisioned, groupErrors.nameTaken, userErrors.notAnObject],
    handler: async (ctx, { params, body }) => toGroup(await groups.update(ctx, ctx.caller, ctx.tenant, params.groupId, body)),
  }),
  operation({
    id: 'deleteGroupV1', method: 'DELETE', path: `${v1}/{groupId}`, summary: 'Delete a group', tag,
    auth: 'both', permission: needs.groups.delete, tenant: 'required',
    params: GroupId,
    returns: { 200: Empty },
    errors: [groupErrors.disabled, groupErrors.notFound, groupErrors.provisioned, roleErrors.tooStrong],
    handler: (ctx, { params }) => groups.remove(ctx, ctx.caller, ctx.tenant, params.groupId),
  }),
  operation({
    id: 'addRolesToGroupV1', method: 'POST', path: `${v1}/{groupId}/roles`, summary: 'Give a group roles', tag,
    auth: 'both', permission: needs.groups.roles, tenant: 'required',
    params: GroupId, body: RoleIds,
    returns: { 201: Empty },
    errors: [groupErrors.disabled, groupErrors.notFound, groupErrors.rolesDisabled, roleErrors.unknownRoles, roleErrors.tooStrong],
    handler: (ctx, { params, body }) => groups.addRoles(ctx, ctx.caller, ctx.tenant, params.groupId, body.roleIds),
  }),
  operation({
    id: 'removeRolesFromGroupV1', method: 'DELETE', path: `${v1}/{groupId}/roles`, summary: 'Take roles from a group', tag,
    auth: 'both', permission: needs.groups.roles, tenant: 'required',
    params: GroupId, body: RoleIds,
    returns: { 200: Empty },
    errors: [groupErrors.disabled, groupErrors.notFound, roleErrors.unknownRoles, roleErrors.tooStrong],
    handler: (ctx, { params, body }) => groups.removeRoles(ctx, ctx.caller, ctx.tenant, params.groupId, body.roleIds),
  }),
  operation({
    id: 'addUsersToGroupV1', method: 'POST', path: `${v1}/{groupId}/users`, summary: 'Let members of the account join a group', tag,
    auth: 'both', permission: needs.groups.addUsers, tenant: 'required',
    params: GroupId, body: UserIds,
    returns: { 201: Empty },
    errors: [groupErrors.disabled, groupErrors.notFound, groupErrors.provisioned, groupErrors.unknownMembers, roleErrors.tooStrong],
    handler: (ctx, { params, body }) => groups.addUsers(ctx, ctx.caller, ctx.tenant, params.groupId, body.userIds),
  }),
  operation({
    id: 'removeUsersFromGroupV1', method: 'DELETE', path: `${v1}/{groupId}/users`, summary: 'Take users out of a group', tag,
    auth: 'both', permission: needs.groups.removeUsers, tenant: 'required',
    params: GroupId, body: UserIds,
    returns: { 200: Empty },
    errors: [groupErrors.disabled, groupErrors.notFound, groupErrors.provisioned, roleErrors.tooStrong],
    handler: (ctx, { params, body }) => groups.removeUsers(ctx, ctx.caller, ctx.tenant, params.groupId, body.userIds),
  }),
  operation({
    id: 'listGroupsOfUsersV3', method: 'GET', path: '/identity/resources/users/v3/groups', summary: 'List the groups that users are in', tag: 'User Management',
    auth: 'both', permission: needs.groups.read, tenant: 'optional',
    query: UsersQuery,
    returns: { 200: Rows<Static<typeof GroupsOfUser>>() },
    errors: [groupErrors.disabled],
    handler: (ctx, { query }) => groups.ofUsers(ctx, ctx.caller, ctx.tenant, query.ids),
  }),
]
