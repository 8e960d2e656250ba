import { listOfCrowd } from '../users/user-list.sql.ts'

export const phoneNumbersOf = listOfCrowd('phoneNumbers.list', {
  rows: '"PhoneNumber" p where p."vendorId" = $1',
  id: 'p.id',
  userId: 'p."userId"',
  orders: { createdAt: 'p."createdAt"', userId: 'p."userId"', phoneNumber: 'p."phoneNumber"' },
})
