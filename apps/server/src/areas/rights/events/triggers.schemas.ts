import { Type, type Static } from 'typebox'
import { FilledKey, Id, Metadata, OneOf } from '../../../kernel/validation.ts'

/** What clients of the reference send: they insist on `title` and `description` in `data`. */
export const Trigger = Type.Object({
  eventKey: FilledKey,
  data: Metadata,
  /** of channels that are not here, by their names */
  channelConfiguration: Type.Optional(Metadata),
})
export type Trigger = Static<typeof Trigger>

export const Triggered = Type.Object({ eventId: Id })

const ChannelStatus = Type.Object({
  status: OneOf(['PENDING', 'SUCCEEDED', 'FAILED']),
  errorMetadata: Type.Object({}, { additionalProperties: true }),
})
export const TriggerStatus = Type.Object({
  eventKey: Type.String(),
  eventId: Id,
  /** by their names; `webhook` only if one hears the event */
  channels: Type.Unsafe<Record<string, Static<typeof ChannelStatus>>>(
    Type.Object({}, { additionalProperties: ChannelStatus }),
  ),
})
