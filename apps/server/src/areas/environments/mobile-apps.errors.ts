import { failure } from '../../kernel/errors.ts'

export const mobileAppErrors = {
  notFound: failure(404, null, 'Associated domain not found'),
  taken: failure(409, null, 'Associated domain already exists'),
  tooMany: failure(400, null, 'There are too many associated domains'),
}
