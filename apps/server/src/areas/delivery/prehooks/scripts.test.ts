import { describe, expect, test } from 'vitest'
import { newEnvironment, unique, type TestEnvironment } from '../../../../test/environment.ts'
import { prehooks, REFUSED, setScript } from '../../../../test/prehooks.ts'
import { claimsOf, logIn, PASSWORD } from '../../../../test/second-factors.ts'

/* Prehooks that are scripts of the environment. */

const tenants = '/tenants/resources/tenants/v1'
const make = (env: TestEnvironment, name = 'Acme') => env.vendor('POST', tenants, { name })
const body = (code: string) => `async function onEvent(eventData) { ${code} }`
const returning = (answer: unknown) => body(`return ${JSON.stringify(answer)}`)

describe('a prehook that is a script', () => {
  test('sees what a server would, and decides', async () => {
    const env = await newEnvironment()
    await setScript(
      env,
      `const ALLOWED = ['example.com']
       async function onEvent(eventData) {
         const { email } = eventData.data.user
         if (ALLOWED.includes(email.split('@')[1])) return { verdict: 'allow', response: { user: { name: JSON.stringify(
           [eventData.eventKey, Object.keys(eventData).sort(), eventData.prehookContext.vendorId]) } } }
         return { verdict: 'block', error: { status: 403, message: ['Not from there'] } }
       }`,
      ['USER_SIGNUP'],
    )
    const signUp = (domain: string) =>
      env.anonymous('POST', '/identity/resources/users/v1/signUp', {
        ...{ email: `${unique('ada')}@${domain}`, companyName: 'Acme', password: PASSWORD },
      })
    expect(await signUp('example.org')).toMatchObject({ status: 403, body: { errors: ['Not from there'] } })
    expect((await signUp('example.com')).status).toBe(201)
    expect(await (await env.context()).db.user.findMany()).toMatchObject([
      { name: JSON.stringify(['USER_SIGNUP', ['data', 'eventKey', 'prehookContext'], env.id]) },
    ])
  })

  test('puts claims into tokens', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD })
    await setScript(
      env,
      body(`return { continue: true, response: { claims: { customClaims: { whose: eventData.data.claims.sub } } } }`),
      ['JWT_GENERATION'],
    )
    const { body: answer } = await logIn(env, user)
    expect(claimsOf(answer.accessToken)).toMatchObject({ sub: user.id, customClaims: { whose: user.id } })
  })

  test.for<[string, string]>([
    ['throws', body(`throw new Error('k3y')`)],
    ['is none', 'no script ('],
    ['has no function', 'const a = 1'],
    ['does not end', body('while (true);')],
    ['needs too much memory', body(`const all = []; while (true) all.push(new Array(1000).fill(1.5))`)],
    ['waits for ever', body('return new Promise(() => {})')],
    ['returns nothing', body('')],
    ['returns a word', body(`return 'allow'`)],
    ['has no verdict', returning({})],
    ['has another verdict', returning({ verdict: 'maybe' })],
    ['says too much', body(`return { verdict: 'allow', x: 'x'.repeat(100000) }`)],
    ['reaches for the server', body(`return { verdict: process.env.ALLOW ?? require('fs') }`)],
    ['reaches for the network', body(`await fetch('http://127.0.0.1/'); return { verdict: 'allow' }`)],
  ])('and %s refuses where it is to close, and else lets pass', { timeout: 30_000 }, async ([, script]) => {
    const env = await newEnvironment(),
      id = await setScript(env, script, ['CREATE_TENANT'])
    const refused = await make(env)
    expect(refused).toMatchObject(REFUSED)
    expect(JSON.stringify(refused.body)).not.toContain('k3y')
    expect(await (await env.context()).db.tenant.count()).toBe(0)
    await env.vendor('PATCH', `${prehooks}/${id}`, { failMethod: 'OPEN' })
    expect((await make(env)).status).toBe(201)
  })

  test('is not got past by asking more often than it can be asked', { timeout: 60_000 }, async () => {
    const env = await newEnvironment()
    await setScript(env, body(`for (let i = 0; i < 1e5; i++); return { verdict: 'block' }`), ['CREATE_TENANT'], {
      failMethod: 'OPEN',
    })
    const answers = await Promise.all(Array.from({ length: 60 }, (_, i) => make(env, `Acme ${i}`)))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([400, 503]))
    expect(await (await env.context()).db.tenant.count()).toBe(0)
  })

  test('remembers nothing from one question to the next, nor from another environment', async () => {
    const script = `globalThis.seen = (globalThis.seen ?? 0) + 1
      function onEvent() { return globalThis.seen === 1 ? { verdict: 'allow' } : { verdict: 'block' } }`
    for (const env of [await newEnvironment(), await newEnvironment()]) {
      await setScript(env, script, ['CREATE_TENANT'])
      for (let i = 0; i < 3; i++) expect((await make(env)).status).toBe(201)
    }
  })

  test('is run as it is now', async () => {
    const env = await newEnvironment(),
      id = await setScript(env, returning({ verdict: 'block' }), ['CREATE_TENANT'])
    expect((await make(env)).status).toBe(400)
    await env.vendor('PATCH', `${prehooks}/${id}`, { codePayload: returning({ verdict: 'allow' }) })
    expect((await make(env)).status).toBe(201)
  })
})
