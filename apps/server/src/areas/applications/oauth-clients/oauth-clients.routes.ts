import { Type } from 'typebox'
import { Empty, operation } from '../../../kernel/operation.ts'
import { Id } from '../../../kernel/validation.ts'
import { applicationErrors } from '../applications/applications.errors.ts'
import { clientErrors } from './oauth-clients.errors.ts'
import {
  NewRedirectUri,
  OauthConfiguration,
  OauthConfigurationChange,
  RedirectUri,
  RedirectUris,
} from './oauth-clients.schemas.ts'
import * as clients from './oauth-clients.service.ts'
import * as redirectUris from './redirect-uris.service.ts'

const url = '/oauth/resources/configurations/v1'
const tag = 'OAuth configuration'

export const oauthClientsRoutes = [
  operation({
    id: 'getOauthConfigurationV1',
    method: 'GET',
    path: url,
    summary: "Read whether users may log in at the server's own pages",
    tag,
    auth: 'vendor',
    returns: { 200: OauthConfiguration },
    handler: (ctx) => clients.configuration(ctx),
  }),
  operation({
    id: 'setOauthConfigurationV1',
    method: 'POST',
    path: url,
    summary: "Set whether users may log in at the server's own pages",
    tag,
    auth: 'vendor',
    body: OauthConfigurationChange,
    audit: 'oauth.updated',
    returns: { 200: Empty },
    handler: (ctx, { body }) => clients.configure(ctx, body),
  }),
  operation({
    id: 'activateOauthV1',
    method: 'POST',
    path: `${url}/activate`,
    summary: "Let users log in at the server's own pages",
    tag,
    auth: 'vendor',
    audit: 'oauth.activated',
    returns: { 200: Empty },
    handler: (ctx) => clients.configure(ctx, { isActive: true }),
  }),
  operation({
    id: 'deactivateOauthV1',
    method: 'POST',
    path: `${url}/deactivate`,
    summary: "Let nobody log in at the server's own pages",
    tag,
    auth: 'vendor',
    audit: 'oauth.deactivated',
    returns: { 200: Empty },
    handler: (ctx) => clients.configure(ctx, { isActive: false }),
  }),
  operation({
    id: 'listRedirectUrisV1',
    method: 'GET',
    path: `${url}/redirect-uri`,
    summary:
      'List where browsers may be sent after a login or logout: of the application that a header names, or of all',
    tag,
    auth: 'vendor',
    returns: { 200: RedirectUris },
    errors: [applicationErrors.notFound],
    handler: async (ctx) => ({ redirectUris: await redirectUris.list(ctx, ctx.http.applicationId) }),
  }),
  operation({
    id: 'createRedirectUriV1',
    method: 'POST',
    path: `${url}/redirect-uri`,
    summary: 'Let browsers be sent there after a login or logout: of the application that a header names, or of all',
    tag,
    auth: 'vendor',
    body: NewRedirectUri,
    audit: 'redirectUri.created',
    returns: { 201: RedirectUri },
    errors: [applicationErrors.notFound, clientErrors.badRedirectUri, clientErrors.tooManyRedirectUris],
    handler: (ctx, { body }) => redirectUris.add(ctx, ctx.http.applicationId, body.redirectUri),
  }),
  operation({
    id: 'deleteRedirectUriV1',
    method: 'DELETE',
    path: `${url}/redirect-uri/{id}`,
    summary: 'Let browsers be sent there no more',
    tag,
    auth: 'vendor',
    params: Type.Object({ id: Id }),
    audit: 'redirectUri.deleted',
    returns: { 200: Empty },
    handler: (ctx, { params }) => redirectUris.remove(ctx, params.id),
  }),
]
