import type { Tenant as TenantRow } from '@henhouse/database'
import { Type, type Static } from 'typebox'
import { Order, pageQuery } from '../../../kernel/paging.ts'
import {
  DateTime,
  Id,
  INDEXED_LENGTH,
  Json,
  Keys,
  Metadata,
  MetadataText,
  Name,
  Nullable,
  OneOf,
  Text,
} from '../../../kernel/validation.ts'

const text = Type.Optional(Text)

const fields = {
  name: Type.Optional(Name),
  /** for the customer's own use: nothing here depends on it */
  status: text,
  website: text,
  applicationUrl: text,
  /** where its login box is */
  loginUrl: text,
  /** an image, base64 */
  logo: Type.Optional(Type.String({ maxLength: 1_000_000 })),
  logoUrl: text,
  address: text,
  timezone: text,
  dateFormat: text,
  timeFormat: text,
  currency: text,
  creatorName: text,
  creatorEmail: text,
  isReseller: Type.Optional(Type.Boolean()),
  /** null takes it away */
  alias: Type.Optional(Nullable(Type.String({ minLength: 1, maxLength: 255 }))),
  /** any JSON, or the text of it */
  metadata: Type.Optional(Json),
}

/** The id travels in headers, paths (where `.` and `..` are swallowed, RFC 3986 §5.2.4) and comma-joined lists. */
export const OwnId = Type.String({
  minLength: 1,
  maxLength: 4095,
  pattern: '^(?!\\.{1,2}$)[!-+.0-~-]{1,255}$',
  message:
    'tenantId must be at most 255 visible ASCII characters, none of them a comma or a slash, and neither . nor ..',
})

export const NewTenant = Type.Object({
  tenantId: Type.Optional(OwnId),
  ...fields,
  parentTenantId: Type.Optional(Type.String({ maxLength: INDEXED_LENGTH })),
})
export type NewTenant = Static<typeof NewTenant>

export const TenantChange = Type.Object(fields)
export type TenantChange = Static<typeof TenantChange>

/**
 * Whether members may go down into the tenants below: only if they are allowed to, unless it is forbidden, or always.
 */
export const SubAccountAccessType = OneOf(['defaultOff', 'defaultOn', 'alwaysOn'])
export type SubAccountAccessType = Static<typeof SubAccountAccessType>

export const NewMetadata = Type.Object({
  metadata: Type.Union([Metadata, MetadataText]),
})

export const TenantFilter = Type.Object({ _filter: text })
export const TenantQuery = Type.Object({
  ...pageQuery,
  _filter: text,
  _sortBy: Type.Optional(OneOf(['createdAt', 'name', 'tenantId'])),
  _order: Type.Optional(Order),
  _tenantIds: Type.Optional(Keys),
})
export type TenantQuery = Static<typeof TenantQuery>

export const Tenant = Type.Object({
  /** of the row; everywhere else the wire says `tenantId` */
  id: Id,
  vendorId: Id,
  tenantId: Type.String(),
  name: Type.String(),
  status: Nullable(Type.String()),
  website: Nullable(Type.String()),
  applicationUrl: Nullable(Type.String()),
  loginUrl: Nullable(Type.String()),
  logo: Nullable(Type.String()),
  logoUrl: Nullable(Type.String()),
  address: Nullable(Type.String()),
  timezone: Nullable(Type.String()),
  dateFormat: Nullable(Type.String()),
  timeFormat: Nullable(Type.String()),
  currency: Nullable(Type.String()),
  creatorName: Nullable(Type.String()),
  creatorEmail: Nullable(Type.String()),
  isReseller: Type.Boolean(),
  alias: Nullable(Type.String()),
  /** text of JSON */
  metadata: Type.String(),
  createdAt: DateTime,
  updatedAt: DateTime,
  deletedAt: Type.Null(),
})

export const toTenant = ({ id, rowId, ...row }: TenantRow): Static<typeof Tenant> => ({
  ...row,
  id: rowId,
  tenantId: id,
  createdAt: row.createdAt.toISOString(),
  updatedAt: row.updatedAt.toISOString(),
  deletedAt: null,
})
