import { after, epoch, SECOND } from '../../../kernel/clock.ts'
import { baseUrl } from '../../../kernel/environments.ts'
import type { Actor, Ctx, Tie } from '../../../kernel/operation.ts'
import { signToken } from '../../../kernel/tokens.ts'
import type { IdentityConfiguration } from '../../policies/identity-settings/identity-settings.schemas.ts'
import type { Held } from '../../policies/jwt-templates/claims.ts'
import * as jwtTemplates from '../../policies/jwt-templates/jwt-templates.service.ts'
import type { Subject } from './refresh-tokens.service.ts'
import { pictureOf } from '../../delivery/mail/person.ts'

export interface AccessToken {
  readonly accessToken: string
  readonly expiresIn: number
  readonly expires: string
}

/** Where a user acts. */
export interface ActiveTenant {
  id: string
  /** all tenants that let the user in, as tokens list them */
  tenantIds: string[]
}

/** How users proved who they are. Only for this login: a refreshed token does not say. */
export interface Proof {
  readonly amr?: readonly string[] | undefined
  readonly acr?: string | undefined
  readonly authTime?: Date | undefined
  /** by which an OAuth client knows its own request again */
  readonly nonce?: string | undefined
}

export interface Occasion {
  readonly tenant: ActiveTenant
  readonly sessionId: string
  readonly applicationId: string | null | undefined
  /** of the roles in this tenant */
  readonly keys: Held
  readonly proof?: Proof
}

/** Bytes of JSON at most, so that the server and most proxies take the headers of whoever holds very much. */
const ROOM = { tenantIds: 8 * 1024, roles: 4 * 1024, permissions: 12 * 1024 }
const sizeOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value))

/** As many of the tenants as there is room for, the active one among them. */
function fitting({ id, tenantIds }: ActiveTenant) {
  let room = ROOM.tenantIds - sizeOf(id)
  return tenantIds.filter((one) => one === id || (room -= sizeOf(one) + 1) >= 0)
}

/** The claims about rights: those that the environment wants in its tokens, and that there is room for. */
export const rightsIn = ({ roles, permissions }: Held, configuration: IdentityConfiguration) => ({
  ...(configuration.addRolesToJwt && sizeOf(roles) <= ROOM.roles && { roles }),
  ...(configuration.addPermissionsToJwt && sizeOf(permissions) <= ROOM.permissions && { permissions }),
})

/** A signed token that says who users are and what they may do in one tenant, by a JWT template if there is one for it. */
export async function issue(
  ctx: Ctx,
  user: Subject,
  { tenant, sessionId, applicationId, keys, proof = {} }: Occasion,
  configuration: IdentityConfiguration,
): Promise<AccessToken> {
  const made = await jwtTemplates.apply(
    ctx,
    {
      ...profileIn(ctx, user, { tenant, applicationId }),
      sid: sessionId,
      ...rightsIn(keys, configuration),
      ...(proof.amr && { amr: proof.amr }),
      ...(proof.acr && { acr: proof.acr }),
      ...(proof.authTime && { auth_time: epoch(proof.authTime) }),
      ...(proof.nonce !== undefined && { nonce: proof.nonce }),
    },
    keys,
    { expiresIn: configuration.defaultTokenExpiration, algorithm: configuration.jwtAlgorithm },
  )
  const { claims, expiresIn, at } = made
  return {
    accessToken: signToken(ctx, claims, made),
    expiresIn,
    expires: after(at, expiresIn * SECOND).toUTCString(),
  }
}

/** The claims about a user, for whatever the token is. */
const profileIn = (ctx: Ctx, user: Subject, { tenant, applicationId }: Pick<Occasion, 'tenant' | 'applicationId'>) => ({
  sub: user.id,
  type: 'userToken',
  iss: baseUrl(ctx.deps.publicUrl, ctx.environment),
  aud: applicationId ?? ctx.vendorId,
  name: user.name,
  email: user.email,
  email_verified: user.verified,
  metadata: objectIn(user.metadata),
  tenantId: tenant.id,
  tenantIds: fitting(tenant),
  profilePictureUrl: pictureOf(user),
  externalId: user.externalId,
  phoneNumber: user.phoneNumber,
  ...(applicationId && { applicationId }),
  ...(user.superUser && { superUser: true }),
})

interface Delegated extends Pick<Occasion, 'tenant' | 'applicationId' | 'keys'> {
  readonly act: Actor
  readonly ties: readonly Tie[]
  /** seconds */
  readonly lasts: number
}

/**
 * A token with which somebody acts for a user, by a JWT template if there is one for it. It is of no session, and says
 * nothing of how the user logged in. The shared secret of an environment does not sign it: who can read that secret must not
 * be able to say who acts for whom.
 */
export async function issueDelegated(
  ctx: Ctx,
  user: Subject,
  { keys, act, ties, lasts, ...place }: Delegated,
  configuration: IdentityConfiguration,
) {
  const made = await jwtTemplates.apply(
    ctx,
    { ...profileIn(ctx, user, place), ...rightsIn(keys, configuration), act, bound_to: ties },
    keys,
    { expiresIn: configuration.defaultTokenExpiration, algorithm: 'RS256', atMost: Math.max(1, lasts) },
  )
  return { accessToken: signToken(ctx, made.claims, made), expiresIn: made.expiresIn }
}

/** The wire keeps metadata as the text of an object; a token carries the object. */
export function objectIn(text: string): object {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}
  } catch {
    return {}
  }
}
