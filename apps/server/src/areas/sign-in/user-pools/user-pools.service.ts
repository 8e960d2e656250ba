import { definition } from '../../../kernel/definitions.ts'
import { invalid, onUnknownReference } from '../../../kernel/errors.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import { inOrderOf, page } from '../../../kernel/paging.ts'
import * as tenants from '../../accounts/tenants/tenants.service.ts'
import { applicationErrors } from '../../applications/applications/applications.errors.ts'
import { userPoolErrors } from './user-pools.errors.ts'
import {
  toMadeSource,
  type Assignment,
  type Configuration,
  type Configurations,
  type NewSource,
  type Source,
  type SourceChange,
  type SourceType,
  type SourceUsersQuery,
} from './user-pools.schemas.ts'
import { queueing, userList } from './user-pools.sql.ts'

const MOST = 1000
/** Of one application: a login may ask each of them. */
const MOST_ASKED = 20

const withApps = { apps: { select: { applicationId: true }, orderBy: { applicationId: 'asc' as const } } }
const inOrder = [{ index: 'asc' as const }, { createdAt: 'asc' as const }, { id: 'asc' as const }]

/** All sources, in the order in which they are asked. */
export const definedSources = definition('user sources', {
  models: ['UserSource', 'UserSourceApplication'],
  load: ({ db }): Promise<readonly Source[]> =>
    db.userSource.findMany({
      select: {
        ...{ id: true, name: true, type: true, description: true, index: true, configuration: true },
        ...withApps,
      },
      orderBy: inOrder,
    }),
})

const sealed = (ctx: Ctx, configuration: Configuration) => ctx.deps.secrets.seal(JSON.stringify(configuration))
/** With the secrets: not for a reply. */
export const configurationOf = <T extends SourceType>(ctx: Ctx, { configuration }: Pick<Source, 'configuration'>) =>
  JSON.parse(ctx.deps.secrets.open(configuration)) as Configurations[T]

/** Whether its users become this server's own, with their password, when they first log in. */
export const handsOver = (configuration: Configuration) => 'isMigrated' in configuration && configuration.isMigrated

/** Whether a source, and not this server, decides about the user's password, whatever is set here. */
export async function keepsUser(ctx: Ctx, userId: string) {
  const keeping = (await definedSources(ctx)).filter((source) => !handsOver(configurationOf(ctx, source)))
  if (!keeping.length) return false
  const where = { userId, userSourceId: { in: keeping.map(({ id }) => id) } }
  return (await ctx.db.userSourceUser.count({ where })) > 0
}

/** What nobody can read again. */
const HIDDEN = ['secret', 'secretAccessKey', 'clientSecret', 'apiKey', 'private_key']
const shown = (ctx: Ctx, source: Source) => ({
  ...toMadeSource(source),
  configuration: JSON.parse(
    JSON.stringify(configurationOf(ctx, source), (name, value: unknown) => (HIDDEN.includes(name) ? undefined : value)),
  ) as object,
})

export async function list(ctx: Ctx) {
  const rows = await ctx.db.userSource.findMany({
    include: { ...withApps, _count: { select: { users: true } } },
    orderBy: inOrder,
  })
  return rows.map((row) => ({ ...shown(ctx, row), usersCount: row._count.users }))
}

/** @throws 404 */
export async function get(ctx: Ctx, id: string) {
  const found = await ctx.db.userSource.findUnique({ where: { id }, include: withApps })
  if (!found) throw userPoolErrors.notFound()
  return shown(ctx, found)
}

/** @throws 404 for an account or application that is not there, 400 for one source too many */
export async function create(
  ctx: Ctx,
  type: SourceType,
  { configuration, appIds = [], name, index, description = '' }: NewSource,
) {
  await mustBeUsable(ctx, configuration)
  const now = ctx.clock.now()
  const source = { id: ctx.random.uuid(), type, name, index, description, configuration: sealed(ctx, configuration) }
  const row = await ctx.atomically(async (tx) => {
    await tx.sql(queueing)
    if ((await tx.db.userSource.count()) >= MOST) throw userPoolErrors.tooMany()
    await tx.db.userSource.create({ data: { ...source, createdAt: now, updatedAt: now } })
    await addApps(tx, source.id, appIds)
    return tx.db.userSource.findUniqueOrThrow({ where: { id: source.id }, include: withApps })
  })
  return toMadeSource(row)
}

/** Changes the given fields; the configuration as a whole. @throws as `create`; 404 for a source of another type */
export async function update(
  ctx: Ctx,
  type: SourceType,
  id: string,
  { configuration, name, index, description }: SourceChange,
) {
  if (configuration) await mustBeUsable(ctx, configuration)
  const { count } = await ctx.db.userSource.updateMany({
    where: { id, type },
    data: {
      ...(name !== undefined && { name }),
      ...(index !== undefined && { index }),
      ...(description !== undefined && { description }),
      ...(configuration && { configuration: sealed(ctx, configuration) }),
      updatedAt: ctx.clock.now(),
    },
  })
  if (!count) throw userPoolErrors.notFound()
}

/** Its users stay, and are this server's own from now on: those without a password here have to set one. @throws 404 */
export async function remove(ctx: Ctx, id: string) {
  const { count } = await ctx.db.userSource.deleteMany({ where: { id } })
  if (!count) throw userPoolErrors.notFound()
}

/** Lets logins to these applications ask the source. @throws 404, 400 for an application that has as many as it may have */
export const assign = (ctx: Ctx, { userSourceId, appIds }: Assignment) =>
  ctx.atomically(async (tx) => {
    await tx.sql(queueing)
    await mustExist(tx, userSourceId)
    await addApps(tx, userSourceId, appIds)
  })

/** @throws 404 */
export const unassign = (ctx: Ctx, { userSourceId, appIds }: Assignment) =>
  ctx.atomically(async (tx) => {
    await mustExist(tx, userSourceId)
    await tx.db.userSourceApplication.deleteMany({ where: { userSourceId, applicationId: { in: appIds } } })
  })

export async function users(ctx: Ctx, id: string, query: SourceUsersQuery) {
  await mustExist(ctx, id)
  const { ids, total } = await userList(ctx, 'createdAt', query, id)
  const rows = ids.length
    ? await ctx.db.userSourceUser.findMany({
        where: { userId: { in: ids } },
        select: { userId: true, createdAt: true, user: { select: { email: true, username: true, lastLogin: true } } },
      })
    : []
  const items = inOrderOf(
    ids,
    rows.map((row) => ({ ...row, id: row.userId })),
  ).map(({ user, createdAt }) => ({
    // the reference knows users by their addresses
    email: user.email ?? user.username ?? '',
    // one who has still to show a second factor
    lastLogin: (user.lastLogin ?? createdAt).toISOString(),
  }))
  return page(items, total, query)
}

async function mustExist(ctx: Ctx, id: string) {
  if (!(await ctx.db.userSource.count({ where: { id } }))) throw userPoolErrors.notFound()
}

/** After `queueing`. */
async function addApps(tx: Ctx, userSourceId: string, appIds: readonly string[]) {
  const { count } = await tx.db.userSourceApplication
    .createMany({
      data: [...new Set(appIds)].map((applicationId) => ({ userSourceId, applicationId })),
      skipDuplicates: true,
    })
    .catch(onUnknownReference(applicationErrors.notFound()))
  if (!count) return
  const sources = await tx.db.userSourceApplication.groupBy({
    by: ['applicationId'],
    where: { applicationId: { in: [...appIds] } },
    _count: true,
  })
  if (sources.some(({ _count: asked }) => asked > MOST_ASKED)) throw userPoolErrors.tooMany()
}

/** What a schema cannot say. @throws 400, 404 for an account that is not there */
async function mustBeUsable(ctx: Ctx, configuration: Configuration) {
  const { tenantConfig } = configuration
  if ('secret' in configuration && !('domain' in configuration)) {
    if (configuration.wellknownUrl === undefined && !configuration.oauth2Config)
      throw invalid('configuration.wellknownUrl should not be empty')
  }
  if (tenantConfig.tenantResolverType === 'static') await tenants.mustExist(ctx, tenantConfig.tenantId)
}
