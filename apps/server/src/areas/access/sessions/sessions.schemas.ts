import type { Session as SessionRow } from '@henhouse/database'
import { Type, type Static } from 'typebox'
import { setting } from '../../../kernel/settings.ts'
import { DateTime, Id, Nullable } from '../../../kernel/validation.ts'

/** Each part is stored, and overridden by an account, on its own. Times in seconds. */
export const SessionConfiguration = Type.Object({
  sessionIdleTimeoutConfiguration: Type.Optional(
    Type.Object({ isActive: Type.Boolean(), timeout: Type.Integer({ minimum: 60, maximum: 2_073_600 }) }),
  ),
  sessionTimeoutConfiguration: Type.Optional(
    Type.Object({ isActive: Type.Boolean(), timeout: Type.Integer({ minimum: 60 }) }),
  ),
  sessionConcurrentConfiguration: Type.Optional(
    Type.Object({ isActive: Type.Boolean(), maxSessions: Type.Integer({ minimum: 1 }) }),
  ),
})
export type SessionConfiguration = Static<typeof SessionConfiguration>

export const sessionConfiguration = setting('session-configuration', SessionConfiguration, {})

export const Session = Type.Object({
  id: Id,
  createdAt: DateTime,
  ipAddress: Nullable(Type.String()),
  userAgent: Nullable(Type.String()),
  /** the session of the caller's token */
  current: Type.Boolean(),
  /** somebody else is in it, in the user's place */
  impersonated: Type.Boolean(),
  /** when it ends without further activity */
  expires: DateTime,
})

export const toSession = ({
  expires,
  current,
  ...row
}: SessionRow & { expires: Date; current: boolean }): Static<typeof Session> => ({
  ...row,
  current,
  impersonated: row.impersonatorId !== null,
  createdAt: row.createdAt.toISOString(),
  expires: expires.toISOString(),
})
