import { Empty, operation, Raw } from '../../../kernel/operation.ts'
import { needs } from '../permissions/permissions.keys.ts'
import { AuditQuery, Audits, AuditStats, Export, ExportQuery, NewAudit, StatsQuery } from './audits.schemas.ts'
import * as audits from './audits.service.ts'

const tag = 'Audits',
  reading = { tag, auth: 'both', permission: needs.audits.read, tenant: 'optional' } as const
const DEFAULT_COUNT = 50

const exporting = (id: string, path: 'csv' | 'csv/v2') =>
  operation({
    ...reading,
    id,
    method: 'POST',
    path: `/audits/export/${path}`,
    summary: 'Export the audit trail as a file for spreadsheets',
    audit: 'audit.exported',
    query: ExportQuery,
    body: Export,
    returns: { 201: Raw },
    handler: async (ctx, { query, body }) => ({
      type: 'text/csv; charset=utf-8',
      data: await audits.exported(ctx, ctx.tenant, query, body),
    }),
  })

export const auditsRoutes = [
  operation({
    ...reading,
    id: 'listAuditsV1',
    method: 'GET',
    path: '/audits',
    summary: 'List what has happened in an account',
    query: AuditQuery,
    returns: { 200: Audits },
    handler: (ctx, { query }) => audits.list(ctx, ctx.tenant, query, query.count ?? DEFAULT_COUNT),
  }),
  operation({
    ...reading,
    id: 'getAuditStatsV1',
    method: 'GET',
    path: '/audits/stats',
    summary: 'Count what has happened today, and what was severe this week',
    query: StatsQuery,
    returns: { 200: AuditStats },
    handler: (ctx, { query }) => audits.stats(ctx, ctx.tenant, query.tenantId),
  }),
  operation({
    id: 'createAuditV1',
    method: 'POST',
    path: '/audits',
    summary: 'Add a line to the audit trail of an account',
    tag,
    auth: 'vendor',
    tenant: 'required',
    body: NewAudit,
    returns: { 202: Empty },
    handler: (ctx, { body }) => audits.add(ctx, ctx.tenant, body),
  }),
  exporting('exportAuditsV1', 'csv'),
  exporting('exportAuditsV2', 'csv/v2'),
]
