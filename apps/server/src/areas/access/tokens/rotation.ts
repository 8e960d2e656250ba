import { SECOND } from '../../../kernel/clock.ts'
import type { Ctx } from '../../../kernel/operation.ts'

/* How refresh tokens follow one another, those of sessions and those of machines. */

/** Tabs that show the same token at the same time are not thieves; nor is a program that did not get the answer. */
export const GRACE_MS = 10 * SECOND
/** How many exchanges a late tab may have missed within that time. */
const MAX_STEPS_BEHIND = 8

/**
 * The token after this one. It is derived, not drawn: all who show the same token at the same time get the same next
 * one, so no session ever forks, and only its hash is stored. It cannot be derived without the server's key.
 */
export const successor = ({ deps: { secrets }, vendorId }: Ctx, token: string) =>
  secrets.digest('refresh tokens', `${vendorId} ${token}`, 'base64url')

/** The token, and those that may have taken its place since. */
export function lineOf(ctx: Ctx, token: string): string[] {
  const line = [token]
  while (line.length <= MAX_STEPS_BEHIND) line.push(successor(ctx, line.at(-1)!))
  return line
}
