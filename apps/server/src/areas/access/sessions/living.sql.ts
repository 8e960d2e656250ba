import type { LiveSession, UserToken } from '../../../kernel/holders.ts'
import { after, SECOND } from '../../../kernel/clock.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import { statement } from '../../../kernel/sql.ts'
import * as identitySettings from '../../policies/identity-settings/identity-settings.service.ts'

/*
 * A tenant that was made after the token is another one under the same id. The token tells its time in whole seconds. Where
 * a clock was set back (emulator), what comes after it says nothing.
 */
const living = statement<
  LiveSession,
  [sessionId: string, userId: string, tenantId: string, now: Date, issuedBefore: Date, audience: string]
>(
  'sessions.living',
  `
  select s."createdAt" as "beganAt", u."passwordHash" is not null or u."mfaEnrolled" as "isGuarded" from "Session" s
  join "User" u on u."vendorId" = s."vendorId" and u.id = s."userId"
  join "Tenant" t on t."vendorId" = s."vendorId" and t.id = $4
  left join "Membership" m on m."vendorId" = s."vendorId" and m."userId" = u.id and m."tenantId" = t.id
    and (m."expiresAt" is null or m."expiresAt" > $5)
  where s."vendorId" = $1 and s.id = $2 and s."userId" = $3 and s."endedAt" is null and s."expiresAt" > $5
    and $7 in (s."applicationId", s."vendorId"::text)
    and not u."isLocked"
    and (t."createdAt" < $6 or t."createdAt" > $5)
    and m."isDisabled" is not true
    and (m."acceptedAt" is not null or u."superUser" or exists (
      select from "Membership" up
      join "Tenant" above on above."vendorId" = up."vendorId" and above.id = up."tenantId"
      where up."vendorId" = $1 and up."userId" = u.id and up."tenantId" = any (t.path) and up."tenantId" <> t.id
        and not up."isDisabled" and up."acceptedAt" is not null and (up."expiresAt" is null or up."expiresAt" > $5)
        and (above."subAccountAccessType" = 'alwaysOn'
          or coalesce(u."subAccountAccess", above."subAccountAccessType" = 'defaultOn'))))`,
)

/**
 * The session of a user token, as long as it lives, its user is there and not locked, and its tenant lets the user in: as a
 * member, as a superuser, or from a tenant above. The token's audience is the session's application, or the environment,
 * which a JWT template can name in its place. Tokens signed with the shared secret are good only while users' tokens are to
 * be signed so.
 */
export async function sessionOf(ctx: Ctx, { sessionId, userId, tenantId, issuedAt, algorithm, audience }: UserToken) {
  if (algorithm !== 'RS256' && !(await identitySettings.sharesSecret(ctx))) return undefined
  const [session] = await ctx.sql(
    living,
    sessionId,
    userId,
    tenantId,
    ctx.clock.now(),
    after(issuedAt, SECOND),
    audience,
  )
  return session
}
