import { baseUrl } from '../../kernel/environments.ts'
import { onDuplicate } from '../../kernel/errors.ts'
import type { Ctx } from '../../kernel/operation.ts'
import * as events from '../rights/events/events.service.ts'
import { workspaceErrors } from './workspace.errors.ts'
import type { WorkspaceChange } from './workspace.schemas.ts'

/* What administrators say of their environment: its name, who may call it from browsers, its own host names. */

const initial = {
  name: null,
  country: '',
  backendStack: '',
  frontendStack: '',
  openSaaSInstalled: false,
  allowedOrigins: [],
}

export async function read(ctx: Ctx) {
  const { name, ...told } = (await ctx.db.workspace.findFirst({ omit: { vendorId: true } })) ?? initial
  return { ...told, id: ctx.vendorId, name: name ?? ctx.environment.name, host: hostOf(ctx) }
}

/** Where the environment is reached, and what its custom domains have to point to. */
const hostOf = ({ deps, environment }: Ctx) => new URL(baseUrl(deps.publicUrl, environment)).host

/**
 * Changes what is given. The host is what tokens name as their issuer: only the operator changes it.
 * @throws 400 for another host, and for what is no origin
 */
export async function change(ctx: Ctx, { host, ...told }: WorkspaceChange) {
  if (host !== undefined && host.toLowerCase() !== hostOf(ctx)) throw workspaceErrors.fixedHost()
  for (const origin of told.allowedOrigins ?? []) if (!isOrigin(origin)) throw workspaceErrors.badOrigin(origin)
  const fields = { ...told, ...(told.allowedOrigins && { allowedOrigins: [...new Set(told.allowedOrigins)] }) }
  await ctx.db.workspace.upsert({ where: { vendorId: ctx.vendorId }, create: fields, update: fields })
  return read(ctx)
}

/** A scheme and a host, with a port or without; those of apps in a shell of their own, too, such as `capacitor://localhost`. */
const isOrigin = (text: string) => /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@*\\]+\/?$/i.test(text) && URL.canParse(text)

const MOST_DOMAINS = 20
const HOST_NAME = /^(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])$/

interface Row {
  id: string
  domain: string
  activeDomain: string | null
}
const shown = { id: true, domain: true, activeDomain: true } as const
const toDomain = (ctx: Ctx, { id, domain, activeDomain }: Row) => ({
  id,
  domain,
  status: activeDomain === null ? ('Pending' as const) : ('Active' as const),
  records: [{ type: 'CNAME', name: domain, value: targetOf(ctx) }],
})
const targetOf = (ctx: Ctx) => hostOf(ctx).replace(/:\d+$/, '')

/** The oldest first. */
export async function domains(ctx: Ctx) {
  const rows = await ctx.db.customDomain.findMany({ orderBy: [{ createdAt: 'asc' }, { id: 'asc' }], select: shown })
  return rows.map((row) => toDomain(ctx, row))
}

/** One that waits for its DNS, as long as `verify` has not seen it. @throws 400, 409 when it is there */
export async function addDomain(ctx: Ctx, name: string) {
  const row = await create(ctx, named(ctx, name)).catch(onDuplicate(workspaceErrors.domainTaken()))
  return toDomain(ctx, row)
}

/**
 * Looks whether the DNS of the domain points here, and lets it lead to the environment then. The domain need not be there yet.
 * @throws 400, also as long as the DNS says nothing of it; 409 when it leads to another environment
 */
export async function verifyDomain(ctx: Ctx, name: string) {
  const domain = named(ctx, name),
    found = await ctx.db.customDomain.findFirst({ where: { domain }, select: shown })
  if (found?.activeDomain != null) return toDomain(ctx, found)
  const aliases = await ctx.deps.outbound.aliasesOf(domain)
  if (!aliases.some((alias) => alias.toLowerCase().replace(/\.$/, '') === targetOf(ctx)))
    throw workspaceErrors.noAlias()
  return ctx
    .atomically(async (tx) => {
      if (!found) await create(tx, domain)
      // one that is deleted at this moment stays so
      const [row] = await tx.db.customDomain.updateManyAndReturn({
        where: { domain },
        data: { activeDomain: domain },
        select: shown,
      })
      if (!row) throw workspaceErrors.domainNotFound()
      await events.record(tx, {
        key: 'customDomain.verified',
        subject: { kind: 'customDomain', id: row.id },
        details: { domain },
      })
      return toDomain(tx, row)
    })
    .catch(onDuplicate(workspaceErrors.domainTaken()))
}

/** @throws 404 */
export async function removeDomain(ctx: Ctx, id: string) {
  const { count } = await ctx.db.customDomain.deleteMany({ where: { id } })
  if (!count) throw workspaceErrors.domainNotFound()
}

/** @throws 400 for what is no host name, and for those that the server gives out itself */
function named(ctx: Ctx, name: string) {
  const domain = name.toLowerCase().replace(/\.$/, ''),
    own = ctx.deps.publicUrl.hostname
  if (!HOST_NAME.test(domain) || domain === own || domain.endsWith(`.${own}`) || domain === targetOf(ctx))
    throw workspaceErrors.badDomain()
  return domain
}

async function create(ctx: Ctx, domain: string): Promise<Row> {
  // a bound against rubbish: that two at the same moment may pass it does no harm
  if ((await ctx.db.customDomain.count()) >= MOST_DOMAINS) throw workspaceErrors.tooManyDomains()
  return ctx.db.customDomain.create({
    data: { id: ctx.random.uuid(), domain, createdAt: ctx.clock.now() },
    select: shown,
  })
}
