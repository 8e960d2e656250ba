import { definition } from '../../kernel/definitions.ts'
import { onDuplicate } from '../../kernel/errors.ts'
import type { Ctx } from '../../kernel/operation.ts'
import { mobileAppErrors } from './mobile-apps.errors.ts'

/* Apps that the environment's host vouches for. */

export type Platform = 'ios' | 'android'

const MOST = 50
const shown = { id: true, name: true, fingerprints: true } as const

const defined = definition('mobile apps', {
  models: ['MobileApp'],
  load: async ({ db }) => ({
    all: await db.mobileApp.findMany({
      orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
      select: { ...shown, platform: true },
    }),
  }),
})

/** The oldest first. */
export const list = (ctx: Ctx, platform: Platform) =>
  ctx.db.mobileApp.findMany({
    where: { platform },
    orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
    select: shown,
  })

/** @throws 400 when there are too many, 409 when it is there */
export async function add(ctx: Ctx, platform: Platform, name: string, fingerprints: readonly string[] = []) {
  // a bound against rubbish: that two at the same moment may pass it does no harm
  if ((await ctx.db.mobileApp.count()) >= MOST) throw mobileAppErrors.tooMany()
  return ctx.db.mobileApp
    .create({
      data: {
        ...{ id: ctx.random.uuid(), platform, name, createdAt: ctx.clock.now() },
        fingerprints: [...new Set(fingerprints.map((one) => one.toUpperCase()))],
      },
      select: shown,
    })
    .catch(onDuplicate(mobileAppErrors.taken()))
}

/** @throws 404 */
export async function remove(ctx: Ctx, platform: Platform, id: string) {
  const { count } = await ctx.db.mobileApp.deleteMany({ where: { id, platform } })
  if (!count) throw mobileAppErrors.notFound()
}

const namesOf = async (ctx: Ctx, wanted: Platform) =>
  (await defined(ctx)).all.filter(({ platform }) => platform === wanted)

export const assetLinks = async (ctx: Ctx) =>
  (await namesOf(ctx, 'android')).map(({ name, fingerprints }) => ({
    relation: ['delegate_permission/common.handle_all_urls', 'delegate_permission/common.get_login_creds'],
    target: { namespace: 'android_app', package_name: name, sha256_cert_fingerprints: fingerprints },
  }))

/** Apps come back from the login page below these. */
const PAGES = ['/oauth/account/*', '/account/*']

export async function appleAssociation(ctx: Ctx) {
  const appIDs = (await namesOf(ctx, 'ios')).map(({ name }) => name)
  return {
    applinks: { details: appIDs.length ? [{ appIDs, components: PAGES.map((page) => ({ '/': page })) }] : [] },
    webcredentials: { apps: appIDs },
  }
}
