import { listOf } from '../../../kernel/paging.ts'

const orders = { createdAt: 't."createdAt"', name: 't.name', tenantId: 't.id' }

/** By their `rowId`. */
export const allTenants = listOf('tenants.all', { rows: '"Tenant" t where t."vendorId" = $1', id: 't."rowId"', orders })

/** By their `rowId`, those right below one tenant. */
export const childrenOf = listOf<keyof typeof orders, [parentId: string]>('tenants.children', {
  rows: '"Tenant" t where t."vendorId" = $1 and t."parentId" = $4',
  id: 't."rowId"',
  orders,
})
