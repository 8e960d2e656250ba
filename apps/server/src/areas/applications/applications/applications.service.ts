import type { Prisma } from '@henhouse/database'
import { baseUrl, isUuid } from '../../../kernel/environments.ts'
import { onMissing, onUnknownReference } from '../../../kernel/errors.ts'
import type { Ctx, TenantScope } from '../../../kernel/operation.ts'
import { containing } from '../../../kernel/paging.ts'
import { definedApplications, UNNAMED } from '../../delivery/mail/applications.ts'
import { applicationErrors } from './applications.errors.ts'
import { asShown, type ApplicationChange, type ApplicationFilter, type NewApplication } from './applications.schemas.ts'

const MOST = 200

/** A tenant sees what is open to everybody and what it was assigned; management without a tenant sees all. */
export const visibleTo = (tenant: Pick<TenantScope, 'id'> | undefined): Prisma.ApplicationWhereInput =>
  tenant ? { OR: [{ accessType: 'FREE_ACCESS' }, { tenants: { some: { tenantId: tenant.id } } }] } : {}

export const idsIn = (list: string) => list.split(',').filter(isUuid)

export function list(
  ctx: Ctx,
  tenant: TenantScope | undefined,
  { _accessType, _isDefault, _isActive, type, frontendStack, name, _excludeAgents, ...named }: ApplicationFilter,
) {
  return ctx.db.application.findMany({
    ...asShown,
    orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
    where: {
      AND: [
        visibleTo(tenant),
        among(named),
        {
          ...(_accessType && { accessType: _accessType }),
          ...(_isDefault !== undefined && { asDefault: _isDefault ? { isNot: null } : { is: null } }),
          ...(_isActive !== undefined && { isActive: _isActive }),
          ...(type && { type: { in: type } }),
          ...(frontendStack && { frontendStack: { in: frontendStack } }),
          ...(name !== undefined && { name: containing(name) }),
        },
        _excludeAgents === 'true' ? { type: { not: 'agent' } } : {},
      ],
    },
  })
}

/** A caller who says whether to list the open ones wants these in addition to the given ids, and no others. */
function among({
  ids,
  _includeFreeAccess,
}: Pick<ApplicationFilter, 'ids' | '_includeFreeAccess'>): Prisma.ApplicationWhereInput {
  if (ids === undefined && _includeFreeAccess === undefined) return {}
  const given = { id: { in: idsIn(ids ?? '') } }
  return _includeFreeAccess ? { OR: [given, { accessType: 'FREE_ACCESS' }] } : given
}

/** @throws 400 when the environment has as many as it may have */
export function create(ctx: Ctx, { isDefault, ...fields }: NewApplication) {
  mustBeAddresses(fields)
  const row = newRow(ctx, fields)
  return ctx.atomically(async (tx) => {
    await queueUp(tx)
    if ((await tx.db.application.count()) >= MOST) throw applicationErrors.tooMany()
    await tx.db.application.create({ data: row, select: { id: true } })
    if (isDefault) await makeDefault(tx, row.id)
    return tx.db.application.findUniqueOrThrow({ where: { id: row.id }, ...asShown })
  })
}

function newRow(ctx: Ctx, { metadata = {}, ...fields }: Omit<NewApplication, 'isDefault'>, id = ctx.random.uuid()) {
  const now = ctx.clock.now()
  return {
    accessType: 'FREE_ACCESS',
    type: 'web',
    frontendStack: 'react',
    ...fields,
    metadata: metadata as Prisma.InputJsonObject,
    id,
    clientSecret: newSecret(ctx),
    sharedSecret: newSecret(ctx),
    createdAt: now,
    updatedAt: now,
  }
}

const newSecret = (ctx: Ctx) => ctx.deps.secrets.seal(ctx.random.uuid())

/**
 * The rows of the application that every environment starts with, which is open to everybody. They name the
 * environment.
 */
export function firstRows(ctx: Ctx, id?: string) {
  const url = baseUrl(ctx.deps.publicUrl, ctx.environment)
  const application = {
    ...newRow(ctx, { name: UNNAMED, appURL: url, loginURL: `${url}/oauth` }, id),
    vendorId: ctx.vendorId,
  }
  return { application, asDefault: { vendorId: ctx.vendorId, applicationId: application.id } }
}

/** Browsers open these addresses, so they must not be scripts. */
export function mustBeAddresses({
  appURL,
  loginURL,
  redirectURLs,
}: {
  appURL?: string
  loginURL?: string
  redirectURLs?: string[]
}) {
  for (const [field, value = []] of Object.entries({ appURL, loginURL, redirectURLs })) {
    if ([value].flat().some((url) => /^(javascript|data|vbscript|blob):/i.test(url)))
      throw applicationErrors.badAddress(field)
  }
}

/** Locks the environment's one row of its default: what the holder has counted stays true until it is done. */
const queueUp = (tx: Ctx) =>
  tx.db.defaultApplication.upsert({ where: { vendorId: tx.vendorId }, create: {}, update: { vendorId: tx.vendorId } })

const makeDefault = (tx: Ctx, applicationId: string) =>
  tx.db.defaultApplication
    .upsert({ where: { vendorId: tx.vendorId }, create: { applicationId }, update: { applicationId } })
    .catch(onUnknownReference(applicationErrors.notFound()))

/** @throws 404 */
export async function get(ctx: Ctx, id: string) {
  const found = await ctx.db.application.findUnique({ where: { id }, ...asShown })
  if (!found) throw applicationErrors.notFound()
  return found
}

/** @throws 404 when the environment has none */
export async function getDefault(ctx: Ctx) {
  const found = await ctx.db.application.findFirst({ where: { asDefault: { isNot: null } }, ...asShown })
  if (!found) throw applicationErrors.notFound()
  return found
}

/** @throws 404 */
export async function mustExist(ctx: Ctx, id: string) {
  if (!(await definedApplications(ctx)).byId.has(id.toLowerCase())) throw applicationErrors.notFound()
}

/** Changes the given fields, metadata as a whole. There is at most one default: a new one replaces the old. */
export function update(ctx: Ctx, id: string, { isDefault, metadata, ...fields }: ApplicationChange) {
  mustBeAddresses(fields)
  return ctx.atomically(async (tx) => {
    const data = {
      ...fields,
      ...(metadata && { metadata: metadata as Prisma.InputJsonObject }),
      updatedAt: tx.clock.now(),
    }
    const { count } = await tx.db.application.updateMany({ where: { id }, data })
    if (!count) throw applicationErrors.notFound()
    if (isDefault) await makeDefault(tx, id)
    if (isDefault === false)
      await tx.db.defaultApplication.updateMany({ where: { applicationId: id }, data: { applicationId: null } })
  })
}

/** @throws 400 for the default application, to which a foreign key points */
export async function remove(ctx: Ctx, id: string) {
  await ctx.db.application
    .delete({ where: { id }, select: { id: true } })
    .catch(onUnknownReference(applicationErrors.isDefault()))
    .catch(onMissing(applicationErrors.notFound()))
}

/** The secrets with which the application's own servers prove who they are. */
export async function credentials(ctx: Ctx, id: string) {
  const found = await ctx.db.application.findUnique({
    where: { id },
    select: { clientSecret: true, sharedSecret: true },
  })
  if (!found) throw applicationErrors.notFound()
  const { secrets } = ctx.deps
  return { clientSecret: secrets.open(found.clientSecret), sharedSecret: secrets.open(found.sharedSecret) }
}

/** The old secret no longer works. */
export async function regenerate(ctx: Ctx, id: string, which: 'clientSecret' | 'sharedSecret') {
  const data = { [which]: newSecret(ctx), updatedAt: ctx.clock.now() }
  const { count } = isUuid(id) ? await ctx.db.application.updateMany({ where: { id }, data }) : { count: 0 }
  if (!count) throw applicationErrors.notFound()
}

export interface Entry {
  applicationId: string | undefined
  userId: string
  tenantId: string
}

/**
 * The application that a user, already let into the tenant, logs in to; undefined when none is named. The first login
 * finishes the application's integration. A superuser needs no assignment.
 * @throws 404 when there is no such application or the tenant lacks it, 403 when it is switched off or not open to this
 * user
 */
export async function mustAdmit(ctx: Ctx, { applicationId, userId, tenantId }: Entry) {
  if (applicationId === undefined) return undefined
  const found = (await definedApplications(ctx)).byId.get(applicationId.toLowerCase())
  if (!found) throw applicationErrors.notFound()
  const { id, appURL, loginURL, isActive, integrationFinishedAt } = found
  if (!isActive) throw applicationErrors.inactive()
  if (found.accessType !== 'FREE_ACCESS') await mustBeLetIn(ctx, found, { userId, tenantId })
  if (!integrationFinishedAt)
    await ctx.db.application.updateMany({
      where: { id, integrationFinishedAt: null },
      data: { integrationFinishedAt: ctx.clock.now() },
    })
  return { id, appURL, loginURL }
}

/** @throws 404 when the tenant does not have the managed application, 403 when the user was not let into it */
async function mustBeLetIn(
  ctx: Ctx,
  application: Access & { id: string },
  { userId, tenantId }: Pick<Entry, 'userId' | 'tenantId'>,
) {
  const assigned = await ctx.db.application.findUnique({
    where: { id: application.id },
    select: {
      tenants: { where: { tenantId }, select: { accessType: true } },
      users: { where: { userId, tenantId }, select: { userId: true } },
    },
  })
  const superuser = () => ctx.db.user.findFirst({ where: { id: userId, superUser: true }, select: { id: true } })
  if (wantsAssignment(application, assigned?.tenants[0]) && !assigned?.users.length && !(await superuser()))
    throw applicationErrors.userNotAssigned()
}

type Access = { accessType: string }
/** Whether users of the tenant need an assignment. @throws 404 when the tenant does not have the application */
export function wantsAssignment(application: Access, tenant: Access | undefined) {
  if (application.accessType === 'FREE_ACCESS') return false
  if (!tenant) throw applicationErrors.tenantNotAssigned()
  return tenant.accessType !== 'FREE_ACCESS'
}

/** The tenant where the user has chosen to be active in the application, if they are still a member there. */
export async function activeTenantOf(ctx: Ctx, applicationId: string, userId: string) {
  return (
    await ctx.db.applicationActiveTenant.findFirst({ where: { applicationId, userId }, select: { tenantId: true } })
  )?.tenantId
}

/** The application that a request names in its header, else the default one. @throws 404, or 403 when it names none and there is no default */
export async function requested(ctx: Ctx, applicationId: string | undefined) {
  const { byId, byDefault } = await definedApplications(ctx)
  const found = applicationId === undefined ? byDefault : byId.get(applicationId.toLowerCase())
  if (!found) throw applicationId === undefined ? applicationErrors.notSpecified() : applicationErrors.notFound()
  return found
}

/**
 * Lets a new member of the tenant into the requested application, if that needs an assignment.
 * @throws 404 when the tenant does not have the application, and as `requested`
 */
export async function enrol(ctx: Ctx, { applicationId, userId, tenantId }: Entry) {
  const application = await requested(ctx, applicationId)
  if (application.accessType === 'FREE_ACCESS') return
  const tenant = await ctx.db.applicationTenant.findFirst({
    where: { applicationId: application.id, tenantId },
    select: { accessType: true },
  })
  if (!wantsAssignment(application, tenant ?? undefined)) return
  await ctx.db.applicationUser.createMany({
    data: { applicationId: application.id, userId, tenantId, createdAt: ctx.clock.now() },
    skipDuplicates: true,
  })
}

/**
 * As `enrol`, for new members of several tenants: which tenants' ones need an assignment, and to what. In one statement if
 * there is anything to look up. The result throws.
 */
export async function enrolment(ctx: Ctx, applicationId: string | undefined, tenantIds: readonly string[]) {
  const application = await requested(ctx, applicationId)
  if (application.accessType === 'FREE_ACCESS') return () => undefined
  const rows = await ctx.db.applicationTenant.findMany({
    where: { applicationId: application.id, tenantId: { in: [...new Set(tenantIds)] } },
    select: { tenantId: true, accessType: true },
  })
  const assigned = new Map(rows.map((row) => [row.tenantId, row]))
  return (tenantId: string) => (wantsAssignment(application, assigned.get(tenantId)) ? application.id : undefined)
}

/** Gives a new tenant the default application. */
export async function assignDefault(ctx: Ctx, tenantId: string) {
  const { byDefault: found } = await definedApplications(ctx)
  if (found?.accessType !== 'MANAGED_ACCESS') return
  await ctx.db.applicationTenant.createMany({
    data: { applicationId: found.id, tenantId, accessType: 'MANAGED_ACCESS', createdAt: ctx.clock.now() },
    skipDuplicates: true,
  })
}
