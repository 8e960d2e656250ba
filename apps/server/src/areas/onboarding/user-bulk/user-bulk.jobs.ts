import { Type } from 'typebox'
import { ApiError } from '../../../kernel/errors.ts'
import { job, TakenOver, type JobControl } from '../../../kernel/jobs.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import { Id } from '../../../kernel/validation.ts'
import * as events from '../../rights/events/events.service.ts'
import { bringAllIn, bringMostIn, type Arrival, type Newcomer } from '../user-creation/user-creation.service.ts'
import type { InviteProgress, RolesProgress } from './user-bulk.schemas.ts'
import { changeRolesIn } from './user-roles.service.ts'

/** Sealed, as the entries may hold passwords. */
const InvitePayload = Type.Object({ tenantId: Type.String(), total: Type.Integer(), sealed: Type.String() })

/** In so many steps, as people look at the progress. */
const STEPS = 5,
  MOST_IN_STEP = 100

/** Adds the users in some steps. Each is committed together with a note that it is done, so that after a crash nobody is lost or done twice. */
export const inviteUsers = job({
  name: 'invite-users',
  payload: InvitePayload,
  keep: true,
  async run(ctx, { tenantId, sealed }, control) {
    const newcomers = JSON.parse(ctx.deps.secrets.open(sealed)) as Newcomer[],
      arrivals = newcomers.map((newcomer) => ({ ...newcomer, tenantId }))
    const { done, errors } = await storedProgress<InviteProgress>(ctx, control)
    const size = Math.min(Math.ceil(arrivals.length / STEPS), MOST_IN_STEP)
    for (let from = done; from < arrivals.length; from += size)
      await invite(ctx, control, { arrivals, from, to: Math.min(from + size, arrivals.length), errors })
  },
})

interface Step {
  arrivals: readonly Arrival[]
  from: number
  /** exclusive */
  to: number
  /** of all entries before; the step adds its own */
  errors: InviteProgress['errors']
}

/** Adds all that nothing speaks against or, when something stops them, each half for itself. */
async function invite(ctx: Ctx, control: JobControl, step: Step): Promise<void> {
  const { arrivals, from, to, errors } = step
  if (to - from === 1) return inviteOne(ctx, control, step)
  try {
    const refusals = await bringMostIn(ctx, vendor, arrivals.slice(from, to), (refusals, tx) =>
      control.progress({ done: to, errors: [...errors, ...named(step, refusals)] }, tx),
    )
    errors.push(...named(step, refusals))
  } catch (error) {
    if (error instanceof TakenOver || !(error instanceof ApiError || control.last)) throw error
    const half = (from + to) >> 1
    await invite(ctx, control, { ...step, to: half })
    await invite(ctx, control, { ...step, from: half })
  }
}

async function inviteOne(ctx: Ctx, control: JobControl, { arrivals, from, to, errors }: Step) {
  const arrival = arrivals[from]!
  const failed = await attempt(ctx, control, () =>
    bringAllIn(ctx, vendor, [arrival], (tx) => control.progress({ done: to, errors }, tx)),
  )
  if (!failed) return
  errors.push({ index: from, email: arrival.email ?? null, message: failed.message })
  const { event } = failed
  if (!event) return control.progress({ done: to, errors })
  await ctx.atomically(async (tx) => {
    await control.progress({ done: to, errors }, tx)
    await events.recordRefusal(tx, event)
  })
}

const vendor = { kind: 'vendor' } as const
const named = ({ arrivals, from }: Step, refusals: readonly (ApiError | undefined)[]) =>
  refusals.flatMap((refusal, i) =>
    refusal ? [{ index: from + i, email: arrivals[from + i]!.email ?? null, message: refusal.message }] : [],
  )

const RolesPayload = Type.Object({
  userId: Id,
  tenantIds: Type.Array(Type.String()),
  add: Type.Array(Type.String()),
  remove: Type.Array(Type.String()),
})

/** Giving and taking roles is idempotent: a tenant may be done twice. */
export const changeRoles = job({
  name: 'change-roles',
  payload: RolesPayload,
  keep: true,
  async run(ctx, { userId, tenantIds, add, remove }, control) {
    const { done, errors } = await storedProgress<RolesProgress>(ctx, control)
    for (const [index, tenantId] of [...tenantIds.entries()].slice(done)) {
      const failed = await attempt(ctx, control, () =>
        changeRolesIn(ctx, { userId, tenantIds: [tenantId], add, remove }),
      )
      if (failed) errors.push({ tenantId, message: failed.message })
      await control.progress({ done: index + 1, errors })
    }
  },
})
export const userBulkJobs = [changeRoles, inviteUsers]

async function storedProgress<P extends { done: number; errors: object[] }>(ctx: Ctx, { id }: JobControl): Promise<P> {
  const { progress } = await ctx.db.job.findUniqueOrThrow({ where: { id }, select: { progress: true } })
  return (progress as unknown as P | null) ?? ({ done: 0, errors: [] } as unknown as P)
}

/**
 * Does one entry. A refusal counts for this entry. A fault of ours fails the job, which is tried again; in the last try it
 * counts for this entry, so that the next ones are done.
 * @returns why it was refused
 */
async function attempt(ctx: Ctx, { last }: JobControl, work: () => Promise<unknown>): Promise<ApiError | undefined> {
  try {
    await work()
  } catch (error) {
    if (error instanceof ApiError) return error
    if (!last || error instanceof TakenOver) throw error
    ctx.log.error({ err: error }, 'an entry failed for good')
    return new ApiError(500, undefined, ['Internal error'])
  }
}
