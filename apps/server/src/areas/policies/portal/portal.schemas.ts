import { Type, type Static } from 'typebox'
import { setting } from '../../../kernel/settings.ts'
import { Key, Nullable } from '../../../kernel/validation.ts'

/** A theme with all its colours, and the texts of each page in several languages. */
const LOOKS_BYTES = 262_144

/** What clients know by a name: `adminBox` is the login box and the portal, `saml` where assertions go. */
export const EntityName = Type.Union([
  Type.Literal('adminBox'),
  Type.Literal('saml'),
  Type.Literal('audits'),
  Type.Literal('notifications'),
])
export type EntityName = Static<typeof EntityName>

const fields = {
  configuration: Type.Optional(Type.Object({}, { additionalProperties: true, maxBytes: LOOKS_BYTES })),
  isActive: Type.Optional(Type.Boolean()),
  /** the columns of a table */
  properties: Type.Optional(
    Type.Array(Type.Object({}, { additionalProperties: true, maxBytes: 4096 }), { maxItems: 100 }),
  ),
  theme: Type.Optional(Nullable(Type.Object({}, { additionalProperties: true, maxBytes: LOOKS_BYTES }))),
}
const Looks = Type.Object(fields)
export type Looks = Static<typeof Looks>

/** One document for each name. */
export const looks = (name: EntityName) => setting(`portal:${name}`, Looks, {})

export const NewLooks = Type.Object({ ...fields, entityName: Type.Optional(EntityName) })

export const LooksRow = Type.Object({
  ...fields,
  id: Type.Optional(Type.String()),
  entityName: EntityName,
  vendorId: Type.String(),
  createdAt: Type.Optional(Type.String()),
  updatedAt: Type.Optional(Type.String()),
})
export const LooksRows = Type.Object({ rows: Type.Array(LooksRow) })
export const LooksQuery = Type.Object({ entityName: Key })
export const OptionalLooksQuery = Type.Object({ entityName: Type.Optional(EntityName) })
