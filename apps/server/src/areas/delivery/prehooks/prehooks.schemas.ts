import type { Prisma } from '@henhouse/database'
import { Type, type Static } from 'typebox'
import type { Ctx } from '../../../kernel/operation.ts'
import { DateTime, Id, NameOrNone, OneOf, Text } from '../../../kernel/validation.ts'
import { maskedSecret } from '../mail/mail.schemas.ts'

/** The names of the events that this server asks about, with the older ones for them. */
const NAMES = {
  SIGN_UP: 'SIGN_UP',
  USER_SIGNUP: 'SIGN_UP',
  SIGN_UP_USER_POOL: 'SIGN_UP_USER_POOL',
  USER_INVITE: 'USER_INVITE',
  USER_UPDATE: 'USER_UPDATE',
  USER_DELETE: 'USER_DELETE',
  CREATE_TENANT: 'CREATE_TENANT',
  UPDATE_TENANT: 'UPDATE_TENANT',
  DELETE_TENANT: 'DELETE_TENANT',
  JWT_GENERATION: 'JWT_GENERATION',
} as const
type EventKey = keyof typeof NAMES
export type PrehookEvent = (typeof NAMES)[EventKey]
export const eventOf = (key: EventKey): PrehookEvent => NAMES[key]

/** A server that is called, or a script that is run. */
const TYPES = ['API', 'CUSTOM_CODE'] as const

export const NewPrehook = Type.Object({
  type: Type.Optional(OneOf([...TYPES])),
  displayName: Type.Optional(NameOrNone),
  description: Type.Optional(Text),
  /** of API: this, and a secret */
  url: Type.Optional(Type.String({ minLength: 1, maxLength: 2048 })),
  // what looks like a key in PEM would be taken for one of another kind
  secret: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 1024,
      pattern: '^(?!-----BEGIN)[ -~]*$',
      message: 'secret must have 1 to 1024 visible ASCII characters',
    }),
  ),
  /** of CUSTOM_CODE */
  codePayload: Type.Optional(Type.String({ minLength: 1, maxLength: 32_768, maxBytes: 32_768 })),
  eventKeys: Type.Array(OneOf(Object.keys(NAMES) as [EventKey, ...EventKey[]]), { minItems: 1, maxItems: 20 }),
  failMethod: OneOf(['OPEN', 'CLOSE']),
  isActive: Type.Optional(Type.Boolean()),
})
export type NewPrehook = Static<typeof NewPrehook>
export const PrehookChange = Type.Partial(NewPrehook)
export type PrehookChange = Static<typeof PrehookChange>

export const Prehook = Type.Object({
  id: Id,
  type: OneOf([...TYPES]),
  displayName: Type.String(),
  description: Type.String(),
  url: Type.Optional(Type.String()),
  /** masked */
  secret: Type.Optional(Type.String()),
  codePayload: Type.Optional(Type.String()),
  eventKeys: Type.Array(Type.String()),
  failMethod: OneOf(['OPEN', 'CLOSE']),
  isActive: Type.Boolean(),
  createdAt: DateTime,
  updatedAt: DateTime,
})

export const withEvents = { events: { orderBy: { event: 'asc' } } } as const
type Row = Prisma.PrehookGetPayload<{ include: typeof withEvents }>
export const toPrehook = ({ deps: { secrets } }: Ctx, row: Row): Static<typeof Prehook> => ({
  id: row.id,
  type: row.type as (typeof TYPES)[number],
  displayName: row.displayName ?? '',
  description: row.description ?? '',
  ...(row.url !== null && { url: row.url }),
  ...(row.secret !== null && { secret: MASK }),
  ...(row.codePayload !== null && { codePayload: secrets.open(row.codePayload) }),
  eventKeys: row.events.map(({ eventKey }) => eventKey),
  failMethod: row.failMethod as NewPrehook['failMethod'],
  isActive: row.isActive,
  createdAt: row.createdAt.toISOString(),
  updatedAt: row.updatedAt.toISOString(),
})

const MASK = maskedSecret('')
/** What clients were shown in its place, and send back. */
export const isMasked = (secret: string) => secret.startsWith(MASK)
