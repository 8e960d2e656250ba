import { Type } from 'typebox'
import { Empty, operation } from '../../../kernel/operation.ts'
import { Id, Key } from '../../../kernel/validation.ts'
import { needs } from '../../rights/permissions/permissions.keys.ts'
import { clientRoutes } from './application-clients.routes.ts'
import { tenantRoutes } from './application-tenants.routes.ts'
import { userRoutes } from './application-users.routes.ts'
import { applicationErrors } from './applications.errors.ts'
import {
  Application,
  ApplicationChange,
  ApplicationFilter,
  Credentials,
  NewApplication,
  toApplication,
} from './applications.schemas.ts'
import * as applications from './applications.service.ts'

const v1 = '/applications/resources/applications/v1'
const tag = 'Applications Settings'
const ApplicationId = Type.Object({ id: Id })
const NamedApplication = Type.Object({ appId: Key })

const ownRoutes = [
  operation({
    id: 'listApplicationsV1',
    method: 'GET',
    path: v1,
    summary: 'List the applications of the environment or, for a user, those that their account may use',
    tag,
    auth: 'both',
    permission: needs.applications.read,
    tenant: 'optional',
    query: ApplicationFilter,
    returns: { 200: Type.Array(Application) },
    handler: async (ctx, { query }) => (await applications.list(ctx, ctx.tenant, query)).map(toApplication),
  }),
  operation({
    id: 'createApplicationV1',
    method: 'POST',
    path: v1,
    summary: 'Create an application',
    tag,
    auth: 'vendor',
    audit: 'application.created',
    body: NewApplication,
    returns: { 201: Application },
    errors: [applicationErrors.tooMany, applicationErrors.badAddress],
    handler: async (ctx, { body }) => toApplication(await applications.create(ctx, body)),
  }),
  operation({
    id: 'getDefaultApplicationV1',
    method: 'GET',
    path: `${v1}/default`,
    summary: 'Read the default application',
    tag,
    auth: 'vendor',
    returns: { 200: Application },
    errors: [applicationErrors.notFound],
    handler: async (ctx) => toApplication(await applications.getDefault(ctx)),
  }),
  operation({
    id: 'getApplicationV1',
    method: 'GET',
    path: `${v1}/{id}`,
    summary: 'Read an application',
    tag,
    auth: 'vendor',
    params: ApplicationId,
    returns: { 200: Application },
    errors: [applicationErrors.notFound],
    handler: async (ctx, { params }) => toApplication(await applications.get(ctx, params.id)),
  }),
  operation({
    id: 'updateApplicationV1',
    method: 'PATCH',
    path: `${v1}/{id}`,
    summary: 'Change an application; what is not given stays',
    tag,
    auth: 'vendor',
    audit: 'application.updated',
    params: ApplicationId,
    body: ApplicationChange,
    returns: { 201: Empty },
    errors: [applicationErrors.notFound, applicationErrors.badAddress],
    handler: (ctx, { params, body }) => applications.update(ctx, params.id, body),
  }),
  operation({
    id: 'deleteApplicationV1',
    method: 'DELETE',
    path: `${v1}/{id}`,
    summary: 'Delete an application that is not the default one',
    tag,
    auth: 'vendor',
    audit: 'application.deleted',
    params: ApplicationId,
    returns: { 200: Empty },
    errors: [applicationErrors.notFound, applicationErrors.isDefault],
    handler: (ctx, { params }) => applications.remove(ctx, params.id),
  }),
  operation({
    id: 'getApplicationCredentialsV1',
    method: 'GET',
    path: `${v1}/credentials/{appId}`,
    summary: 'Read the secrets of an application',
    tag,
    auth: 'vendor',
    params: Type.Object({ appId: Id }),
    returns: { 200: Credentials },
    errors: [applicationErrors.notFound],
    handler: (ctx, { params }) => applications.credentials(ctx, params.appId),
  }),
  operation({
    id: 'regenerateClientSecretV1',
    method: 'POST',
    path: `${v1}/credentials/regenerate`,
    summary: 'Replace the client secret of an application',
    tag,
    auth: 'vendor',
    audit: 'application.clientSecretChanged',
    body: NamedApplication,
    returns: { 201: Empty },
    errors: [applicationErrors.notFound],
    handler: (ctx, { body }) => applications.regenerate(ctx, body.appId, 'clientSecret'),
  }),
  operation({
    id: 'regenerateSharedSecretV1',
    method: 'POST',
    path: `${v1}/credentials/shared/regenerate`,
    summary: 'Replace the shared secret of an application',
    tag,
    auth: 'vendor',
    audit: 'application.sharedSecretChanged',
    body: NamedApplication,
    returns: { 201: Empty },
    errors: [applicationErrors.notFound],
    handler: (ctx, { body }) => applications.regenerate(ctx, body.appId, 'sharedSecret'),
  }),
]

export const applicationsRoutes = [...ownRoutes, ...tenantRoutes, ...clientRoutes, ...userRoutes]
