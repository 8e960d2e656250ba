import type { Prisma, SocialProvider } from '@henhouse/database'
import { baseUrl } from '../../../kernel/environments.ts'
import { definition } from '../../../kernel/definitions.ts'
import { invalid, onDuplicate, onMissing } from '../../../kernel/errors.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import { mustBeSafe } from '../../delivery/mail/links.ts'
import { socialProviderErrors } from './social-providers.errors.ts'
import {
  BUILT_IN,
  toCustomProvider,
  toProvider,
  type CustomProviderChange,
  type NewCustomProvider,
  type Options,
  type ProviderChange,
} from './social-providers.schemas.ts'

/** The environment's providers by their types, the oldest first. */
const providers = definition('social providers', {
  models: ['SocialProvider'],
  load: async ({ db }) =>
    new Map(
      (await db.socialProvider.findMany({ orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] })).map((row) => [
        row.type,
        row,
      ]),
    ),
})

/** A provider with which users can log in. */
export type Usable = SocialProvider & {
  readonly clientId: string
  readonly secret: string
  /** of a federated server, which is no provider of the environment's: where it tells what it is, if anywhere */
  readonly federated?: { readonly discoveryUrl: string | undefined }
}
const isUsable = (row: SocialProvider | undefined): row is Usable =>
  row !== undefined && row.active && !!row.clientId && !!row.secret

/** @throws 404 for one that is not there, or that is switched off or has no credentials */
export async function usable(ctx: Ctx, type: string): Promise<Usable> {
  const row = (await providers(ctx)).get(type)
  if (!isUsable(row)) throw socialProviderErrors.notFound()
  return row
}

/** Where browsers begin to log in; without the server, as clients put that before it. */
const beginning = ({ type, custom }: Pick<SocialProvider, 'type' | 'custom'>) =>
  `/identity/resources/auth/v2/user/sso/${custom ? 'custom' : 'default'}/${type}/prelogin`

const builtIn = async (ctx: Ctx) => [...(await providers(ctx)).values()].filter((row) => !row.custom)

export const listV1 = async (ctx: Ctx) =>
  (await builtIn(ctx)).map((row) => ({
    type: row.type,
    clientId: row.clientId ?? '',
    redirectUrl: row.redirectUrl ?? '',
    active: isUsable(row),
  }))

/** The server makes all addresses to log in at, so that state, nonce and code verifier are its own: clients need no client id. */
export const list = async (ctx: Ctx) =>
  (await builtIn(ctx)).map((row) => ({
    type: row.type,
    active: isUsable(row),
    customised: false,
    clientId: null,
    redirectUrl: row.redirectUrl ?? '',
    redirectUrlPattern: row.redirectUrl ?? '',
    authorizationUrl: beginning(row),
    options: { verifyEmail: (row.options as Options).verifyEmail ?? false },
    additionalScopes: row.additionalScopes,
  }))

/** As Android apps read them. */
export const byType = async (ctx: Ctx) =>
  Object.fromEntries(
    (await list(ctx)).map(({ type, active, clientId, authorizationUrl, additionalScopes }) => [
      type,
      { active, clientId, authorizationUrl, additionalScopes },
    ]),
  )

/** @throws 404 */
export async function get(ctx: Ctx, type: string) {
  const row = await ctx.db.socialProvider.findFirst({ where: { type, custom: false } })
  if (!row) throw socialProviderErrors.notFound()
  return shown(ctx, row)
}

const shown = (ctx: Ctx, row: SocialProvider) =>
  toProvider(row, row.secret === null ? '' : ctx.deps.secrets.open(row.secret))

/** Sets up a built-in provider, or changes what is given of it. @throws 400, 404 for any other type */
export async function configure(ctx: Ctx, type: string, { options, ...change }: ProviderChange) {
  if (!BUILT_IN.some((known) => known === type)) throw socialProviderErrors.notFound()
  if (change.redirectUrl) await mustBeSafe(ctx, 'redirectUrl', change.redirectUrl)
  const now = ctx.clock.now(),
    data = { ...sealed(ctx, change), ...(options && { options }), updatedAt: now }
  return ctx.atomically(async (tx) => {
    await tx.db.socialProvider.createMany({
      data: [{ ...fresh(tx, type), options: {}, custom: false, active: false, customised: false }],
      skipDuplicates: true,
    })
    const row = await tx.db.socialProvider.update({ where: await idOf(tx, type), data })
    // after the write, which may have given one of them before
    if (row.customised && !(row.clientId && row.secret)) throw invalid(...missingIn(row))
    return shown(tx, row)
  })
}

function missingIn({ clientId, secret }: SocialProvider): [string, ...string[]] {
  const missing = [!clientId && 'clientId', !secret && 'secret'].filter((name) => name !== false)
  return missing.map((name) => `${name} should not be empty`) as [string, ...string[]]
}

async function idOf(tx: Ctx, type: string) {
  const { id } = await tx.db.socialProvider.findFirstOrThrow({ where: { type }, select: { id: true } })
  return { id }
}

const fresh = (ctx: Ctx, type: string) => ({
  id: ctx.random.uuid(),
  type,
  createdAt: ctx.clock.now(),
  updatedAt: ctx.clock.now(),
})

const sealed = <C extends { secret?: string | undefined }>(ctx: Ctx, { secret, ...change }: C) => ({
  ...change,
  // clients that do not know it send an empty one
  ...(secret?.trim() && { secret: ctx.deps.secrets.seal(secret.trim()) }),
})

/** @throws 404 */
export async function activate(ctx: Ctx, type: string, active: boolean) {
  const { count } = await ctx.db.socialProvider.updateMany({
    where: { type, custom: false },
    data: { active, updatedAt: ctx.clock.now() },
  })
  if (!count) throw socialProviderErrors.notFound()
}

const toCustom = (ctx: Ctx, row: SocialProvider) =>
  toCustomProvider(row, `${baseUrl(ctx.deps.publicUrl, ctx.environment)}/frontegg${beginning(row)}`)

export const listCustom = async (ctx: Ctx, active: boolean | undefined) =>
  [...(await providers(ctx)).values()]
    .filter((row) => row.custom && (active === undefined || row.active === active))
    .map((row) => toCustom(ctx, row))

/** @throws 400, 409 when another one has the type */
export async function create(ctx: Ctx, { type, trustEmail = false, ...provider }: NewCustomProvider) {
  await mustBeGood(ctx, provider)
  const row = await ctx.db.socialProvider
    .create({
      data: {
        ...fresh(ctx, type),
        ...sealed(ctx, provider),
        options: { trustEmail },
        custom: true,
        customised: true,
        additionalScopes: [],
      },
    })
    .catch(onDuplicate(socialProviderErrors.typeTaken()))
  return toCustom(ctx, row)
}

/** Changes what is given. At another service, users are others: it is not told who was whom. @throws as `create`, 404 */
export async function update(ctx: Ctx, id: string, { trustEmail, ...change }: CustomProviderChange) {
  await mustBeGood(ctx, change)
  return ctx.atomically(async (tx) => {
    const former = await tx.db.socialProvider.findFirst({ where: { id, custom: true } })
    if (!former) throw socialProviderErrors.notFound()
    const data: Prisma.SocialProviderUpdateInput = {
      ...sealed(tx, change),
      ...(trustEmail !== undefined && { options: { trustEmail } }),
      updatedAt: tx.clock.now(),
    }
    const row = await tx.db.socialProvider
      .update({ where: { id }, data })
      .catch(onDuplicate(socialProviderErrors.typeTaken()))
      .catch(onMissing(socialProviderErrors.notFound()))
    if (row.userInfoUrl !== former.userInfoUrl || row.tokenUrl !== former.tokenUrl)
      await tx.db.socialIdentity.deleteMany({ where: { providerId: id } })
    return toCustom(tx, row)
  })
}

/** With what it has told of users. @throws 404 */
export async function remove(ctx: Ctx, id: string) {
  const { count } = await ctx.db.socialProvider.deleteMany({ where: { id, custom: true } })
  if (!count) throw socialProviderErrors.notFound()
}

async function mustBeGood(ctx: Ctx, change: CustomProviderChange) {
  for (const field of ['redirectUrl', 'authorizationUrl', 'tokenUrl', 'userInfoUrl'] as const) {
    const address = change[field]
    if (!address) continue
    // a stand-in may be anywhere, such as beside the emulator in a network of containers
    if (ctx.deps.outbound.reach !== 'anywhere') await mustBeSafe(ctx, field, address)
    else if (!/^https?:\/\/[^/]/i.test(address)) throw invalid(`${field} must be a URL address`)
  }
}
