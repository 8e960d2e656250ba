import type { User } from '@henhouse/database'
import { statement } from '../../../kernel/sql.ts'
import { subjectColumns, type Subject } from '../../access/tokens/refresh-tokens.service.ts'

/** A user as a login with a password needs them. */
export type Account = Subject & Pick<User, 'passwordHash' | 'createdAt'> & Origin
/** The source of users that they came from, and their id there; null for most. */
type Origin = { readonly [K in 'sourceId' | 'subject']: string | null }
/** Stands in for a user who is not there. */
export type Nobody = { readonly [K in keyof Account]: null }

const accountColumns = `${subjectColumns}, u."passwordHash", u."createdAt", o."userSourceId" as "sourceId", o.subject`
const origin = `left join "UserSourceUser" o on o."vendorId" = u."vendorId" and o."userId" = u.id`

/** One row, whether or not `users` finds anybody. A name without a user is locked by as many guesses as a user. */
const accountBy = (by: string, users: string, condition: string) =>
  statement<(Account | Nobody) & { readonly isNameLocked: boolean }, [name: string, lockId: string]>(
    `login.accountBy${by}`,
    `
  select u.*, exists (
    select from "Challenge" c where c."vendorId" = $1 and c.id = $3 and c.attempts >= c."maxAttempts") as "isNameLocked"
  from (select) one left join lateral (
    select ${accountColumns} from ${users} ${origin} where ${condition}) u on true`,
  )

/** The address is the user's own, verified or not, or another verified one of theirs, as for `ownerOf`. */
export const accountByEmail = accountBy(
  'Email',
  `"UserEmail" e join "User" u on u."vendorId" = e."vendorId" and u.id = e."userId"`,
  `e."vendorId" = $1 and e.email = $2 and (e.verified or u.email = e.email)`,
)
export const accountByUsername = accountBy('Username', `"User" u`, `u."vendorId" = $1 and u.username = $2`)

export const accountById = statement<Account, [userId: string]>(
  'login.accountById',
  `select ${accountColumns} from "User" u ${origin} where u."vendorId" = $1 and u.id = $2::uuid`,
)
