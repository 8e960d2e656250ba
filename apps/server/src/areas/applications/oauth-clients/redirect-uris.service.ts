import { definition } from '../../../kernel/definitions.ts'
import { asReached } from '../../../kernel/environments.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import { definedApplications } from '../../delivery/mail/applications.ts'
import * as applications from '../applications/applications.service.ts'
import { clientErrors } from './oauth-clients.errors.ts'

/** Of one application, or of the environment itself. Two calls at once may pass it by one: it only keeps lists short. */
const MOST = 200

/** The rows of the environment and of all its applications. */
const definedRedirectUris = definition('redirect URIs', {
  models: ['RedirectUri'],
  load: async ({ db }) => ({
    all: await db.redirectUri.findMany({ select: { applicationId: true, redirectUri: true } }),
  }),
})

/** Of the application that the call names, or of the environment. The oldest first. @throws 404 for an unknown application */
export async function list(ctx: Ctx, named: string | undefined) {
  const applicationId = await applicationOf(ctx, named)
  return ctx.db.redirectUri.findMany({
    where: { applicationId },
    orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
    select: { id: true, redirectUri: true },
  })
}

/** One that is there already is left as it is: scripts that set an environment up run more than once. @throws 400, 404 */
export async function add(ctx: Ctx, named: string | undefined, redirectUri: string) {
  if (!isGood(redirectUri)) throw clientErrors.badRedirectUri()
  const applicationId = await applicationOf(ctx, named),
    where = { applicationId, redirectUri },
    select = { id: true, redirectUri: true }
  const present = await ctx.db.redirectUri.findFirst({ where, select })
  if (present) return present
  if ((await ctx.db.redirectUri.count({ where: { applicationId } })) >= MOST) throw clientErrors.tooManyRedirectUris()
  await ctx.db.redirectUri.createMany({
    data: { ...where, id: ctx.random.uuid(), createdAt: ctx.clock.now() },
    skipDuplicates: true,
  })
  return ctx.db.redirectUri.findFirstOrThrow({ where, select })
}

/** @throws 404 */
export async function remove(ctx: Ctx, id: string) {
  const { count } = await ctx.db.redirectUri.deleteMany({ where: { id } })
  if (!count) throw clientErrors.redirectUriNotFound()
}

/** The environment's own client id counts as no application. */
async function applicationOf(ctx: Ctx, named: string | undefined) {
  if (named === undefined || named.toLowerCase() === ctx.vendorId) return null
  await applications.mustExist(ctx, named)
  return named.toLowerCase()
}

/** RFC 6749 §3.1.2: absolute, without a fragment. Schemes of apps are allowed, those that run in a page are not. */
export const isGood = (uri: string) =>
  /^[a-z][a-z0-9+.-]*:[\x21-\x7e]+$/i.test(uri) &&
  !uri.includes('#') &&
  !/^(javascript|data|vbscript|blob|file|about):/i.test(uri) &&
  URL.canParse(uri)

/** Those that hold for a client of the application, or of the environment. */
export async function allowedFor(ctx: Ctx, applicationId: string | undefined) {
  const { all } = await definedRedirectUris(ctx)
  return all
    .filter((row) => row.applicationId === null || row.applicationId === applicationId)
    .map((row) => row.redirectUri)
}

/**
 * Whether the URI is one of these, byte for byte. Apps that listen on a loopback address learn their port only when they run
 * (RFC 8252 §7.3); one name of this machine is not exchanged for another.
 */
export const isAmong = (uri: string, allowed: readonly string[]) =>
  allowed.some((one) => one === uri || (isLoopback(one) && withoutPort(one) === withoutPort(uri)))

const LOOPBACK = /^(http:\/\/(?:localhost|127\.0\.0\.1|\[::1\]))(?::\d{1,5})?(?=[/?]|$)/
const isLoopback = (uri: string) => LOOPBACK.test(uri)
const withoutPort = (uri: string) => uri.replace(LOOPBACK, '$1')

/** Where browsers may go after a logout: also to the start and login pages of applications. */
export async function isAllowedAfterLogout(ctx: Ctx, uri: string) {
  const { all } = await definedRedirectUris(ctx),
    { byId } = await definedApplications(ctx)
  const pages = [...byId.values()].flatMap(({ appURL, loginURL }) =>
    [appURL, loginURL].map((url) => url && asReached(ctx.deps, ctx.environment, url)),
  )
  return (
    isAmong(
      uri,
      all.map((row) => row.redirectUri),
    ) ||
    (pages.includes(uri) && isGood(uri))
  )
}
