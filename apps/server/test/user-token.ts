import { sign } from 'node:crypto'
import { after, DAY } from '../src/kernel/clock.ts'
import { baseUrl } from '../src/kernel/environments.ts'
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
  const iss = baseUrl(ctx.deps.publicUrl, ctx.environment),
    aud = ctx.vendorId
  return signToken(ctx, { type: 'userToken', iss, aud, sub: id, tenantId, sid, ...claims }, { expiresIn: 3600 })
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

const base64url = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
/** Header and claims, as they are signed. */
export const unsigned = (header: object, claims: object) => `${base64url(header)}.${base64url(claims)}`

/** Any claims, without an end if need be, signed with the environment's own key. */
export function signedBy(ctx: Ctx, claims: object, header: object = {}) {
  const key = ctx.environment.keys[0]!,
    text = unsigned({ alg: 'RS256', typ: 'JWT', kid: key.id, ...header }, claims)
  return `${text}.${sign('sha256', Buffer.from(text), ctx.deps.secrets.open(key.privateKey)).toString('base64url')}`
}
