import { domainToASCII } from 'node:url'
import { onDuplicate } from '../../../kernel/errors.ts'
import type { Ctx, TenantScope } from '../../../kernel/operation.ts'
import * as settings from '../../../kernel/settings.ts'
import { domainErrors } from './domain-restrictions.errors.ts'
import {
  domainConfiguration,
  type DomainConfiguration,
  type DomainConfigurationChange,
  type DomainList,
  type ListType,
  type NewDomainRestriction,
} from './domain-restrictions.schemas.ts'
import { publicDomains } from './public-domains.ts'

/** A tenant has lists of its own; without a tenant they are the environment's. */
const of = (tenant: TenantScope | undefined) => ({ tenantId: tenant?.id ?? null })
const shown = { select: { id: true, domain: true, type: true } } as const
interface Row {
  id: string
  domain: string
  type: string
}
const typed = (row: Row) => ({ ...row, type: row.type as ListType })

export async function list(ctx: Ctx, tenant: TenantScope | undefined) {
  return (
    await ctx.db.domainRestriction.findMany({
      where: of(tenant),
      ...shown,
      orderBy: [{ createdAt: 'asc' }, { domain: 'asc' }],
    })
  ).map(typed)
}

export async function create(ctx: Ctx, tenant: TenantScope | undefined, { domain, type }: NewDomainRestriction) {
  const data = { id: ctx.random.uuid(), ...of(tenant), domain: domain.toLowerCase(), type, createdAt: ctx.clock.now() }
  return typed(await ctx.db.domainRestriction.create({ data, ...shown }).catch(onDuplicate(domainErrors.taken())))
}

export async function remove(ctx: Ctx, tenant: TenantScope | undefined, id: string) {
  const { count } = await ctx.db.domainRestriction.deleteMany({ where: { id, ...of(tenant) } })
  if (!count) throw domainErrors.notFound()
}

/**
 * Replaces one of the two lists. A domain on both keeps its id. Of several calls at once the last one stands, whole.
 */
export async function replace(ctx: Ctx, tenant: TenantScope | undefined, { type, domains }: DomainList) {
  const wanted = [...new Set(domains.map((domain) => domain.toLowerCase()))]
  // stores the document, so that it can be locked
  const { id } = await settings.patch(ctx, domainConfiguration, {}, tenant)
  return ctx.atomically(async (tx) => {
    await tx.db.setting.updateMany({ where: { id }, data: { version: { increment: 1 } } })
    await tx.db.domainRestriction.deleteMany({ where: { ...of(tenant), type, domain: { notIn: wanted } } })
    const createdAt = tx.clock.now()
    await tx.db.domainRestriction.createMany({
      data: wanted.map((domain) => ({ id: tx.random.uuid(), ...of(tenant), domain, type, createdAt })),
      skipDuplicates: true,
    })
    return (
      await tx.db.domainRestriction.findMany({ where: { ...of(tenant), type }, ...shown, orderBy: { domain: 'asc' } })
    ).map(typed)
  })
}

/** The tenant's own, or without one the environment's. */
export async function configuration(ctx: Ctx, tenant: TenantScope | undefined): Promise<DomainConfiguration> {
  return (await settings.stored(ctx, domainConfiguration, tenant))?.value ?? domainConfiguration.initial
}

export async function configure(
  ctx: Ctx,
  tenant: TenantScope | undefined,
  { type, ...fields }: DomainConfigurationChange,
) {
  return (await settings.patch(ctx, domainConfiguration, { ...fields, ...(type && { listType: type }) }, tenant)).value
}

/**
 * Call this before a user comes in with an e-mail address or changes to one: without a tenant at sign-up, with the
 * tenant for an invitation. The restrictions of the environment and of the tenants must all allow the address.
 * @throws 403
 */
export const mustAllow = (ctx: Ctx, email: string, tenantIds: readonly string[] = []) =>
  mustAllowAll(ctx, [{ email, tenantIds }])

/** As `mustAllow`, for several at once. */
export async function mustAllowAll(
  ctx: Ctx,
  newcomers: readonly { email: string; tenantIds: readonly string[] }[],
): Promise<void> {
  if (!newcomers.length) return
  const scopes = [null, ...new Set(newcomers.flatMap(({ tenantIds }) => tenantIds))],
    stored = await settings.layers(ctx, scopes)
  const active = scopes
    .map((scope) => ({ tenantId: scope, ...(stored(domainConfiguration, scope) ?? domainConfiguration.initial) }))
    .filter((c) => c.active)
  if (!active.length) return
  const domains = newcomers.map(({ email, tenantIds }) => ({ domain: domainOf(email), of: new Set(tenantIds) }))
  const listings = await ctx.db.domainRestriction.findMany({
    where: {
      domain: { in: [...new Set(domains.map(({ domain }) => domain))] },
      OR: active.map((c) => ({ tenantId: c.tenantId, type: c.listType })),
    },
    select: { tenantId: true, domain: true },
  })
  const keyOf = (tenantId: string | null, domain: string) => `${tenantId ?? ''} ${domain}`,
    listed = new Set(listings.map((listing) => keyOf(listing.tenantId, listing.domain)))
  for (const { domain, of: tenants } of domains)
    for (const { tenantId, blockPublicDomains, listType } of active) {
      if (tenantId !== null && !tenants.has(tenantId)) continue
      const isPublic = blockPublicDomains && publicDomains.has(domain)
      if (isPublic || listed.has(keyOf(tenantId, domain)) !== (listType === 'ALLOW')) throw domainErrors.restricted()
    }
}

/** Empty for a text that is no address: no list has such a domain. */
const domainOf = (email: string) =>
  domainToASCII(
    email
      .slice(email.lastIndexOf('@') + 1)
      .trim()
      .toLowerCase(),
  ).replace(/\.$/, '')
