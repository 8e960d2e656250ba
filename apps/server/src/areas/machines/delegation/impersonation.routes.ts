import { MINUTE } from '../../../kernel/clock.ts'
import { perIp } from '../../../kernel/limits.ts'
import { Empty, operation } from '../../../kernel/operation.ts'
import { ipErrors } from '../../policies/ip-restrictions/ip-restrictions.errors.ts'
import { loginErrors } from '../../sign-in/login/login.errors.ts'
import { impersonationErrors } from './impersonation.errors.ts'
import {
  Impersonation,
  ImpersonationAnswer,
  ImpersonationChange,
  ImpersonationRequest,
} from './impersonation.schemas.ts'
import * as impersonation from './impersonation.service.ts'

const path = '/identity/resources/configurations/v1/impersonation'
const tag = 'Impersonation'

export const impersonationRoutes = [
  operation({
    // no specification lists it: the page of the browser client calls it
    id: 'impersonateV1',
    method: 'POST',
    path: '/identity/resources/impersonation/v1',
    summary: 'Be in the place of another member of the account, by the token of a user who may',
    tag,
    auth: 'public',
    exchanges: true,
    body: ImpersonationRequest,
    limits: [perIp(60, MINUTE), { of: ({ body }) => body.impersonatedUserId, most: 30, perMs: MINUTE }],
    returns: { 200: ImpersonationAnswer },
    errors: [
      impersonationErrors.off,
      impersonationErrors.badActor,
      impersonationErrors.oneself,
      impersonationErrors.stronger,
      ipErrors.restricted,
      loginErrors.locked,
    ],
    handler: (ctx, { body }) => impersonation.begin(ctx, body),
  }),
  operation({
    // ours: the reference has a page for it
    id: 'getImpersonationV1',
    method: 'GET',
    path,
    summary: 'Read whether one may be in the place of another',
    tag,
    auth: 'vendor',
    returns: { 200: Impersonation },
    handler: (ctx) => impersonation.current(ctx),
  }),
  operation({
    id: 'setImpersonationV1',
    method: 'POST',
    path,
    summary: 'Set whether one may be in the place of another',
    tag,
    auth: 'vendor',
    audit: 'impersonation.configured',
    body: ImpersonationChange,
    returns: { 200: Empty },
    handler: (ctx, { body }) => impersonation.change(ctx, body),
  }),
]
