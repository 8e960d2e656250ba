import type { Message } from '@henhouse/database'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { header } from '../kernel/authorize.ts'
import type { Server } from '../kernel/app.ts'
import { baseUrl, isUuid, type Environment } from '../kernel/environments.ts'
import { failure, invalid, onDuplicate } from '../kernel/errors.ts'
import { runDue } from '../kernel/jobs.ts'
import { awaited, body, hereOf, named, noSuchEnvironment, pause, query, Which } from './asking.ts'
import { plant, reset } from './planting.ts'
import { faultsOf } from './seed-faults.ts'
import { Label, Seed } from './seed.schemas.ts'
import { faultRoutes } from './faults.ts'
import { requestRoutes } from './requests.ts'
import { steer, Steering } from './steering.ts'
import { attach, type Watching } from './watch.ts'

/*
 * The emulator's control plane, below /_emulator. Nobody logs in to it, so it answers only the machine it runs on,
 * unless HENHOUSE_HOST opens it to others.
 */

const failures = {
  taken: failure(409, 'computed', 'The name of the environment, or the id of one of its users, is taken'),
  isDefault: failure(409, 'computed', 'The default environment cannot be deleted: reset it instead'),
  notLocal: failure(
    403,
    'computed',
    'Only this machine may use the control plane: start the emulator with HENHOUSE_HOST to let others in',
  ),
}

export interface ControlPlaneOptions {
  /** answers under any name and to any web page: for networks of containers */
  open: boolean
  /** absent: requests are not written down */
  watching?: Watching
}

export async function addControlPlane(server: Server, { open, watching }: ControlPlaneOptions) {
  if (watching) attach(server, watching)
  await server.http.register(
    async (app) => {
      if (!open)
        app.addHook('onRequest', async (request) => {
          if (!(await isLocal(request, server))) throw failures.notLocal()
        })
      environmentRoutes(app, server, watching)
      if (watching) {
        requestRoutes(app, server, watching.log)
        faultRoutes(app, server, watching.faults)
      }
      messageRoutes(app, server, watching)
      webhookRoutes(app, server)
      app.post('/clock', async (request) => {
        const { environment, ...steering } = body(Type.Object({ ...Which.properties, ...Steering.properties }), request)
        return steer(server.worker.deps, (await named(server, request, environment)).id, steering)
      })
      app.post('/jobs/run', async (request) => ({
        run: await runAll(server, (await named(server, request, body(Which, request).environment)).id),
      }))
    },
    { prefix: '/_emulator' },
  )
}

function environmentRoutes(app: FastifyInstance, server: Server, watching?: Watching) {
  const {
    environments,
    worker: { deps },
  } = server
  const { prisma } = deps.database
  const shown = (
    { id, name, host, isDefault }: Pick<Environment, 'id' | 'name' | 'host' | 'isDefault'>,
    here: URL,
  ) => ({
    id,
    name,
    isDefault,
    baseUrl: baseUrl(here, { name, host, isDefault }),
  })
  const NewEnvironment = Type.Object({ name: Type.Optional(Label), seed: Type.Optional(Seed) })

  app.get('/environments', async (request) => {
    const rows = await prisma.vendor.findMany({
      orderBy: [{ createdAt: 'asc' }, { name: 'asc' }],
      select: { id: true, name: true, host: true, isDefault: true },
    })
    const here = await hereOf(server, request)
    return rows.map((row) => shown(row, here))
  })
  app.post('/environments', async (request, reply) => {
    const { name = `env-${deps.random.uuid().slice(0, 13)}`, seed = {} } = body(NewEnvironment, request)
    const [first, ...others] = faultsOf(seed, 'seed.')
    if (first !== undefined) throw invalid(first, ...others)
    const { environment, apiKey } = await plant(deps, { name }, seed).catch(onDuplicate(failures.taken()))
    // not every program finds <name>.localhost: the header works as well
    return reply.code(201).send({
      ...shown(environment, await hereOf(server, request)),
      clientId: environment.id,
      apiKey,
      headers: { 'frontegg-vendor-id': environment.id },
    })
  })
  app.delete<{ Params: { id: string } }>('/environments/:id', async ({ params: { id } }, reply) => {
    const { count } = isUuid(id) ? await prisma.vendor.deleteMany({ where: { id, isDefault: false } }) : { count: 0 }
    if (!count) throw (await environments.byId(id)) ? failures.isDefault() : noSuchEnvironment()
    return reply.code(204).send()
  })
  app.post('/reset', async (request, reply) => {
    const { id } = await named(server, request, body(Which, request).environment)
    await reset(deps, id)
    watching?.forget(id)
    return reply.code(204).send()
  })
}

/** How long to wait for jobs that are already running. */
const JOBS_MS = 10_000

/** Runs jobs until none is due, and waits for those that the worker has just taken. */
async function runAll({ worker }: Server, vendorId: string) {
  const { pool } = worker.deps.database,
    deadline = performance.now() + JOBS_MS
  for (let count = 0; ;) {
    count += await runDue(worker, vendorId)
    const { rows } = await pool.query(
      'select from "Job" where "vendorId" = $1 and state = \'queued\' and "leaseUntil" > $2 limit 1',
      [vendorId, worker.deps.systemClock.now()],
    )
    if (!rows.length || performance.now() > deadline) return count
    await pause(20)
  }
}

const MessageQuery = Type.Object({
  ...Which.properties,
  to: Type.Optional(Type.String()),
  template: Type.Optional(Type.String()),
  channel: Type.Optional(Type.String()),
  /** a moment, or a message's id: only messages from then on, or after that one */
  since: Type.Optional(Type.String()),
  /** seconds to wait for a matching message, if there is none yet */
  wait: Type.Optional(Type.Number({ minimum: 0, maximum: 60 })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
})

/** Newest first, so that the message that was waited for comes first. */
function messageRoutes(app: FastifyInstance, server: Server, watching?: Watching) {
  const { prisma } = server.worker.deps.database
  app.get('/messages', async (request, reply) => {
    const wanted = query(MessageQuery, request)
    const { id: vendorId } = await named(server, request, wanted.environment)
    const where = {
      vendorId,
      ...(await since(server, vendorId, wanted.since)),
      ...(wanted.to !== undefined && { recipient: { equals: wanted.to, mode: 'insensitive' as const } }),
      ...(wanted.template !== undefined && { template: wanted.template }),
      ...(wanted.channel !== undefined && { channel: wanted.channel }),
    }
    const rows = await awaited(server, reply, wanted.wait ?? 0, async () => {
      // jobs may have written some
      await watching?.faults.refuseMail(vendorId)
      return prisma.message.findMany({ where, orderBy: { sequence: 'desc' }, take: wanted.limit ?? 100 })
    })
    return rows.map(toMessage)
  })
}

const WebhookQuery = Type.Object({
  ...Which.properties,
  /** of the event */
  key: Type.Optional(Type.String()),
  /** seconds to wait for a call, if there is none yet */
  wait: Type.Optional(Type.Number({ minimum: 0, maximum: 60 })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
})

/** The calls of webhooks, newest first. */
function webhookRoutes(app: FastifyInstance, server: Server) {
  const { prisma } = server.worker.deps.database
  app.get('/webhooks', async (request, reply) => {
    const wanted = query(WebhookQuery, request)
    const { id: vendorId } = await named(server, request, wanted.environment)
    const where = { vendorId, ...(wanted.key !== undefined && { delivery: { eventKey: wanted.key } }) }
    const rows = await awaited(server, reply, wanted.wait ?? 0, () =>
      prisma.webhookAttempt.findMany({
        where,
        include: { delivery: { include: { webhook: { select: { url: true } } } } },
        orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
        take: wanted.limit ?? 100,
      }),
    )
    return rows.map(({ delivery, ...call }) => ({
      id: call.id,
      webhookId: call.webhookId,
      url: delivery.webhook.url,
      eventId: delivery.eventId,
      eventKey: delivery.eventKey,
      tenantId: delivery.tenantId,
      body: JSON.parse(delivery.body) as unknown,
      attempt: call.number,
      status: call.status,
      response: call.response,
      error: call.error,
      createdAt: call.createdAt,
    }))
  })
}

async function since(
  {
    worker: {
      deps: {
        database: { prisma },
      },
    },
  }: Server,
  vendorId: string,
  text: string | undefined,
) {
  if (text === undefined) return {}
  if (isUuid(text)) {
    const message = await prisma.message.findFirst({ where: { vendorId, id: text }, select: { sequence: true } })
    if (!message) throw invalid('since is the id of no message')
    return { sequence: { gt: message.sequence } }
  }
  const moment = new Date(text)
  if (Number.isNaN(moment.getTime())) throw invalid('since must be a date and time, or the id of a message')
  return { createdAt: { gte: moment } }
}

const toMessage = ({
  id,
  vendorId,
  channel,
  template,
  recipient,
  sender,
  senderName,
  subject,
  html,
  text,
  link,
  code,
  status,
  provider,
  error,
  userId,
  tenantId,
  createdAt,
}: Message) => ({
  id,
  environment: vendorId,
  channel,
  template,
  to: recipient,
  from: sender,
  fromName: senderName,
  subject,
  html,
  text,
  link,
  code,
  status,
  provider,
  error,
  userId,
  tenantId,
  createdAt: createdAt.toISOString(),
})

const LOCAL = /^(localhost|.+\.localhost|127(\.\d{1,3}){3}|\[::1\])$/

/**
 * Keeps out web pages that reach this machine under a name of their own that leads here (DNS rebinding, visible in
 * `Host`), or from another origin (visible in `Origin`).
 */
async function isLocal(request: FastifyRequest, { environments, worker: { deps } }: Server) {
  const known = async (url: string) => {
    if (!URL.canParse(url)) return false
    const { hostname } = new URL(url)
    return (
      LOCAL.test(hostname) ||
      hostname === deps.publicUrl.hostname ||
      (await environments.byHost(hostname)) !== undefined
    )
  }
  const origin = header(request, 'origin')
  return (await known(`http://${header(request, 'host')}`)) && (origin === undefined || (await known(origin)))
}
