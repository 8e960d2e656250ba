import type { Rubbish } from '../../../kernel/cleanup.ts'
import { isUuid } from '../../../kernel/environments.ts'
import type { Refusal } from '../../../kernel/errors.ts'
import type { Call, Caller, Ctx, TenantScope, UserScope } from '../../../kernel/operation.ts'
import { bodiesOf, within } from './bodies.ts'
import { storeAll, type Line } from './events.sql.ts'
import { isHeard, queueFor, queueNothing } from '../../delivery/webhooks/webhooks.service.ts'

/* Whatever happens leaves a line in the audit trail, in the transaction of its cause; and webhooks hear of it. */

export type { Line }
type Severity = 'Info' | 'Medium' | 'High' | 'Critical' | 'Error'

/** Small facts. Never a secret, a code, or what somebody sent as a whole. */
type Details = Readonly<Record<string, string | number | boolean | null | readonly string[] | undefined>>

export interface Event {
  /** what happened; webhooks hear those that begin with `frontegg.` */
  readonly key: string
  /** undefined: the caller's own, if they act in one; null: none */
  readonly tenantId?: string | null | undefined
  /** whom it is about */
  readonly userId?: string | null | undefined
  /** what it is about, if not the user */
  readonly subject?: { readonly kind: string; readonly id: string | null }
  readonly details?: Details
  /** Info when absent; Medium for a failure */
  readonly severity?: Severity
  readonly failed?: true
  /** who did it, where the call's token does not say: somebody who has just logged in */
  readonly by?: { readonly userId: string; readonly sessionId: string } | undefined
  /** What webhooks are told, if not of what the key is about (`bodies.ts`). Called only when one of them hears the event. */
  readonly body?: (ctx: Ctx) => Promise<object>
}

/** Writes down what has happened, in the transaction that does it, with one statement. Webhooks that hear it are told when that commits. */
export async function record(ctx: Ctx, ...events: readonly Event[]) {
  if (!events.length) return
  const lines = events.map((event) => lineOf(ctx, event))
  await ctx.sql(storeAll, JSON.stringify(lines))
  await tell(ctx, lines, events)
}

/** Does something and writes it down, in one transaction: for what must not ask prehooks or hash inside it. */
export const recording = <T>(ctx: Ctx, event: Event, work: (tx: Ctx) => Promise<T>) =>
  ctx.atomically(async (tx) => {
    const done = await work(tx)
    await record(tx, event)
    return done
  })

/** Takes as long as `record` does for one event: for somebody who is not there. */
export async function recordNothing(ctx: Ctx, key: string) {
  await ctx.sql(storeAll, '[]')
  if (!(await isTold(ctx, { key, tenantId: null }))) return
  await bodiesOf(ctx, [{ key, tenantId: ctx.random.uuid(), userId: ctx.random.uuid(), subjectId: null }])
  await queueNothing(ctx)
}

/** What is stored of an event: for a statement that stores it itself (`storing`), and calls `tell` then. */
export function lineOf(
  ctx: Ctx,
  { key, tenantId = tenantOf(ctx.call), userId = null, subject, details = {}, failed, severity, by }: Event,
): Line {
  const { kind, id } = subject ?? (userId === null ? { kind: kindIn(key), id: tenantId } : { kind: 'user', id: userId })
  return {
    id: ctx.random.uuid(),
    at: ctx.clock.now(),
    key,
    severity: severity ?? (failed ? 'Medium' : 'Info'),
    outcome: failed ? 'failure' : 'success',
    tenantId,
    userId,
    subjectKind: kind,
    subjectId: id,
    ...(by ? person(by) : actorOf(ctx.call)),
    ip: ctx.call?.ip ?? null,
    userAgent: ctx.call ? ctx.call.userAgent.slice(0, MOST_OF_USER_AGENT) : null,
    traceId: ctx.call?.traceId ?? null,
    details,
  }
}
const MOST_OF_USER_AGENT = 512

type Actor = Pick<Line, 'actorKind' | 'actorUserId' | 'credentialType' | 'credentialId' | 'sessionId'>
const nobody = { actorUserId: null, credentialType: null, credentialId: null, sessionId: null }
const person = ({ userId, sessionId }: { userId: string; sessionId: string }): Actor => ({
  ...nobody,
  actorKind: 'person',
  actorUserId: userId,
  sessionId,
})

function actorOf(call: Call | undefined): Actor {
  if (!call) return { ...nobody, actorKind: 'system' }
  const { caller } = call
  if (!caller) return { ...nobody, actorKind: 'anonymous' }
  if (caller.kind === 'person') return person(caller)
  return { ...nobody, actorKind: caller.kind, ...credentialOf(caller) }
}

function credentialOf(caller: Caller) {
  if (caller.kind !== 'agent' && caller.kind !== 'machine') return {}
  const { by } = caller
  return {
    credentialType: by.type,
    credentialId: by.id,
    ...(caller.kind === 'agent' && { actorUserId: caller.userId }),
  }
}

const tenantOf = (call: Call | undefined) =>
  call?.caller && call.caller.kind !== 'vendor' ? call.caller.tenantId : null

/** Whether a webhook hears of it: from memory. */
export const isTold = (ctx: Ctx, { key, tenantId }: Pick<Line, 'key' | 'tenantId'>) =>
  key.startsWith('frontegg.') ? isHeard(ctx, key, tenantId) : Promise.resolve(false)

/** Queues what webhooks are told of stored events, in the same transaction. */
export async function tell(ctx: Ctx, lines: readonly Line[], events: readonly Pick<Event, 'body'>[] = []) {
  const told: { line: Line; own?: object | undefined }[] = []
  for (const [index, line] of lines.entries())
    if (await isTold(ctx, line)) told.push({ line, own: await events[index]?.body?.(ctx) })
  if (!told.length) return
  const others = told.flatMap(({ line, own }) => (own ? [] : [line])),
    bodies = new Map((await bodiesOf(ctx, others)).map((body, index) => [others[index]!, body]))
  await queueFor(
    ctx,
    ...told.map(({ line, own }) => {
      const { id, key, at, subjectKind, subjectId, tenantId, userId } = line,
        whole = own ?? bodies.get(line)!
      const about = {
        eventContext: { ...(tenantId !== null && { tenantId }), ...(userId !== null && { userId }) },
        eventKey: key,
      }
      return {
        ...{ id, key, at, tenantId, userId },
        subject: `${subjectKind} ${subjectId ?? ''}`,
        body: { ...whole, ...about },
        ...(tenantId !== null && { bodyInTenant: { ...within(whole, tenantId), ...about } }),
      }
    }),
  )
}

type Scoped = Ctx & { readonly tenant: TenantScope | undefined; readonly user: UserScope | undefined }
interface Ids {
  readonly tenantId?: string
  readonly userId?: string
}

/** The line of an operation that declares it (`audit`): about what its path or body names, or what it has made. */
export async function recordChange(ctx: Scoped, key: string, input: unknown, result: unknown) {
  const { params = {}, body } = input as { params?: Ids & Record<string, string>; body?: Ids | null },
    made = idsIn(result),
    kind = kindIn(key),
    id = Object.values(params)[0] ?? (made.length === 1 ? made[0] : undefined)
  const tenantId =
      params.tenantId ?? ctx.tenant?.id ?? textOf(body?.tenantId) ?? textOf((result as Ids | null)?.tenantId),
    userId = params.userId ?? ctx.user?.id ?? uuidOf(body?.userId) ?? (kind === 'user' ? uuidOf(id) : undefined)
  const subjectId = { user: userId, tenant: tenantId }[kind] ?? id ?? null
  await record(ctx, {
    ...{ key, tenantId, userId, subject: { kind, id: subjectId } },
    details: {
      ...Object.fromEntries(
        Object.entries(params).filter(([, value]) => ![subjectId, tenantId, userId].includes(value)),
      ),
      ...(made.length > 1 && { ids: made.slice(0, MOST_IDS) }),
    },
  })
}
const MOST_IDS = 50
const kindIn = (key: string) => key.replace(/^frontegg\./, '').split('.')[0]!
const textOf = (value: unknown) => (typeof value === 'string' ? value : undefined)
const uuidOf = (value: unknown) => (typeof value === 'string' && isUuid(value) ? value : undefined)
const idsIn = (result: unknown) =>
  [result].flat().flatMap((one) => {
    const { id, clientId } = (one ?? {}) as { id?: unknown; clientId?: unknown }
    return textOf(id) ?? textOf(clientId) ?? []
  })

/** Call it outside what the refusal undoes. */
export const recordRefusal = (ctx: Ctx, ...refusals: readonly Refusal[]) =>
  record(ctx, ...refusals.map((refusal) => ({ ...refusal, failed: true }) as const))

/** @param days how long the audit trail goes back */
export const eventRubbish = (days = 90): Rubbish => ({
  table: 'Event',
  when: `t.at < env.now - interval '${Math.trunc(days)} days'`,
})
