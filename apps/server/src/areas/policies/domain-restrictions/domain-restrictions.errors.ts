import { failure } from '../../../kernel/errors.ts'

export const domainErrors = {
  notFound: failure(404, 'ER-00004', 'Domain restriction not found'),
  taken: failure(409, 'computed', 'Domain restriction already exists'),
  restricted: failure(403, 'computed', 'The domain of this e-mail address is not allowed'),
}
