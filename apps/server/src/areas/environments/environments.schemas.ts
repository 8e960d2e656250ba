import { Type } from 'typebox'
import { FilledKey, FilledToken } from '../../kernel/validation.ts'

export const Credentials = Type.Object({
  clientId: FilledKey,
  secret: FilledToken,
})

export const EnvironmentToken = Type.Object({
  token: Type.String(),
  /** seconds */
  expiresIn: Type.Integer(),
})

/** RFC 7517 */
export const KeySet = Type.Object({
  keys: Type.Array(
    Type.Object({
      kty: Type.String(),
      use: Type.String(),
      alg: Type.String(),
      kid: Type.String(),
      n: Type.String(),
      e: Type.String(),
    }),
  ),
})

/** What a login page shows of the environment it belongs to. */
export const PublicEnvironment = Type.Object({
  name: Type.String(),
  logo: Type.String(),
  icon: Type.String(),
  whiteLabelMode: Type.Boolean(),
})

export const BaseUrl = Type.Object({ baseURL: Type.String() })
