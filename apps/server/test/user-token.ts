import { after, DAY } from '../src/kernel/clock.ts'
import { pointsNowhere } from '../src/kernel/errors.ts'
import type { Ctx } from '../src/kernel/operation.ts'
import { signToken } from '../src/kernel/tokens.ts'

interface Holder {
  id: string
  tenantId: string
  sessionId?: string | undefined
}

/** A user's token, without a login: in the session named, or in a new one. */
export async function userToken(ctx: Ctx, { id, tenantId, sessionId }: Holder, claims: object = {}) {
  const sid = sessionId ?? (await newSession(ctx, id, tenantId))
  return signToken(ctx, { type: 'userToken', sub: id, tenantId, sid, ...claims }, { expiresIn: 3600 })
}

async function newSession(ctx: Ctx, userId: string, tenantId: string) {
  const id = ctx.random.uuid(),
    now = ctx.clock.now()
  await ctx.db.session
    .create({
      data: { id, userId, tenantId, createdAt: now, lastActiveAt: now, expiresAt: after(now, DAY) },
      select: { id: true },
    })
    // of a user or tenant that is gone, the session would be gone as well
    .catch((error: unknown) => {
      if (!pointsNowhere(error)) throw error
    })
  return id
}
