import { Type, type Static, type TObject } from 'typebox'
import { definition, definitionOfTenants } from './definitions.ts'
import { errors, type ApiError, onDuplicate, onUnknownReference } from './errors.ts'
import type { Ctx, TenantScope } from './operation.ts'
import { DateTime, Id, mustBeChecked } from './validation.ts'

/** A policy document that an environment or a tenant can store; `initial` answers until it does. */
export interface Setting<S extends TObject> {
  readonly key: string
  readonly schema: S
  readonly initial: Static<S>
}
/** @throws for a schema with a keyword that validation does not check */
export function setting<S extends TObject>(key: string, schema: S, initial: Static<S>): Setting<S> {
  mustBeChecked(schema, `setting ${key}`)
  return { key, schema, initial }
}

export interface Stored<V> {
  readonly id: string
  readonly tenantId: string | null
  readonly value: V
  readonly createdAt: Date
  readonly updatedAt: Date
}
type Any = Setting<TObject>

const where = (s: Any, tenant: TenantScope | undefined) => ({ key: s.key, tenantId: tenant?.id ?? null })

type Documents = ReadonlyMap<string, Stored<unknown>>

const shown = {
  select: { key: true, id: true, tenantId: true, value: true, createdAt: true, updatedAt: true },
} as const

/** The environment's own documents, by their keys. */
const ofEnvironment = definition('settings', {
  models: ['Setting'],
  async load({ db }): Promise<Documents> {
    const rows = await db.setting.findMany({ where: { tenantId: null }, ...shown })
    return new Map(rows.map(({ key, ...row }) => [key, row]))
  },
})

async function readOfTenants({ db }: Ctx, tenantIds: readonly string[]): Promise<ReadonlyMap<string, Documents>> {
  const rows = await db.setting.findMany({ where: { tenantId: { in: [...tenantIds] } }, ...shown })
  const found = new Map<string, Map<string, Stored<unknown>>>(tenantIds.map((id) => [id, new Map()]))
  for (const { key, ...row } of rows) found.get(row.tenantId!)!.set(key, row)
  return found
}
const ofTenants = definitionOfTenants<Documents>('settings of tenants', {
  models: ['Setting'],
  load: readOfTenants,
  none: new Map(),
})

/** What exactly this scope has stored: a tenant inherits nothing here. */
export async function stored<S extends TObject>(
  ctx: Ctx,
  s: Setting<S>,
  tenant?: Pick<TenantScope, 'id'>,
): Promise<Stored<Static<S>> | null> {
  const documents = tenant ? (await ofTenants(ctx, [tenant.id]))(tenant.id) : await ofEnvironment(ctx)
  return (documents.get(s.key) as Stored<Static<S>> | undefined) ?? null
}

export async function mustBeStored<S extends TObject>(
  ctx: Ctx,
  s: Setting<S>,
  missing: ApiError,
  tenant?: TenantScope,
) {
  const found = await stored(ctx, s, tenant)
  if (!found) throw missing
  return found
}

/** The tenant's document, else the environment's, else `initial`; fields that a stored document lacks are filled from `initial`. */
export async function effective<S extends TObject>(
  ctx: Ctx,
  s: Setting<S>,
  tenant?: Pick<TenantScope, 'id'>,
): Promise<Static<S>> {
  const of = await layers(ctx, tenant ? [tenant.id] : [])
  return { ...s.initial, ...((tenant && of(s, tenant.id)) ?? of(s, null)) }
}

/**
 * What the environment (null) and these tenants have stored, for callers that merge it part by part.
 * @param anew reads it for the tenants even if it is kept, or if there are none: a call that must not show whether a user is
 * there costs the same each time
 */
export async function layers(ctx: Ctx, tenantIds: readonly (string | null)[], { anew = false } = {}) {
  const own = tenantIds.filter((id) => id !== null)
  const environment = await ofEnvironment(ctx),
    read = anew ? await readOfTenants(ctx, own.length ? own : ['']) : undefined,
    ofTenant = own.length && !read ? await ofTenants(ctx, own) : (id: string) => read?.get(id)
  return <S extends TObject>(s: Setting<S>, tenantId: string | null) =>
    (tenantId === null ? environment : ofTenant(tenantId))?.get(s.key)?.value as Static<S> | undefined
}
export type Layers = Awaited<ReturnType<typeof layers>>

/**
 * The documents that apply to members of these tenants, of what `layers` read: the environment's and each tenant's.
 * Where tenants `override`, a tenant's own replaces the environment's.
 */
export function inForce<S extends TObject>(
  of: Layers,
  s: Setting<S>,
  tenantIds: readonly string[],
  { override }: { override: boolean },
): Static<S>[] {
  const environment = of(s, null),
    own = tenantIds.map((id) => of(s, id))
  return (override && own.length ? own.map((value) => value ?? environment) : [environment, ...own]).filter(
    (value) => value !== undefined,
  )
}

/** @throws `taken` when the scope already has one */
export async function create<S extends TObject>(
  ctx: Ctx,
  s: Setting<S>,
  value: Static<S>,
  taken: ApiError,
  tenant?: TenantScope,
) {
  return (await insert(ctx, s, value, tenant).catch(onDuplicate(taken)))!
}

/** Stores the whole document and replaces the old one. */
export function save<S extends TObject>(ctx: Ctx, s: Setting<S>, value: Static<S>, tenant?: TenantScope) {
  return change(ctx, s, () => value, tenant)
}

/** Changes the given fields; what was never stored starts from `initial`. */
export function patch<S extends TObject>(ctx: Ctx, s: Setting<S>, fields: Partial<Static<S>>, tenant?: TenantScope) {
  return change(ctx, s, (old) => ({ ...s.initial, ...old, ...fields }), tenant)
}

/** Two simultaneous changes both take effect: a row that changed in between is read again. */
async function change<S extends TObject>(
  ctx: Ctx,
  s: Setting<S>,
  next: (old: Static<S> | undefined) => Static<S>,
  tenant: TenantScope | undefined,
): Promise<Stored<Static<S>>> {
  for (let attempt = 1; attempt <= 10; attempt++) {
    const old = await ctx.db.setting.findFirst({ where: where(s, tenant) })
    const value = next(old?.value as Static<S> | undefined)
    if (!old) {
      const made = await insert(ctx, s, value, tenant, { skipDuplicates: true })
      if (made) return made
      continue
    }
    const updatedAt = ctx.clock.now()
    const { count } = await ctx.db.setting.updateMany({
      where: { id: old.id, version: old.version },
      data: { value: value as object, updatedAt, version: { increment: 1 } },
    })
    if (count === 1) return { ...old, value, updatedAt }
  }
  throw new Error(`the setting ${s.key} kept changing`)
}

export async function remove(ctx: Ctx, s: Any, tenant?: TenantScope) {
  return (await ctx.db.setting.deleteMany({ where: where(s, tenant) })).count > 0
}

/**
 * @param skipDuplicates where somebody else may have stored one: nothing is returned then, and a transaction goes on. A violated
 * index would end it.
 */
async function insert<S extends TObject>(
  ctx: Ctx,
  s: Setting<S>,
  value: Static<S>,
  tenant: TenantScope | undefined,
  { skipDuplicates = false } = {},
): Promise<Stored<Static<S>> | undefined> {
  const now = ctx.clock.now(),
    row = { id: ctx.random.uuid(), ...where(s, tenant), createdAt: now, updatedAt: now }
  const { count } = await ctx.db.setting
    .createMany({ data: [{ ...row, value: value as object }], skipDuplicates })
    // also when one of the same id is there again by now: what the call was let in for is gone
    .catch(onUnknownReference(errors.notFound('Tenant')))
  return count ? { ...row, value } : undefined
}

/** A stored document as the wire shows it. */
export const Document = <S extends TObject>({ properties }: S) =>
  Type.Object({ id: Id, ...(properties as S['properties']), createdAt: DateTime, updatedAt: DateTime })
export const toDocument = <V extends object>({ id, value, createdAt, updatedAt }: Stored<V>) => ({
  id,
  ...value,
  createdAt: createdAt.toISOString(),
  updatedAt: updatedAt.toISOString(),
})
