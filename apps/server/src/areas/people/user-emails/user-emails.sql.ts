import { listOfCrowd } from '../users/user-list.sql.ts'

export const emailsOf = listOfCrowd('emails.list', {
  rows: '"UserEmail" e where e."vendorId" = $1',
  id: 'e.id',
  userId: 'e."userId"',
  orders: { createdAt: 'e."createdAt"', userId: 'e."userId"', email: 'e.email' },
})
