import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type, type Static, type TObject, type TSchema } from 'typebox'
import type { Server } from '../kernel/app.ts'
import { environmentOf } from '../kernel/authorize.ts'
import type { Environment } from '../kernel/environments.ts'
import { failure, invalid } from '../kernel/errors.ts'
import { fromQuery } from '../kernel/validation.ts'
import { read } from './input.ts'

/* What the calls of the control plane have in common: which environment, checked input, waiting. */

export const noSuchEnvironment = failure(404, 'ER-00004', 'Environment not found')

/** Id or name; without one the headers and the host decide, as for every call. */
export const Which = Type.Object({ environment: Type.Optional(Type.String({ minLength: 1 })) })

export async function named(
  server: Server,
  request: FastifyRequest,
  environment: string | undefined,
): Promise<Environment> {
  const { environments } = server
  if (environment === undefined) return environmentOf(request, environments, (await hereOf(server, request)).hostname)
  const found = (await environments.byId(environment)) ?? (await environments.byName(environment))
  if (!found) throw noSuchEnvironment()
  return found
}

/** The address that the call came to. */
export const hereOf = async ({ environments, watch, worker: { deps } }: Server, request: FastifyRequest) =>
  (await watch?.addressOf(request, environments)) ?? deps.publicUrl

function checked<S extends TSchema>(schema: S, value: unknown): Static<S> {
  const {
    value: clean,
    faults: [first, ...others],
  } = read(schema, value)
  if (first !== undefined) throw invalid(first, ...others)
  return clean
}
export const body = <S extends TObject>(schema: S, request: FastifyRequest) => checked(schema, request.body ?? {})

/** The parameters of the address. */
export function query<S extends TObject>(schema: S, request: FastifyRequest) {
  const given = request.query as Record<string, unknown>
  return checked(schema, { ...given, ...fromQuery(schema as object, given) })
}

const POLL_MS = 50

/** What `find` finds, as soon as there is something, or when `seconds` are over. */
export async function awaited<R>(
  { health }: Server,
  { raw }: FastifyReply,
  seconds: number,
  find: () => Promise<R[]>,
): Promise<R[]> {
  const deadline = performance.now() + seconds * 1000
  for (;;) {
    const rows = await find(),
      left = deadline - performance.now()
    if (rows.length || left <= 0 || health.unready !== undefined || raw.destroyed) return rows
    await pause(Math.min(left, POLL_MS))
  }
}

export const pause = (ms: number) =>
  new Promise<void>((resolve) => {
    setTimeout(resolve, ms)
  })
