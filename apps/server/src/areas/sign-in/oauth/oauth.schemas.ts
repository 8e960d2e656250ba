import { Type, type Static } from 'typebox'
import { Key } from '../../../kernel/validation.ts'

/** As long as tokens may be: those of users with very many tenants and permissions. */
const ShownToken = Type.Optional(Type.String({ maxLength: 65_536 }))
const Word = Type.Optional(Key)

/** The fields of all grants: the grant says which of them are needed. */
export const TokenRequest = Type.Object({
  grant_type: Word,
  subject_token: ShownToken,
  subject_token_type: Word,
  actor_token: ShownToken,
  actor_token_type: Word,
  requested_token_type: Word,
  audience: Word,
})
export type TokenRequest = Static<typeof TokenRequest>

export const TokenAnswer = Type.Object({
  access_token: Type.String(),
  issued_token_type: Type.String(),
  token_type: Type.String(),
  /** seconds */
  expires_in: Type.Integer(),
})
export type TokenAnswer = Static<typeof TokenAnswer>
