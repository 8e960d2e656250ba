import { failure } from '../../../kernel/errors.ts'

export const applicationErrors = {
  notFound: failure(404, 'ER-00004', 'Application not found'),
  notSpecified: failure(403, 'ER-00008', 'Application ID is not specified'),
  tenantNotAssigned: failure(404, 'ER-01008', 'This account/tenant is not assigned to the requested application'),
  userNotAssigned: failure(403, 'ER-01009', 'User is not associated with the requested application'),
  inactive: failure(403, 'computed', 'The requested application is not active'),
  isDefault: failure(400, 'computed', 'The default application cannot be deleted'),
  tooMany: failure(400, 'computed', 'The environment has as many applications as it may have'),
  badAddress: failure(400, 'computed', (field: string) => `${field} must be a URL address`),
  tenantTaken: failure(409, 'computed', 'The account is already assigned to the application'),
  clientNotFound: failure(404, 'ER-00004', 'Application client not found'),
  badMetadata: failure(400, 'computed', 'each value in externalMetadata must be a string, a number or a boolean'),
}
