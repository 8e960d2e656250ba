import { timingSafeEqual } from 'node:crypto'
import { after, SECOND } from '../../../kernel/clock.ts'
import { baseUrl, isUuid } from '../../../kernel/environments.ts'
import { pointsNowhere } from '../../../kernel/errors.ts'
import type { Rubbish } from '../../../kernel/cleanup.ts'
import type { Ctx, HttpCtx } from '../../../kernel/operation.ts'
import { fingerprint } from '../../../kernel/random.ts'
import { signToken } from '../../../kernel/tokens.ts'
import { objectIn, rightsIn } from '../../access/tokens/access-tokens.service.ts'
import { GRACE_MS, lineOf, successor } from '../../access/tokens/rotation.ts'
import * as identitySettings from '../../policies/identity-settings/identity-settings.service.ts'
import type { IdentityConfiguration } from '../../policies/identity-settings/identity-settings.schemas.ts'
import type { Held } from '../../policies/jwt-templates/claims.ts'
import * as jwtTemplates from '../../policies/jwt-templates/jwt-templates.service.ts'
import * as ips from '../../policies/ip-restrictions/ip-restrictions.service.ts'
import { keysOfHeld } from '../../rights/held/held.service.ts'
import { apiTokenErrors } from './api-tokens.errors.ts'
import type { Credentials, Tokens } from './api-tokens.schemas.ts'
import { keysOf, mustBeOn } from './api-tokens.service.ts'
import { credentialById, credentialByToken, issuing, rotating, type Credential, type Shown } from './exchange.sql.ts'

/** How many refresh tokens the same credentials may have. */
const MAX_REFRESH_TOKENS = 100
/** Stands in for unknown credentials: no secret has this hash. */
const NOBODY = { secretHash: '0'.repeat(64) }

/**
 * Tokens for a client id and its secret. What they may do is read now.
 * @throws 401, 403 where there are no API tokens or from an IP address that the tenant blocks
 */
export async function authenticate(ctx: HttpCtx, shown: Credentials): Promise<Tokens> {
  // before anything is written: a prehook may refuse it
  const { found, configuration, access } = await accessFor(ctx, shown),
    refreshToken = ctx.random.token()
  await ctx
    .sql(issuing, found.id, fingerprint(refreshToken), endOf(ctx, found, configuration), MAX_REFRESH_TOKENS - 1)
    // they have been deleted meanwhile
    .catch((error: unknown) => {
      throw pointsNowhere(error) ? apiTokenErrors.invalidAuthentication() : error
    })
  return { ...access, refreshToken }
}

/** As `authenticate`, without a refresh token: for programs that show their secret again each time. @throws as `authenticate` */
export async function accessFor(ctx: HttpCtx, { clientId, secret }: Credentials) {
  const configuration = await identitySettings.current(ctx)
  mustBeOn(configuration)
  const [found] = isUuid(clientId) ? await ctx.sql(credentialById, ctx.clock.now(), clientId) : []
  if (!isSecretOf(found ?? NOBODY, secret) || !found?.isAlive) throw apiTokenErrors.invalidAuthentication()
  await ips.mustAllow(ctx, ctx.http.ip, found.tenantId)
  return { found, configuration, access: await accessToken(ctx, found, await rightsOf(ctx, found), configuration) }
}

const isSecretOf = ({ secretHash }: Pick<Credential, 'secretHash'>, secret: string) =>
  timingSafeEqual(Buffer.from(fingerprint(secret)), Buffer.from(secretHash))

/**
 * New tokens for a refresh token. The next one takes its place, where tokens rotate. A program that shows it again within
 * seconds, because the answer was lost, gets the same one. Later it counts as stolen, and its successor ends (RFC 9700
 * §4.14.2).
 * @throws as `authenticate`
 */
export async function refresh(ctx: HttpCtx, shown: string): Promise<Tokens> {
  const configuration = await identitySettings.current(ctx)
  mustBeOn(configuration)
  const [found] = await ctx.sql(credentialByToken, ctx.clock.now(), lineOf(ctx, shown).map(fingerprint))
  if (!found?.isAlive || !isLive(ctx, found)) throw apiTokenErrors.invalidAuthentication()
  await mustNotBeUsed(ctx, shown, found)
  await ips.mustAllow(ctx, ctx.http.ip, found.tenantId)
  const access = await accessToken(ctx, found, await rightsOf(ctx, found), configuration),
    refreshToken = await exchange(ctx, shown, found, configuration)
  return { ...access, refreshToken }
}

const isLive = (ctx: Ctx, { tokenExpiresAt, newer }: Shown) =>
  tokenExpiresAt > ctx.clock.now() && newer < MAX_REFRESH_TOKENS
const isCurrent = ({ tokenId }: Shown, token: string) => tokenId === fingerprint(token)

/** @throws 401 for a token whose place another one has taken, but for the last one for a moment */
async function mustNotBeUsed(ctx: Ctx, shown: string, found: Shown) {
  if (isCurrent(found, shown)) return
  const { id: clientId, userId, tokenId, rotatedAt } = found,
    isFresh = rotatedAt !== null && after(rotatedAt, GRACE_MS) >= ctx.clock.now()
  if (isFresh && isCurrent(found, successor(ctx, shown))) return
  // what came late, and before several others, may be an honest repetition: it gets nothing, and ends nothing
  if (!isFresh) {
    await ctx.db.apiRefreshToken.deleteMany({ where: { id: tokenId } })
    ctx.log.warn(
      { clientId, userId },
      'a used refresh token of a program was shown again: its successor has been ended',
    )
  }
  throw apiTokenErrors.invalidAuthentication()
}

/** The next token. One that another call has taken the place of, a moment ago or right now, leads to the same. @throws 401 when it has ended */
async function exchange(ctx: Ctx, shown: string, found: Shown, configuration: IdentityConfiguration) {
  const next = successor(ctx, shown)
  if (!isCurrent(found, shown)) return next
  if (!configuration.rotateRefreshTokens) return shown
  const id = fingerprint(next),
    [rotated] = await ctx.sql(rotating, ctx.clock.now(), found.tokenId, id, endOf(ctx, found, configuration))
  if (!rotated && !(await ctx.db.apiRefreshToken.findFirst({ where: { id }, select: { id: true } })))
    throw apiTokenErrors.invalidAuthentication()
  return next
}

/** When a refresh token of these credentials ends: never after them. */
function endOf(ctx: Ctx, { expiresAt }: Credential, { defaultRefreshTokenExpiration }: IdentityConfiguration) {
  const end = after(ctx.clock.now(), defaultRefreshTokenExpiration * SECOND)
  return expiresAt && expiresAt < end ? expiresAt : end
}

/** A user's token may do what the user may do in the tenant. */
const rightsOf = (ctx: Ctx, found: Credential) =>
  found.userId === null ? keysOf(ctx, found.tenantId, found) : keysOfHeld(ctx, found.held)

/**
 * By a JWT template, if there is one for it. Always RS256, as the server takes it back: who can read the shared secret of
 * HS256 must not be able to make one.
 */
async function accessToken(ctx: Ctx, found: Credential, keys: Held, configuration: IdentityConfiguration) {
  const left = found.expiresAt ? (found.expiresAt.getTime() - ctx.clock.now().getTime()) / SECOND : Infinity
  const made = await jwtTemplates.apply(
    ctx,
    {
      sub: found.id,
      type: found.userId === null ? 'tenantApiToken' : 'userApiToken',
      iss: baseUrl(ctx.deps.publicUrl, ctx.environment),
      aud: ctx.vendorId,
      tenantId: found.tenantId,
      ...(found.userId !== null && {
        userId: found.userId,
        email: found.email,
        userMetadata: objectIn(found.userMetadata!),
      }),
      ...rightsIn(keys, configuration),
      metadata: found.metadata,
      createdByUserId: found.createdByUserId,
    },
    keys,
    {
      expiresIn: configuration.defaultTokenExpiration,
      algorithm: 'RS256',
      atMost: Math.max(1, Math.floor(left)),
    },
  )
  const { claims, expiresIn, at } = made
  return {
    accessToken: signToken(ctx, claims, made),
    expiresIn,
    expires: after(at, expiresIn * SECOND).toUTCString(),
  }
}

export const apiRefreshTokenRubbish: Rubbish = {
  table: 'ApiRefreshToken',
  when: `t."expiresAt" < env.now - interval '1 day'`,
}
