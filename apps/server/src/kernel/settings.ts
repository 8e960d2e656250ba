import type { Static, TObject } from 'typebox'
import { type ApiError, onDuplicate } from './errors.ts'
import type { Ctx, TenantScope } from './operation.ts'

/** A document of policy that an environment, or one of its tenants, may store; `initial` answers until it does. */
export interface Setting<S extends TObject> { readonly key: string, readonly schema: S, readonly initial: Static<S> }
export const setting = <S extends TObject>(key: string, schema: S, initial: Static<S>): Setting<S> => ({ key, schema, initial })

export interface Stored<V> { readonly id: string, readonly tenantId: string | null, readonly value: V, readonly createdAt: Date, readonly updatedAt: Date }
type Any = Setting<TObject>

const where = (s: Any, tenant: TenantScope | undefined) => ({ key: s.key, tenantId: tenant?.id ?? null })

/** What this very scope has stored; nothing of the environment shines through to a tenant. */
export async function stored<S extends TObject>(ctx: Ctx, s: Setting<S>, tenant?: TenantScope): Promise<Stored<Static<S>> | null> {
  return await ctx.db.setting.findFirst({ where: where(s, tenant) }) as Stored<Static<S>> | null
}

export async function mustBeStored<S extends TObject>(ctx: Ctx, s: Setting<S>, missing: ApiError, tenant?: TenantScope) {
  const found = await stored(ctx, s, tenant)
  if (!found) throw missing
  return found
}

/** The tenant's document, else the environment's, else `initial`; fields that a stored document lacks are filled from `initial`. */
export async function effective<S extends TObject>(ctx: Ctx, s: Setting<S>, tenant?: Pick<TenantScope, 'id'>): Promise<Static<S>> {
  const rows = await ctx.db.setting.findMany({ where: { key: s.key, OR: [{ tenantId: null }, ...(tenant ? [{ tenantId: tenant.id }] : [])] }, select: { tenantId: true, value: true } })
  const row = rows.find((r) => r.tenantId !== null) ?? rows[0]
  return { ...s.initial, ...(row?.value as Static<S> | undefined) }
}

/** @throws `taken` when the scope has stored one already */
export async function create<S extends TObject>(ctx: Ctx, s: Setting<S>, value: Static<S>, taken: ApiError, tenant?: TenantScope) {
  return await insert(ctx, s, value, tenant).catch(onDuplicate(taken)) as unknown as Stored<Static<S>>
}

/** Stores the whole document, in the place of what there was. */
export function save<S extends TObject>(ctx: Ctx, s: Setting<S>, value: Static<S>, tenant?: TenantScope) {
  return change(ctx, s, () => value, tenant)
}

/** Changes the given fields; what was never stored starts from `initial`. */
export function patch<S extends TObject>(ctx: Ctx, s: Setting<S>, fields: Partial<Static<S>>, tenant?: TenantScope) {
  return change(ctx, s, (old) => ({ ...s.initial, ...old, ...fields }), tenant)
}

/** Two changes at once both take effect: a row that changed in between is read again. */
async function change<S extends TObject>(ctx: Ctx, s: Setting<S>, next: (old: Static<S> | undefined) => Static<S>, tenant: TenantScope | undefined): Promise<Stored<Static<S>>> {
  for (let attempt = 1; ; attempt++) {
    const old = await ctx.db.setting.findFirst({ where: where(s, tenant) })
    const value = next(old?.value as Static<S> | undefined)
    if (!old) {
      const made = await insert(ctx, s, value, tenant).catch((error: unknown) => { if (attempt < 10 && (error as { code?: string }).code === 'P2002') return undefined; throw error })
      if (made) return made as unknown as Stored<Static<S>>
      continue
    }
    const updatedAt = ctx.clock.now()
    const { count } = await ctx.db.setting.updateMany({ where: { id: old.id, version: old.version }, data: { value: value as object, updatedAt, version: { increment: 1 } } })
    if (count === 1) return { ...old, value, updatedAt }
    if (attempt === 10) throw new Error(`the setting ${s.key} kept changing`)
  }
}

export async function remove(ctx: Ctx, s: Any, tenant?: TenantScope) {
  return (await ctx.db.setting.deleteMany({ where: where(s, tenant) })).count > 0
}

function insert<S extends TObject>(ctx: Ctx, s: Setting<S>, value: Static<S>, tenant: TenantScope | undefined) {
  const now = ctx.clock.now()
  return ctx.db.setting.create({ data: { id: ctx.random.uuid(), ...where(s, tenant), value: value as object, createdAt: now, updatedAt: now } })
}
