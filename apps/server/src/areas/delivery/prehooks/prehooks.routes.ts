import { Type } from 'typebox'
import { Empty, operation } from '../../../kernel/operation.ts'
import { Id } from '../../../kernel/validation.ts'
import { prehookErrors } from './prehooks.errors.ts'
import { NewPrehook, Prehook, PrehookChange, toPrehook } from './prehooks.schemas.ts'
import * as prehooks from './prehooks.service.ts'

const path = '/prehooks/resources/configurations/v1',
  tag = 'Prehooks'
const params = Type.Object({ id: Id })

export const prehooksRoutes = [
  operation({
    id: 'listPrehooksV1',
    method: 'GET',
    path,
    summary: 'List prehooks',
    tag,
    auth: 'vendor',
    returns: { 200: Type.Array(Prehook) },
    handler: async (ctx) => (await prehooks.list(ctx)).map((row) => toPrehook(ctx, row)),
  }),
  operation({
    id: 'createPrehookV1',
    method: 'POST',
    path,
    summary: 'Have a server asked before something happens',
    tag,
    auth: 'vendor',
    body: NewPrehook,
    audit: 'prehook.created',
    returns: { 201: Prehook },
    errors: [prehookErrors.eventTaken],
    handler: async (ctx, { body }) => toPrehook(ctx, await prehooks.create(ctx, body)),
  }),
  operation({
    id: 'updatePrehookV1',
    method: 'PATCH',
    path: `${path}/{id}`,
    summary: 'Change a prehook; what is not given stays',
    tag,
    auth: 'vendor',
    params,
    body: PrehookChange,
    audit: 'prehook.updated',
    returns: { 200: Prehook },
    errors: [prehookErrors.notFound, prehookErrors.eventTaken],
    handler: async (ctx, { params: { id }, body }) => toPrehook(ctx, await prehooks.update(ctx, id, body)),
  }),
  operation({
    id: 'deletePrehookV1',
    method: 'DELETE',
    path: `${path}/{id}`,
    summary: 'Delete a prehook',
    tag,
    auth: 'vendor',
    params,
    audit: 'prehook.deleted',
    returns: { 200: Empty },
    errors: [prehookErrors.notFound],
    handler: (ctx, { params: { id } }) => prehooks.remove(ctx, id),
  }),
]
