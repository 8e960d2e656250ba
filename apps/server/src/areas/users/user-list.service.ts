import type { Prisma } from '@henhouse/database'
import { Type, type Static } from 'typebox'
import { isUuid } from '../../kernel/environments.ts'
import { descendantsOf } from '../../kernel/hierarchy.ts'
import { hasHiddenMembers, inOrderOf, pageOf, type List } from '../../kernel/listing.ts'
import type { Ctx, TenantScope, UserCaller, VendorCaller } from '../../kernel/operation.ts'
import { containing, Order, page, pageQuery, slice } from '../../kernel/paging.ts'
import { usersLike } from '../../kernel/similar.ts'
import { OneOf } from '../../kernel/validation.ts'
import { opens } from '../hierarchy/sub-account-access.service.ts'
import { userErrors } from './users.errors.ts'
import { secretColumns, toCoreUser, withTenants, type UserWithTenants } from './users.schemas.ts'
import { membersOf } from './users.service.ts'

const text = Type.Optional(Type.String())

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
  ids: text,
  _externalIds: text,
})
export type UserQuery = Static<typeof UserQuery>

const Phrases = Type.Optional(Type.Array(Type.String({ maxLength: 200 }), { maxItems: 20 }))
export const PhraseQuery = Type.Object({
  ...UserQuery.properties,
  /** every one of them is there */
  _phraseSearchContains: Phrases,
  /** none of them is there */
  _phraseSearchExcludes: Phrases,
  /** at least one of them is there */
  _phraseSearchOptional: Phrases,
  /** what is there, or wanted, may have been mistyped */
  _phraseSearchApproximate: Type.Optional(Type.Boolean()),
})
type AnyQuery = UserQuery & Partial<Static<typeof PhraseQuery>>

/** A page of the users in the tenant and those below it, without one (management) of all. `roles`: whether to show those that they have in their tenants. */
export async function list(ctx: Ctx, caller: VendorCaller | UserCaller, tenant: TenantScope | undefined, query: AnyQuery, { roles }: { roles: boolean }) {
  const { where, visible, whole, nearest } = await selection(ctx, caller, tenant, query)
  const columns = { omit: secretColumns, include: { memberships: withTenants(ctx, { roles, visible }) } }
  const shown = (rows: UserWithTenants[], total: number) =>
    page(rows.map((row) => toCoreUser(row, caller, row.memberships.find((m) => m.tenantId === tenant?.id)?.tenantId)), total, query)
  const inOrder = async (ids: string[], total: number) => shown(inOrderOf(ids, await ctx.db.user.findMany({ where: { id: { in: ids } }, ...columns })), total)
  if (nearest && !query._sortBy) {
    const fitting = new Set((await ctx.db.user.findMany({ where, select: { id: true } })).map((row) => row.id)), ids = nearest.filter((id) => fitting.has(id)), { skip, take } = slice(query)
    return inOrder(ids.slice(skip, skip + take), ids.length)
  }
  if (whole && (query._sortBy ?? 'createdAt') === 'createdAt') {
    const { ids, total } = await pageOf(ctx, whole, query)
    return inOrder(ids, total)
  }
  return shown(...await Promise.all([
    ctx.db.user.findMany({ where, ...columns, orderBy: order(query), ...slice(query) }),
    whole ? pageOf(ctx, whole, { _limit: 0 }).then(({ total }) => total) : ctx.db.user.count({ where }),
  ]))
}

/** Which users a query means, which of their tenants its caller may see (undefined: all), the counted list that they are the whole of, and their ids by nearness to what was searched for, if any. */
export async function selection(ctx: Ctx, caller: VendorCaller | UserCaller, tenant: TenantScope | undefined, query: AnyQuery) {
  const { _identifier, _identifierType, _includeSubTenants = true, _phraseSearchContains: all = [], _phraseSearchOptional: any = [], _phraseSearchExcludes: none = [] } = query
  if ((_identifier === undefined) !== (_identifierType === undefined)) throw userErrors.identifierAlone()
  const family = (id: string) => (_includeSubTenants ? withSubTenants(ctx, caller, id) : [id])
  const ofCaller = tenant && await family(tenant.id)
  const asked = query._tenantId === undefined ? undefined : await family(query._tenantId)
  const tenantIds = asked && ofCaller ? asked.filter((id) => ofCaller.includes(id)) : asked ?? ofCaller
  const nearest = query._phraseSearchApproximate && all.length + any.length ? await usersLike(ctx, { all, any, tenantIds }) : undefined
  const filters: Prisma.UserWhereInput[] = [
    ...(nearest ? [{ id: { in: nearest } }] : [...all.map(having), ...(any.length ? [{ OR: any.map(having) }] : [])]),
    ...none.map(lacking),
    ...(query._email === undefined ? [] : [{ email: query._email.toLowerCase() }]),
    ...(query.ids === undefined ? [] : [{ id: { in: query.ids.split(',').filter(isUuid) } }]),
    ...(query._externalIds === undefined ? [] : [{ externalId: { in: query._externalIds.split(',') } }]),
    ...(query._namePrefix === undefined ? [] : [{ name: beginning(query._namePrefix) }]),
    ...(_identifier === undefined || !_identifierType ? [] : [{ [_identifierType]: beginning(_identifier) }]),
    ...(query._filter === undefined ? [] : [{ OR: [{ name: containing(query._filter) }, { email: containing(query._filter) }] }]),
  ]
  const where: Prisma.UserWhereInput = { ...(tenantIds && membersOf(ctx, tenantIds)), ...(caller.kind === 'user' && { invisible: false }), AND: filters }
  return { where, visible: caller.kind === 'user' ? ofCaller : undefined, whole: filters.length ? undefined : await wholeList(ctx, caller, tenantIds), nearest }
}

async function wholeList(ctx: Ctx, caller: VendorCaller | UserCaller, tenantIds: string[] | undefined): Promise<List | undefined> {
  if (!tenantIds) return 'users'
  const [tenantId, ...others] = tenantIds
  // somebody may be in several tenants
  if (tenantId === undefined || others.length || await hasHiddenMembers(ctx, tenantId, { invisible: caller.kind === 'user' })) return undefined
  return `members:${tenantId}`
}

const searched = ['email', 'username', 'phoneNumber'] as const
const having = (phrase: string): Prisma.UserWhereInput => ({ OR: ['name', ...searched].map((column) => ({ [column]: containing(phrase) })) })
/** Said column by column, as in SQL nothing is known of the text in an empty one, not even that it lacks something. */
const lacking = (phrase: string): Prisma.UserWhereInput => ({
  NOT: { name: containing(phrase) }, AND: searched.map((column) => ({ OR: [{ [column]: null }, { NOT: { [column]: containing(phrase) } }] })),
})
const beginning = (text: string) => ({ startsWith: containing(text).contains, mode: 'insensitive' as const })

/** Equal ones in the order of their ids; each order has an index. */
function order({ _sortBy = 'createdAt', _order }: UserQuery): Prisma.UserOrderByWithRelationInput[] {
  const direction = _order === 'DESC' ? 'desc' : 'asc'
  if (_sortBy === 'id') return [{ id: direction }]
  return [{ [_sortBy === 'tenantId' ? 'activeTenantId' : _sortBy]: direction }, { id: direction }]
}

/** The tenant and all below it. A user looks below only with access to sub-accounts. */
async function withSubTenants(ctx: Ctx, caller: VendorCaller | UserCaller, tenantId: string) {
  if (caller.kind === 'user' && !await opens(ctx, caller.userId, caller.tenantId)) return [tenantId]
  return [tenantId, ...(await descendantsOf(ctx, tenantId)).map((place) => place.id)]
}
