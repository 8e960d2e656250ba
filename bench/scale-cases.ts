// What bench:scale asks for.
import type { Crowd } from '../apps/server/test/crowd.ts'

export interface Fixture extends Crowd {
  databaseUrl: string
  vendorId: string
  vendorToken: string
  userToken: string
  memberToken: string
}

type Caller = 'vendorToken' | 'userToken' | 'memberToken'
type TenantName = 'bigTenantId' | 'parentTenantId' | 'familyTenantId' | 'tenantId'
export interface Case {
  name: string
  path: (fixture: Fixture) => string
  as?: Caller
  tenant?: TenantName
  middle?: boolean
  body?: (fixture: Fixture) => object
  /** what the same list takes in plain SQL; a read of one thing has none */
  bare?: Bare
}
/** Counted, and selected by the page. $1 is the environment, $2 a tenant or what is searched for. */
export interface Bare {
  rows: string
  columns: string
  order: string
  limit?: number
  value?: (fixture: Fixture) => string
}

export const identity = '/identity/resources'
const listOf = (name: string, path: string, bare: Bare, more: Pick<Case, 'as' | 'tenant'> = {}): Case[] => {
  const { tenant } = more,
    value = bare.value ?? (tenant && ((f: Fixture) => f[tenant]))
  const all = { path: () => path, bare: { ...bare, ...(value && { value }) }, ...more }
  return [
    { name: `${name}, first page`, ...all },
    { name: `${name}, a page in the middle`, ...all, middle: true },
  ]
}

const live = '(m."expiresAt" is null or m."expiresAt" > now())'
const users = (order: string): Bare => ({ rows: '"User" u where u."vendorId" = $1', columns: 'u.*', order })
const members = (order: string): Bare => ({
  rows: `"User" u join "Membership" m on m."vendorId" = u."vendorId" and m."userId" = u.id where u."vendorId" = $1 and m."tenantId" = $2 and ${live}`,
  columns: 'u.*',
  order,
})
const family = (order: string): Bare => ({
  rows: `"User" u where u."vendorId" = $1 and u.id in (select m."userId" from "Membership" m join "Tenant" t on t."vendorId" = m."vendorId" and t.id = m."tenantId" where m."vendorId" = $1 and t.path @> array[$2] and ${live})`,
  columns: 'u.*',
  order,
})
const theirs = (table: 'UserEmail' | 'PhoneNumber', order: string): Bare => ({
  rows: `"${table}" r where r."vendorId" = $1`,
  columns: 'r.*',
  order,
})
const theirsIn = (table: 'UserEmail' | 'PhoneNumber', order: string): Bare => ({
  rows: `"${table}" r join "Membership" m on m."vendorId" = r."vendorId" and m."userId" = r."userId" where r."vendorId" = $1 and m."tenantId" = $2 and ${live}`,
  columns: 'r.*',
  order,
})
const tenants = (order: string, limit: number): Bare => ({
  rows: '"Tenant" t where t."vendorId" = $1',
  columns: 't.*',
  order,
  limit,
})
const found = (condition: string, value: (fixture: Fixture) => string): Bare => ({
  rows: `"User" u where u."vendorId" = $1 and ${condition}`,
  columns: 'u.*',
  order: 'u."createdAt", u.id',
  value,
})
const holding = '(u.name ilike $2 or u.email ilike $2)'

export const pointReads: Case[] = [
  { name: 'own profile', path: () => `${identity}/users/v2/me`, as: 'memberToken' },
  { name: 'own profile in the big tenant', path: () => `${identity}/users/v2/me`, as: 'userToken' },
  { name: 'user by id', path: (f) => `${identity}/vendor-only/users/v1/${f.userId}` },
  { name: 'user by address', path: (f) => `${identity}/users/v1/email?email=${f.email}` },
  { name: 'member by id', path: (f) => `${identity}/users/v1/${f.memberId}`, tenant: 'tenantId' },
  { name: 'tenant by id', path: (f) => `/tenants/resources/tenants/v2/${f.bigTenantId}` },
  { name: 'statuses', path: (f) => `${identity}/tenants/users/v1/statuses?userIds=${f.userId}` },
]

export const lists: Case[] = [
  ...listOf('users', `${identity}/users/v3`, users('u."createdAt", u.id')),
  ...listOf('users, newest first', `${identity}/users/v3?_order=DESC`, users('u."createdAt" desc, u.id desc')),
  ...listOf('users by address', `${identity}/users/v3?_sortBy=email`, users('u.email nulls first, u.id')),
  ...listOf('users by name', `${identity}/users/v3?_sortBy=name`, users('u.name, u.id')),
  ...listOf('members of a tenant', `${identity}/users/v3`, members('u."createdAt", u.id'), { tenant: 'tenantId' }),
  ...listOf('members of the big tenant', `${identity}/users/v3`, members('u."createdAt", u.id'), {
    tenant: 'bigTenantId',
  }),
  ...listOf(
    'members, as one of them',
    `${identity}/users/v1`,
    { ...members('u."createdAt", u.id'), value: (f) => f.bigTenantId },
    { as: 'userToken' },
  ),
  ...listOf(
    'members of the big tenant by address',
    `${identity}/users/v3?_sortBy=email`,
    members('u.email nulls first, u.id'),
    { tenant: 'bigTenantId' },
  ),
  ...listOf('users of a tenant and one below it', `${identity}/users/v3`, family('u."createdAt", u.id'), {
    tenant: 'familyTenantId',
  }),
  ...listOf('users of most tenants', `${identity}/users/v3`, family('u."createdAt", u.id'), {
    tenant: 'parentTenantId',
  }),
  {
    name: 'page of members in the portal',
    path: () => '/team/resources/members/v1',
    as: 'userToken',
    bare: { ...members('u.name, u.id'), value: (f) => f.bigTenantId },
  },
  ...listOf('tenants', '/tenants/resources/tenants/v2?_limit=10', tenants('t."createdAt", t."rowId"', 10)),
  ...listOf(
    'tenants by name',
    '/tenants/resources/tenants/v2?_limit=10&_sortBy=name',
    tenants('t.name, t."rowId"', 10),
  ),
  ...listOf(
    'tenants below one',
    '/tenants/resources/hierarchy/v2?_limit=5',
    {
      rows: '"Tenant" t where t."vendorId" = $1 and t."parentId" = $2',
      columns: 't.*',
      order: 't."createdAt", t."rowId"',
      limit: 5,
    },
    { tenant: 'parentTenantId' },
  ),
  ...listOf('addresses', `${identity}/users/emails/v1`, theirs('UserEmail', 'r."createdAt", r.id')),
  ...listOf('numbers', `${identity}/users/phone-numbers/v2`, theirs('PhoneNumber', 'r."createdAt", r.id')),
  ...listOf('usernames', `${identity}/usernames/v1`, {
    rows: '"User" u where u."vendorId" = $1 and u.username is not null',
    columns: 'u.id, u.username',
    order: 'u."createdAt", u.id',
  }),
  ...listOf(
    'addresses in the big tenant',
    `${identity}/users/emails/v1`,
    theirsIn('UserEmail', 'r."createdAt", r.id'),
    { tenant: 'bigTenantId' },
  ),
  ...listOf(
    'numbers in the big tenant',
    `${identity}/users/phone-numbers/v2`,
    theirsIn('PhoneNumber', 'r."createdAt", r.id'),
    { tenant: 'bigTenantId' },
  ),
  ...listOf(
    'usernames in the big tenant by name',
    `${identity}/usernames/v1?_sortBy=username`,
    { ...members('u.username, u.id'), columns: 'u.id, u.username' },
    { tenant: 'bigTenantId' },
  ),
  {
    name: 'counts of members of the big tenant',
    path: () => `${identity}/tenants/users/v1/count`,
    body: (f) => ({ tenantIds: [f.bigTenantId] }),
  },
  { name: 'counts of members in the portal', path: () => '/team/resources/stats/v1/members', as: 'userToken' },
  // one found, whatever the number of users
  {
    name: 'search: part of a name',
    path: () => `${identity}/users/v3?_filter=therstoneha`,
    bare: found(holding, () => '%therstoneha%'),
  },
  {
    name: 'search: beginning of a name',
    path: () => `${identity}/users/v3?_namePrefix=Wilhelmina`,
    bare: found('u.name ilike $2', () => 'Wilhelmina%'),
  },
  {
    name: 'search: beginning of an address',
    path: (f) => `${identity}/users/v3?_identifierType=email&_identifier=${f.email.slice(0, -9)}`,
    bare: found('u.email like $2', (f) => `${f.email.slice(0, -9)}%`),
  },
  {
    name: 'search: nothing found',
    path: () => `${identity}/users/v3?_filter=qqzzxx`,
    bare: found(holding, () => '%qqzzxx%'),
  },
  {
    name: 'search: all users',
    path: () => `${identity}/users/v3?_filter=example.com`,
    bare: found(holding, () => '%example.com%'),
  },
  {
    name: 'search: a tenant',
    path: (f) => `/tenants/resources/tenants/v2?_filter=${f.bigTenantId.slice(0, 20)}`,
    bare: {
      rows: '"Tenant" t where t."vendorId" = $1 and (t.name ilike $2 or t.id ilike $2)',
      columns: 't.*',
      order: 't."createdAt", t."rowId"',
      value: (f) => `%${f.bigTenantId.slice(0, 20)}%`,
    },
  },
  {
    name: 'search in the big tenant: nothing found',
    path: () => `${identity}/users/v3?_filter=qqzzxx`,
    tenant: 'bigTenantId',
  },
  {
    name: 'search below one tenant: nothing found',
    path: () => `${identity}/users/v3?_filter=qqzzxx`,
    tenant: 'parentTenantId',
  },
  {
    name: 'search: a tenant below one',
    path: (f) => `/tenants/resources/hierarchy/v2?_filter=${f.tenantId.slice(0, 20)}`,
    tenant: 'parentTenantId',
  },
  {
    name: 'phrases',
    path: () => `${identity}/users/v1/query/phrase?_phraseSearchContains=Wilhelm,stoneha&_phraseSearchExcludes=Bob`,
  },
  {
    name: 'phrases, mistyped',
    path: () => `${identity}/users/v1/query/phrase?_phraseSearchContains=Fetherstonhaugh&_phraseSearchApproximate=true`,
  },
]
