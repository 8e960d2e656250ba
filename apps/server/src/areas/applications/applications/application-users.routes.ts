import { Type } from 'typebox'
import { Empty, operation } from '../../../kernel/operation.ts'
import { Id, Keys } from '../../../kernel/validation.ts'
import { needs } from '../../rights/permissions/permissions.keys.ts'
import { roleErrors } from '../../rights/roles/roles.errors.ts'
import { tenantErrors } from '../../accounts/tenants/tenants.errors.ts'
import { userErrors } from '../../people/users/users.errors.ts'
import * as assignments from './application-users.service.ts'
import { applicationErrors } from './applications.errors.ts'
import {
  ActiveTenantChoice,
  ActiveTenants,
  ApplicationsOfUser,
  toUserAssignment,
  UserAssignment,
  UsersOfApplication,
} from './applications.schemas.ts'

const v1 = '/identity/resources/applications/v1',
  active = '/identity/resources/applications/user-tenants/active/v1'
const tag = 'Users-applications Management'
const Ids = Type.Optional(Keys)
const wrongIds = [
  applicationErrors.notFound,
  tenantErrors.notFound,
  userErrors.notFound,
  applicationErrors.tenantNotAssigned,
]

export const userRoutes = [
  operation({
    id: 'assignUsersToApplicationV1',
    method: 'POST',
    path: v1,
    summary: 'Let members of an account into an application',
    tag,
    auth: 'vendor',
    body: UsersOfApplication,
    returns: { 201: Type.Array(UserAssignment) },
    errors: wrongIds,
    handler: async (ctx, { body: { appId, ...body } }) =>
      (await assignments.assign(ctx, ctx.caller, undefined, { ...body, appIds: [appId] })).map(toUserAssignment),
  }),
  operation({
    id: 'unassignUsersFromApplicationV1',
    method: 'DELETE',
    path: v1,
    summary: 'Take members of an account out of an application',
    tag,
    auth: 'vendor',
    body: UsersOfApplication,
    returns: { 200: Empty },
    errors: [applicationErrors.notFound],
    handler: (ctx, { body: { appId, ...body } }) =>
      assignments.unassign(ctx, ctx.caller, undefined, { ...body, appIds: [appId] }),
  }),
  operation({
    id: 'assignUserToApplicationsV1',
    method: 'POST',
    path: `${v1}/apps-user`,
    summary: 'Let a member of an account into applications',
    tag,
    auth: 'both',
    permission: needs.applications.assign,
    tenant: 'optional',
    body: ApplicationsOfUser,
    returns: { 201: Type.Array(UserAssignment) },
    errors: [...wrongIds, roleErrors.strongerUser],
    handler: async (ctx, { body: { userId, ...body } }) =>
      (await assignments.assign(ctx, ctx.caller, ctx.tenant, { ...body, userIds: [userId] })).map(toUserAssignment),
  }),
  operation({
    id: 'unassignUserFromApplicationsV1',
    method: 'DELETE',
    path: `${v1}/user-apps`,
    summary: 'Take a member of an account out of applications',
    tag,
    auth: 'both',
    permission: needs.applications.unassign,
    tenant: 'optional',
    body: ApplicationsOfUser,
    returns: { 200: Empty },
    errors: [applicationErrors.notFound, tenantErrors.notFound, roleErrors.strongerUser],
    handler: (ctx, { body: { userId, ...body } }) =>
      assignments.unassign(ctx, ctx.caller, ctx.tenant, { ...body, userIds: [userId] }),
  }),
  operation({
    id: 'listUsersOfApplicationV1',
    method: 'GET',
    path: `${v1}/{appId}/users`,
    summary: 'List who was let into an application',
    tag,
    auth: 'vendor',
    params: Type.Object({ appId: Id }),
    returns: { 200: Type.Array(Id) },
    errors: [applicationErrors.notFound],
    handler: (ctx, { params }) => assignments.usersOf(ctx, params.appId),
  }),
  operation({
    // no specification lists it: tools call it
    id: 'assignUsersToNamedApplicationV1',
    method: 'POST',
    path: `${v1}/{appId}/users`,
    summary: 'Let members of an account into the application that the path names',
    tag,
    auth: 'vendor',
    params: Type.Object({ appId: Id }),
    body: Type.Omit(UsersOfApplication, ['appId']),
    returns: { 201: Type.Array(UserAssignment) },
    errors: wrongIds,
    handler: async (ctx, { params, body }) =>
      (await assignments.assign(ctx, ctx.caller, undefined, { ...body, appIds: [params.appId] })).map(toUserAssignment),
  }),
  operation({
    id: 'listUsersOfApplicationsV1',
    method: 'GET',
    path: `${v1}/apps-users`,
    summary: 'List who was let into each of several applications',
    tag,
    auth: 'both',
    permission: needs.applications.read,
    tenant: 'optional',
    query: Type.Object({ appIds: Ids }),
    returns: { 200: Type.Array(Type.Object({ appId: Id, userIds: Type.Array(Id) })) },
    handler: (ctx, { query }) => assignments.usersOfAll(ctx, ctx.caller, ctx.tenant, query.appIds ?? []),
  }),
  operation({
    // users need no permission to read their own: the service checks it where it is needed
    id: 'listApplicationsOfUserV1',
    method: 'GET',
    path: `${v1}/{userId}/apps`,
    summary: 'List what a user was let into',
    tag,
    auth: 'both',
    tenant: 'optional',
    params: Type.Object({ userId: Id }),
    returns: { 200: Type.Array(Id) },
    errors: [userErrors.notFound],
    handler: (ctx, { params }) => assignments.applicationsOf(ctx, ctx.caller, ctx.tenant, params.userId),
  }),
  operation({
    id: 'listApplicationsOfUsersV1',
    method: 'GET',
    path: `${v1}/users-apps`,
    summary: 'List what each of several users was let into',
    tag,
    auth: 'both',
    permission: needs.applications.read,
    tenant: 'optional',
    query: Type.Object({ userIds: Ids }),
    returns: { 200: Type.Array(Type.Object({ userId: Id, appIds: Type.Array(Id) })) },
    handler: (ctx, { query }) => assignments.applicationsOfAll(ctx, ctx.caller, ctx.tenant, query.userIds ?? []),
  }),
  operation({
    id: 'getActiveTenantsV1',
    method: 'GET',
    path: active,
    summary: 'List in which account a user is active, by application',
    tag,
    auth: 'vendor',
    user: 'required',
    returns: { 200: ActiveTenants },
    handler: async (ctx) => ({ applicationActiveTenants: await assignments.activeTenants(ctx, ctx.user) }),
  }),
  operation({
    id: 'chooseActiveTenantsV1',
    method: 'PUT',
    path: active,
    summary: 'Choose in which account a user is active, by application',
    tag,
    auth: 'vendor',
    audit: 'user.activeTenantsChosen',
    user: 'required',
    body: ActiveTenantChoice,
    returns: { 200: Empty },
    errors: [
      applicationErrors.notFound,
      tenantErrors.notFound,
      applicationErrors.tenantNotAssigned,
      applicationErrors.userNotAssigned,
    ],
    handler: (ctx, { body }) => assignments.chooseTenants(ctx, ctx.user, body.activeApplicationTenants),
  }),
]
