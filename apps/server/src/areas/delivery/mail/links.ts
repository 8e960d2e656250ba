import { baseUrl } from '../../../kernel/environments.ts'
import { invalid } from '../../../kernel/errors.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import { addressOf, applicationOf, definedApplications } from './applications.ts'
import type { MailTemplateType } from './mail.schemas.ts'
import { ownTemplates } from './own-templates.ts'

/* Where the links of mails lead: to the environment's own pages for them, which its templates name, else to the application. */

/** The application's pages, as the login box names them. */
const PAGES: Readonly<Partial<Record<MailTemplateType, string>>> = {
  ActivateUser: 'activate',
  ActivateUserWithCode: 'activate/code',
  ApprovalFlowApprove: 'approval-flow',
  BulkInvitesToTenant: 'invitation/accept',
  InviteToTenant: 'invitation/accept',
  InviteToTenantWithCode: 'invitation/code',
  MagicLink: 'login/magic-link',
  PwnedPassword: 'reset-password',
  ResetPassword: 'reset-password',
  ResetPhoneNumber: 'reset-phone-number',
  UnlockUser: 'unlock',
}

/** What stands for the application in an address: where it is, only at the beginning, and its id. */
const HERE = '{{APP_URL}}',
  ID = '{{APP_ID}}'

/** Empty for mails without a link. */
export const defaultPattern = (type: MailTemplateType) => {
  const page = PAGES[type]
  return page === undefined ? '' : `${HERE}/account/${page}`
}

/** The pattern for the application of this flow. */
export async function filledPattern(ctx: Ctx, pattern: string) {
  if (!pattern.includes('{{')) return pattern
  const [here, application] = [await addressOf(ctx), await applicationOf(ctx)]
  return pattern.replace(HERE, () => here).replaceAll(ID, application?.id ?? ctx.vendorId)
}

/** The link of a mail. The parameters are added to those of the template's address. */
export async function linkTo(ctx: Ctx, type: MailTemplateType, parameters: Record<string, string>) {
  const own = (await ownTemplates(ctx)).get(type)?.redirectURL
  return withParameters(await filledPattern(ctx, own ?? defaultPattern(type)), parameters)
}

/** A link to a page of the application that no template is about. */
export const linkToPage = async (ctx: Ctx, page: string, parameters: Record<string, string>) =>
  withParameters(`${await addressOf(ctx)}/account/${page}`, parameters)

function withParameters(address: string, parameters: Record<string, string>) {
  const url = new URL(address)
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  return url.href
}

/**
 * Mails carry secrets to these addresses, and browsers open them: `https`, or `http` on the reader's own machine or where the
 * environment and its applications are.
 * @throws 400
 */
export async function mustBePattern(ctx: Ctx, field: string, pattern: string) {
  const address = pattern.replace(/^\{\{APP_URL\}\}(?=[/?#]|$)/, 'https://app.example').replaceAll(ID, ctx.vendorId)
  if (/\{\{|\}\}/.test(address))
    throw invalid(`${field} may contain ${ID}, and begin with ${HERE}; no other placeholders`)
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (!url) throw unsafe(field)
  await mustBeSafe(ctx, field, url.href)
}

const unsafe = (field: string) => invalid(`${field} must be an https address, or http on this machine`)

/** As `mustBePattern`, of a whole address. @throws 400 */
export async function mustBeSafe(ctx: Ctx, field: string, address: string) {
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (!url || url.username || url.password || !(await isSafe(ctx, url))) throw unsafe(field)
}

async function isSafe(ctx: Ctx, { protocol, hostname, origin }: URL) {
  if (protocol !== 'http:') return protocol === 'https:'
  if (/^(?:localhost|.+\.localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname)) return true
  const known = [...(await definedApplications(ctx)).byId.values()].map(({ appURL }) => appURL)
  return [...known, baseUrl(ctx.deps.publicUrl, ctx.environment)].some(
    (url) => URL.canParse(url) && new URL(url).origin === origin,
  )
}
