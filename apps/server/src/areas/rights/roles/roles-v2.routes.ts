import { Type } from 'typebox'
import { operation } from '../../../kernel/operation.ts'
import { Page } from '../../../kernel/paging.ts'
import { permissionErrors } from '../permissions/permissions.errors.ts'
import { needs } from '../permissions/permissions.keys.ts'
import { roleErrors } from './roles.errors.ts'
import { Role, toRole } from './roles.schemas.ts'
import * as roles from './roles.service.ts'
import { DerivedRole, RoleQuery, TeamRole, toTeamRole } from './roles-v2.schemas.ts'
import * as rolesV2 from './roles-v2.service.ts'

const v2 = '/identity/resources/roles/v2'
const reading = {
  method: 'GET',
  tag: 'Account Roles',
  auth: 'both',
  permission: needs.roles.read,
  tenant: 'optional',
} as const

export const rolesV2Routes = [
  operation({
    ...reading,
    id: 'listRolesV2',
    path: v2,
    summary: 'List roles, page by page',
    query: RoleQuery,
    returns: { 200: Page(Role) },
    handler: (ctx, { query }) => rolesV2.search(ctx, ctx.tenant, query),
  }),
  operation({
    id: 'createRoleV2',
    method: 'POST',
    path: v2,
    summary: 'Create a role with the level of another one',
    tag: 'Account Roles',
    auth: 'both',
    audit: 'role.created',
    permission: needs.roles.write,
    tenant: 'optional',
    body: DerivedRole,
    returns: { 200: Role },
    errors: [
      roleErrors.notFound,
      permissionErrors.notFound,
      roleErrors.keyTaken,
      roleErrors.tooStrong,
      roleErrors.notAssignable,
    ],
    handler: async (ctx, { body }) => toRole(await rolesV2.derive(ctx, ctx.caller, ctx.tenant, body)),
  }),
  operation({
    ...reading,
    id: 'listRoleLevelsV2',
    path: `${v2}/distinct-levels`,
    summary: 'List the levels that roles have',
    returns: { 200: Type.Array(Type.Integer()) },
    handler: (ctx) => rolesV2.levels(ctx, ctx.tenant),
  }),
  operation({
    ...reading,
    id: 'listRoleTenantsV2',
    path: `${v2}/distinct-tenants`,
    summary: 'List the accounts that have roles of their own',
    returns: { 200: Type.Array(Type.String()) },
    handler: (ctx) => rolesV2.tenantIds(ctx, ctx.tenant),
  }),
  operation({
    ...reading,
    id: 'listTeamRolesV1',
    path: '/team/resources/roles/v1',
    tenant: 'required',
    summary: 'List the roles that members of the account can be given',
    // the browser client's stores take the list out of an object, and fail on one that is bare
    returns: { 200: Type.Object({ items: Type.Array(TeamRole) }) },
    handler: async (ctx) => ({ items: (await roles.list(ctx, ctx.tenant)).map(toTeamRole) }),
  }),
]
