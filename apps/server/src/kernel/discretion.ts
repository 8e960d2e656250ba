import type { Ctx } from './operation.ts'

class Unsaid extends Error {}

/** Does what `write` writes; where there is nobody to write to, takes it back again: neither answer nor time tell which it was. */
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
