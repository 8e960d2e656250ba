import { http, twilio, type SmsProvider } from '@henhouse/sms'
import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { httpDouble, unreachable, type Reply } from '../../../../../../packages/outbound/test/http-double.ts'
import { deps, mayReachAnybody, newEnvironment, server, type TestEnvironment } from '../../../../test/environment.ts'
import { contextFor } from '../../../kernel/context.ts'
import type { ServerDeps } from '../../../kernel/deps.ts'
import { backOff, runDue } from '../../../kernel/jobs.ts'
import { masked } from './sms.schemas.ts'
import { send } from './sms.service.ts'

const to = '+15551234567'
const sid = `AC${'0'.repeat(32)}`

/** The server as it runs in production: same database, messages leave. */
function live(env: TestEnvironment, sms: SmsProvider | undefined, more: Partial<ServerDeps> = {}) {
  const { sms: _, ...others } = deps
  const own: ServerDeps = { ...others, ...more, ...(sms && { sms }) }
  const context = async () => mayReachAnybody(contextFor(own, (await server.environments.byId(env.id))!, own.log))
  return {
    context,
    send: async (code = '481516') => send(await context(), { template: 'SignIn', to, data: { code } }),
    run: () => runDue({ ...server.worker, deps: own, log: own.log }, env.id),
  }
}

describe.concurrent('a text message', () => {
  test.each(['MultiFactorAuthentication', 'SignIn', 'PhoneVerification', 'ResetPassword'] as const)(
    'of %s says the code, and fits into one part',
    async (template) => {
      const env = await newEnvironment()
      await send(await env.context(), { template, to, data: { code: '481516' } })
      const [message] = await env.messages()
      expect(message).toMatchObject({
        channel: 'sms',
        template,
        recipient: to,
        code: '481516',
        status: 'held',
        provider: 'none',
        subject: '',
        html: '',
        link: null,
      })
      expect(message!.text).toMatch(/^481516 is your code [a-z ]+\. Never pass it on\.$/)
      expect(message!.text.length).toBeLessThanOrEqual(160)
    },
  )

  test('cannot be sent where nobody carries it: nothing is written, and the number is masked', async () => {
    const env = await newEnvironment()
    await expect(live(env, undefined).send()).rejects.toMatchObject({
      status: 400,
      code: 'ER-01037',
      messages: ['Failed to send sms to +1*******567'],
    })
    expect(await env.messages()).toEqual([])
  })

  test('and its job are written together or not at all', async () => {
    const env = await newEnvironment()
    const { context } = live(env, http({ url: 'http://127.0.0.1:1' })),
      ctx = await context()
    await expect(
      ctx.atomically(async (tx) => {
        await send(tx, { template: 'SignIn', to, data: { code: '481516' } })
        throw new Error('no')
      }),
    ).rejects.toThrow('no')
    expect([await ctx.db.message.count(), await ctx.db.job.count()]).toEqual([0, 0])
  })

  test('stays when the server is set to hold all messages, and is tried again when it has lost its carrier', async () => {
    const env = await newEnvironment()
    const { send: queue } = live(env, http({ url: 'http://127.0.0.1:1' }))
    await queue()
    await live(env, undefined).run()
    expect(await env.messages()).toMatchObject([
      { status: 'pending', provider: 'none', attempts: 1, error: 'Failed to send sms to +1*******567', code: '481516' },
    ])
    await env.clock.advance(backOff(1))
    expect(await env.runJobs()).toBe(1)
    expect(await env.messages()).toMatchObject([{ status: 'held', provider: 'none', code: '481516' }])
  })

  test('hides most of its number from others', () => {
    expect([masked('+15551234567'), masked('+4915112345678'), masked('+12345')]).toEqual([
      '+1*******567',
      '+4*********678',
      '+1*345',
    ])
  })
})

// one after the other: the doubles end with the test that opened them, which vitest cannot tell of concurrent ones
describe('a text message that leaves', () => {
  test("arrives through the operator's provider, and is not kept", async () => {
    const env = await newEnvironment()
    const { url, received } = await httpDouble(() => ({ status: 201, body: '{"sid":"SM1"}' }))
    const { send, run } = live(env, twilio({ accountSid: sid, authToken: 't', from: 'Acme', baseUrl: url }))
    await send()
    expect(await env.messages()).toMatchObject([{ status: 'pending', provider: null, code: '481516' }])
    expect(await run()).toBe(1)
    expect(Object.fromEntries(new URLSearchParams(String(received[0]!.body)))).toEqual({
      To: to,
      From: 'Acme',
      Body: '481516 is your code to log in. Never pass it on.',
    })
    expect(await env.messages()).toMatchObject([
      {
        status: 'sent',
        provider: 'twilio',
        attempts: 1,
        text: '',
        code: null,
        sentAt: expect.any(Date),
        recipient: to,
      },
    ])
    expect(await run()).toBe(0)
  })

  test('is tried again after a passing fault under the same id, and fails at once after a lasting one', async () => {
    const env = await newEnvironment()
    const replies: Reply[] = [
      { status: 503, body: 'later' },
      { status: 200 },
      { status: 400, body: '{"message":"no such number"}' },
    ]
    const { url, received } = await httpDouble(() => replies.shift())
    const { send, run } = live(env, http({ url }))
    await send()
    await run()
    expect(await env.messages()).toMatchObject([{ status: 'pending', attempts: 1, error: 'http answered 503: later' }])
    await env.clock.advance(backOff(1))
    await run()
    await send()
    await run()
    expect(await env.messages()).toMatchObject([
      { status: 'sent', attempts: 2, error: null },
      {
        status: 'failed',
        provider: 'http',
        attempts: 1,
        error: 'http answered 400: no such number',
        code: null,
        text: '',
      },
    ])
    const ids = received.map(({ body }) => (JSON.parse(String(body)) as { id: string }).id)
    expect([ids[0] === ids[1], ids[1] === ids[2], await run()]).toEqual([true, false, 0])
  })

  test('is delivered once by workers that run at once', async () => {
    const env = await newEnvironment()
    const { url, received } = await httpDouble(() => ({ status: 200 }))
    const { send, run } = live(env, http({ url }))
    await Promise.all(Array.from({ length: 8 }, (_, i) => send(`00000${i}`)))
    await Promise.all(Array.from({ length: 4 }, run))
    expect(received).toHaveLength(8)
    expect((await env.messages()).map(({ status }) => status)).toEqual(Array(8).fill('sent'))
  })

  test('leaves neither code nor token in the log, even when the provider quotes them', async () => {
    const env = await newEnvironment()
    const { url } = await httpDouble(({ body }) => ({
      status: 500,
      body: `t0ken: ${JSON.parse(String(body)).text as string}`,
    }))
    let log = ''
    const { send, run } = live(env, http({ url, headers: { authorization: 'Bearer t0ken' } }), {
      log: pino(
        { level: 'trace' },
        {
          write: (line) => {
            log += line
          },
        },
      ),
    })
    await send()
    await run()
    expect(log).toContain('http answered 500: ***: *** is your code to log in.')
    expect(log).not.toMatch(/481516|t0ken/)
  })

  test('that is never taken fails in the end', async () => {
    const env = await newEnvironment()
    const { send, run } = live(env, http({ url: `http://127.0.0.1:${await unreachable()}` }))
    await send()
    for (let attempt = 1; attempt <= 8; attempt++) {
      expect(await run()).toBe(1)
      await env.clock.advance(backOff(attempt))
    }
    expect(await env.messages()).toMatchObject([
      { status: 'failed', attempts: 8, error: 'http: no connection (ECONNREFUSED)', sentAt: null },
    ])
    expect(await run()).toBe(0)
  })
})
