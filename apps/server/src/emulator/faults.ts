import { STATUS_CODES } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Refused, type Outbound } from '@henhouse/outbound'
import { Type, type Static } from 'typebox'
import type { Server } from '../kernel/app.ts'
import type { ServerDeps } from '../kernel/deps.ts'
import { ApiError, failure, invalid } from '../kernel/errors.ts'
import { body, named, pause, query, Which } from './asking.ts'
import type { Entry } from './request-log.ts'

/* Faults on order: what an application has to cope with, and what no server does when asked to. */

const faultErrors = {
  notFound: failure(404, 'ER-00004', 'Fault not found'),
  tooMany: failure(400, 'computed', 'There are as many faults as there may be'),
}
const MOST_FAULTS = 100

const Text = Type.String({ minLength: 1, maxLength: 1000 })
const FaultFields = {
  /** what fails: calls of the API, the provider of mail, or the receivers of webhooks */
  target: Type.Optional(Type.Union([Type.Literal('api'), Type.Literal('mail'), Type.Literal('webhooks')])),
  /** only this one, by its id */
  operation: Type.Optional(Text),
  /** only what is about this one */
  tenant: Type.Optional(Text),
  user: Type.Optional(Text),
  /** of each; 1 when absent */
  probability: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
  /** how many; until it is deleted when absent */
  count: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
  /** of the reply */
  status: Type.Optional(Type.Integer({ minimum: 200, maximum: 599 })),
  /** of the reply: any JSON; the usual envelope when absent */
  body: Type.Optional(Type.Unknown()),
  /** seconds; the status is 429 then, if none is given */
  retryAfter: Type.Optional(Type.Integer({ minimum: 0, maximum: 86_400 })),
  /** milliseconds before anything happens */
  latency: Type.Optional(Type.Integer({ minimum: 1, maximum: 60_000 })),
  /** the connection ends without a reply */
  drop: Type.Optional(Type.Boolean()),
}
const NewFault = Type.Object({ ...Which.properties, ...FaultFields })
type Order = Omit<Static<typeof NewFault>, 'environment'>

export interface Fault extends Order {
  readonly id: string
  readonly target: NonNullable<Order['target']>
  readonly environment: string
  /** how often it was played */
  played: number
}
interface About {
  readonly operation?: string | null
  readonly tenant: string | null
  readonly user: string | null
}

/** The faults that are ordered, by environment. All happens at once in one process, so none is played too often. */
export function faultBook({ random, database: { prisma } }: Pick<ServerDeps, 'random' | 'database'>) {
  const all = new Map<string, Fault>()
  const of = (environment: string, target?: Fault['target']) =>
    [...all.values()].filter(
      (one) => one.environment === environment && (target === undefined || one.target === target),
    )
  const isLeft = ({ count = Infinity, played }: Fault) => played < count
  const happens = ({ probability = 1 }: Fault) => probability === 1 || Number(random.digits(9)) / 1e9 < probability

  /** The first fault that fits, which counts as played. */
  function take(environment: string, target: Fault['target'], { operation, tenant, user }: About) {
    const found = of(environment, target).find(
      (one) =>
        isLeft(one) &&
        (one.operation === undefined || one.operation === operation) &&
        (one.tenant === undefined || one.tenant === tenant) &&
        (one.user === undefined || one.user === user) &&
        happens(one),
    )
    if (found) found.played++
    return found
  }
  const mail = mailFaults(prisma, {
    isOrdered: (environment) => of(environment, 'mail').some(isLeft),
    take: (environment, about) => take(environment, 'mail', about),
  })

  return {
    of,
    take,
    async add(environment: string, { target = 'api', ...order }: Order) {
      if (target === 'mail') await mail.begin(environment)
      if (of(environment).length >= MOST_FAULTS) throw faultErrors.tooMany()
      const fault: Fault = { ...order, id: random.uuid(), target, environment, played: 0 }
      all.set(fault.id, fault)
      return fault
    },
    byId: (id: string) => all.get(id),
    remove: (id: string) => all.delete(id),
    clear(environment: string) {
      for (const { id } of of(environment)) all.delete(id)
      mail.end(environment)
    },
    refuseMail: mail.refuse,
  }
}
export type FaultBook = ReturnType<typeof faultBook>

interface MailOrders {
  isOrdered(environment: string): boolean
  take(environment: string, about: About): Fault | undefined
}
/** Mails are written, and held, before it is known whether their provider takes them: so those that it refuses are found afterwards. */
function mailFaults(prisma: ServerDeps['database']['prisma'], { isOrdered, take }: MailOrders) {
  /** by environment: the last message that was looked at */
  const looked = new Map<string, bigint>()
  const newest = async (vendorId: string) =>
    (await prisma.message.aggregate({ where: { vendorId }, _max: { sequence: true } }))._max.sequence ?? 0n
  return {
    async begin(environment: string) {
      if (!looked.has(environment)) looked.set(environment, await newest(environment))
    },
    end: (environment: string) => looked.delete(environment),
    /**
     * Has the provider refuse the mails that were written since this was last called, if a fault says so.
     * @returns the fault, if there was such a mail
     */
    async refuse(environment: string): Promise<Fault | undefined> {
      if (!isOrdered(environment)) {
        looked.delete(environment)
        return undefined
      }
      const since = looked.get(environment) ?? (await newest(environment))
      const rows = await prisma.message.findMany({
        where: { vendorId: environment, channel: 'email', status: 'held', sequence: { gt: since } },
        select: { id: true, sequence: true, tenantId: true, userId: true },
        orderBy: { sequence: 'asc' },
      })
      let played: Fault | undefined
      for (const { id, sequence, tenantId, userId } of rows) {
        // another request may have seen it meanwhile
        if (sequence <= (looked.get(environment) ?? since)) continue
        looked.set(environment, sequence)
        const fault = take(environment, { tenant: tenantId, user: userId })
        if (!fault) continue
        played = fault
        // as of a mail that is given up: links and codes do not stay
        const nothing = { html: '', text: '', link: null, code: null }
        await prisma.message.updateMany({
          where: { vendorId: environment, id },
          data: { ...nothing, status: 'failed', attempts: 1, error: `The provider refused it: fault ${fault.id}` },
        })
      }
      return played
    },
  }
}

/** Plays what is ordered for a call of the API. @throws the reply */
export async function play(faults: FaultBook, entry: Entry, request: FastifyRequest): Promise<void> {
  const fault = faults.take(entry.environment!, 'api', entry)
  if (!fault) return
  entry.fault = fault.id
  const { latency, drop, retryAfter, status = retryAfter === undefined ? undefined : 429 } = fault
  if (latency !== undefined) await pause(latency)
  if (drop) {
    request.raw.socket.destroy()
    throw failure(503, null, 'The connection was dropped')()
  }
  if (status === undefined) return
  const error = new ApiError(status, undefined, [STATUS_CODES[status] ?? `Status ${status}`])
  if (retryAfter !== undefined) error.headers = { 'retry-after': String(retryAfter) }
  throw error
}

/** The server's way out, on which webhooks find their receivers down if that is ordered. */
export const faultyOutbound = (
  outbound: Outbound,
  faults: FaultBook,
  { prisma }: ServerDeps['database'],
): Outbound => ({
  ...outbound,
  async call(name, url, call, confidential) {
    const eventId = call?.headers?.['x-webhook-event-id'],
      delivery =
        eventId === undefined
          ? null
          : await prisma.webhookDelivery.findFirst({ where: { eventId }, select: { vendorId: true, tenantId: true } })
    const fault = delivery && faults.take(delivery.vendorId, 'webhooks', { tenant: delivery.tenantId, user: null })
    if (!fault) return outbound.call(name, url, call, confidential)
    if (fault.latency !== undefined) await pause(fault.latency)
    if (fault.status === undefined) throw new Refused(`the receiver is down: fault ${fault.id}`, { retryable: true })
    return {
      status: fault.status,
      headers: new Headers(),
      text: fault.body === undefined ? '' : JSON.stringify(fault.body),
    }
  },
})

/** Adds the calls about faults. */
export function faultRoutes(app: FastifyInstance, server: Server, faults: FaultBook) {
  app.get('/faults', async (request) => {
    const { environment } = query(Which, request)
    return faults.of((await named(server, request, environment)).id)
  })
  app.post('/faults', async (request, reply) => {
    const { environment, ...order } = body(NewFault, request)
    mustMakeSense(server, order)
    return reply.code(201).send(await faults.add((await named(server, request, environment)).id, order))
  })
  app.delete<{ Params: { id: string } }>('/faults/:id', async ({ params: { id } }, reply) => {
    if (!faults.remove(id)) throw faultErrors.notFound()
    return reply.code(204).send()
  })
  app.delete('/faults', async (request, reply) => {
    const { environment } = query(Which, request)
    faults.clear((await named(server, request, environment)).id)
    return reply.code(204).send()
  })
}

/** @throws 400 */
function mustMakeSense({ operations }: Server, { target = 'api', operation, user, ...effect }: Order) {
  const { status, body: reply, retryAfter, latency, drop } = effect
  if (operation !== undefined && !operations.some(({ id }) => id === operation))
    throw invalid(`operation ${operation} is none: see openapi.json`)
  if (target !== 'api' && operation !== undefined) throw invalid('operation is for calls of the API only')
  if (target === 'webhooks' && user !== undefined) throw invalid('user is not for webhooks: they are about tenants')
  if (target === 'webhooks' && (drop || retryAfter !== undefined))
    throw invalid('drop and retryAfter are for calls of the API only')
  if (target === 'mail' && (drop || [status, reply, retryAfter, latency].some((value) => value !== undefined)))
    throw invalid('status, body, retryAfter, latency and drop are not for mail: its provider refuses it')
  if (target === 'api' && !drop && [status, retryAfter, latency].every((value) => value === undefined))
    throw invalid('status, retryAfter, latency or drop must say what happens')
  if (drop && [status, reply, retryAfter].some((value) => value !== undefined))
    throw invalid('a dropped connection has no reply')
  if (reply !== undefined && status === undefined && retryAfter === undefined) throw invalid('a body needs a status')
}
