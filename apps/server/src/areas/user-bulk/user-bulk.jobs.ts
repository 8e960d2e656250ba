import { Type } from 'typebox'
import { ApiError } from '../../kernel/errors.ts'
import { job } from '../../kernel/jobs.ts'
import type { Ctx } from '../../kernel/operation.ts'
import { Id } from '../../kernel/validation.ts'
import { bringIn, type Newcomer } from '../users/user-creation.service.ts'
import type { InviteProgress, RolesProgress } from './user-bulk.schemas.ts'
import { changeRolesIn } from './user-roles.service.ts'

/** The entries are sealed: they may hold passwords. */
const InvitePayload = Type.Object({ tenantId: Type.String(), total: Type.Integer(), sealed: Type.String() })

/**
 * Brings the entries in one after the other, and stores how far it has come after each. Taken up again after a crash it goes
 * on behind the last stored one; the entry at that place may be in already, which is then no failure.
 */
export const inviteUsers = job({
  name: 'invite-users', payload: InvitePayload, keep: true,
  async run(ctx, { tenantId, sealed }, { id, attempt, progress }) {
    const newcomers = JSON.parse(ctx.deps.secrets.open(sealed)) as Newcomer[]
    const { progress: stored, createdAt } = await ctx.db.job.findUniqueOrThrow({ where: { id }, select: { progress: true, createdAt: true } })
    const { done, errors } = (stored as unknown as InviteProgress | null) ?? { done: 0, errors: [] }
    for (const [index, newcomer] of newcomers.entries()) {
      if (index < done) continue
      const failure = await bringIn(ctx, { kind: 'vendor' }, tenantId, newcomer).then(() => undefined, (error: unknown) => { if (error instanceof ApiError) return error; throw error })
      const ownDoing = failure && attempt > 1 && index === done && await broughtInSince(ctx, tenantId, newcomer, createdAt)
      if (failure && !ownDoing) errors.push({ index, email: newcomer.email ?? null, message: failure.message })
      await progress({ done: index + 1, errors })
    }
  },
})

async function broughtInSince(ctx: Ctx, tenantId: string, { email, username }: Newcomer, moment: Date) {
  const user = email === undefined ? { username: username?.toLowerCase() ?? null } : { email: email.toLowerCase() }
  return !!await ctx.db.membership.findFirst({ where: { tenantId, createdAt: { gte: moment }, user }, select: { userId: true } })
}

const RolesPayload = Type.Object({ userId: Id, tenantIds: Type.Array(Type.String()), add: Type.Array(Type.String()), remove: Type.Array(Type.String()) })

/** Giving and taking roles bears repetition: a tenant done twice is as one done once. */
export const changeRoles = job({
  name: 'change-roles', payload: RolesPayload, keep: true,
  async run(ctx, { userId, tenantIds, add, remove }, { id, progress }) {
    const { progress: stored } = await ctx.db.job.findUniqueOrThrow({ where: { id }, select: { progress: true } })
    const { done, errors } = (stored as unknown as RolesProgress | null) ?? { done: 0, errors: [] }
    for (const [index, tenantId] of tenantIds.entries()) {
      if (index < done) continue
      await changeRolesIn(ctx, { userId, tenantId, add, remove }).catch((error: unknown) => {
        if (!(error instanceof ApiError)) throw error
        errors.push({ tenantId, message: error.message })
      })
      await progress({ done: index + 1, errors })
    }
  },
})
export const userBulkJobs = [changeRoles, inviteUsers]
