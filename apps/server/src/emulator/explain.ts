import type { FastifyRequest } from 'fastify'
import { contextFor } from '../kernel/context.ts'
import type { Server } from '../kernel/app.ts'
import { environmentOf, header } from '../kernel/authorize.ts'
import { epoch } from '../kernel/clock.ts'
import type { Ctx, Operation } from '../kernel/operation.ts'
import { stored } from '../kernel/settings.ts'
import { hereOf } from './asking.ts'
import { explainLogin } from './explain-login.ts'
import { reasonOf, type Reason, type Refusal } from './rules.ts'
import type { Seen } from './request-log.ts'

/** Writes into the entry of a refused request what decided, whose rule that is, and how to change it. */
export async function explain(server: Server, open: Seen, request: FastifyRequest, payload: unknown) {
  const { entry } = open,
    refusal = refusalIn(request, entry.status!, payload),
    reason = entry.fault === null ? reasonOf(refusal) : ordered(entry.fault),
    op = server.operations.find(({ id }) => id === entry.operation),
    environment = open.environment ?? (await environmentAsked(server, request))
  entry.environment = environment?.id ?? null
  entry.errors = refusal.messages
  const ctx = environment && contextFor(server.worker.deps, environment, server.worker.log),
    login = ctx && op && entry.fault === null && (await loginTried(ctx, op, request, refusal))
  if (login) {
    entry.user ??= login.userId
    entry.tenant ??= login.tenantId
  }
  const owner = ctx && reason.setting ? await ownerOf(ctx, reason, entry.tenant) : undefined
  entry.rule = { kind: reason.kind, name: reason.name ?? null, owner: owner?.owner ?? null }
  entry.explanation = [
    reason.says,
    ...(reason.kind === 'token' && refusal.status === 401 ? [aboutToken(op, request, ctx)] : []),
    ...(reason.kind === 'limit' ? limitsOf(op) : []),
    ...(login ? [login.says] : []),
    ...(owner ? [owner.says] : []),
    ...changing(server, reason.change),
  ].join(' ')
}

const ordered = (id: string): Reason => ({
  kind: 'fault',
  name: id,
  says: `This fault was ordered. DELETE /_emulator/faults/${id} takes it back.`,
})

function refusalIn({ routeOptions }: FastifyRequest, status: number, payload: unknown): Refusal {
  const isRoute = routeOptions.url !== undefined
  try {
    const { errors, errorCode } = JSON.parse(String(payload)) as { errors?: unknown; errorCode?: unknown }
    return {
      status,
      code: typeof errorCode === 'string' ? errorCode : undefined,
      messages: Array.isArray(errors) ? errors.map(String) : [],
    }
  } catch {
    return { status, code: undefined, messages: isRoute ? [] : ['Route not found'] }
  }
}

/** The environment that a request without a good token was meant for. */
const environmentAsked = async (server: Server, request: FastifyRequest) => {
  const here = await hereOf(server, request)
  return environmentOf(request, server.environments, here.hostname).catch(() => undefined)
}

async function ownerOf(ctx: Ctx, { name, setting }: Reason, tenantId: string | null) {
  if (tenantId !== null && (await stored(ctx, setting!, { id: tenantId })))
    return { owner: `tenant ${tenantId}`, says: `The setting ${name} is that of the tenant ${tenantId}.` }
  return (await stored(ctx, setting!))
    ? { owner: 'environment', says: `The setting ${name} is that of the environment.` }
    : {
        owner: 'built-in',
        says: `The setting ${name} is the built-in one: neither tenant nor environment has stored one.`,
      }
}

/** The call that changes it, as it stands in the API. */
export function changing({ operations }: Pick<Server, 'operations'>, change: string | undefined) {
  const op = operations.find(({ id }) => id === change)
  return op ? [`To change it: ${op.method} ${op.path}.`] : []
}

const limitsOf = (op: Operation | undefined) =>
  (op?.limits ?? []).map(
    ({ most, perMs, of }) =>
      `The limit is ${most} calls in ${perMs / 1000} seconds ${of ? 'for one user or name' : 'from one address'}.`,
  )

/** Why a token is not good, as far as it can be told from the token. */
function aboutToken(op: Operation | undefined, request: FastifyRequest, ctx: Ctx | undefined) {
  const wanted =
      op?.auth === 'vendor' ? 'It takes an environment token (POST /auth/vendor).' : 'It takes the token of a user.',
    token = tokenIn(request)
  if (token === undefined) return `${op && op.auth !== 'public' ? wanted : ''} None was sent.`.trim()
  const claims = claimsIn(token)
  if (!claims) return 'What was sent is no JWT.'
  if (ctx && typeof claims.exp === 'number' && claims.exp <= epoch(ctx.clock.now()))
    return `The token expired at ${new Date(claims.exp * 1000).toISOString()}, on the environment's clock.`
  if ((op?.auth === 'vendor') !== (claims.type === 'vendor') && op?.auth !== 'both' && op?.auth !== 'public')
    return `${wanted} The type of this one is ${typeof claims.type === 'string' ? claims.type.slice(0, 40) : 'unknown'}.`
  return 'The token has not expired. Its key is unknown here, or its session, user or membership has ended or is locked.'
}

/** A bearer token, if the request has one. */
const tokenIn = (request: FastifyRequest) =>
  /^Bearer\s+(\S+)/i.exec(header(request, 'authorization') ?? '')?.[1] ??
  header(request, 'x-access-token') ??
  header(request, 'x-api-key')

function claimsIn(token: string) {
  try {
    return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
      exp?: unknown
      type?: unknown
    }
  } catch {
    return undefined
  }
}

/** For a refused login: what else stands in the way of the user, whose address the body names. */
async function loginTried(ctx: Ctx, op: Operation, request: FastifyRequest, { status, code }: Refusal) {
  const email = (request.body as { email?: unknown } | null | undefined)?.email
  if (op.auth !== 'public' || typeof email !== 'string' || email.length > 320 || ![400, 401, 403, 423].includes(status))
    return undefined
  const { userId, tenantId, obstacles } = await explainLogin(ctx, { email, ip: request.ip }),
    stops = obstacles.filter((one) => one.stops)
  const says = stops.length
    ? stops.map(({ explanation }) => explanation).join(' ')
    : code === 'ER-01078'
      ? `There is a user ${email}, and the password is wrong.`
      : ''
  return { userId, tenantId, says }
}
