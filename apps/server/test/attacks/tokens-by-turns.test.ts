import { expect, test } from 'vitest'
import { newEnvironment } from '../environment.ts'

const me = '/identity/resources/users/v2/me'

test('tokens that come by turns each stay the token of their own user', async () => {
  const [env, other] = [await newEnvironment(), await newEnvironment()]
  const users = [await env.newUser(), await env.newUser(), await other.newUser()],
    tokens = await Promise.all(users.map((user, i) => (i < 2 ? env : other).userToken(user)))
  // signatures are checked once, and then remembered
  for (let turn = 0; turn < 3; turn++) {
    const answers = await Promise.all(tokens.map((token) => env.withToken(token)('GET', me)))
    expect(answers.map(({ body }) => body.id)).toEqual(users.map(({ id }) => id))
  }
})

test('a token that begins to be good later is not good yet', async () => {
  const env = await newEnvironment(),
    later = Math.floor(Date.now() / 1000) + 600
  const call = env.withToken(await env.token({ type: 'vendor', vendorId: env.id, nbf: later }))
  expect((await call('GET', '/identity/resources/roles/v1')).status).toBe(401)
})
