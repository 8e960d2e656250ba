import { describe, expect, test } from 'vitest'
import { newEnvironment, operations, UNKNOWN_ID } from './environment.ts'
import { fillPath, sampleBody } from './samples.ts'

const env = await newEnvironment(),
  user = await env.user({ permissions: ['fe.secure.*', 'fe.account-settings.delete.account'] })
await env.vendor('DELETE', `/identity/resources/users/v1/${user.id}`)

describe.concurrent('the token of a user who has been deleted', () => {
  const open = operations.filter((op) => op.auth === 'user' || op.auth === 'both')
  test.for(open.map((op) => [op.id, op] as const))('%s answers without a failure', async ([, op]) => {
    const path = fillPath(op, (name) => (name === 'userId' ? user.id : UNKNOWN_ID))
    for (const body of [sampleBody(op), sampleBody(op, true)])
      expect((await user(op.method, path, body)).status).toBeLessThan(500)
  })
})
