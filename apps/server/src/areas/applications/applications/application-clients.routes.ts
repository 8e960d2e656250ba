import { Type } from 'typebox'
import { Empty, operation } from '../../../kernel/operation.ts'
import { Id } from '../../../kernel/validation.ts'
import * as clients from './application-clients.service.ts'
import { applicationErrors } from './applications.errors.ts'
import { Client, ClientChange, NewClient, toClient } from './applications.schemas.ts'

const url = '/applications/application-clients'
const tag = 'Applications Settings'
const ClientId = Type.Object({ id: Id })

export const clientRoutes = [
  operation({
    id: 'createApplicationClient',
    method: 'POST',
    path: url,
    summary: 'Create a client, with its own credentials, for the requested application or the default one',
    tag,
    auth: 'vendor',
    audit: 'applicationClient.created',
    body: NewClient,
    returns: { 201: Client },
    errors: [
      applicationErrors.notFound,
      applicationErrors.notSpecified,
      applicationErrors.badAddress,
      applicationErrors.badMetadata,
    ],
    handler: async (ctx, { body }) => toClient(await clients.create(ctx, ctx.http.applicationId, body)),
  }),
  operation({
    id: 'listApplicationClients',
    method: 'GET',
    path: `${url}/app/{appId}`,
    summary: 'List the clients of an application',
    tag,
    auth: 'vendor',
    params: Type.Object({ appId: Id }),
    returns: { 200: Type.Array(Client) },
    errors: [applicationErrors.notFound],
    handler: async (ctx, { params }) => (await clients.list(ctx, params.appId)).map(toClient),
  }),
  operation({
    id: 'getApplicationClient',
    method: 'GET',
    path: `${url}/{id}`,
    summary: 'Read a client of an application',
    tag,
    auth: 'vendor',
    params: ClientId,
    returns: { 200: Client },
    errors: [applicationErrors.clientNotFound],
    handler: async (ctx, { params }) => toClient(await clients.get(ctx, params.id)),
  }),
  operation({
    id: 'updateApplicationClient',
    method: 'PATCH',
    path: `${url}/{id}`,
    summary: 'Change a client of an application; what is not given stays',
    tag,
    auth: 'vendor',
    audit: 'applicationClient.updated',
    params: ClientId,
    body: ClientChange,
    returns: { 200: Client },
    errors: [applicationErrors.clientNotFound, applicationErrors.badAddress, applicationErrors.badMetadata],
    handler: async (ctx, { params, body }) => toClient(await clients.update(ctx, params.id, body)),
  }),
  operation({
    id: 'deleteApplicationClient',
    method: 'DELETE',
    path: `${url}/{id}`,
    summary: 'Delete a client of an application',
    tag,
    auth: 'vendor',
    audit: 'applicationClient.deleted',
    params: ClientId,
    returns: { 204: Empty },
    errors: [applicationErrors.clientNotFound],
    handler: (ctx, { params }) => clients.remove(ctx, params.id),
  }),
]
