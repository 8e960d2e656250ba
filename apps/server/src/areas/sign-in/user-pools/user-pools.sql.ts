import { listOf } from '../../../kernel/paging.ts'
import { statement } from '../../../kernel/sql.ts'

/** The users of a source, those who came first at the beginning. */
export const userList = listOf<'createdAt', [userSourceId: string]>('userPools.users', {
  rows: `"UserSourceUser" i where i."vendorId" = $1 and i."userSourceId" = $4::uuid`,
  id: 'i."userId"',
  orders: { createdAt: 'i."createdAt"' },
})

/** Waits until no other call of the environment adds a source, or assigns one. */
export const queueing = statement<{ queued: string }, []>(
  'userPools.queueing',
  `select pg_advisory_xact_lock(hashtextextended('user sources ' || $1::text, 0))::text as queued`,
)
