import { describe, expect, test } from 'vitest'
import type { Operation } from '../src/kernel/operation.ts'
import { newEnvironment, operations, UNKNOWN_ID, type Client } from './environment.ts'
import { fillPath, longBodies, sampleBody, wrongBody } from './samples.ts'

/**
 * What every operation must do, from the registry, so that a new one is covered before its author writes a test.
 * Lists of exceptions may only shrink.
 */
/** No test here changes anything, so all share two environments. */
const shared = await (async () => {
  const env = await newEnvironment()
  const { id: userId, tenantId } = await env.newUser()
  return {
    env,
    managed: env.as(tenantId, userId),
    admin: await env.user({ roleKeys: ['Admin'] }),
    nobody: await env.user(),
  }
})()

const cases = operations.map((op) => [op.id, op] as const)
const unknownPath = (op: Operation) => fillPath(op, () => UNKNOWN_ID)
const call = (client: Client, op: Operation, body: unknown = sampleBody(op)) => client(op.method, unknownPath(op), body)

/** These take any body, or have no field that can be wrong. */
const takesAnyBody = new Set<string>([])

describe.concurrent('every operation', () => {
  test('has a unique id, and a unique path and method', () => {
    const ids = operations.map((op) => op.id),
      routes = operations.map((op) => `${op.method} ${op.path.replace(/\{\w+\}/g, '{}')}`)
    expect(new Set(ids).size).toBe(ids.length)
    expect(new Set(routes).size).toBe(routes.length)
  })

  test.for(cases.filter(([, op]) => op.auth !== 'public'))(
    '%s is closed without a token, and with a bad one',
    async ([, op]) => {
      const { env } = shared
      expect((await call(env.anonymous, op)).status, 'no token').toBe(401)
      expect((await call(env.withToken('x.y.z'), op)).status, 'no token at all').toBe(401)
      const token = await env.token({ type: 'vendor', vendorId: env.id })
      expect((await call(env.withToken(`${token.slice(0, -8)}AAAAAAAA`), op)).status, 'forged').toBe(401)
    },
  )

  test.for(cases.filter(([, op]) => op.auth === 'vendor'))('%s is closed to users', async ([, op]) => {
    const answer = await call(shared.admin, op)
    expect(answer).toMatchObject({ status: 401, body: { errors: ['Failed to verify vendor JWT'] } })
  })

  test.for(cases.filter(([, op]) => op.auth === 'user'))('%s is closed to environment tokens', async ([, op]) => {
    expect((await call(shared.env.vendor, op)).status).toBe(401)
  })

  test.for(cases.filter(([, op]) => op.permission))('%s is closed to users without its permission', async ([, op]) => {
    expect(await call(shared.nobody, op)).toMatchObject({ status: 403, body: { errorCode: 'ER-00008' } })
  })

  test.for(cases.filter(([, op]) => op.auth === 'both' && op.tenant === 'required'))(
    '%s requires a tenant',
    async ([, op]) => {
      const { env } = shared
      expect(await call(env.vendor, op)).toMatchObject({ status: 403, body: { errorCode: 'ER-00008' } })
      expect((await call(env.as('nowhere'), op)).status).toBe(404)
    },
  )

  test.for(cases.filter(([, op]) => op.body && !takesAnyBody.has(op.id)))(
    '%s refuses a malformed body, and says what is wrong',
    async ([, op]) => {
      const client = op.auth === 'user' ? shared.admin : shared.managed
      const broken = await client(op.method, unknownPath(op), '{"a":', {
        headers: { 'content-type': 'application/json' },
      })
      expect(broken).toMatchObject({ status: 400, body: { errorCode: 'ER-00006' } })
      const nul = await client(op.method, unknownPath(op), '{"a":"\\u0000"}', {
        headers: { 'content-type': 'application/json' },
      })
      expect(nul.status).toBe(400)
      const wrong = wrongBody(op)
      if (JSON.stringify(wrong) === '{}' && (op.body as { type?: string }).type !== 'array') return
      const answer = await client(op.method, unknownPath(op), wrong)
      expect(answer.status).toBe(400)
      expect(answer.body.errors.length).toBeGreaterThan(0)
      expect(answer.body.errorCode).toMatch(/^ER-\d{2,}/)
    },
  )

  test.for(cases.filter(([, op]) => op.body))('%s does not fail on very long texts', async ([, op]) => {
    const env = await newEnvironment(),
      user = await env.user({ roleKeys: ['Admin'] }),
      known: Record<string, string> = { userId: user.id, id: user.id, tenantId: user.tenantId }
    const client = op.auth === 'user' ? user : env.as(user.tenantId, user.id)
    for (const body of longBodies(op))
      expect(
        (
          await client(
            op.method,
            fillPath(op, (name) => known[name] ?? UNKNOWN_ID),
            body,
          )
        ).status,
        JSON.stringify(body).slice(0, 200),
      ).toBeLessThan(500)
  })

  test.for(cases.filter(([, op]) => op.method === 'GET'))('%s does not fail on invalid queries', async ([, op]) => {
    const client = op.auth === 'user' ? shared.admin : shared.managed
    const names = Object.keys((op.query as { properties?: object } | undefined)?.properties ?? { any: 1 })
    for (const value of ['%27%22%3B--', '-1', '99999999999999999999', '%00', 'a,b&x[]=1']) {
      const { status } = await client('GET', `${unknownPath(op)}?${names.map((name) => `${name}=${value}`).join('&')}`)
      expect(status, `with ${value}`).toBeLessThan(500)
    }
  })
})
