import type { User } from '@henhouse/database'
import { statement } from '../../../kernel/sql.ts'

/** A user who came from a source, as far as their next login from there can change them. */
export type Arrived = Pick<
  User,
  'id' | 'email' | 'name' | 'profilePictureUrl' | 'verified' | 'unprovenPast' | 'passwordHash'
>

export const bySubject = statement<Arrived, [userSourceId: string, subject: string]>(
  'userPools.bySubject',
  `
  select u.id, u.email, u.name, u."profilePictureUrl", u.verified, u."unprovenPast", u."passwordHash"
  from "UserSourceUser" i join "User" u on u."vendorId" = i."vendorId" and u.id = i."userId"
  where i."vendorId" = $1 and i."userSourceId" = $2::uuid and i.subject = $3`,
)
