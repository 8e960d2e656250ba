import type { ApplicationClient, Prisma } from '@henhouse/database'
import { onMissing, onUnknownReference } from '../../../kernel/errors.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import { applicationErrors } from './applications.errors.ts'
import type { ClientChange, NewClient } from './applications.schemas.ts'
import { mustBeAddresses, mustExist, requested } from './applications.service.ts'

const unsealed = (ctx: Ctx, row: ApplicationClient) => ({
  ...row,
  clientSecret: ctx.deps.secrets.open(row.clientSecret),
})

/** Creates a client of the application that the request names, else of the default one. */
export async function create(ctx: Ctx, applicationId: string | undefined, client: NewClient) {
  const columns = checked(client),
    now = ctx.clock.now()
  const application = await requested(ctx, applicationId)
  const row = await ctx.db.applicationClient
    .create({
      data: {
        redirectURLs: [],
        ...client,
        ...columns,
        id: ctx.random.uuid(),
        applicationId: application.id,
        clientSecret: ctx.deps.secrets.seal(ctx.random.uuid()),
        createdAt: now,
        updatedAt: now,
      },
    })
    .catch(onUnknownReference(applicationErrors.notFound()))
  return unsealed(ctx, row)
}

/** The metadata must be flat. */
function checked({ redirectURLs, externalMetadata }: ClientChange) {
  if (redirectURLs) mustBeAddresses({ redirectURLs })
  if (!externalMetadata) return {}
  if (!Object.values(externalMetadata).every((value) => ['string', 'number', 'boolean'].includes(typeof value)))
    throw applicationErrors.badMetadata()
  return { externalMetadata: externalMetadata as Prisma.InputJsonObject }
}

/** @throws 404 for an unknown application */
export async function list(ctx: Ctx, applicationId: string) {
  await mustExist(ctx, applicationId)
  const rows = await ctx.db.applicationClient.findMany({
    where: { applicationId },
    orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
  })
  return rows.map((row) => unsealed(ctx, row))
}

/** @throws 404 */
export async function get(ctx: Ctx, id: string) {
  const found = await ctx.db.applicationClient.findUnique({ where: { id } })
  if (!found) throw applicationErrors.clientNotFound()
  return unsealed(ctx, found)
}

/** Changes the given fields, lists and metadata as a whole. */
export async function update(ctx: Ctx, id: string, change: ClientChange) {
  const row = await ctx.db.applicationClient
    .update({ where: { id }, data: { ...change, ...checked(change), updatedAt: ctx.clock.now() } })
    .catch(onMissing(applicationErrors.clientNotFound()))
  return unsealed(ctx, row)
}

export async function remove(ctx: Ctx, id: string) {
  await ctx.db.applicationClient
    .delete({ where: { id }, select: { id: true } })
    .catch(onMissing(applicationErrors.clientNotFound()))
}
