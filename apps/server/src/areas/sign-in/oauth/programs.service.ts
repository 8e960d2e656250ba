import { ApiError } from '../../../kernel/errors.ts'
import type { HttpCtx } from '../../../kernel/operation.ts'
import { environmentToken } from '../../../kernel/tokens.ts'
import { clientErrors } from '../../applications/oauth-clients/oauth-clients.errors.ts'
import * as clients from '../../applications/oauth-clients/oauth-clients.service.ts'
import * as exchange from '../../machines/api-tokens/exchange.service.ts'
import type { TokenAnswer, TokenRequest } from './oauth.schemas.ts'

/**
 * A token for credentials alone (RFC 6749 §4.4): of an API token, as at its own routes; of the environment, to manage it. No
 * refresh token, as whoever calls has the secret. Applications act for their users only.
 * @throws 400 for an application, 401, 403 where there are no API tokens
 */
export async function byCredentials(ctx: HttpCtx, request: TokenRequest): Promise<TokenAnswer> {
  const { id, secret } = clients.credentialsIn(ctx, request)
  if (!id || secret === undefined) throw clients.refused(ctx)
  if (id !== ctx.vendorId && !(await clients.clientOf(ctx, id))) return ofProgram(ctx, id, secret)
  await clients.mustAuthenticate(ctx, request)
  if (id !== ctx.vendorId) throw clientErrors.noProgram()
  const { token, expiresIn } = environmentToken(ctx)
  return answerOf(token, expiresIn)
}

async function ofProgram(ctx: HttpCtx, clientId: string, secret: string) {
  try {
    const { access } = await exchange.accessFor(ctx, { clientId, secret })
    return answerOf(access.accessToken, access.expiresIn)
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    if (error.status === 401) throw clients.refused(ctx)
    if (error.status === 403) error.oauthError ??= 'unauthorized_client'
    throw error
  }
}

const answerOf = (access_token: string, expires_in: number): TokenAnswer => ({
  access_token,
  token_type: 'Bearer',
  expires_in,
})
