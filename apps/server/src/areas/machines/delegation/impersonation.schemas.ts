import { Type, type Static } from 'typebox'
import { setting } from '../../../kernel/settings.ts'
import { Id, Text } from '../../../kernel/validation.ts'

/** Whether one may be in another's place. */
export const Impersonation = Type.Object({ enabled: Type.Boolean() })
export const impersonation = setting('impersonation', Impersonation, { enabled: false })
export const ImpersonationChange = Type.Partial(Impersonation)
export type ImpersonationChange = Static<typeof ImpersonationChange>

/** What the browser client sends. */
export const ImpersonationRequest = Type.Object({
  impersonatedUserId: Id,
  /** as long as tokens may be: those of users with very many tenants and permissions */
  actorToken: Type.String({ minLength: 1, maxLength: 65_536 }),
  /** where the page goes on to; the server sends nobody there */
  redirectUrl: Type.Optional(Text),
})
export type ImpersonationRequest = Static<typeof ImpersonationRequest>

export const ImpersonationAnswer = Type.Object({
  accessToken: Type.String(),
  tokenType: Type.String(),
  /** empty: it cannot be refreshed */
  refreshToken: Type.String(),
  /** seconds */
  expiresIn: Type.Integer(),
  expires: Type.String(),
})
