import { definition } from '../../../kernel/definitions.ts'
import { asReached, baseUrl } from '../../../kernel/environments.ts'
import type { Ctx } from '../../../kernel/operation.ts'

/** The name of the application that every environment starts with: no name to show. */
export const UNNAMED = 'Default application'

/** Which applications there are, by their ids, and which is the default one. */
export const definedApplications = definition('applications', {
  models: ['Application', 'DefaultApplication'],
  async load({ db }) {
    const rows = await db.application.findMany({
      select: {
        id: true,
        name: true,
        appURL: true,
        loginURL: true,
        logoURL: true,
        accessType: true,
        isActive: true,
        integrationFinishedAt: true,
        asDefault: { select: { applicationId: true } },
      },
    })
    return { byId: new Map(rows.map((row) => [row.id, row])), byDefault: rows.find((row) => row.asDefault) }
  },
})

/** The application whose flow this is: the one that the call names, else the default one. */
export async function applicationOf(ctx: Ctx) {
  const { byId, byDefault } = await definedApplications(ctx),
    named = byId.get(ctx.applicationId?.toLowerCase() ?? '')
  return named?.isActive ? named : byDefault
}

/** Where it is, without a slash at the end; where it says nothing that a browser opens, the environment's base URL. */
export async function addressOf(ctx: Ctx) {
  const { appURL = '' } = (await applicationOf(ctx)) ?? {},
    url = URL.canParse(appURL) ? new URL(appURL) : undefined
  return url && /^https?:$/.test(url.protocol)
    ? asReached(ctx.deps, ctx.environment, `${url.origin}${url.pathname}`.replace(/\/+$/, ''))
    : baseUrl(ctx.deps.publicUrl, ctx.environment)
}

/** The name and logo to show, if it has any. */
export async function brandOf(ctx: Ctx) {
  const found = await applicationOf(ctx)
  return {
    applicationName: found && found.name !== UNNAMED ? found.name : undefined,
    logoUrl: picture(found?.logoURL),
  }
}

/** Mail programs load pictures from `https` only. */
export const picture = (url: string | null | undefined) =>
  url && /^https:/i.test(url) && URL.canParse(url) ? url : undefined
