import { failure } from '../../../kernel/errors.ts'

export const tenantErrors = {
  notFound: failure(404, 'ER-00004', 'Tenant not found'),
  taken: failure(409, 'computed', 'Tenant already exists'),
  aliasTaken: failure(409, 'computed', 'Alias is taken by another tenant'),
  nothingToChange: failure(400, 'computed', 'Missing parameters to update'),
  badMetadata: failure(400, 'computed', 'metadata must be a JSON object, or the text of one'),
  badMetadataText: failure(400, 'computed', 'metadata must be valid JSON'),
}
