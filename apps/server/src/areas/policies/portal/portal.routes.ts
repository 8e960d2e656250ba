import { operation } from '../../../kernel/operation.ts'
import { portalErrors } from './portal.errors.ts'
import { LooksQuery, LooksRow, LooksRows, NewLooks, OptionalLooksQuery } from './portal.schemas.ts'
import * as portal from './portal.service.ts'

const tag = 'Portal'

export const portalRoutes = [
  operation({
    id: 'getMetadata',
    method: 'GET',
    path: '/metadata',
    summary: 'Read how the login box and the portal are set up',
    tag,
    auth: 'public',
    query: LooksQuery,
    returns: { 200: LooksRows },
    handler: async (ctx, { query }) => ({ rows: await portal.read(ctx, query.entityName) }),
  }),
  operation({
    id: 'setMetadata',
    method: 'POST',
    path: '/metadata',
    summary: 'Set up the login box and the portal',
    tag,
    auth: 'vendor',
    query: OptionalLooksQuery,
    audit: 'portal.updated',
    body: NewLooks,
    returns: { 201: LooksRow },
    errors: [portalErrors.noName],
    handler: (ctx, { query, body: { entityName, ...value } }) =>
      portal.write(ctx, query.entityName ?? entityName, value),
  }),
]
