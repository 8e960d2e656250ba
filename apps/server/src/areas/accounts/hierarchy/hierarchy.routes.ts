import { Type } from 'typebox'
import { Key } from '../../../kernel/validation.ts'
import { invalid } from '../../../kernel/errors.ts'
import { Empty, operation } from '../../../kernel/operation.ts'
import { Page } from '../../../kernel/paging.ts'
import { needs } from '../../rights/permissions/permissions.keys.ts'
import { tenantErrors } from '../tenants/tenants.errors.ts'
import { hierarchyErrors } from './hierarchy.errors.ts'
import {
  AccountTree,
  HierarchyNode,
  Kinship,
  Relation,
  Relative,
  SubTenant,
  SubTenantMetadata,
  SubTenantQuery,
  TenantIds,
  toAccountTree,
  toHierarchyNode,
  toRelative,
} from './hierarchy.schemas.ts'
import * as hierarchy from './hierarchy.service.ts'
import * as rearrangement from './rearrangement.service.ts'

const v1 = '/tenants/resources/hierarchy/v1',
  v2 = '/tenants/resources/hierarchy/v2'
const reading = {
  method: 'GET',
  tag: 'Sub-accounts',
  auth: 'both',
  permission: needs.subAccounts.read,
  tenant: 'required',
  errors: [tenantErrors.notFound],
} as const
const arranging = { path: v1, tag: 'Sub-accounts and Hierarchy', auth: 'vendor' } as const

export const hierarchyRoutes = [
  operation({
    ...reading,
    id: 'listSubTenantsV1',
    path: v1,
    summary: 'List all accounts below the account, level by level',
    returns: { 200: Type.Array(Relative) },
    handler: async (ctx) => (await hierarchy.below(ctx, ctx.tenant)).map(toRelative),
  }),
  operation({
    ...reading,
    id: 'getSubTenantTreeV1',
    path: `${v1}/tree`,
    summary: 'Read the account and all accounts below it as a tree',
    returns: { 200: AccountTree },
    handler: async (ctx) => toAccountTree(await hierarchy.tree(ctx, ctx.tenant)),
  }),
  operation({
    ...reading,
    id: 'listParentTenantsV1',
    path: `${v1}/parents`,
    summary: 'List the accounts above the account, the nearest first',
    returns: { 200: Type.Array(Relative) },
    handler: async (ctx) => (await hierarchy.above(ctx, ctx.tenant.id)).map(toRelative),
  }),
  operation({
    ...reading,
    id: 'listParentTenantsOfV1',
    path: `${v1}/parents/{tenantId}`,
    summary: 'List the accounts above one in the hierarchy of the account, the nearest first',
    params: Type.Object({ tenantId: Key }),
    returns: { 200: Type.Array(Relative) },
    handler: async (ctx, { params }) => {
      await hierarchy.mustBeWithin(ctx, ctx.tenant, params.tenantId)
      return (await hierarchy.above(ctx, params.tenantId)).map(toRelative)
    },
  }),
  operation({
    ...arranging,
    id: 'linkSubTenantV1',
    method: 'POST',
    summary: 'Put an account below another one',
    body: Kinship,
    returns: { 201: HierarchyNode },
    errors: [hierarchyErrors.sameTenant, hierarchyErrors.elsewhere, hierarchyErrors.circular, tenantErrors.notFound],
    handler: async (ctx, { body: { parentTenantId = '', childTenantId = '' } }) => {
      if (!parentTenantId) throw invalid('parentTenantId should not be empty')
      if (!childTenantId) throw invalid('childTenantId should not be empty')
      return toHierarchyNode(await rearrangement.link(ctx, { parentTenantId, childTenantId }))
    },
  }),
  operation({
    ...arranging,
    id: 'unlinkSubTenantV1',
    method: 'DELETE',
    summary: 'Take an account out from under another one',
    body: Relation,
    returns: { 200: Empty },
    errors: [hierarchyErrors.notRelated, tenantErrors.notFound],
    handler: (ctx, { body }) => rearrangement.unlink(ctx, body),
  }),
  operation({
    ...reading,
    id: 'searchSubTenantsV2',
    path: v2,
    summary: 'List page by page the accounts directly below one in the hierarchy, or find any below it',
    query: SubTenantQuery,
    returns: { 200: Page(SubTenant) },
    handler: (ctx, { query }) => hierarchy.search(ctx, ctx.tenant, query),
  }),
  operation({
    ...reading,
    id: 'getSubTenantsMetadataV2',
    path: `${v2}/metadata`,
    summary: 'Count the accounts below each of several accounts in the hierarchy',
    query: TenantIds,
    returns: { 200: Type.Array(SubTenantMetadata) },
    handler: (ctx, { query }) => hierarchy.sizes(ctx, ctx.tenant, query._tenantIds ?? []),
  }),
]
