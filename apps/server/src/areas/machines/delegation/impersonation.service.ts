import { may } from '../../../kernel/authorize.ts'
import { after, epoch, HOUR, SECOND } from '../../../kernel/clock.ts'
import { errors } from '../../../kernel/errors.ts'
import type { Ctx, Holder, HttpCtx, PersonCaller, Tie } from '../../../kernel/operation.ts'
import * as settings from '../../../kernel/settings.ts'
import * as accessTokens from '../../access/tokens/access-tokens.service.ts'
import * as refreshTokens from '../../access/tokens/refresh-tokens.service.ts'
import * as applications from '../../applications/applications/applications.service.ts'
import * as identitySettings from '../../policies/identity-settings/identity-settings.service.ts'
import * as ips from '../../policies/ip-restrictions/ip-restrictions.service.ts'
import * as events from '../../rights/events/events.service.ts'
import { keysOfHeld } from '../../rights/held/held.service.ts'
import { mayImpersonate } from '../../rights/permissions/permissions.keys.ts'
import { hasRunOut } from './delegation.service.ts'
import { subjectOf } from './delegation.sql.ts'
import { impersonationErrors } from './impersonation.errors.ts'
import { impersonation, type ImpersonationChange, type ImpersonationRequest } from './impersonation.schemas.ts'

/** As the reference has it, however long tokens last otherwise. */
const LASTS_MS = HOUR

/** Whether one may be in another's place. Tokens of it are good only while it is. */
export const current = (ctx: Ctx) => settings.effective(ctx, impersonation)
export const isOn = async (ctx: Ctx) => (await current(ctx)).enabled

export async function change(ctx: Ctx, fields: ImpersonationChange) {
  await settings.patch(ctx, impersonation, fields)
}

/**
 * A token with which a user is in the place of another member of their account, there and nowhere else. It is delegated: it names
 * the impersonator (`act`), is no login, so that it changes nothing that the user logs in with, and ends with the impersonator's
 * session. It is in a session of its own, which the user sees and can end, and cannot be refreshed. One that the impersonator
 * was in before, in the same place, ends.
 * @throws 400 for oneself; 401 for a token of no user who has logged in; 403 where nobody may, for impersonators who may not, and
 * for a user who may do more than they; 404 for a user of no such account; 423 for one who is locked
 */
export async function begin(ctx: HttpCtx, { impersonatedUserId, actorToken }: ImpersonationRequest) {
  if (!(await isOn(ctx))) throw impersonationErrors.off()
  const userId = impersonatedUserId.toLowerCase(),
    actor = await ctx.http.holderOf(actorToken)
  if (actor?.caller.kind !== 'person') throw impersonationErrors.badActor()
  const { caller } = actor,
    { tenantId } = caller
  if (!may(caller.permissions, mayImpersonate)) throw impersonationErrors.mayNot()
  if (caller.userId === userId) throw impersonationErrors.oneself()
  await ips.mustAllow(ctx, ctx.http.ip, tenantId)
  const [user] = await ctx.sql(subjectOf, ctx.clock.now(), userId, tenantId, caller.userId, [caller.sessionId])
  if (!user?.tenantIds.includes(tenantId)) throw errors.notFound('User')
  if (!user.sessions.length || (await hasRunOut(ctx, user.sessions))) throw impersonationErrors.badActor()
  const keys = await keysOfHeld(ctx, user.held)
  if (user.superUser || !keys.permissions.every((key) => may(caller.permissions, key)))
    throw impersonationErrors.stronger()
  const applicationId = actor.audience === ctx.vendorId ? undefined : actor.audience,
    sessionId = ctx.random.uuid()
  await applications.mustAdmit(ctx, { applicationId, userId, tenantId })
  const { accessToken, expiresIn } = await accessTokens.issueDelegated(
    ctx,
    user,
    {
      tenant: { id: tenantId, tenantIds: [tenantId] },
      applicationId,
      keys,
      act: { sub: actor.sub, type: 'impersonation', ...(user.actorEmail !== null && { email: user.actorEmail }) },
      ties: [tieOf(ctx, actor, userId, sessionId), ...actor.ties],
      lasts: LASTS_MS / SECOND,
    },
    await identitySettings.current(ctx),
  )
  await keep(ctx, user, caller, { sessionId, applicationId })
  return {
    ...{ accessToken, tokenType: 'bearer', refreshToken: '', expiresIn },
    expires: after(ctx.clock.now(), expiresIn * SECOND).toUTCString(),
  }
}

/** On the session that is about to begin. */
const tieOf = (ctx: Ctx, { caller: { tenantId }, audience }: Holder, userId: string, sid: string): Tie => ({
  ...{ type: 'userToken', sub: userId, tenantId, sid },
  ...{ iat: epoch(ctx.clock.now()), aud: audience, alg: 'RS256' },
})

async function keep(
  ctx: HttpCtx,
  user: refreshTokens.Subject,
  { userId: impersonatorId, tenantId, sessionId: theirs }: PersonCaller,
  { sessionId, applicationId }: { sessionId: string; applicationId: string | undefined },
) {
  const now = ctx.clock.now()
  await ctx.atomically(async (tx) => {
    await refreshTokens.mustBeUnchanged(tx, user)
    await tx.db.session.updateMany({
      where: { userId: user.id, impersonatorId, endedAt: null },
      data: { endedAt: now },
    })
    await tx.db.session.create({
      data: {
        ...{ id: sessionId, userId: user.id, tenantId, impersonatorId, applicationId: applicationId ?? null },
        ...{ ipAddress: ctx.http.ip, userAgent: ctx.http.userAgent, createdAt: now, lastActiveAt: now },
        expiresAt: after(now, LASTS_MS),
      },
    })
    await events.record(tx, {
      key: 'user.impersonated',
      ...{ userId: user.id, tenantId, severity: 'High', by: { userId: impersonatorId, sessionId: theirs } },
      details: { impersonatorId, sessionId },
    })
  })
  ctx.log.info({ userId: user.id, tenantId, sessionId, by: impersonatorId }, 'somebody is in the place of a user')
}
