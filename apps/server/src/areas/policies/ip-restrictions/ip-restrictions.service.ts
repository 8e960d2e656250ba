import { canonical, isAmong } from '../../../kernel/addresses.ts'
import type { Ctx, TenantScope } from '../../../kernel/operation.ts'
import { containing, slice, type PageRequest } from '../../../kernel/paging.ts'
import * as settings from '../../../kernel/settings.ts'
import { ipErrors } from './ip-restrictions.errors.ts'
import {
  ipConfiguration,
  type IpConfiguration,
  type ListType,
  type NewIpRestriction,
  type NewIpRestrictions,
} from './ip-restrictions.schemas.ts'

type Tenant = Pick<TenantScope, 'id'>

export async function list(ctx: Ctx, tenant: Tenant, query: PageRequest & { _filter?: string }) {
  const where = {
    tenantId: tenant.id,
    ...(query._filter && { OR: [{ ip: containing(query._filter) }, { description: containing(query._filter) }] }),
  }
  const [items, total] = await Promise.all([
    ctx.db.ipRestriction.findMany({ where, ...slice(query), orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] }),
    ctx.db.ipRestriction.count({ where }),
  ])
  return { items, total }
}

/** Puts an address or network on a list, or changes the entry that is already there. */
export async function put(ctx: Ctx, tenant: Tenant, { ip, strategy, ...fields }: NewIpRestriction) {
  const now = ctx.clock.now(),
    key = {
      tenantId: tenant.id,
      ip: canonicalAt('ip', ip),
      strategy: strategy ?? (await configuration(ctx, tenant)).strategy,
    }
  const isNew = await ctx.db.ipRestriction.createMany({
    data: [{ id: ctx.random.uuid(), ...key, ...fields, createdAt: now, updatedAt: now }],
    skipDuplicates: true,
  })
  if (!isNew.count) await ctx.db.ipRestriction.updateMany({ where: key, data: { ...fields, updatedAt: now } })
  const row = await ctx.db.ipRestriction.findFirst({ where: key })
  if (!row) throw ipErrors.notFound()
  return row
}

/** Puts several on their lists; entries that are already there stay as they are. */
export async function putAll(ctx: Ctx, tenant: Tenant, { ips }: NewIpRestrictions) {
  const now = ctx.clock.now(),
    { strategy: chosen } = await configuration(ctx, tenant)
  const data = ips.map(({ ip, strategy = chosen, ...fields }, index) => ({
    id: ctx.random.uuid(),
    tenantId: tenant.id,
    ip: canonicalAt(`ips.${index}.ip`, ip),
    strategy,
    ...fields,
    createdAt: now,
    updatedAt: now,
  }))
  await ctx.db.ipRestriction.createMany({ data, skipDuplicates: true })
}

export async function remove(ctx: Ctx, tenant: Tenant, id: string) {
  const { count } = await ctx.db.ipRestriction.deleteMany({ where: { id, tenantId: tenant.id } })
  if (!count) throw ipErrors.notFound()
}

export async function configuration(ctx: Ctx, tenant: Tenant): Promise<IpConfiguration> {
  const stored = await settings.layers(ctx, [tenant.id])
  return stored(ipConfiguration, tenant.id) ?? ipConfiguration.initial
}

/** @throws 400 when callers would shut out the address they call from */
export async function configure(ctx: Ctx, tenant: TenantScope, change: Partial<IpConfiguration>, ownIp: string) {
  const next = { ...(await configuration(ctx, tenant)), ...change }
  if (next.isActive && (await isListed(ctx, tenant, ownIp, next.strategy)) !== (next.strategy === 'ALLOW'))
    throw next.strategy === 'ALLOW' ? ipErrors.ownNotAllowed() : ipErrors.ownBlocked()
  return (await settings.patch(ctx, ipConfiguration, change, tenant)).value
}

/** Whether an active entry of the list has the address. */
export async function isListed(ctx: Ctx, tenant: Tenant, ip: string, strategy: ListType) {
  const rows = await ctx.db.ipRestriction.findMany({
    where: { tenantId: tenant.id, strategy, isActive: true },
    select: { ip: true },
  })
  return isAmong(
    ip,
    rows.map((row) => row.ip),
  )
}

export async function isAllowed(ctx: Ctx, tenant: Tenant, ip: string) {
  const { isActive, strategy } = await configuration(ctx, tenant)
  return !isActive || (await isListed(ctx, tenant, ip, strategy)) === (strategy === 'ALLOW')
}

/** Call this when users come into a tenant: log in, take up an invitation, or refresh their tokens. @throws 403 */
export async function mustAllow(ctx: Ctx, ip: string, tenantId: string) {
  if (!(await isAllowed(ctx, { id: tenantId }, ip))) throw ipErrors.restricted()
}

function canonicalAt(path: string, text: string) {
  const found = canonical(text)
  if (found === undefined) throw ipErrors.invalid(path)
  return found
}
