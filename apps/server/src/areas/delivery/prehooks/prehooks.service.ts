import { definition } from '../../../kernel/definitions.ts'
import { invalid, onDuplicate, onMissing } from '../../../kernel/errors.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import { prehookErrors } from './prehooks.errors.ts'
import {
  eventOf,
  isMasked,
  withEvents,
  type NewPrehook,
  type PrehookChange,
  type PrehookEvent,
} from './prehooks.schemas.ts'

/** Whom an event is asked of. */
export interface Asked {
  readonly url: string
  /** sealed */
  readonly secret: string
  readonly eventKey: string
  readonly failMethod: string
}

/** By event; most environments have none. */
export const activePrehooks = definition('prehooks', {
  models: ['Prehook', 'PrehookEvent'],
  async load({ db }): Promise<ReadonlyMap<string, Asked>> {
    const rows = await db.prehookEvent.findMany({ where: { prehook: { isActive: true } }, include: { prehook: true } })
    return new Map(
      rows.map(({ event, eventKey, prehook: { url, secret, failMethod } }) => [
        event satisfies string as PrehookEvent,
        { url, secret, eventKey, failMethod },
      ]),
    )
  },
})

/** The oldest first. There are no more than events. */
export const list = (ctx: Ctx) =>
  ctx.db.prehook.findMany({ include: withEvents, orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] })

/** @throws 400 for an address that is none, 409 when another one has an event */
export async function create(ctx: Ctx, { type: _, secret, eventKeys, ...fields }: NewPrehook) {
  mustBeAddress(fields.url)
  if (isMasked(secret)) throw invalid('secret must be the whole secret')
  const now = ctx.clock.now()
  return ctx.db.prehook
    .create({
      data: {
        isActive: true,
        ...fields,
        id: ctx.random.uuid(),
        secret: ctx.deps.secrets.seal(secret),
        createdAt: now,
        updatedAt: now,
        events: { create: eventsOf(eventKeys) },
      },
      include: withEvents,
    })
    .catch(onDuplicate(prehookErrors.eventTaken()))
}

/** Changes what is given; a secret that was read back stays as it is. @throws as `create`, 404 */
export async function update(ctx: Ctx, id: string, { type: _, secret, eventKeys, ...fields }: PrehookChange) {
  if (!(await ctx.db.prehook.count({ where: { id } }))) throw prehookErrors.notFound()
  if (fields.url !== undefined) mustBeAddress(fields.url)
  return ctx.db.prehook
    .update({
      where: { id },
      data: {
        ...fields,
        ...(secret !== undefined && !isMasked(secret) && { secret: ctx.deps.secrets.seal(secret) }),
        ...(eventKeys && { events: { deleteMany: {}, create: eventsOf(eventKeys) } }),
        updatedAt: ctx.clock.now(),
      },
      include: withEvents,
    })
    .catch(onDuplicate(prehookErrors.eventTaken()))
    .catch(onMissing(prehookErrors.notFound()))
}

/** @throws 404 */
export async function remove(ctx: Ctx, id: string) {
  await ctx.db.prehook.delete({ where: { id } }).catch(onMissing(prehookErrors.notFound()))
}

/** Each event once, by its last name. */
const eventsOf = (keys: NewPrehook['eventKeys']) =>
  [...new Map(keys.map((eventKey) => [eventOf(eventKey), eventKey]))].map(([event, eventKey]) => ({ event, eventKey }))

function mustBeAddress(url: string) {
  if (!URL.canParse(url) || !['http:', 'https:'].includes(new URL(url).protocol))
    throw invalid('url must be an http or https address')
}
