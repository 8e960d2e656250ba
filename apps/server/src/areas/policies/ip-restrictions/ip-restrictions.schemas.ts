import { Type, type Static } from 'typebox'
import { setting } from '../../../kernel/settings.ts'
import { DateTime, Id, OneOf } from '../../../kernel/validation.ts'

export const ListType = OneOf(['ALLOW', 'BLOCK'])
export type ListType = Static<typeof ListType>

export const NewIpRestriction = Type.Object({
  /** an address or a network, IPv4 or IPv6 */
  ip: Type.String({ minLength: 1, maxLength: 100 }),
  /** the portal leaves it out for the list that is chosen */
  strategy: Type.Optional(ListType),
  isActive: Type.Optional(Type.Boolean()),
  description: Type.Optional(Type.String({ maxLength: 1000 })),
})
export type NewIpRestriction = Static<typeof NewIpRestriction>

export const NewIpRestrictions = Type.Object({ ips: Type.Array(NewIpRestriction, { minItems: 1, maxItems: 1000 }) })
export type NewIpRestrictions = Static<typeof NewIpRestrictions>

export const IpRestriction = Type.Object({
  id: Id,
  ip: Type.String(),
  strategy: ListType,
  isActive: Type.Boolean(),
  description: Type.String(),
  createdAt: DateTime,
  updatedAt: DateTime,
})
export interface IpRestrictionRow {
  id: string
  ip: string
  strategy: string
  isActive: boolean
  description: string
  createdAt: Date
  updatedAt: Date
}
export const toIpRestriction = (row: IpRestrictionRow): Static<typeof IpRestriction> => ({
  ...row,
  strategy: row.strategy as ListType,
  createdAt: row.createdAt.toISOString(),
  updatedAt: row.updatedAt.toISOString(),
})

export const IpConfiguration = Type.Object({ isActive: Type.Boolean(), strategy: ListType })
export type IpConfiguration = Static<typeof IpConfiguration>
export const ipConfiguration = setting('ip-restrictions', IpConfiguration, { isActive: false, strategy: 'ALLOW' })

export const Verdict = Type.Object({ valid: Type.Boolean() })
