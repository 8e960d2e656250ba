import { createHash } from 'node:crypto'
import { sign } from '@henhouse/jwt'
import { epoch } from '../../../kernel/clock.ts'
import type { Ctx } from '../../../kernel/operation.ts'

/** Seconds that a signature is good for: the receiver's clock may be off. */
const LIFETIME = 300

/**
 * What `x-webhook-secret` holds: a JWT under a hook's secret over the hash of what is sent. The receiver compares its times with
 * the real time, so they do not come from the environment's clock.
 */
export function signatureOf(
  { deps: { systemClock } }: Ctx,
  { kid, secret, body }: { kid: 'webhook' | 'prehook'; secret: string; body: string },
) {
  const iat = epoch(systemClock.now()),
    claims = { data: createHash('sha256').update(body).digest('hex'), iat, exp: iat + LIFETIME }
  return sign(claims, { kid, algorithm: 'HS256', key: secret })
}
