import { statement } from '../../../kernel/sql.ts'

/** Has others who make a token in the tenant wait until the transaction ends. */
export const queueing = statement<{ queued: string }, [tenantId: string]>(
  'apiTokens.queue',
  `select pg_advisory_xact_lock(hashtextextended('api tokens ' || $1::text || ' ' || $2::text, 0))::text as queued`,
)
