import { describe, expect, test } from 'vitest'
import { newEnvironment, type Answer, type TestEnvironment } from '../../../../test/environment.ts'
import { inTheWay } from '../../../../test/in-the-way.ts'
import { fingerprint } from '../../../kernel/random.ts'

const identity = '/identity/resources',
  tenants = `${identity}/tenants/api-tokens`
const invalid = { status: 401, body: { errors: ['Invalid authentication'] } }

interface Token {
  clientId: string
  secret: string
}
async function withToken(body: object = {}) {
  const env = await newEnvironment(),
    tenantId = await env.newTenant(),
    token = (await env.as(tenantId)('POST', `${tenants}/v2`, body)).body as Token
  return { env, tenantId, token }
}
const exchange = (env: TestEnvironment, { clientId, secret }: Token): Promise<Answer> =>
  env.anonymous('POST', `${identity}/auth/v1/api-token`, { clientId, secret })
const refresh = (env: TestEnvironment, refreshToken: string): Promise<Answer> =>
  env.anonymous('POST', `${identity}/auth/v1/api-token/token/refresh`, { refreshToken })
const many = <T>(count: number, what: (index: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, index) => what(index)))
const refreshTokenOf = ({ status, body }: Answer) => {
  expect(status).toBe(200)
  return body.refreshToken as string
}

describe.concurrent('programs with the same credentials, at once', () => {
  test('have a hundred refresh tokens together, however many log in', async () => {
    const { env, token } = await withToken(),
      old: string[] = []
    for (let round = 0; round < 10; round++)
      old.push(...(await many(10, () => exchange(env, token))).map(refreshTokenOf))
    const fresh = (await many(24, () => exchange(env, token))).map(refreshTokenOf)
    const answers = await many(124, (i) => refresh(env, [...old, ...fresh][i]!)),
      alive = answers.map(({ status }) => status)
    expect(alive.filter((status) => status === 200)).toHaveLength(100)
    expect(alive.filter((status) => status === 401)).toHaveLength(24)
    expect(alive.slice(100).every((status) => status === 200)).toBe(true)
  })

  test('leave none of the dead ones behind for long', async () => {
    const { env, token } = await withToken(),
      { db } = await env.context()
    await db.apiRefreshToken.createMany({
      data: Array.from({ length: 300 }, (_, i) => ({
        id: fingerprint(`${token.clientId} ${i}`),
        apiTokenId: token.clientId,
        expiresAt: new Date(Date.now() + 86_400_000),
      })),
    })
    // one login in sixteen removes them: that none of 320 does will not happen in the life of this test
    let left = 300
    for (let round = 0; round < 40 && left > 150; round++) {
      await many(8, () => exchange(env, token))
      left = await db.apiRefreshToken.count()
    }
    expect(left).toBeLessThanOrEqual(150)
    expect(await db.apiRefreshToken.count({ where: { id: fingerprint(`${token.clientId} 0`) } })).toBe(0)
  })

  test('get the same successor of a refresh token, and none is lost', async () => {
    const { env, token } = await withToken(),
      first = refreshTokenOf(await exchange(env, token))
    const next = new Set((await many(8, () => refresh(env, first))).map(refreshTokenOf))
    expect(next.size).toBe(1)
    expect(await (await env.context()).db.apiRefreshToken.count()).toBe(1)
    expect((await refresh(env, [...next][0]!)).status).toBe(200)
  })

  test('a refresh that another one overtakes leads to the same token', async () => {
    const { env, token } = await withToken(),
      first = refreshTokenOf(await exchange(env, token)),
      id = fingerprint(first)
    const ctx = await env.context(),
      next = ctx.deps.secrets.digest('refresh tokens', `${env.id} ${first}`, 'base64url')
    const overtaken = await inTheWay(
      ['select from "ApiRefreshToken" where id = $1 for update', id],
      () => refresh(env, first),
      (query) =>
        query('update "ApiRefreshToken" set id = $2, "rotatedAt" = $3 where id = $1', [
          id,
          fingerprint(next),
          ctx.clock.now(),
        ]),
    )
    expect(refreshTokenOf(overtaken)).toBe(next)
  })
})

describe.concurrent('an API token that is deleted', () => {
  test('during an exchange gives nothing', async () => {
    const { env, token } = await withToken()
    const answer = await inTheWay(
      ['select from "ApiToken" where id = $1 for update', token.clientId],
      () => exchange(env, token),
      (query) => query('delete from "ApiToken" where id = $1', [token.clientId]),
    )
    expect(answer).toMatchObject(invalid)
    expect(await (await env.context()).db.apiRefreshToken.count()).toBe(0)
  })

  test('during a refresh gives nothing', async () => {
    const { env, token } = await withToken(),
      first = refreshTokenOf(await exchange(env, token))
    const answer = await inTheWay(
      ['select from "ApiRefreshToken" where id = $1 for update', fingerprint(first)],
      () => refresh(env, first),
      (query) => query('delete from "ApiToken" where id = $1', [token.clientId]),
    )
    expect(answer).toMatchObject(invalid)
  })

  test('while others log in with it leaves no way in', async () => {
    const { env, tenantId, token } = await withToken()
    const [removed, ...answers] = await Promise.all([
      env.as(tenantId)('DELETE', `${tenants}/v1/${token.clientId}`),
      ...Array.from({ length: 12 }, () => exchange(env, token)),
    ])
    expect(removed.status).toBe(200)
    for (const { status, body } of answers) {
      expect([200, 401]).toContain(status)
      if (status === 200) expect(await refresh(env, body.refreshToken as string)).toMatchObject(invalid)
    }
    expect(await exchange(env, token)).toMatchObject(invalid)
  })

  test('while it is changed is gone, or was there', async () => {
    const { env, tenantId, token } = await withToken(),
      tenant = env.as(tenantId)
    const [changed, removed] = await Promise.all([
      tenant('PATCH', `${tenants}/v1/${token.clientId}`, { description: 'x', roleIds: [] }),
      tenant('DELETE', `${tenants}/v1/${token.clientId}`),
    ])
    expect(removed.status).toBe(200)
    expect([200, 404]).toContain(changed.status)
    expect((await tenant('GET', `${tenants}/v1`)).body).toEqual([])
  })
})
