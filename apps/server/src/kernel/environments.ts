import { timingSafeEqual } from 'node:crypto'
import { isIP } from 'node:net'
import type { Database, PrismaClient } from '@henhouse/database'
import { LRUCache } from 'lru-cache'
import type { ClockSetting } from './clock.ts'
import { FRESH_MS, type Kind, type Memory } from './memory.ts'
import { fingerprint } from './random.ts'

/** One environment (the wire's vendor) as every request needs it. */
export interface Environment extends ClockSetting {
  readonly id: string
  readonly name: string
  readonly host: string | null
  readonly isDefault: boolean
  /** Newest first: the first signs, the others still verify. Private parts are sealed. */
  readonly keys: readonly SigningKey[]
  /** as its administrators want it shown, if not as `name` */
  readonly title: string | null
  /** origins whose pages may call it with cookies, as browsers write them, beside those that the operator allows */
  readonly allowedOrigins: readonly string[]
  /** host names that lead to it, beside `host` */
  readonly domains: readonly string[]
}
interface SigningKey {
  readonly id: string
  readonly publicKey: string
  readonly privateKey: string
  readonly secret: string
}

/**
 * Stands in for an unknown environment, so that looking it up and comparing its key take as long as for a known one. No
 * key has this hash.
 */
const NOBODY = { id: '00000000-0000-0000-0000-000000000000', apiKeyHash: '0'.repeat(64) }

const kind: Kind = { name: 'environment', models: ['Vendor', 'SigningKey', 'Workspace', 'CustomDomain'] }

/** Of hosts (RFC 1035 §2.3.4) and what stands before them here. Longer ones would fill the memory. */
const MAX_NAME = 260

/** Finds environments, which are kept in memory: every request needs one, and they hardly ever change. */
export function environmentDirectory(
  { prisma, pool }: Pick<Database, 'prisma' | 'pool'>,
  memory: Pick<Memory, 'recall' | 'age'>,
  time: { now(): number } = performance,
) {
  /** `key:<kid>`, `host:<host>`, `name:<name>`, `default` → the id of the environment that it led to last */
  const ids = new LRUCache<string, string>({ max: 20_000 })
  /** What led nowhere, and the memory's age then: browsers say with each request where the application is. */
  const nowhere = new LRUCache<string, number>({ max: 5000, ttl: FRESH_MS, ttlResolution: 0, perf: time })

  const byId = (id: string) => memory.recall(id.toLowerCase(), kind, () => read(prisma, id))

  /** @param leads whether this is what leads to the environment now */
  async function through(
    name: string,
    leads: (environment: Environment) => boolean,
    find: () => Promise<string | undefined>,
  ) {
    const last = ids.get(name),
      known = last === undefined ? undefined : await byId(last)
    if (known && leads(known)) return known
    const age = memory.age(kind.models)
    if (nowhere.get(name) === age) return undefined
    const id = await find()
    if (id === undefined) {
      ids.delete(name)
      if (name.length <= MAX_NAME) nowhere.set(name, age)
      return undefined
    }
    ids.set(name, id)
    return byId(id)
  }

  return {
    byId: async (id: string) => (isUuid(id) ? byId(id) : undefined),
    byKey: (kid: string) =>
      through(
        `key:${kid}`,
        ({ keys }) => keys.some((key) => key.id === kid),
        async () => (await prisma.signingKey.findUnique({ where: { id: kid }, select: { vendorId: true } }))?.vendorId,
      ),
    byHost: (host: string) =>
      through(
        `host:${host}`,
        (environment) => environment.host === host || environment.domains.includes(host),
        async () => (await idOf(prisma, { host })) ?? (await idOfDomain(prisma, host)),
      ),
    byName: (name: string) => through(`name:${name}`, fits({ name }), () => idOf(prisma, { name })),
    /** The environment with this id and API key. An unknown environment takes as long as a wrong key. */
    async byApiKey(id: string, apiKey: string) {
      const found = await idOfHolder(pool, id, apiKey)
      return found === undefined ? undefined : byId(found)
    },
    default: () => through('default', fits({ isDefault: true }), () => idOf(prisma, { isDefault: true })),
  }
}
export type EnvironmentDirectory = ReturnType<typeof environmentDirectory>

async function read(prisma: PrismaClient, id: string): Promise<Environment | undefined> {
  const [row, keys] = await Promise.all([
    prisma.vendor.findUnique({
      where: { id },
      omit: { apiKeyHash: true },
      include: {
        workspace: { select: { name: true, allowedOrigins: true } },
        customDomains: { where: { activeDomain: { not: null } }, select: { activeDomain: true } },
      },
    }),
    prisma.signingKey.findMany({ where: { vendorId: id, retiredAt: null }, orderBy: { createdAt: 'desc' } }),
  ])
  if (!row) return undefined
  const { workspace, customDomains, ...vendor } = row
  return {
    ...vendor,
    keys,
    title: workspace?.name ?? null,
    allowedOrigins: (workspace?.allowedOrigins ?? []).map(asBrowsersWrite),
    domains: customDomains.flatMap(({ activeDomain }) => activeDomain ?? []),
  }
}

/** An origin as browsers send it (RFC 6454 §6.1): in lower case, without a slash at its end or the port that is usual. */
function asBrowsersWrite(origin: string) {
  const url = URL.canParse(origin) ? new URL(origin) : undefined
  return url && url.origin !== 'null' ? url.origin : origin.toLowerCase().replace(/\/$/, '')
}

/** Whether pages of this origin may call the environment with cookies. `*` lets any (emulator). */
export const isAllowedOrigin = (
  { allowedOrigins, publicUrl }: { readonly allowedOrigins: readonly string[] | '*'; readonly publicUrl: URL },
  environment: Environment,
  origin: string,
) =>
  allowedOrigins === '*' ||
  origin === publicUrl.origin ||
  allowedOrigins.includes(origin) ||
  environment.allowedOrigins.includes(origin)

const idOfDomain = async (prisma: PrismaClient, activeDomain: string) =>
  (await prisma.customDomain.findUnique({ where: { activeDomain }, select: { vendorId: true } }))?.vendorId

type Way = { host: string } | { name: string } | { isDefault: true }
const fits = (way: Way) => (environment: Environment) =>
  Object.entries(way).every(([key, value]) => environment[key as keyof Environment] === value)
const idOf = async (prisma: PrismaClient, where: Way) =>
  (await prisma.vendor.findFirst({ where, select: { id: true } }))?.id

async function idOfHolder(pool: Database['pool'], id: string, apiKey: string) {
  const { rows } = await pool.query<typeof NOBODY>({
    name: 'environments.holder',
    text: 'select id, "apiKeyHash" from "Vendor" where id = $1',
    values: [isUuid(id) ? id : NOBODY.id],
  })
  const found = rows[0] ?? NOBODY
  return timingSafeEqual(Buffer.from(fingerprint(apiKey)), Buffer.from(found.apiKeyHash)) ? found.id : undefined
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
export const isUuid = (text: string) => UUID.test(text)

const isAddress = ({ hostname }: URL) => isIP(hostname.replace(/^\[|\]$/g, '')) !== 0

/**
 * An environment's base URL, which is also its tokens' issuer: its own host, or its name before the server's host. No
 * trailing slash.
 */
export function baseUrl(publicUrl: URL, environment: Pick<Environment, 'host' | 'name' | 'isDefault'>) {
  if (environment.host) return `https://${environment.host}`
  const url = new URL(publicUrl)
  // no name can stand before an address, which only the emulator may have
  if (!environment.isDefault) url.hostname = `${environment.name}.${isAddress(url) ? 'localhost' : url.hostname}`
  return url.href.replace(/\/+$/, '')
}

/**
 * What is stored as an address. If it is one of the environment's own and the server has several addresses, this is what
 * becomes of it at the address of the call.
 */
export function asReached(
  { publicUrl, usualUrl }: { publicUrl: URL; usualUrl?: URL },
  environment: Pick<Environment, 'host' | 'name' | 'isDefault'>,
  stored: string,
) {
  if (!usualUrl) return stored
  const own = baseUrl(usualUrl, environment)
  return stored === own || stored.startsWith(`${own}/`)
    ? `${baseUrl(publicUrl, environment)}${stored.slice(own.length)}`
    : stored
}
