import type { Prehook as Row } from '@henhouse/database'
import { isWebAddress } from '@henhouse/outbound'
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

/** Whom an event is asked of: a server, or a script. */
export interface Asked {
  readonly by:
    { readonly url: string; /** sealed */ readonly secret: string } | { /** sealed */ readonly codePayload: string }
  readonly eventKey: string
  readonly failMethod: string
}

/** By event; most environments have none. */
export const activePrehooks = definition('prehooks', {
  models: ['Prehook', 'PrehookEvent'],
  async load({ db }): Promise<ReadonlyMap<string, Asked>> {
    const rows = await db.prehookEvent.findMany({ where: { prehook: { isActive: true } }, include: { prehook: true } })
    return new Map(
      rows.map(({ event, eventKey, prehook: { url, secret, codePayload, failMethod } }) => [
        event satisfies string as PrehookEvent,
        { by: codePayload === null ? { url: url!, secret: secret! } : { codePayload }, eventKey, failMethod },
      ]),
    )
  },
})

/** The oldest first. There are no more than events. */
export const list = (ctx: Ctx) =>
  ctx.db.prehook.findMany({ include: withEvents, orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] })

/** @throws 400 for an address that is none, and without what its type needs; 409 when another one has an event */
export async function create(ctx: Ctx, { type, url, secret, codePayload, eventKeys, ...fields }: NewPrehook) {
  if (secret !== undefined && isMasked(secret)) throw invalid('secret must be the whole secret')
  const now = ctx.clock.now(),
    by = addressee(ctx, { type, url, secret, codePayload }, NOTHING)
  return ctx.db.prehook
    .create({
      data: {
        isActive: true,
        ...fields,
        ...by,
        id: ctx.random.uuid(),
        createdAt: now,
        updatedAt: now,
        events: { create: eventsOf(eventKeys) },
      },
      include: withEvents,
    })
    .catch(onDuplicate(prehookErrors.eventTaken()))
}

/** Changes what is given; a secret that was read back stays as it is. @throws as `create`, 404 */
export async function update(
  ctx: Ctx,
  id: string,
  { type, url, secret, codePayload, eventKeys, ...fields }: PrehookChange,
) {
  const before = await ctx.db.prehook.findUnique({ where: { id } })
  if (!before) throw prehookErrors.notFound()
  const given = secret !== undefined && isMasked(secret) ? undefined : secret
  return ctx.db.prehook
    .update({
      where: { id },
      data: {
        ...fields,
        ...addressee(ctx, { type, url, secret: given, codePayload }, before),
        ...(eventKeys && { events: { deleteMany: {}, create: eventsOf(eventKeys) } }),
        updatedAt: ctx.clock.now(),
      },
      include: withEvents,
    })
    .catch(onDuplicate(prehookErrors.eventTaken()))
    .catch(onMissing(prehookErrors.notFound()))
}

type Addressee = Pick<Row, 'type' | 'url' | 'secret' | 'codePayload'>
const NOTHING: Addressee = { type: 'API', url: null, secret: null, codePayload: null }

/** What is stored of whom it asks: what its type needs, as given or as before, and nothing else. @throws 400 when something is missing */
function addressee(
  { deps: { secrets } }: Ctx,
  { type, url, secret, codePayload }: { [K in keyof Addressee]: PrehookChange[K] | undefined },
  before: Addressee,
): Addressee {
  const sealed = (text: string | undefined) => (text === undefined ? undefined : secrets.seal(text))
  if ((type ?? before.type) === 'CUSTOM_CODE') {
    const code = sealed(codePayload) ?? before.codePayload
    if (code === null) throw invalid('codePayload should not be empty')
    return { ...NOTHING, type: 'CUSTOM_CODE', codePayload: code }
  }
  const at = url ?? before.url,
    key = sealed(secret) ?? before.secret
  if (at === null) throw invalid('url should not be empty')
  if (key === null) throw invalid('secret should not be empty')
  mustBeAddress(at)
  return { ...NOTHING, url: at, secret: key }
}

/** @throws 404 */
export async function remove(ctx: Ctx, id: string) {
  await ctx.db.prehook.delete({ where: { id } }).catch(onMissing(prehookErrors.notFound()))
}

/** Each event once, by its last name. */
const eventsOf = (keys: NewPrehook['eventKeys']) =>
  [...new Map(keys.map((eventKey) => [eventOf(eventKey), eventKey]))].map(([event, eventKey]) => ({ event, eventKey }))

function mustBeAddress(url: string) {
  if (!isWebAddress(url)) throw invalid('url must be an http or https address')
}
