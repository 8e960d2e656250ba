import { may } from '../../../kernel/authorize.ts'
import { SECOND } from '../../../kernel/clock.ts'
import { ApiError, invalid } from '../../../kernel/errors.ts'
import { MOST_TIES } from '../../../kernel/holders.ts'
import { userIdOf, type Actor, type Ctx, type Holder, type HttpCtx } from '../../../kernel/operation.ts'
import * as settings from '../../../kernel/settings.ts'
import * as sessions from '../../access/sessions/sessions.service.ts'
import * as accessTokens from '../../access/tokens/access-tokens.service.ts'
import * as applications from '../../applications/applications/applications.service.ts'
import * as identitySettings from '../../policies/identity-settings/identity-settings.service.ts'
import * as ips from '../../policies/ip-restrictions/ip-restrictions.service.ts'
import type { Held } from '../../policies/jwt-templates/claims.ts'
import { keysOfHeld } from '../../rights/held/held.service.ts'
import { reaches } from '../../rights/held/sub-account-access.service.ts'
import { mayDelegate } from '../../rights/permissions/permissions.keys.ts'
import { delegationErrors } from './delegation.errors.ts'
import { delegation, type DelegationChange } from './delegation.schemas.ts'
import { subjectOf, type Dependence } from './delegation.sql.ts'
import * as events from '../../rights/events/events.service.ts'

/** Whether one may act for another. Tokens that say so are good only while it is. */
export const current = (ctx: Ctx) => settings.effective(ctx, delegation)
export const isOn = async (ctx: Ctx) => (await current(ctx)).enabled

export async function change(ctx: Ctx, fields: DelegationChange) {
  await settings.patch(ctx, delegation, fields)
}

/** RFC 8693 §3. All that we sign are JWTs with which something is accessed. */
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token',
  TYPES: readonly unknown[] = [ACCESS_TOKEN, 'urn:ietf:params:oauth:token-type:jwt']

/** What a token exchange asks for (RFC 8693 §2.1). */
export interface Exchange {
  subject_token?: string
  subject_token_type?: string
  actor_token?: string
  actor_token_type?: string
  requested_token_type?: string
  audience?: string
}

/**
 * A token with which the actor acts for the subject. It names both, has the rights that the subject has, as far as the token
 * that was shown names them, and ends with whichever of both tokens ends first, or with what that speaks for. It is no login.
 * @throws 400, 403 where nobody may act for others, or this actor may not
 */
export async function exchange(ctx: HttpCtx, asked: Exchange) {
  if (!(await isOn(ctx))) throw delegationErrors.off()
  const { subjectToken, actorToken } = tokensIn(asked)
  if (asked.audience !== undefined && asked.audience !== ctx.vendorId) throw delegationErrors.unknownTarget()
  const [subject, actor] = await Promise.all([ctx.http.holderOf(subjectToken), ctx.http.holderOf(actorToken)])
  if (!subject) throw delegationErrors.badSubject()
  if (!actor) throw delegationErrors.badActor()
  if (actor.act) throw delegationErrors.delegatedActor()
  const { userId, tenantId } = await mustBeAllowed(ctx, actor, subject)
  await ips.mustAllow(ctx, ctx.http.ip, tenantId)
  const ties = [...subject.ties, ...actor.ties],
    sessionIds = [...new Set(ties.flatMap(({ sid }) => sid ?? []))],
    applicationId = subject.audience === ctx.vendorId ? undefined : subject.audience
  const [user] = await ctx.sql(subjectOf, ctx.clock.now(), userId, tenantId, userIdOf(actor.caller) ?? null, sessionIds)
  if (!user || user.sessions.length < sessionIds.length || (await hasRunOut(ctx, user.sessions)))
    throw delegationErrors.badSubject()
  const entered = user.sessions.find(({ id }) => id === subject.ties[0]?.sid?.toLowerCase())?.applicationId
  if (entered) await mustBeAdmitted(ctx, { applicationId: entered, userId, tenantId })
  const act = actorOf(actor, user.actorEmail, subject.act)
  const { accessToken, expiresIn } = await accessTokens.issueDelegated(
    ctx,
    user,
    {
      tenant: { id: tenantId, tenantIds: withTenant(user.tenantIds, tenantId) },
      applicationId,
      keys: shared(subject, await keysOfHeld(ctx, user.held)),
      act,
      ties,
      lasts: left(ctx, subject, actor),
    },
    await identitySettings.current(ctx),
  )
  await events.record(ctx, {
    key: 'user.delegated',
    ...{ userId, tenantId, severity: 'Medium', details: { actorType: kindOf(actor), actorId: actor.sub } },
  })
  ctx.log.info({ userId, tenantId, by: { type: kindOf(actor), id: actor.sub } }, 'somebody acts for a user')
  return { access_token: accessToken, issued_token_type: ACCESS_TOKEN, token_type: 'Bearer', expires_in: expiresIn }
}

/** @throws 400 */
function tokensIn({
  subject_token,
  subject_token_type,
  actor_token,
  actor_token_type,
  requested_token_type,
}: Exchange) {
  // without an actor it would be impersonation
  if (!subject_token) throw invalid('subject_token should not be empty')
  if (!actor_token) throw invalid('actor_token should not be empty')
  const types = { subject_token_type, actor_token_type, requested_token_type: requested_token_type ?? ACCESS_TOKEN }
  for (const [name, type] of Object.entries(types))
    if (!TYPES.includes(type)) throw invalid(`${name} must be one of the following values: ${TYPES.join(', ')}`)
  return { subjectToken: subject_token, actorToken: actor_token }
}

/**
 * @returns the user, and where they are to act
 * @throws 400 for a subject that is no user, or too long a chain; 403 for an actor without the permission, or of another tenant
 */
async function mustBeAllowed(ctx: Ctx, actor: Holder, subject: Holder) {
  const { caller } = subject,
    { tenantId } = caller
  if (caller.kind === 'machine') throw delegationErrors.noUser()
  if (!may(actor.caller.permissions, mayDelegate)) throw delegationErrors.mayNot()
  if (actor.caller.tenantId !== tenantId && !(await reaches(ctx, actor.caller, tenantId)))
    throw delegationErrors.elsewhere()
  if (subject.ties.length + actor.ties.length > MOST_TIES) throw delegationErrors.tooLong()
  return { userId: caller.userId, tenantId }
}

/** Tokens of a session that was idle for too long, or has lasted too long, are still good for what they are; they give no others. */
export async function hasRunOut(ctx: Ctx, found: readonly Dependence[]) {
  const rulesIn = await sessions.rulesOf(ctx, ...found.map((session) => session.tenantId))
  return found.some(({ tenantId, createdAt, lastActiveAt, expiresAt }) => {
    const times = {
      createdAt: new Date(createdAt),
      lastActiveAt: new Date(lastActiveAt),
      expiresAt: new Date(expiresAt),
    }
    return sessions.endOf(times, rulesIn(tenantId).policy) <= ctx.clock.now()
  })
}

/** As at a refresh: into the application of the session, also where a JWT template has its tokens name none. @throws 400 */
async function mustBeAdmitted(ctx: Ctx, entry: { applicationId: string; userId: string; tenantId: string }) {
  await applications.mustAdmit(ctx, entry).catch((error: unknown) => {
    throw error instanceof ApiError ? delegationErrors.badSubject() : error
  })
}

/** The one who acts, around those who acted before (RFC 8693 §4.1). */
const actorOf = ({ sub }: Holder, email: string | null, before: Actor | undefined): Actor => ({
  sub,
  type: 'delegation',
  ...(email !== null && { email }),
  ...(before && { act: before }),
})
const kindOf = ({ caller }: Holder) => (caller.kind === 'person' ? 'userToken' : caller.by.type)

const withTenant = (tenantIds: readonly string[], id: string) =>
  tenantIds.includes(id) ? [...tenantIds] : [...tenantIds, id]

/** What the subject has now, and the token that was shown names. */
const shared = ({ roles: named, caller }: Holder, { roleIds, roles, permissions }: Held) => ({
  roleIds,
  roles: named ? roles.filter((key) => named.includes(key)) : roles,
  permissions: permissions.filter((key) => may(caller.permissions, key)),
})

/** How many seconds are left of the tokens that it comes from. */
const left = (ctx: Ctx, ...holders: readonly Holder[]) =>
  Math.min(
    ...holders.map(({ expiresAt }) =>
      expiresAt ? Math.floor((expiresAt.getTime() - ctx.clock.now().getTime()) / SECOND) : Infinity,
    ),
  )
