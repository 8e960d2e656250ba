import { describe, expect, test } from 'vitest'
import { deps, newEnvironment, server } from '../../test/environment.ts'
import { claimsOf } from '../../test/second-factors.ts'
import { signedBy } from '../../test/user-token.ts'
import { signToken, tokenReader } from './tokens.ts'

const read = tokenReader(server.http.jwt, server.environments, deps.secrets)
const env = await newEnvironment(),
  ctx = await env.context()
const lasting = ['tenantAccessToken', 'userAccessToken']

describe.concurrent('a token without an end', () => {
  test.for(lasting)('is read if it is looked up on each call: %s', async (type) => {
    const token = signToken(ctx, { type, sub: 's' }, { expiresIn: 'never' })
    expect(claimsOf(token)).toEqual({ type, sub: 's', iat: expect.any(Number) })
    expect(await read(token)).toMatchObject({ environment: { id: env.id }, claims: { type, sub: 's' } })
    // the second time from memory
    expect((await read(token))?.claims).not.toHaveProperty('exp')
  })

  test.for(['userToken', 'vendor', 'userApiToken', 'tenantApiToken', 'UserAccessToken', '', undefined, null, lasting])(
    'is none of any other type: %s',
    async (type) => {
      const token = signToken(ctx, { type, sub: 's', vendorId: env.id }, { expiresIn: 'never' })
      expect(await read(token)).toBeUndefined()
      expect(await read(signToken(ctx, { type, sub: 's' }, { expiresIn: 60 }))).toBeDefined()
    },
  )

  test.for([null, '', '4102444800', {}, [4102444800], true])('is not one with another kind of end: %j', async (exp) => {
    for (const type of lasting) expect(await read(signedBy(ctx, { type, sub: 's', iat: 1, exp }))).toBeUndefined()
  })

  test.for(lasting)('is never signed with the shared secret, which others know: %s', async (type) => {
    const token = signToken(ctx, { type, sub: 's' }, { expiresIn: 'never', algorithm: 'HS256' })
    expect(await read(token)).toBeUndefined()
  })
})
