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
export async function mustAllow(ctx: Ctx, email: string, tenantIds: readonly string[] = []) {
  const check = await restrictions(ctx, [email], tenantIds)
  check(email, tenantIds)
}

/** As `mustAllow`, for several addresses, in one statement if there is anything to look up. The result throws. */
export async function restrictions(ctx: Ctx, emails: readonly string[], tenantIds: readonly string[]) {
  const scopes = [null, ...new Set(tenantIds)],
    stored = await settings.layers(ctx, scopes)
  const active = new Map(
    scopes
      .map((scope) => [scope, stored(domainConfiguration, scope) ?? domainConfiguration.initial] as const)
      .filter(([, { active }]) => active),
  )
  const listed = new Set<string>()
  if (active.size && emails.length)
    for (const { tenantId, domain } of await ctx.db.domainRestriction.findMany({
      where: {
        domain: { in: [...new Set(emails.map(domainOf))] },
        OR: [...active].map(([tenantId, { listType }]) => ({ tenantId, type: listType })),
      },
      select: { tenantId: true, domain: true },
    }))
      listed.add(keyOf(tenantId, domain))
  return (email: string, tenantIds: readonly string[]) => {
    const domain = domainOf(email)
    for (const scope of [null, ...tenantIds]) {
      const rules = active.get(scope)
      if (!rules) continue
      const isListed = listed.has(keyOf(scope, domain))
      if ((rules.blockPublicDomains && publicDomains.has(domain)) || isListed !== (rules.listType === 'ALLOW'))
        throw Object.assign(domainErrors.restricted(), {
          event: { key: RESTRICTED, tenantId: scope ?? tenantIds[0] ?? null, details: { domain } },
        })
    }
  }
}
const RESTRICTED = 'frontegg.account.security.domain.restricted'
const keyOf = (tenantId: string | null, domain: string) => JSON.stringify([tenantId, domain])

/** Empty for a text that is no address: no list has such a domain. */
const domainOf = (email: string) =>
  domainToASCII(
    email
      .slice(email.lastIndexOf('@') + 1)
      .trim()
      .toLowerCase(),
  ).replace(/\.$/, '')
