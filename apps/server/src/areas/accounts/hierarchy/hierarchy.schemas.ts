import type { Tenant } from '@henhouse/database'
import { Type, type Static } from 'typebox'
import { Order, pageQuery } from '../../../kernel/paging.ts'
import { DateTime, FilledKey, Id, Key, Keys, Name, Nullable, OneOf, Text } from '../../../kernel/validation.ts'
import { NewTenant, OwnId, SubAccountAccessType } from '../tenants/tenants.schemas.ts'

/** The reference requires neither. */
export const Kinship = Type.Object({
  parentTenantId: Type.Optional(Key),
  childTenantId: Type.Optional(Key),
})
export const Relation = Type.Object({ parentTenantId: Key, childTenantId: Key })
export type Relation = Static<typeof Relation>

/** A tenant's place in the hierarchy. */
export const HierarchyNode = Type.Object({
  id: Id,
  vendorId: Id,
  tenantId: Type.String(),
  parentId: Nullable(Type.String()),
})
export const toHierarchyNode = ({
  rowId,
  vendorId,
  id,
  parentId,
}: Pick<Tenant, 'rowId' | 'vendorId' | 'id' | 'parentId'>): Static<typeof HierarchyNode> => ({
  id: rowId,
  vendorId,
  tenantId: id,
  parentId,
})

const card = {
  tenantId: Type.String(),
  tenantName: Type.String(),
  status: Nullable(Type.String()),
  createdAt: DateTime,
}
export const cardColumns = { id: true, name: true, status: true, createdAt: true } as const
export type CardRow = Pick<Tenant, keyof typeof cardColumns>
const toCard = ({ id, name, status, createdAt }: CardRow) => ({
  tenantId: id,
  tenantName: name,
  status,
  createdAt: createdAt.toISOString(),
})

/** A tenant above or below the one asked about: `level` steps away. */
export const Relative = Type.Object({ ...card, level: Type.Integer() })
export const toRelative = ({ level, ...row }: CardRow & { level: number }): Static<typeof Relative> => ({
  ...toCard(row),
  level,
})

export const AccountTree = Type.Cyclic(
  { AccountTree: Type.Object({ ...card, children: Type.Array(Type.Ref('AccountTree')) }) },
  'AccountTree',
)
export interface TreeNode {
  row: CardRow
  children: TreeNode[]
}
interface AccountTree extends ReturnType<typeof toCard> {
  children: AccountTree[]
}
export const toAccountTree = ({ row, children }: TreeNode): AccountTree => ({
  ...toCard(row),
  children: children.map(toAccountTree),
})

export const SubTenantQuery = Type.Object({
  ...pageQuery,
  _filter: Type.Optional(Text),
  _subTenantId: Type.Optional(Key),
  _sortBy: Type.Optional(OneOf(['createdAt', 'name', 'tenantId'])),
  _order: Type.Optional(Order),
})
export type SubTenantQuery = Static<typeof SubTenantQuery>

export const SubTenant = Type.Object({
  tenantId: Type.String(),
  name: Type.String(),
  createdAt: DateTime,
  isReseller: Type.Boolean(),
  subAccountAccessType: SubAccountAccessType,
  /** whether there is anything below it */
  metadata: Type.Object({ isParent: Type.Boolean() }),
})
export const subTenantColumns = {
  id: true,
  rowId: true,
  name: true,
  createdAt: true,
  isReseller: true,
  subAccountAccessType: true,
} as const
export type SubTenantRow = Pick<Tenant, 'id' | 'name' | 'createdAt' | 'isReseller' | 'subAccountAccessType'>
export const toSubTenant = ({ id, ...row }: SubTenantRow, isParent: boolean): Static<typeof SubTenant> => ({
  tenantId: id,
  name: row.name,
  createdAt: row.createdAt.toISOString(),
  isReseller: row.isReseller,
  subAccountAccessType: row.subAccountAccessType as SubAccountAccessType,
  metadata: { isParent },
})

export const TenantIds = Type.Object({ _tenantIds: Type.Optional(Keys) })
export const SubTenantMetadata = Type.Object({
  tenantId: Type.String(),
  totalSubTenants: Type.Integer(),
  isParent: Type.Boolean(),
})

const {
  status,
  website,
  applicationUrl,
  logo,
  logoUrl,
  address,
  timezone,
  currency,
  creatorName,
  creatorEmail,
  isReseller,
} = NewTenant.properties
export const NewSubTenant = Type.Object({
  tenantId: OwnId,
  name: Name,
  parentTenantId: FilledKey,
  status,
  website,
  applicationUrl,
  logo,
  logoUrl,
  address,
  timezone,
  currency,
  creatorName,
  creatorEmail,
  isReseller,
})
export type NewSubTenant = Static<typeof NewSubTenant>

export const SubTenantChange = Type.Object({ name: Type.Optional(Name) })
export const ManagementChange = Type.Object({ isReseller: Type.Optional(Type.Boolean()) })
export const HierarchySettings = Type.Object({ subAccountAccessType: Type.Optional(SubAccountAccessType) })
