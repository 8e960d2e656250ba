import { failure } from '../../../kernel/errors.ts'

export const userEmailErrors = {
  notFound: failure(404, 'ER-00004', 'Email not found'),
  isPrimary: failure(400, 'computed', 'The primary email cannot be deleted'),
  notVerified: failure(400, 'computed', 'Email is not verified'),
  same: failure(400, 'computed', 'This is the email of the user already'),
  notForTenants: failure(403, 'computed', 'Tenant ID is defined - forbidden route for tenants'),
  changeOff: failure(403, 'computed', 'Email change is disabled'),
}
