import { canonicalEmail } from '../../../kernel/email-addresses.ts'
import { MINUTE } from '../../../kernel/clock.ts'
import { spend } from '../../../kernel/limits.ts'
import type { HttpCtx } from '../../../kernel/operation.ts'
import * as userEmails from '../../people/user-emails/user-emails.service.ts'
import { recoveryHash, remove } from './mfa-devices.service.ts'
import { mfaErrors } from './mfa.errors.ts'

const TRIES = { most: 10, perMs: 10 * MINUTE }

/**
 * Removes all second factors of a user who shows their recovery code. An unknown address is answered, and counted, like a
 * wrong code.
 * @throws 401, 429
 */
export async function recover(ctx: HttpCtx, { recoveryCode, email }: { recoveryCode: string; email: string }) {
  const address = canonicalEmail(email.trim())
  await spend(ctx, { name: 'recovery code', about: address }, TRIES)
  const user = await userEmails.ownerOf(ctx, address)
  await ctx.atomically(async (tx) => {
    const { count } = await tx.db.recoveryCode.deleteMany({
      where: { userId: user?.id ?? tx.random.uuid(), hash: recoveryHash(recoveryCode) },
    })
    if (!user || !count) throw mfaErrors.wrongRecoveryCode()
    await remove(tx, user.id, { template: 'MFARecoveryCode', from: ctx.http })
  })
}
