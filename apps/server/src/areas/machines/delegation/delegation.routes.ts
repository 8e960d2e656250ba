import { Empty, operation } from '../../../kernel/operation.ts'
import { Delegation, DelegationChange } from './delegation.schemas.ts'
import * as delegation from './delegation.service.ts'

const path = '/identity/resources/configurations/v1/delegation'
const tag = 'Delegation'

export const delegationRoutes = [
  operation({
    id: 'getDelegationV1',
    method: 'GET',
    path,
    summary: 'Read whether one may act for another by token exchange',
    tag,
    auth: 'vendor',
    returns: { 200: Delegation },
    handler: (ctx) => delegation.current(ctx),
  }),
  operation({
    id: 'setDelegationV1',
    method: 'POST',
    path,
    summary: 'Set whether one may act for another by token exchange',
    tag,
    auth: 'vendor',
    audit: 'delegation.configured',
    body: DelegationChange,
    returns: { 200: Empty },
    handler: (ctx, { body }) => delegation.change(ctx, body),
  }),
]
