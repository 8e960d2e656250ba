import { canonicalEmail } from '../kernel/email-addresses.ts'
import { isGood } from '../areas/applications/oauth-clients/redirect-uris.service.ts'
import { builtInCategories, builtInRoles } from '../areas/environments/built-in.ts'
import type { Seed, SeedEnvironment } from './seed.schemas.ts'

/*
 * Finds what does not fit together in well-formed seeds: duplicates, and references to what does not exist. Each fault
 * begins with its path.
 */

/** @param at path of one environment */
export function faultsOfAll(environments: readonly SeedEnvironment[], at: (index: number) => string): string[] {
  const each = (field: string, valueOf: (environment: SeedEnvironment) => string | undefined) =>
    repeated(environments.map((environment, index) => ({ path: `${at(index)}${field}`, value: valueOf(environment) })))
  return [
    ...each('name', (e) => e.name),
    ...each('clientId', (e) => e.clientId?.toLowerCase()),
    ...each('host', (e) => e.host),
    ...each('default', (e) => (e.default ? 'true' : undefined)),
    // ids of users are unique among all environments
    ...repeated(
      environments.flatMap(({ users = [] }, index) =>
        users.map((user, n) => ({ path: `${at(index)}users.${n}.id`, value: user.id?.toLowerCase() })),
      ),
    ),
    ...environments.flatMap((environment, index) => faultsOf(environment, at(index))),
  ]
}

/** The faults of one environment. @param at the beginning of their paths */
export function faultsOf(seed: Seed, at = ''): string[] {
  const tenantOf = finder(seed.tenants ?? [])
  return [
    ...permissionFaults(seed, at),
    ...roleFaults(seed, at, tenantOf),
    ...tenantFaults(seed, at, tenantOf),
    ...userFaults(seed, at, tenantOf),
    ...redirectFaults(seed, at),
  ]
}

/** Index of the tenant with this id, else with this name; null when several have the name. */
export function finder(tenants: readonly { id?: string; name: string }[]) {
  return (reference: string): number | null | undefined => {
    const byId = tenants.findIndex((tenant) => tenant.id === reference)
    if (byId >= 0) return byId
    const byName = tenants.flatMap((tenant, index) => (tenant.name === reference ? [index] : []))
    return byName.length > 1 ? null : byName[0]
  }
}
type Finder = ReturnType<typeof finder>

const redirectFaults = ({ redirectUris = [] }: Seed, at: string) => [
  ...repeated(redirectUris.map((value, n) => ({ path: `${at}redirectUris.${n}`, value }))),
  ...redirectUris.flatMap((uri, n) =>
    isGood(uri) ? [] : [`${at}redirectUris.${n} must be an absolute URI without a fragment, and no script`],
  ),
]

const builtInPermissions = builtInCategories.flatMap((category) => category.permissions)
const builtInRoleKeys = builtInRoles.map((role) => role.key)

const permissionFaults = ({ permissions = [] }: Seed, at: string) =>
  repeated(
    permissions.map(({ key }, n) => ({ path: `${at}permissions.${n}.key`, value: key })),
    builtInPermissions,
  )

function roleFaults({ roles = [], permissions = [] }: Seed, at: string, tenantOf: Finder) {
  const known = new Set([...builtInPermissions, ...permissions.map(({ key }) => key)])
  // each tenant has keys of its own
  const owner = ({ tenant }: { tenant?: string }) => (tenant === undefined ? '' : `of ${tenantOf(tenant)}`)
  return [
    ...repeated(
      roles.map((role, n) => ({ path: `${at}roles.${n}.key`, value: role.key, among: owner(role) })),
      builtInRoleKeys,
    ),
    ...roles.flatMap((role, n) => [
      ...(role.tenant === undefined ? [] : unknownTenant(`${at}roles.${n}.tenant`, role.tenant, tenantOf)),
      ...unknown(`${at}roles.${n}.permissions`, role.permissions, known, 'permissions'),
    ]),
  ]
}

function tenantFaults({ tenants = [] }: Seed, at: string, tenantOf: Finder) {
  return [
    ...repeated(tenants.map(({ id }, n) => ({ path: `${at}tenants.${n}.id`, value: id }))),
    ...repeated(tenants.map(({ alias }, n) => ({ path: `${at}tenants.${n}.alias`, value: alias }))),
    // without an id, one is derived from the name
    ...repeated(
      tenants.map(({ id, name }, n) => ({
        path: `${at}tenants.${n}.name`,
        value: id === undefined ? name : undefined,
      })),
    ),
    ...tenants.flatMap(({ parent }, n) => {
      const path = `${at}tenants.${n}.parent`
      if (parent === undefined) return []
      return isBelowItself(tenants, n, tenantOf)
        ? [`${path} ${parent} makes a circle`]
        : unknownTenant(path, parent, tenantOf)
    }),
  ]
}

function isBelowItself(tenants: readonly { parent?: string }[], start: number, tenantOf: Finder) {
  const seen = new Set<number>()
  for (
    let index: number | null | undefined = start;
    typeof index === 'number';
    index = tenants[index]!.parent === undefined ? undefined : tenantOf(tenants[index]!.parent!)
  ) {
    if (seen.has(index)) return true
    seen.add(index)
  }
  return false
}

function userFaults({ users = [], roles = [] }: Seed, at: string, tenantOf: Finder) {
  return [
    ...repeated(users.map(({ email }, n) => ({ path: `${at}users.${n}.email`, value: canonicalEmail(email) }))),
    ...repeated(
      users.map(({ phoneNumber }, n) => ({
        path: `${at}users.${n}.phoneNumber`,
        value: phoneNumber?.replaceAll('-', ''),
      })),
    ),
    ...users.flatMap(({ tenants = [] }, n) => [
      ...repeated(
        tenants.map(({ tenant }, m) => ({
          path: `${at}users.${n}.tenants.${m}.tenant`,
          value: tenant,
          same: tenantOf(tenant),
        })),
      ),
      ...tenants.flatMap((membership, m) => {
        const path = `${at}users.${n}.tenants.${m}`,
          index = tenantOf(membership.tenant)
        const known = new Set([
          ...builtInRoleKeys,
          ...roles.filter(({ tenant }) => tenant === undefined || tenantOf(tenant) === index).map(({ key }) => key),
        ])
        return [
          ...unknownTenant(`${path}.tenant`, membership.tenant, tenantOf),
          ...unknown(`${path}.roles`, membership.roles, known, 'roles of this tenant'),
        ]
      }),
    ]),
  ]
}

interface Place {
  path: string
  /** undefined: not given */
  value: string | undefined
  /** what it must be unique among, when that is not all */
  among?: string
  /** what to compare by, when that is not the value */
  same?: number | null | undefined
}
function repeated(places: readonly Place[], taken: readonly string[] = []) {
  const seen = new Set(taken.map((value) => ` ${value}`))
  return places.flatMap(({ path, value, among = '', same }) => {
    if (value === undefined) return []
    const identity = `${among} ${same ?? value}`
    if (seen.has(identity)) return [`${path} ${value} already exists`]
    seen.add(identity)
    return []
  })
}

const unknown = (path: string, keys: readonly string[] | undefined, known: ReadonlySet<string>, what: string) =>
  (keys ?? []).flatMap((key, index) => (known.has(key) ? [] : [`${path}.${index} ${key} is not one of the ${what}`]))

function unknownTenant(path: string, reference: string, tenantOf: Finder) {
  const found = tenantOf(reference)
  if (typeof found === 'number') return []
  return [
    `${path} ${reference} ${found === undefined ? 'is not one of the tenants' : 'is the name of several tenants: give the id'}`,
  ]
}
