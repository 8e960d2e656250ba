import { timingSafeEqual } from 'node:crypto'
import { isUuid } from '../../../kernel/environments.ts'
import { invalid } from '../../../kernel/errors.ts'
import type { Ctx, HttpCtx } from '../../../kernel/operation.ts'
import { fingerprint } from '../../../kernel/random.ts'
import * as settings from '../../../kernel/settings.ts'
import { definedApplications, UNNAMED } from '../../delivery/mail/applications.ts'
import { clientErrors } from './oauth-clients.errors.ts'
import { oauthConfiguration, type OauthConfigurationChange } from './oauth-clients.schemas.ts'
import { environmentKey } from './oauth-clients.sql.ts'
import * as redirectUris from './redirect-uris.service.ts'

export const configuration = (ctx: Ctx) => settings.effective(ctx, oauthConfiguration)

export async function configure(ctx: Ctx, fields: OauthConfigurationChange) {
  await settings.patch(ctx, oauthConfiguration, fields)
}

/** @throws 403 where OAuth is off */
export async function mustBeOn(ctx: Ctx) {
  if (!(await configuration(ctx)).isActive) throw clientErrors.off()
}

/** Who asks for users' tokens: the environment, one of its applications, or a client of an application. */
export interface Client {
  readonly id: string
  /** undefined: tokens are for the environment */
  readonly applicationId: string | undefined
  /**
   * It is somebody's program beside the application itself. It always has to show its secret, gets no `id_token`, which would
   * name the application, and nobody is logged in to it without seeing a page.
   */
  readonly isAgent: boolean
  /** where users log in, as the application says */
  readonly loginURL: string | undefined
  /** where browsers may be sent with the outcome */
  readonly redirectUris: readonly string[]
}

/** The client with this id, if it may be used now. */
export async function clientOf(ctx: Ctx, id: string): Promise<Client | undefined> {
  const { byId, byDefault } = await definedApplications(ctx)
  if (id === ctx.vendorId)
    return {
      id,
      applicationId: undefined,
      isAgent: false,
      loginURL: byDefault?.loginURL,
      redirectUris: await redirectUris.allowedFor(ctx, undefined),
    }
  const application = byId.get(id)
  if (application)
    return application.isActive
      ? {
          id,
          applicationId: id,
          isAgent: false,
          loginURL: application.loginURL,
          redirectUris: await redirectUris.allowedFor(ctx, id),
        }
      : undefined
  const agent = isUuid(id)
    ? await ctx.db.applicationClient.findUnique({ where: { id }, select: { applicationId: true, redirectURLs: true } })
    : null
  const owner = byId.get(agent?.applicationId ?? '')
  return agent && owner?.isActive
    ? { id, applicationId: owner.id, isAgent: true, loginURL: owner.loginURL, redirectUris: agent.redirectURLs }
    : undefined
}

/** What a user knows a client by. The application that every environment starts with has no name to show. */
export async function namesOf(ctx: Ctx, { id, applicationId, isAgent }: Client) {
  const { byId, byDefault } = await definedApplications(ctx),
    { name } = (applicationId === undefined ? byDefault : byId.get(applicationId)) ?? {},
    applicationName = name === UNNAMED ? undefined : name
  const agent = isAgent
    ? await ctx.db.applicationClient.findUnique({ where: { id }, select: { clientName: true } })
    : undefined
  return { ...(applicationName !== undefined && { applicationName }), ...(agent && { clientName: agent.clientName }) }
}

interface Shown {
  client_id?: string
  client_secret?: string
}
/** A client that has said who it is. */
export interface Caller {
  readonly client: Client
  /** it has shown its secret, too */
  readonly isAuthenticated: boolean
}

/**
 * The client that calls, by `Authorization: Basic` or by the fields of the body; undefined for a call that names none.
 * @throws 400 for two different ones, 401 for an unknown one, a wrong secret, and for none where the client must have one
 */
export async function callerIn(ctx: HttpCtx, shown: Shown): Promise<Caller | undefined> {
  const { id, secret } = credentialsIn(ctx, shown)
  if (!id) return undefined
  const client = await clientOf(ctx, id)
  if (
    !client ||
    (secret === undefined && client.isAgent) ||
    (secret !== undefined && !(await isSecretOf(ctx, client, secret)))
  )
    throw refused(ctx)
  return { client, isAuthenticated: secret !== undefined }
}

/** Who calls and with which secret, not proven. @throws 400 for two different ones, and for a secret alone */
export function credentialsIn({ http: { basic } }: HttpCtx, { client_id, client_secret }: Shown) {
  if (basic && ((client_id !== undefined && client_id !== basic.id) || client_secret !== undefined))
    throw clientErrors.notSame()
  const id = (basic?.id ?? client_id)?.toLowerCase(),
    secret = basic?.secret ?? client_secret
  if (!id && secret !== undefined) throw invalid('client_id should not be empty')
  return { id, secret }
}

/** As `callerIn`, for what only a client may do that shows its secret. @throws as `callerIn`, 401 */
export async function mustAuthenticate(ctx: HttpCtx, shown: Shown): Promise<Client> {
  const caller = await callerIn(ctx, shown)
  if (!caller?.isAuthenticated) throw refused(ctx)
  return caller.client
}

/** In the form that the call has used (RFC 6749 §5.2). */
export function refused(ctx: HttpCtx) {
  const error = clientErrors.invalid()
  if (ctx.http.basic) error.headers = { 'www-authenticate': 'Basic realm="oauth"' }
  return error
}

async function isSecretOf(ctx: Ctx, { id, applicationId, isAgent }: Client, secret: string) {
  const hash = await hashOfSecret(
    ctx,
    id,
    isAgent ? 'agent' : applicationId === undefined ? 'environment' : 'application',
  )
  return hash !== undefined && timingSafeEqual(Buffer.from(fingerprint(secret)), Buffer.from(hash))
}

async function hashOfSecret(ctx: Ctx, id: string, kind: 'environment' | 'application' | 'agent') {
  if (kind === 'environment') return (await ctx.sql(environmentKey))[0]?.apiKeyHash
  const select = { clientSecret: true },
    row =
      kind === 'agent'
        ? await ctx.db.applicationClient.findUnique({ where: { id }, select })
        : await ctx.db.application.findUnique({ where: { id }, select })
  return row ? fingerprint(ctx.deps.secrets.open(row.clientSecret)) : undefined
}
