import { listOfCrowd } from '../users/user-list.sql.ts'

export const usernamesOf = listOfCrowd('usernames.list', {
  rows: '"User" u where u."vendorId" = $1 and u.username is not null',
  id: 'u.id',
  userId: 'u.id',
  orders: { createdAt: 'u."createdAt"', userId: 'u.id', username: 'u.username' },
})
