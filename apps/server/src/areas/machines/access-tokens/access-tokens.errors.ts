import { failure } from '../../../kernel/errors.ts'

export const accessTokenErrors = {
  /** SDKs compare the text */
  off: failure(403, null, 'Api tokens are disabled'),
  notFound: failure(404, 'ER-00004', 'Access token not found'),
  tooManyInAccount: failure(400, 'computed', 'The account has as many access tokens as it may have'),
  tooMany: failure(400, 'computed', 'The environment has as many access tokens as it may have'),
}
