import type { Prisma } from '@henhouse/database'
import { Type, type Static } from 'typebox'
import { canonicalEmail } from '../../../kernel/email-addresses.ts'
import { isUuid } from '../../../kernel/environments.ts'
import { common, membershipsIn, type Family } from '../../rights/tree/tree.service.ts'
import type { Caller, Ctx, TenantScope } from '../../../kernel/operation.ts'
import { containing, inOrderOf, Order, page, pageQuery, slice } from '../../../kernel/paging.ts'
import { usersLike } from './similar.sql.ts'
import { JoinedKeys, OneOf, Text } from '../../../kernel/validation.ts'
import { familyOf } from '../../rights/held/sub-account-access.service.ts'
import { visibleTo } from '../../rights/held/held.service.ts'
import { usersOf, type Crowd } from './user-list.sql.ts'
import { userErrors } from './users.errors.ts'
import { usersShown, usersShownWithRoles } from './profiles.sql.ts'
import { permissionsOf, withRoles } from './user-rights.service.ts'
import { toListed } from './users.schemas.ts'
import { membersOf } from './users.service.ts'

const text = Type.Optional(Text)

export const UserQuery = Type.Object({
  ...pageQuery,
  _sortBy: Type.Optional(OneOf(['createdAt', 'name', 'email', 'id', 'verified', 'isLocked', 'provider', 'tenantId'])),
  _order: Type.Optional(Order),
  _filter: text,
  _email: text,
  _namePrefix: text,
  _identifier: text,
  _identifierType: Type.Optional(OneOf(['email', 'phoneNumber', 'username'])),
  _tenantId: text,
  _includeSubTenants: Type.Optional(Type.Boolean()),
  /** ids, comma-joined */
  ids: Type.Optional(JoinedKeys),
  _externalIds: Type.Optional(JoinedKeys),
})
export type UserQuery = Static<typeof UserQuery>

const Phrases = Type.Optional(Type.Array(Type.String({ maxLength: 200 }), { maxItems: 20 }))
export const PhraseQuery = Type.Object({
  ...UserQuery.properties,
  /** the user must have all of them */
  _phraseSearchContains: Phrases,
  /** the user must have none of them */
  _phraseSearchExcludes: Phrases,
  /** the user must have at least one of them */
  _phraseSearchOptional: Phrases,
  /** allows for typing errors in the phrases and in the users' fields */
  _phraseSearchApproximate: Type.Optional(Type.Boolean()),
})
/** The query of the list, from the wire or from other areas. */
type AnyQuery = Partial<Omit<Static<typeof PhraseQuery>, '_sortBy'>> & { _sortBy?: UserQuery['_sortBy'] | 'lastLogin' }

/** A page of the users in the tenant and those below it; without a tenant (management), of all users. */
export async function list(ctx: Ctx, caller: Caller, tenant: TenantScope | undefined, query: AnyQuery) {
  const found = await rows(ctx, caller, tenant, query, { roles: false })
  return page(
    found.rows.map((row) => toListed(row, caller, tenant)),
    found.total,
    query,
  )
}

/** As `list`, each user with their own roles and permissions in the tenant that the list shows. Roles by groups or from accounts above show only on single users. */
export async function listWithRights(ctx: Ctx, caller: Caller, tenant: TenantScope | undefined, query: AnyQuery) {
  const found = await rows(ctx, caller, tenant, query, { roles: true }),
    permissions = await permissionsOf(ctx)
  const items = found.rows.map((row) => {
    const user = toListed(row, caller, tenant),
      roles = user.tenants.find((place) => place.tenantId === user.tenantId)?.roles ?? []
    return { ...user, roles, permissions: permissions(roles) }
  })
  return page(items, found.total, query)
}

/** The users of a page, and how many there are in all. `roles`: whether with their roles in their tenants. */
export async function rows(
  ctx: Ctx,
  caller: Caller,
  tenant: TenantScope | undefined,
  query: AnyQuery,
  { roles }: { roles: boolean },
) {
  const selected = await selection(ctx, caller, tenant, query),
    { ids, total } = await pageIds(ctx, query, selected),
    { visible } = selected
  const found = ids.length
    ? await ctx.sql(
        roles ? usersShownWithRoles : usersShown,
        ctx.clock.now(),
        ids,
        visible?.tenantId ?? null,
        visible?.below ?? false,
      )
    : []
  return { rows: await withRoles(ctx, inOrderOf(ids, found)), total }
}

/** Fetches ids before rows, because related rows would be loaded for all users before the page, too. */
async function pageIds(ctx: Ctx, query: AnyQuery, { where, crowd, nearest }: Awaited<ReturnType<typeof selection>>) {
  if (crowd) return usersOf(ctx, crowd, query._sortBy ?? 'createdAt', query)
  const { skip, take } = slice(query)
  if (nearest && !query._sortBy) {
    const fitting = new Set((await ctx.db.user.findMany({ where, select: { id: true } })).map((row) => row.id)),
      ids = nearest.filter((id) => fitting.has(id))
    return { ids: ids.slice(skip, skip + take), total: ids.length }
  }
  const [rows, total] = await Promise.all([
    ctx.db.user.findMany({ where, select: { id: true }, orderBy: order(query), skip, take }),
    ctx.db.user.count({ where }),
  ])
  return { ids: rows.map((row) => row.id), total }
}

/** The condition for a query's users; the tenants that the caller may see (undefined: all); the crowd, if nothing else filters it; and for a search the ids by nearness. */
export async function selection(ctx: Ctx, caller: Caller, tenant: TenantScope | undefined, query: AnyQuery) {
  const {
    _identifier,
    _identifierType,
    _includeSubTenants = true,
    _phraseSearchContains: all = [],
    _phraseSearchOptional: any = [],
    _phraseSearchExcludes: none = [],
  } = query
  if ((_identifier === undefined) !== (_identifierType === undefined)) throw userErrors.identifierAlone()
  const of = (tenantId: string) => (_includeSubTenants ? familyOf(ctx, caller, tenantId) : { tenantId, below: false })
  const ofCaller = tenant && (await of(tenant.id))
  const asked = query._tenantId === undefined ? undefined : await of(query._tenantId)
  const family = asked && ofCaller ? await common(ctx, asked, ofCaller) : (asked ?? ofCaller)
  const nearest =
    query._phraseSearchApproximate && all.length + any.length
      ? await usersLike(ctx, { all, any, family: family ?? undefined })
      : undefined
  const filters: Prisma.UserWhereInput[] = [
    ...(nearest ? [{ id: { in: nearest } }] : [...all.map(having), ...(any.length ? [{ OR: any.map(having) }] : [])]),
    ...none.map(lacking),
    ...(query._email === undefined ? [] : [{ email: canonicalEmail(query._email) }]),
    ...(query.ids === undefined ? [] : [{ id: { in: query.ids.split(',').filter(isUuid) } }]),
    ...(query._externalIds === undefined ? [] : [{ externalId: { in: query._externalIds.split(',') } }]),
    ...(query._namePrefix === undefined ? [] : [{ name: beginning(query._namePrefix) }]),
    ...(_identifier === undefined || !_identifierType
      ? []
      : [{ [_identifierType]: { startsWith: containing(canonicalEmail(_identifier)).contains } }]),
    ...(query._filter === undefined
      ? []
      : [{ OR: [{ name: containing(query._filter) }, { email: containing(query._filter) }] }]),
  ]
  const members = family === null ? { id: { in: [] } } : family && membersOf(ctx, membershipsIn(family))
  const where: Prisma.UserWhereInput = { ...members, ...visibleTo(caller), AND: filters }
  return {
    where,
    visible: caller.kind === 'vendor' ? undefined : ofCaller,
    crowd: filters.length ? undefined : crowdOf(caller, family),
    nearest,
  }
}

function crowdOf(caller: Caller, family: Family | null | undefined): Crowd | undefined {
  if (family) return { ...family, visible: caller.kind !== 'vendor' }
  return family === undefined && caller.kind === 'vendor' ? 'everybody' : undefined
}

const searched = ['email', 'username', 'phoneNumber'] as const
const having = (phrase: string): Prisma.UserWhereInput => ({
  OR: ['name', ...searched].map((column) => ({ [column]: containing(phrase) })),
})
/** Tests each column for null as well, because in SQL `not like` is not true of null. */
const lacking = (phrase: string): Prisma.UserWhereInput => ({
  NOT: { name: containing(phrase) },
  AND: searched.map((column) => ({ OR: [{ [column]: null }, { NOT: { [column]: containing(phrase) } }] })),
})
const beginning = (text: string) => ({ startsWith: containing(text).contains, mode: 'insensitive' as const })

/** Users with equal values are sorted by id, and users without a value come first, as in `usersOf`. */
function order({ _sortBy = 'createdAt', _order }: AnyQuery): Prisma.UserOrderByWithRelationInput[] {
  const direction = _order === 'DESC' ? 'desc' : 'asc'
  if (_sortBy === 'id') return [{ id: direction }]
  const nullable = { email: 'email', tenantId: 'activeTenantId', lastLogin: 'lastLogin' }[_sortBy as string]
  return [
    nullable === undefined
      ? { [_sortBy]: direction }
      : { [nullable]: { sort: direction, nulls: direction === 'asc' ? 'first' : 'last' } },
    { id: direction },
  ]
}
