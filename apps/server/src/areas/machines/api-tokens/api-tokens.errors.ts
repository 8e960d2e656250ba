import { failure } from '../../../kernel/errors.ts'

export const apiTokenErrors = {
  notFound: failure(404, 'ER-00004', 'API token not found'),
  tooMany: failure(400, 'computed', 'There are as many API tokens as there may be'),
  /** Clients know this text, without a code. */
  disabled: failure(403, null, 'Api tokens are disabled'),
  /** Whatever is wrong with the credentials, the refresh token or their owner. */
  invalidAuthentication: failure(401, null, 'Invalid authentication'),
}
