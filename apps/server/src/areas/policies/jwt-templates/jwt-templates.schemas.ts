import type { JwtTemplate as Row } from '@henhouse/database'
import { Type, type Static } from 'typebox'
import { Order, pageQuery } from '../../../kernel/paging.ts'
import { setting, type Stored } from '../../../kernel/settings.ts'
import { DateTime, FilledKey, Id, Key, Keys, Name, Nullable, OneOf, Text } from '../../../kernel/validation.ts'

/** With what the variables stand for, a token must still fit a header. */
const CLAIMS_BYTES = 8192

const TemplateSchema = Type.Object({ claims: Type.Object({}, { additionalProperties: true, maxBytes: CLAIMS_BYTES }) })

export const NewJwtTemplate = Type.Object({
  key: FilledKey,
  name: Name,
  description: Type.Optional(Text),
  /** seconds */
  expiration: Type.Integer({ minimum: 10, maximum: 15_552_000 }),
  algorithm: OneOf(['RS256', 'HS256']),
  templateSchema: TemplateSchema,
})
export type NewJwtTemplate = Static<typeof NewJwtTemplate>

export const JwtTemplateChange = Type.Partial(NewJwtTemplate)
export type JwtTemplateChange = Static<typeof JwtTemplateChange>

export const JwtTemplate = Type.Object({
  id: Id,
  vendorId: Id,
  key: Type.String(),
  name: Type.String(),
  description: Nullable(Type.String()),
  expiration: Type.Integer(),
  algorithm: OneOf(['RS256', 'HS256']),
  templateSchema: Type.Object({ claims: Type.Object({}, { additionalProperties: true }) }),
  createdAt: DateTime,
  updatedAt: DateTime,
})
export const toJwtTemplate = ({
  claims,
  algorithm,
  createdAt,
  updatedAt,
  ...row
}: Row): Static<typeof JwtTemplate> => ({
  ...row,
  algorithm: algorithm as NewJwtTemplate['algorithm'],
  templateSchema: { claims: claims as object },
  createdAt: createdAt.toISOString(),
  updatedAt: updatedAt.toISOString(),
})

export const JwtTemplateQuery = Type.Object({
  keys: Type.Optional(Keys),
  ids: Type.Optional(Keys),
  ...pageQuery,
  _sortBy: Type.Optional(OneOf(['id', 'key', 'name', 'createdAt', 'updatedAt'])),
  _order: Type.Optional(Order),
})
export type JwtTemplateQuery = Static<typeof JwtTemplateQuery>

const Condition = Type.Object({
  attribute: OneOf(['userId', 'applicationId', 'tenantId', 'roleIds', 'tokenType', 'userEmail']),
  op: OneOf(['in_list', 'contains', 'ends_with']),
  value: Type.Object({ list: Type.Array(Key, { minItems: 1, maxItems: 1000 }) }),
  negate: Type.Boolean(),
})
export type Condition = Static<typeof Condition>

const Rule = Type.Object({
  conditionLogic: OneOf(['and']),
  /** none: the rule is for all */
  conditions: Type.Array(Condition, { maxItems: 20 }),
  /** a template's key */
  treatment: FilledKey,
})
const Rules = Type.Array(Rule, { maxItems: 100 })

/** Every token of the environment is held against them. */
export const TargetingChange = Type.Object({ rules: Type.Optional(Rules) }, { maxBytes: 65_536 })
export type TargetingChange = Static<typeof TargetingChange>

const Targeting = Type.Object({ rules: Rules })
type Targeting = Static<typeof Targeting>
export const jwtTemplateTargeting = setting('jwt-template-targeting', Targeting, { rules: [] })

export const StoredTargeting = Type.Object({ id: Id, targeting: Targeting, createdAt: DateTime, updatedAt: DateTime })
export const toTargeting = ({ id, value, createdAt, updatedAt }: Stored<Targeting>) => ({
  id,
  targeting: value,
  createdAt: createdAt.toISOString(),
  updatedAt: updatedAt.toISOString(),
})
