import { describe, expect, test } from 'vitest'
import { newEnvironment, operations, UNKNOWN_ID } from '../environment.ts'
import { fillPath, sampleBody } from '../samples.ts'

const kids = [{}, [], ['x'], 7, true, null, '', 'x', 'a\0b', '\ud800', 'f'.repeat(10_000), { $ne: '' }]
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const tokens = kids.map((kid) => `${part({ alg: 'RS256', kid })}.${part({ type: 'vendor' })}.c2lnbmF0dXJl`)
const env = await newEnvironment()

describe.concurrent('a token whose kid is none of ours', () => {
  test.for(operations.map((op) => [op.id, op] as const))('%s', async ([, op]) => {
    const url = fillPath(op, () => UNKNOWN_ID),
      body = sampleBody(op, true)
    for (const token of tokens.slice(0, op.auth === 'public' ? 3 : undefined)) {
      const { status } = await env.client({ authorization: `Bearer ${token}` })(op.method, url, body)
      if (op.auth === 'public') expect(status).toBeLessThan(500)
      else expect(status).toBe(401)
    }
  })
})
