import type { Session } from '@henhouse/database'
import { SECOND } from '../../../kernel/clock.ts'
import { isUuid } from '../../../kernel/environments.ts'
import { errors } from '../../../kernel/errors.ts'
import type { Caller, Ctx, TenantScope, UserScope } from '../../../kernel/operation.ts'
import * as settings from '../../../kernel/settings.ts'
import {
  identityConfiguration,
  type IdentityConfiguration,
} from '../../policies/identity-settings/identity-settings.schemas.ts'
import * as roles from '../../rights/roles/roles.service.ts'
import { sessionErrors } from './sessions.errors.ts'
import { sessionConfiguration, type SessionConfiguration } from './sessions.schemas.ts'
import type { Rubbish } from '../../../kernel/cleanup.ts'

/** What ends a session before its refresh token does. */
export interface Policy {
  /** the longest time without a refresh; milliseconds, like the next */
  idle: number
  /** the longest time since the login */
  total: number
  /** how many a user may have; in one tenant only, if its policy says so */
  concurrent: { max: number; within?: string } | undefined
}

/** What the environment, and for sessions the tenant, has decided. */
export interface Rules {
  readonly configuration: IdentityConfiguration
  readonly policy: Policy
}

/** The rules of each of these tenants, in one query. */
export async function rulesOf(ctx: Ctx, ...tenantIds: (string | null)[]): Promise<(tenantId: string | null) => Rules> {
  const stored = await settings.layers(ctx, tenantIds)
  const configuration = { ...identityConfiguration.initial, ...stored(identityConfiguration, null) }
  return (tenantId) => ({ configuration, policy: policyOf(stored, tenantId) })
}

/** Part by part, what the tenant has stored replaces what the environment has. */
function policyOf(stored: settings.Layers, tenantId: string | null): Policy {
  const own = tenantId === null ? undefined : stored(sessionConfiguration, tenantId)
  const {
    sessionIdleTimeoutConfiguration: idle,
    sessionTimeoutConfiguration: total,
    sessionConcurrentConfiguration: concurrent,
  } = { ...stored(sessionConfiguration, null), ...own }
  return {
    idle: idle?.isActive ? idle.timeout * SECOND : Infinity,
    total: total?.isActive ? total.timeout * SECOND : Infinity,
    concurrent: concurrent?.isActive
      ? {
          max: concurrent.maxSessions,
          ...(tenantId !== null && own?.sessionConcurrentConfiguration && { within: tenantId }),
        }
      : undefined,
  }
}

/** When the session ends without further activity. */
export const endOf = (session: Pick<Session, 'createdAt' | 'lastActiveAt' | 'expiresAt'>, { idle, total }: Policy) =>
  new Date(
    Math.min(session.expiresAt.getTime(), session.lastActiveAt.getTime() + idle, session.createdAt.getTime() + total),
  )

export async function configuration(ctx: Ctx, tenant?: TenantScope): Promise<SessionConfiguration> {
  return (await settings.stored(ctx, sessionConfiguration, tenant))?.value ?? {}
}

/** Parts that are not given stay as they are. */
export async function configure(ctx: Ctx, parts: SessionConfiguration, tenant?: TenantScope) {
  await settings.patch(ctx, sessionConfiguration, parts, tenant)
}

/** The user's living sessions, newest first. */
export async function list(ctx: Ctx, caller: Caller, user: UserScope, tenant: TenantScope | undefined) {
  await mustBeIn(ctx, caller, user, tenant)
  const now = ctx.clock.now()
  const rows = await ctx.db.session.findMany({
    where: { userId: user.id, endedAt: null, expiresAt: { gt: now } },
    orderBy: [{ createdAt: 'desc' }, { id: 'asc' }],
  })
  const stored = await settings.layers(
    ctx,
    rows.map((row) => row.tenantId),
  )
  return rows
    .map((row) => ({
      ...row,
      current: caller.kind === 'person' && row.id === caller.sessionId,
      expires: endOf(row, policyOf(stored, row.tenantId)),
    }))
    .filter((row) => row.expires > now)
}

/** The session of the caller's token. @throws 404 when it has ended, or the token has none */
export async function current(ctx: Ctx, caller: Caller, user: UserScope, tenant: TenantScope) {
  const found = (await list(ctx, caller, user, tenant)).find((session) => session.current)
  if (!found) throw sessionErrors.notFound()
  return found
}

/**
 * Ends one of the user's sessions: its refresh token no longer works. @throws 404 when there is no such living session
 */
export async function end(
  ctx: Ctx,
  caller: Caller,
  user: UserScope,
  tenant: TenantScope | undefined,
  sessionId: string,
) {
  await mustBeIn(ctx, caller, user, tenant)
  const { count } = await ctx.db.session.updateMany({
    where: { id: sessionId, userId: user.id, endedAt: null, expiresAt: { gt: ctx.clock.now() } },
    data: { endedAt: ctx.clock.now() },
  })
  if (count === 0) throw sessionErrors.notFound()
}

/** Ends all of the user's own sessions, the current one included. */
export async function endOwn(ctx: Ctx, caller: Caller, user: UserScope, tenant: TenantScope | undefined) {
  await mustBeIn(ctx, caller, user, tenant)
  await endAll(ctx, user.id)
}

/**
 * Ends a member's sessions in the tenant of the call, so that no account reaches into another. Without a tenant
 * (management only) it ends them everywhere.
 * @throws 404 when there is no such user there, 403 when they are stronger than the caller
 */
export async function revoke(ctx: Ctx, caller: Caller, tenant: TenantScope | undefined, userId: string) {
  const there =
    isUuid(userId) &&
    (await ctx.db.user.findFirst({
      where: { id: userId, ...(tenant && { memberships: { some: { tenantId: tenant.id } } }) },
      select: { id: true },
    }))
  if (!there) throw errors.notFound('User')
  await roles.mayManage(ctx, caller, tenant, userId)
  await endAll(ctx, userId, tenant && { tenantIds: [tenant.id] })
}

/**
 * Ends a user's sessions: all, all but one, or those in some tenants.
 * @returns how many there were
 */
export async function endAll(
  ctx: Ctx,
  userId: string,
  { except, tenantIds }: { except?: string | undefined; tenantIds?: readonly string[] } = {},
) {
  const { count } = await ctx.db.session.updateMany({
    where: {
      userId,
      endedAt: null,
      ...(except !== undefined && { id: { not: except } }),
      ...(tenantIds && { tenantId: { in: [...tenantIds] } }),
    },
    data: { endedAt: ctx.clock.now() },
  })
  return count
}

/** An environment token may name any user; a tenant, which it need not name, must be one of theirs. */
async function mustBeIn(ctx: Ctx, caller: Caller, user: UserScope, tenant: TenantScope | undefined) {
  if (caller.kind !== 'vendor' || !tenant) return
  const at = { OR: [{ superUser: true }, { memberships: { some: { tenantId: tenant.id } } }] }
  if (!(await ctx.db.user.findFirst({ where: { id: user.id, ...at }, select: { id: true } })))
    throw errors.notFound('User')
}

export const sessionRubbish: Rubbish = {
  table: 'Session',
  when: `least(t."expiresAt", t."endedAt") < env.now - interval '30 days'`,
}
