import type { Prisma } from '@henhouse/database'
import { onDuplicate, onMissing, onRefusedRow, onUnknownReference } from '../../../kernel/errors.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import { containing, inOrderOf, page, slice } from '../../../kernel/paging.ts'
import { isStorable } from '../../../kernel/validation.ts'
import * as applications from '../../applications/applications/applications.service.ts'
import { tenantErrors } from './tenants.errors.ts'
import { allTenants, mergingMetadata, removingMetadata } from './tenants.sql.ts'
import {
  toTenant,
  type NewTenant,
  type SubAccountAccessType,
  type TenantChange,
  type TenantQuery,
} from './tenants.schemas.ts'
import { ask } from '../../delivery/prehooks/asking.service.ts'
import { NoChanges } from '../../delivery/prehooks/users.ts'
import * as events from '../../rights/events/events.service.ts'

/** For operations on one row by its key. */
export const keyOf = (ctx: Ctx, id: string) => ({ vendorId_id: { vendorId: ctx.vendorId, id } })

/** What a prehook is asked about an account. It only lets pass or refuses. @throws what it says */
export async function mayHappen(
  ctx: Ctx,
  event: 'CREATE_TENANT' | 'UPDATE_TENANT' | 'DELETE_TENANT',
  tenant: { readonly tenantId: string } & Readonly<Record<string, unknown>>,
) {
  await ask(ctx, event, () => ({ data: { tenant }, tenantId: tenant.tenantId }), NoChanges)
}

/** As `insert`, if the environment's prehook has nothing against it. */
export async function create(ctx: Ctx, tenant: NewTenant) {
  const named = { ...tenant, tenantId: tenant.tenantId ?? ctx.random.uuid() }
  await mayHappen(ctx, 'CREATE_TENANT', named)
  return insert(ctx, named)
}

/**
 * Without an id from the caller the tenant gets a random one; without a name, its id.
 * @throws 409 when the id or the alias is taken, 404 when the parent is unknown
 */
export async function insert(
  ctx: Ctx,
  { tenantId = ctx.random.uuid(), parentTenantId, name = tenantId, metadata, ...fields }: NewTenant,
) {
  // the foreign key would let it point to itself
  if (parentTenantId === tenantId) throw tenantErrors.notFound()
  const now = ctx.clock.now()
  const data = {
    ...fields,
    id: tenantId,
    rowId: ctx.random.uuid(),
    name,
    parentId: parentTenantId ?? null,
    metadata: textOf(metadata) ?? '{}',
    createdAt: now,
    updatedAt: now,
  }
  return (
    ctx
      .atomically(async (tx) => {
        const tenant = await tx.db.tenant.create({ data })
        await applications.assignDefault(tx, tenantId)
        await events.record(tx, { key: 'frontegg.tenant.created', tenantId })
        return tenant
      })
      // looked at before the key is: a tenant that would be below itself is there already
      .catch(onRefusedRow(tenantErrors.taken()))
      .catch(onDuplicate(taken))
      .catch(onUnknownReference(tenantErrors.notFound()))
  )
}

/** @throws 404 */
export async function mustExist(ctx: Ctx, tenantId: string) {
  if (!(await ctx.db.tenant.findFirst({ where: { id: tenantId }, select: { id: true } }))) throw tenantErrors.notFound()
}

/** One or none: the wire wants a list. */
export const byId = (ctx: Ctx, tenantId: string) => ctx.db.tenant.findMany({ where: { id: tenantId } })

/** @throws 404 */
export async function byAlias(ctx: Ctx, alias: string) {
  const found = await ctx.db.tenant.findFirst({ where: { alias } })
  if (!found) throw tenantErrors.notFound()
  return found
}

/** All of them, by id. */
export const list = (ctx: Ctx, filter: Filter) =>
  ctx.db.tenant.findMany({ where: matching(filter), orderBy: { id: 'asc' } })

export async function search(ctx: Ctx, query: TenantQuery) {
  const where = matching(query),
    direction = query._order === 'DESC' ? 'desc' : 'asc',
    { _sortBy = 'createdAt' } = query
  if (query._filter === undefined && !query._tenantIds) {
    const { ids, total } = await allTenants(ctx, _sortBy, query)
    return page(
      inOrderOf(ids, await ctx.db.tenant.findMany({ where: { rowId: { in: ids } } }), (row) => row.rowId).map(toTenant),
      total,
      query,
    )
  }
  const [items, total] = await Promise.all([
    ctx.db.tenant.findMany({
      where,
      orderBy: [{ [_sortBy === 'tenantId' ? 'id' : _sortBy]: direction }, { rowId: direction }],
      ...slice(query),
    }),
    ctx.db.tenant.count({ where }),
  ])
  return page(items.map(toTenant), total, query)
}

type Filter = Pick<TenantQuery, '_filter' | '_tenantIds'>
const matching = ({ _filter, _tenantIds }: Filter): Prisma.TenantWhereInput => ({
  ...(_filter !== undefined && { OR: [{ name: containing(_filter) }, { id: containing(_filter) }] }),
  ...(_tenantIds && { id: { in: _tenantIds } }),
})

/** Changes the given fields; metadata as a whole. @throws 400 when none is given */
export async function update(
  ctx: Ctx,
  tenantId: string,
  { metadata, ...fields }: TenantChange & { subAccountAccessType?: SubAccountAccessType },
) {
  const value = textOf(metadata)
  const data = { ...fields, ...(value !== undefined && { metadata: value }) }
  if (!Object.keys(data).length) throw tenantErrors.nothingToChange()
  await mayHappen(ctx, 'UPDATE_TENANT', { ...data, tenantId })
  return events
    .recording(ctx, updated(tenantId), (tx) =>
      tx.db.tenant.update({ where: keyOf(tx, tenantId), data: { ...data, updatedAt: tx.clock.now() } }),
    )
    .catch(onDuplicate(taken))
    .catch(onMissing(tenantErrors.notFound()))
}

/** Adds the keys to the metadata, and replaces those of the same name. */
export async function mergeMetadata(ctx: Ctx, tenantId: string, added: object | string) {
  const text = textOf(added)
  if (!text?.trimStart().startsWith('{')) throw tenantErrors.badMetadata()
  await mayHappen(ctx, 'UPDATE_TENANT', { tenantId, metadata: text })
  return events.recording(ctx, updated(tenantId), async (tx) =>
    changed(tx, await tx.sql(mergingMetadata, tenantId, tx.clock.now(), text)),
  )
}

/** A missing key is no failure. */
export async function removeMetadata(ctx: Ctx, tenantId: string, key: string) {
  await mayHappen(ctx, 'UPDATE_TENANT', { tenantId, removedMetadata: [key] })
  return events.recording(ctx, updated(tenantId), async (tx) =>
    changed(tx, await tx.sql(removingMetadata, tenantId, tx.clock.now(), key)),
  )
}

const updated = (tenantId: string) => ({ key: 'frontegg.tenant.updated', tenantId })

async function changed(ctx: Ctx, [row]: { id: string }[]) {
  if (!row) throw tenantErrors.notFound()
  return ctx.db.tenant.findUniqueOrThrow({ where: keyOf(ctx, row.id) })
}

const taken = (constraint: string) => (constraint.includes('alias') ? tenantErrors.aliasTaken() : tenantErrors.taken())

/**
 * Metadata comes as JSON, or as the text of it, which stays as it is: numbers may have more digits than a parser keeps.
 * Null counts as nothing.
 */
function textOf(metadata: unknown): string | undefined {
  if (typeof metadata !== 'string')
    return metadata === undefined || metadata === null ? undefined : JSON.stringify(metadata)
  let value: unknown
  try {
    value = JSON.parse(metadata, refuseProto)
  } catch {
    throw tenantErrors.badMetadataText()
  }
  if (!isStorable(value)) throw tenantErrors.badMetadataText()
  return value === null ? undefined : metadata
}

/** Bodies refuse this name, so the text of one does, too. */
function refuseProto(key: string, value: unknown) {
  if (key === '__proto__') throw new SyntaxError('not a name')
  return value
}
