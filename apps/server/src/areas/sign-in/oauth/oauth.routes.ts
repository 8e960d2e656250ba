import { MINUTE } from '../../../kernel/clock.ts'
import { invalid } from '../../../kernel/errors.ts'
import { perIp } from '../../../kernel/limits.ts'
import { operation, type HttpCtx } from '../../../kernel/operation.ts'
import { delegationErrors } from '../../machines/delegation/delegation.errors.ts'
import * as delegation from '../../machines/delegation/delegation.service.ts'
import { ipErrors } from '../../policies/ip-restrictions/ip-restrictions.errors.ts'
import { oauthErrors } from './oauth.errors.ts'
import { TokenAnswer, TokenRequest } from './oauth.schemas.ts'

/** What each grant gives for a request. */
const grants: ReadonlyMap<string, (ctx: HttpCtx, body: TokenRequest) => Promise<TokenAnswer>> = new Map([
  ['urn:ietf:params:oauth:grant-type:token-exchange', delegation.exchange],
])

export const oauthRoutes = [
  operation({
    id: 'grantToken',
    method: 'POST',
    path: '/oauth/token',
    summary:
      'Get a token by one of the grants of OAuth: so far, by exchange of a token of a user and one of who acts for them',
    tag: 'OAuth',
    auth: 'public',
    oauth: true,
    exchanges: true,
    body: TokenRequest,
    // wide, as one server may act for many users
    limits: [perIp(1000, MINUTE)],
    returns: { 200: TokenAnswer },
    errors: [oauthErrors.unknownGrant, delegationErrors.badSubject, delegationErrors.off, ipErrors.restricted],
    handler(ctx, { body }) {
      if (!body.grant_type) throw invalid('grant_type should not be empty')
      const grant = grants.get(body.grant_type)
      if (!grant) throw oauthErrors.unknownGrant()
      return grant(ctx, body)
    },
  }),
]
