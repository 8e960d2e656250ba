import type { Ctx } from '../../../kernel/operation.ts'
import * as unlocking from '../../sign-in/activation/unlock.service.ts'
import * as lockout from '../../policies/lockout-policy/lockout-policy.service.ts'
import type { Person } from '../../people/users/users.schemas.ts'
import { loginErrors } from '../../sign-in/login/login.errors.ts'

/**
 * Counts a wrong password or second factor. The one that locks the user has a mail sent about it; of those that come at once
 * with it none is told that it was wrong.
 * @param name as it was typed, for nobody's: it is counted, and locked, alike
 * @throws 423
 */
export async function wrong(ctx: Ctx, user: Person | null, name: string) {
  const { counted, locked } = await lockout.failed(ctx, user ? { userId: user.id } : { name })
  if (locked) await unlocking.sendMail(ctx, user)
  if (!counted) throw loginErrors.locked()
}
