import type { Logger } from 'pino'
import type { Static, TSchema } from 'typebox'
import { cleanUp, type Rubbish } from './cleanup.ts'
import { after, HOUR, MINUTE, SECOND } from './clock.ts'
import { at, contextFor } from './context.ts'
import type { ServerDeps } from './deps.ts'
import type { EnvironmentDirectory } from './environments.ts'
import type { Ctx } from './operation.ts'

/** Work done later, at least once: `run` must be safe to repeat. */
export interface Job<P extends TSchema = TSchema> {
  readonly name: string
  readonly payload: P
  /** Tries before it is given up; the default 8 take 32 minutes. */
  readonly maxAttempts?: number
  /**
   * How many of them one worker runs at the same time. They then take no place of the ten of all others: for what spends its
   * time waiting for servers that somebody else has chosen.
   */
  readonly atOnce?: number
  /** Keep the row when done, for status queries. */
  readonly keep?: boolean
  run(ctx: Ctx, payload: Static<P>, control: JobControl): Promise<void>
  /**
   * Runs after the last try has failed, in the transaction that records it. Both happen, or neither and the job is
   * tried again.
   */
  failed?(ctx: Ctx, payload: Static<P>, reason: string): Promise<void>
}
export interface JobControl {
  readonly id: string
  /** 1 for the first */
  readonly attempt: number
  /** no other try will follow */
  readonly last: boolean
  /**
   * Stores the progress, for status queries and for the next try after a crash. Given the context of a transaction, it
   * is stored together with the work done there. @throws `TakenOver`, which the job must not catch
   */
  progress(value: object, tx?: Ctx): Promise<void>
}
/** This worker was silent for so long that another one has taken its job: it must do and store nothing more. */
export class TakenOver extends Error {}
/** A job throws this when repeating it would not help. */
export class Hopeless extends Error {}

export const job = <P extends TSchema>(declaration: Job<P>): Job<P> => declaration

/** In the payload of a job whose server has several addresses: the one of the call that has caused it. */
const CAUSE = '_publicUrl'
const fromHere = ({ deps: { publicUrl, usualUrl } }: Ctx, payload: object) =>
  usualUrl && usualUrl.href !== publicUrl.href ? { ...payload, [CAUSE]: publicUrl.href } : payload
const causeOf = (payload: unknown) => (payload as { [CAUSE]?: string } | null)?.[CAUSE]

/** What is stored of a job. */
export const rowOf = <P extends TSchema>(
  ctx: Ctx,
  { name, maxAttempts = 8 }: Job<P>,
  payload: Static<P>,
  runAt = ctx.clock.now(),
) => ({
  id: ctx.random.uuid(),
  name,
  payload: fromHere(ctx, payload),
  runAt,
  maxAttempts,
  state: 'queued',
  createdAt: ctx.clock.now(),
})
export type JobRow = ReturnType<typeof rowOf>

/** Queues a job in the caller's transaction: both are committed, or neither. */
export async function add<P extends TSchema>(ctx: Ctx, job: Job<P>, payload: Static<P>, runAt?: Date) {
  const { id } = await ctx.db.job.create({ data: rowOf(ctx, job, payload, runAt), select: { id: true } })
  return id
}

/** As `add`, for many payloads at once. */
export async function addMany<P extends TSchema>(ctx: Ctx, job: Job<P>, payloads: readonly Static<P>[]) {
  await ctx.db.job.createMany({ data: payloads.map((payload) => rowOf(ctx, job, payload)) })
}

/** How many one worker runs at the same time, of those that do not say it themselves. */
const AT_ONCE = 10

/** The jobs that share places: of these names, or all that are not of these names. */
interface Group {
  readonly atOnce: number
  readonly names: readonly string[]
  readonly isRest: boolean
}
const groupsOf = (jobs: readonly Job[]): Group[] => {
  const own = jobs.filter(({ atOnce }) => atOnce !== undefined)
  return [
    { atOnce: AT_ONCE, names: own.map(({ name }) => name), isRest: true },
    ...own.map(({ name, atOnce }) => ({ atOnce: atOnce!, names: [name], isRest: false })),
  ]
}

interface Row {
  id: string
  vendorId: string
  name: string
  payload: unknown
  attempts: number
  maxAttempts: number
}

export interface WorkerParts {
  deps: ServerDeps
  environments: EnvironmentDirectory
  jobs: readonly Job[]
  rubbish: readonly Rubbish[]
  log: Logger
  /**
   * How long a silent worker counts as alive; a living one renews its lease three times as often. A minute when absent.
   */
  leaseMs?: number
}

/**
 * Takes due jobs, so that no other replica gets them. `runAt` is on the environment's clock, the lease on the
 * machine's.
 * Raw SQL, because it looks across environments and skips locked rows.
 */
async function claim(
  { deps, leaseMs = MINUTE }: WorkerParts,
  vendorId?: string,
  most = AT_ONCE,
  { names, isRest }: Pick<Group, 'names' | 'isRest'> = { names: [], isRest: true },
): Promise<Row[]> {
  const now = deps.systemClock.now()
  const { rows } = await deps.database.pool.query<Row>(
    `
    update "Job" set "leaseUntil" = $2, attempts = attempts + 1
    where id in (
      select j.id from "Job" j join "Vendor" v on v.id = j."vendorId"
      where j.state = 'queued' and (j."leaseUntil" is null or j."leaseUntil" < $1) and ($3::uuid is null or j."vendorId" = $3)
        and (j.name = any ($5)) <> $6
        and j."runAt" <= coalesce(v."clockFrozenAt", $1::timestamptz + v."clockOffsetMs" * interval '1 millisecond')
      order by j."runAt", j.sequence limit $4 for update of j skip locked)
    returning id, "vendorId", name, payload, attempts, "maxAttempts"`,
    [now, after(now, leaseMs), vendorId ?? null, most, names, isRest],
  )
  return rows
}

async function runOne(parts: WorkerParts, row: Row) {
  const { environments, log, leaseMs = MINUTE } = parts,
    cause = causeOf(row.payload),
    deps = cause === undefined ? parts.deps : at(parts.deps, cause)
  const environment = await environments.byId(row.vendorId)
  const declared = parts.jobs.find((j) => j.name === row.name)
  if (!environment || !declared) {
    // a newer replica's job: leave it, with its tries, to one that knows it
    log.warn({ job: row.name, id: row.id }, 'no such job here')
    await deps.database.pool.query('update "Job" set attempts = attempts - 1 where id = $1', [row.id])
    return
  }
  const ctx = contextFor(deps, environment, log.child({ job: row.name, jobId: row.id, vendorId: row.vendorId }))
  const renew = setInterval(() => {
    deps.database.pool
      .query('update "Job" set "leaseUntil" = $2 where id = $1 and attempts = $3', [
        row.id,
        after(deps.systemClock.now(), leaseMs),
        row.attempts,
      ])
      .catch(() => {})
  }, leaseMs / 3).unref()
  try {
    // every try so far has killed its worker
    if (row.attempts > row.maxAttempts) throw new Hopeless('the job never finished')
    await declared.run(ctx, row.payload, {
      id: row.id,
      attempt: row.attempts,
      last: row.attempts >= row.maxAttempts,
      async progress(value, tx = ctx) {
        const { count } = await tx.db.job.updateMany({
          where: { ...held(row), state: 'queued' },
          data: { progress: value },
        })
        if (!count) throw new TakenOver('another worker has taken over the job')
      },
    })
    if (declared.keep)
      await ctx.db.job.updateMany({
        where: held(row),
        data: { state: 'done', error: null, finishedAt: ctx.clock.now() },
      })
    else await ctx.db.job.deleteMany({ where: held(row) })
  } catch (error) {
    if (error instanceof TakenOver) ctx.log.warn({ attempt: row.attempts }, error.message)
    else await settleFailure(ctx, declared, row, error)
  } finally {
    clearInterval(renew)
  }
}

/** Only while no other worker has taken the job: each taking counts as an attempt. */
const held = ({ id, attempts }: Row) => ({ id, attempts })

async function settleFailure(ctx: Ctx, declared: Job, row: Row, error: unknown) {
  const reason = error instanceof Error ? error.message : String(error)
  const final = error instanceof Hopeless || row.attempts >= row.maxAttempts
  ctx.log[final ? 'error' : 'warn'](
    { err: error, attempt: row.attempts },
    final ? 'job failed for good' : 'job failed, will be tried again',
  )
  const now = ctx.clock.now()
  if (!final) {
    await ctx.db.job.updateMany({
      where: held(row),
      data: { error: reason, leaseUntil: null, runAt: after(now, backOff(row.attempts)) },
    })
    return
  }
  await ctx.atomically(async (tx) => {
    const { count } = await tx.db.job.updateMany({
      where: held(row),
      data: { state: 'failed', error: reason, finishedAt: now },
    })
    if (count) await declared.failed?.(tx, row.payload, reason)
  })
}

/** 15 s, 30 s, 1 min … at most 30 min. */
export const backOff = (attempt: number) => Math.min(15 * SECOND * 2 ** (attempt - 1), 30 * MINUTE)

/**
 * Runs the jobs that are due, of one environment or of all, until none is left. For tests and the emulator's control
 * plane.
 */
export async function runDue(parts: WorkerParts, vendorId?: string): Promise<number> {
  for (let count = 0; ;) {
    const rows = await claim(parts, vendorId)
    if (!rows.length) return count
    for (const row of rows) await runOne(parts, row)
    count += rows.length
  }
}

function cleaningHourly({ deps, rubbish, log }: WorkerParts) {
  let cleaning = false
  return setInterval(() => {
    if (cleaning) return
    cleaning = true
    cleanUp(deps, rubbish)
      .catch((error: unknown) => log.error({ err: error }, 'cleaning up failed'))
      .finally(() => {
        cleaning = false
      })
  }, HOUR).unref()
}

/**
 * Looks for due jobs every `intervalMs` and whenever one is done, and clears rubbish every hour, until stopped; stopping
 * waits for those that run. A slow one takes one place of ten, or of those of its kind: the others go on.
 */
export function startWorker(parts: WorkerParts, intervalMs = SECOND) {
  const timer = cleaningHourly(parts),
    loops = groupsOf(parts.jobs).map((group) => startLoop(parts, group, intervalMs))
  return {
    async stop() {
      clearInterval(timer)
      await Promise.all(loops.map((loop) => loop.stop()))
    },
  }
}

function startLoop(parts: WorkerParts, group: Group, intervalMs: number) {
  let stopped = false
  let [isAwake, endSleep] = [true, () => {}]
  function wake() {
    isAwake = true
    endSleep()
  }
  const running = new Set<Promise<void>>(),
    unreachable = (error: unknown) => parts.log.error({ err: error }, 'the job worker could not reach its queue')
  const start = (row: Row) => {
    const run: Promise<void> = runOne(parts, row)
      .catch(unreachable)
      .finally(() => {
        running.delete(run)
        wake()
      })
    running.add(run)
  }
  const loop = (async () => {
    while (!stopped) {
      isAwake = false
      try {
        const free = group.atOnce - running.size,
          rows = free ? await claim(parts, undefined, free, group) : []
        rows.forEach(start)
      } catch (error) {
        unreachable(error)
      }
      // a job may have ended meanwhile
      if (isAwake) continue
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, intervalMs)
        endSleep = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    await Promise.all(running)
  })()
  return {
    async stop() {
      stopped = true
      wake()
      await loop
    },
  }
}
