import type { Ctx } from './operation.ts'

class Unsaid extends Error {}

/**
 * Runs `write`. When there is nobody to write to, it is rolled back, so that neither the answer nor the time shows
 * which it was.
 */
export async function discreetly(ctx: Ctx, isMeant: boolean, write: (tx: Ctx) => Promise<void>) {
  await ctx
    .atomically(async (tx) => {
      await write(tx)
      if (!isMeant) throw new Unsaid()
    })
    .catch((error: unknown) => {
      if (!(error instanceof Unsaid)) throw error
    })
}
