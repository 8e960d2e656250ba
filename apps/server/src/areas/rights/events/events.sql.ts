import { statement } from '../../../kernel/sql.ts'

/** What is stored of an event, as JSON: one parameter, however many there are. */
export interface Line {
  id: string
  at: Date
  key: string
  severity: string
  outcome: string
  tenantId: string | null
  userId: string | null
  subjectKind: string
  subjectId: string | null
  actorKind: string
  actorUserId: string | null
  credentialType: string | null
  credentialId: string | null
  sessionId: string | null
  ip: string | null
  userAgent: string | null
  traceId: string | null
  details: object
}

const columns: Record<keyof Line, string> = {
  id: 'uuid',
  at: 'timestamptz',
  key: 'text',
  severity: 'text',
  outcome: 'text',
  tenantId: 'text',
  userId: 'uuid',
  subjectKind: 'text',
  subjectId: 'text',
  actorKind: 'text',
  actorUserId: 'uuid',
  credentialType: 'text',
  credentialId: 'text',
  sessionId: 'uuid',
  ip: 'text',
  userAgent: 'text',
  traceId: 'text',
  details: 'jsonb',
}
const names = Object.keys(columns)

/** Stores the lines of a parameter; a part of other statements, too, with a condition then. */
export const storing = (parameter: `$${number}`, condition = 'true') => `
  insert into "Event" ("vendorId", ${names.map((name) => `"${name}"`).join(', ')})
  select $1, ${names.map((name) => `e."${name}"`).join(', ')}
  from jsonb_to_recordset(${parameter}::jsonb) as e(${Object.entries(columns)
    .map(([name, type]) => `"${name}" ${type}`)
    .join(', ')})
  where ${condition}`

export const storeAll = statement<never, [lines: string]>('events.store', storing('$2'))
