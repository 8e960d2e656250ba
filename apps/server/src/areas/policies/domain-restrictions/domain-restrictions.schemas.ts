import { Type, type Static } from 'typebox'
import { Page } from '../../../kernel/paging.ts'
import { setting } from '../../../kernel/settings.ts'
import { Id, INDEXED_LENGTH, OneOf } from '../../../kernel/validation.ts'

export const ListType = OneOf(['ALLOW', 'BLOCK'])
export type ListType = Static<typeof ListType>

/** A DNS name of at least two labels; international ones in their ASCII form. */
const NAME = '^(?=.{3,253}$)([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\\.)+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])$'
const domainAt = (path: string) =>
  Type.String({ maxLength: INDEXED_LENGTH, pattern: NAME, message: `${path} must be a valid domain` })

export const NewDomainRestriction = Type.Object({ domain: domainAt('domain'), type: ListType })
export type NewDomainRestriction = Static<typeof NewDomainRestriction>

export const DomainList = Type.Object({
  type: ListType,
  domains: Type.Array(domainAt('each value in domains'), { maxItems: 5000 }),
})
export type DomainList = Static<typeof DomainList>

export const DomainRestriction = Type.Object({ id: Id, domain: Type.String(), type: ListType })
export const DomainRestrictions = Page(DomainRestriction)

/** The whole list is one page. */
export const toDomainRestrictions = (items: Static<typeof DomainRestriction>[]): Static<typeof DomainRestrictions> => ({
  items,
  _links: { next: '', prev: '', first: '', last: '' },
  _metadata: { totalItems: items.length, totalPages: items.length ? 1 : 0 },
})

export const DomainConfiguration = Type.Object({
  active: Type.Boolean(),
  listType: ListType,
  blockPublicDomains: Type.Boolean(),
})
export type DomainConfiguration = Static<typeof DomainConfiguration>
export const domainConfiguration = setting('domain-restrictions', DomainConfiguration, {
  active: false,
  listType: 'ALLOW',
  blockPublicDomains: false,
})

/** The wire says `listType` in replies, and `type` here. */
export const DomainConfigurationChange = Type.Object({
  active: Type.Boolean(),
  blockPublicDomains: Type.Optional(Type.Boolean()),
  type: Type.Optional(ListType),
})
export type DomainConfigurationChange = Static<typeof DomainConfigurationChange>
