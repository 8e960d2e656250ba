import type { User } from '@henhouse/database'
import type { Ctx } from '../../../kernel/operation.ts'

/**
 * Compares a password with a user's. Takes as long without a user. A hash that is due for it, an imported one or one of
 * other costs, is replaced with the password at hand, unless the password has been changed meanwhile. Call it outside of
 * transactions.
 * @returns the hash that is stored now; null for a wrong password
 */
export async function proven(
  ctx: Ctx,
  user: Pick<User, 'id' | 'passwordHash'> | null,
  password: string,
): Promise<string | null> {
  const { passwords } = ctx.deps,
    stored = user?.passwordHash ?? null
  if (!(await passwords.verify(stored, password)) || !user || stored === null) return null
  if (!passwords.needsRehash(stored)) return stored
  const passwordHash = await passwords.hash(password)
  const { count } = await ctx.db.user.updateMany({
    where: { id: user.id, passwordHash: stored },
    data: { passwordHash },
  })
  return count ? passwordHash : provenAgain(ctx, user.id, password)
}

/** After a login at the same moment has replaced the hash, or the password has been changed. */
async function provenAgain(ctx: Ctx, id: string, password: string) {
  const user = await ctx.db.user.findUnique({ where: { id }, select: { passwordHash: true } }),
    stored = user?.passwordHash ?? null
  return (await ctx.deps.passwords.verify(stored, password)) ? stored : null
}
