import { failure } from '../../../kernel/errors.ts'

export const jwtTemplateErrors = {
  notFound: failure(404, 'ER-00004', 'JWT template not found'),
  keyTaken: failure(409, 'computed', 'JWT template key already exists'),
  noTargeting: failure(404, 'ER-00004', 'JWT template targeting not found'),
  targetingTaken: failure(409, 'computed', 'JWT template targeting already exists'),
}
