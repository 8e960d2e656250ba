import { after, DAY } from '../../../kernel/clock.ts'
import { errors } from '../../../kernel/errors.ts'
import type { Ctx, TenantScope } from '../../../kernel/operation.ts'
import { counted, shownBy, type By, type ShownLine } from './audits.sql.ts'
import { MOST_EXPORTED, type AuditQuery, type Export, type NewAudit } from './audits.schemas.ts'
import { record } from './events.service.ts'

/* The audit trail as clients of the reference read it, and as environments add to it. */

/** Lines that an environment has written itself have this key, whatever they say. */
const CUSTOM = 'custom'

/** The account of the call; management may also name it in the query. @throws 404 when both are named, and differ */
function accountOf(tenant: TenantScope | undefined, named: string | undefined) {
  if (tenant && named !== undefined && named !== tenant.id) throw errors.notFound('Tenant')
  return tenant?.id ?? named ?? null
}

/** Lines about one account; all of the environment's for management that names none. */
export async function list(ctx: Ctx, tenant: TenantScope | undefined, query: Omit<AuditQuery, 'count'>, count: number) {
  const { offset = 0, filter, sortBy = 'createdAt', sortDirection = 'desc', tenantId } = query,
    by: By = sortBy === 'time' || sortBy === 'updatedAt' ? 'createdAt' : sortBy,
    direction = sortDirection.toLowerCase() === 'asc' ? 'asc' : 'desc',
    like = filter ? `%${filter.replace(/[\\%_]/g, '\\$&')}%` : null
  const [found] = await ctx.sql(shownBy[by][direction], accountOf(tenant, tenantId), like, offset, count)
  return { data: found!.rows.map((row) => toAudit(ctx, row)), total: found!.total }
}

/** The lines of today, in UTC, and the severe ones of the last seven days. */
export async function stats(ctx: Ctx, tenant: TenantScope | undefined, named: string | undefined) {
  const now = ctx.clock.now(),
    today = new Date(now)
  today.setUTCHours(0, 0, 0, 0)
  const [found] = await ctx.sql(counted, accountOf(tenant, named), today, after(now, -7 * DAY))
  return found!
}

/** Adds a line that the environment has written itself. */
export async function add(ctx: Ctx, tenant: TenantScope, { severity, tenantId: named, ...fields }: NewAudit) {
  const tenantId = accountOf(tenant, named)
  // ours, whatever it says
  await record(ctx, {
    key: CUSTOM,
    ...{ tenantId, severity, subject: { kind: CUSTOM, id: null }, details: fields },
  })
}

/** The fields of the environment's own lines stand for ours, but for those that say what it is and whose. */
function toAudit(ctx: Ctx, row: ShownLine) {
  const { id, key, details, subjectKind, subjectId, actorKind, actorUserId, credentialType, credentialId, sessionId } =
      row,
    at = new Date(row.at).toISOString()
  return {
    action: key,
    resource: subjectKind,
    user: row.name ?? '',
    email: row.email ?? row.actorEmail ?? '',
    actorMail: row.actorEmail ?? '',
    ip: row.ip ?? '',
    userAgent: row.userAgent ?? '',
    description: '',
    ...(key === CUSTOM ? details : { json: Object.keys(details).length ? [details] : [] }),
    _id: id,
    frontegg_id: id,
    __v: 0,
    eventKey: key,
    severity: row.severity as 'Info',
    outcome: row.outcome as 'success',
    userId: row.userId,
    subject: { kind: subjectKind, id: subjectId },
    actor: { kind: actorKind, userId: actorUserId, credentialType, credentialId, sessionId },
    traceId: row.traceId,
    vendorId: ctx.vendorId,
    tenantId: row.tenantId,
    createdAt: at,
    updatedAt: at,
    time: at,
  }
}

/** A file of lines, for spreadsheets. */
export async function exported(
  ctx: Ctx,
  tenant: TenantScope | undefined,
  query: AuditQuery,
  { properties }: Export,
): Promise<string> {
  const { data } = await list(ctx, tenant, query, query.count ?? MOST_EXPORTED)
  const lines = [
    properties.map(({ name, displayName }) => cell(displayName ?? name)),
    ...data.map((row) => properties.map(({ name }) => cell(Object.hasOwn(row, name) ? row[name as '_id'] : ''))),
  ]
  return lines.map((cells) => `${cells.join(',')}\r\n`).join('')
}

/**
 * A quoted cell. One that a spreadsheet would take for a formula begins with an apostrophe (OWASP, CSV injection): much in
 * these lines comes from callers that nobody knows.
 */
function cell(value: unknown) {
  const text = typeof value === 'string' ? value : value === null || value === undefined ? '' : JSON.stringify(value)
  return `"${(/^[=+\-@\t\r]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`
}
