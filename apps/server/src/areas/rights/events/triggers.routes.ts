import { Type } from 'typebox'
import { MINUTE } from '../../../kernel/clock.ts'
import { perIp } from '../../../kernel/limits.ts'
import { operation } from '../../../kernel/operation.ts'
import { Id } from '../../../kernel/validation.ts'
import { needs } from '../permissions/permissions.keys.ts'
import { triggerErrors } from './triggers.errors.ts'
import { Trigger, Triggered, TriggerStatus } from './triggers.schemas.ts'
import * as triggers from './triggers.service.ts'

const url = '/event/resources/triggers/v3'
// no specification lists these operations: servers' SDKs call them
const common = { tag: 'Webhooks', auth: 'both', tenant: 'optional' } as const

export const triggersRoutes = [
  operation({
    ...common,
    id: 'triggerEventV3',
    method: 'POST',
    path: url,
    summary: 'Tell webhooks of something that has happened in the application',
    permission: needs.webhooks.trigger,
    body: Trigger,
    limits: [perIp(6000, MINUTE)],
    returns: { 200: Triggered },
    errors: [triggerErrors.ours],
    handler: (ctx, { body }) => triggers.trigger(ctx, ctx.tenant, body),
  }),
  operation({
    ...common,
    id: 'getTriggeredEventV3',
    method: 'GET',
    path: `${url}/{eventId}/statuses`,
    summary: 'Read how far webhooks have been told of it',
    permission: needs.webhooks.readEvents,
    params: Type.Object({ eventId: Id }),
    returns: { 200: TriggerStatus },
    errors: [triggerErrors.notFound],
    handler: (ctx, { params }) => triggers.status(ctx, ctx.tenant, params.eventId),
  }),
]
