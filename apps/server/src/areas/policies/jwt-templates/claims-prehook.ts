import { Type } from 'typebox'
import type { Ctx } from '../../../kernel/operation.ts'
import { ask } from '../../delivery/prehooks/asking.service.ts'
import { isOfThisServer } from '../../rights/permissions/permissions.keys.ts'
import type { DefaultClaims, Held } from './claims.ts'
import type { Made } from './jwt-templates.service.ts'

const Keys = Type.Array(Type.String({ maxLength: 255 }), { maxItems: 1000 })
const Changes = Type.Object({
  claims: Type.Optional(
    Type.Object({
      roles: Type.Optional(Keys),
      permissions: Type.Optional(Keys),
      customClaims: Type.Optional(Type.Object({}, { additionalProperties: true })),
    }),
  ),
  expiresIn: Type.Optional(Type.Integer({ minimum: 10, maximum: 15_552_000 })),
})

/**
 * What a token says once the environment's prehook has seen it. It adds claims of its own, in one place, and says which roles
 * and permissions of the application the token names. Who the token is for, where, and how they logged in, it cannot say.
 * @param atMost seconds
 */
export async function byPrehook(ctx: Ctx, made: Made, of: DefaultClaims, held: Held, atMost = Infinity): Promise<Made> {
  const { claims = {}, expiresIn } = await ask(
    ctx,
    'JWT_GENERATION',
    () => ({
      data: { claims: made.claims },
      tenantId: of.tenantId,
      userId: of.type === 'userToken' ? of.sub : of.userId,
      applicationId: of.applicationId,
    }),
    Changes,
  )
  const { roles, permissions, customClaims } = claims
  return {
    ...made,
    claims: {
      ...made.claims,
      ...(roles && { roles }),
      ...(permissions && { permissions: permissions.filter((key) => mayName(key, held)) }),
      ...(customClaims && { customClaims }),
    },
    expiresIn: Math.min(expiresIn ?? made.expiresIn, atMost),
  }
}

/** This server goes by its own keys, and by those with a wildcard: a token names them only for who has them. */
const mayName = (key: string, { permissions }: Held) =>
  permissions.includes(key) || !(isOfThisServer(key) || key.endsWith('*'))
