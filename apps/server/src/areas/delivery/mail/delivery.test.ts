import { smtp, type MailProvider } from '@henhouse/mail'
import { pino } from 'pino'
import { describe, expect, onTestFinished, test } from 'vitest'
import { httpDouble, unreachable, type Reply } from '../../../../../../packages/outbound/test/http-double.ts'
import { read, smtpServer } from '../../../../../../packages/mail/test/smtp-double.ts'
import { deps, mayReachAnybody, newEnvironment, server, type TestEnvironment } from '../../../../test/environment.ts'
import { contextFor } from '../../../kernel/context.ts'
import type { ServerDeps } from '../../../kernel/deps.ts'
import { backOff, runDue } from '../../../kernel/jobs.ts'
import { buildServer } from '../../../server.ts'
import { send } from './mail.service.ts'

const v2 = '/identity/resources/mail/v2/configurations'
const sendgrid = { provider: 'sendgrid', secret: 'SG.first' }
const link = 'https://acme.example/reset?userId=1&token=s3cr3t'

/** The server as it runs in production: same database, mail leaves. */
function live(env: TestEnvironment, more: Partial<ServerDeps>) {
  const own: ServerDeps = { ...deps, ...more }
  const context = async () => mayReachAnybody(contextFor(own, (await server.environments.byId(env.id))!, own.log))
  return {
    context,
    send: async (to = 'jane@customer.example') =>
      send(await context(), { template: 'ResetPassword', to, data: { name: 'Jane', redirectURL: link } }),
    run: () => runDue({ ...server.worker, deps: own, log: own.log }, env.id),
  }
}

function smtpAt(port: number) {
  const provider = smtp({ host: '127.0.0.1', port })
  onTestFinished(() => provider.close?.())
  return provider
}

const nobody: MailProvider = {
  name: 'nobody',
  send: async () => {
    throw new Error("the server's own provider was asked")
  },
}
/** SendGrid's double, and a server whose environment has it configured. */
async function sendgridDouble(answer: () => Reply) {
  const { url, received } = await httpDouble(answer)
  const env = await newEnvironment()
  await env.vendor('POST', v2, { payload: { ...sendgrid, senderEmail: 'hello@acme.example', fromName: 'Acme' } })
  return { env, received, ...live(env, { mail: nobody, mailEndpoints: { sendgrid: url } }) }
}
const accepted: Reply = { status: 202, headers: { 'x-message-id': 'x' } }

// one after the other: the doubles end with the test that opened them, which vitest cannot tell of concurrent ones
describe('a mail', () => {
  test("arrives through the server's own provider, byte for byte, and is not kept", async () => {
    const [env, double] = [await newEnvironment(), await smtpServer()]
    const { send, run } = live(env, { mail: smtpAt(double.port) })
    await env.clock.advance(-86_400_000)
    await send()
    const [pending] = await env.messages()
    expect(pending).toMatchObject({ status: 'pending', provider: null, attempts: 0, link })
    expect(await run()).toBe(1)
    expect(double.delivered).toMatchObject([{ from: `no-reply@${env.name}.localhost`, to: ['jane@customer.example'] }])
    const { headers, bodies } = read(double.delivered[0]!.raw)
    expect(headers).toMatchObject({
      subject: 'Reset your password',
      'message-id': `<${pending!.id}@${env.name}.localhost>`,
      date: pending!.createdAt.toUTCString().replace('GMT', '+0000'),
    })
    const lines = (text: string) => text.replaceAll('\n', '\r\n')
    expect(bodies).toEqual({ 'text/plain': lines(pending!.text), 'text/html': lines(pending!.html) })
    expect(bodies['text/plain']).toContain(link)
    expect(await env.messages()).toMatchObject([
      {
        status: 'sent',
        provider: 'smtp',
        attempts: 1,
        error: null,
        sentAt: expect.any(Date),
        subject: 'Reset your password',
        link: null,
        html: '',
        text: '',
      },
    ])
    expect(await run()).toBe(0)
  })

  test('goes through the provider that the environment has configured by then', async () => {
    const { env, received, send, run } = await sendgridDouble(() => accepted)
    await env.clock.freeze()
    await send()
    const [pending] = await env.messages()
    await env.vendor('POST', v2, { payload: { ...sendgrid, secret: 'SG.second' } })
    await run()
    await env.vendor('POST', v2, { payload: { ...sendgrid, secret: 'SG.third' } })
    await send()
    await run()
    expect(received.map(({ target, headers }) => [target, headers.authorization])).toEqual([
      ['/v3/mail/send', 'Bearer SG.second'],
      ['/v3/mail/send', 'Bearer SG.third'],
    ])
    expect(JSON.parse(String(received[0]!.body))).toMatchObject({
      personalizations: [{ to: [{ email: 'jane@customer.example' }] }],
      from: { email: 'hello@acme.example', name: 'Acme' },
      subject: 'Reset your password',
      content: [
        { type: 'text/plain', value: pending!.text },
        { type: 'text/html', value: pending!.html },
      ],
      custom_args: { mail_id: pending!.id },
    })
    expect(await env.messages()).toMatchObject([
      { status: 'sent', provider: 'sendgrid' },
      { status: 'sent', provider: 'sendgrid' },
    ])
  })

  test('that has left is not sent again when its job runs again: the worker may have died before it recorded the end', async () => {
    const { env, received, send, run } = await sendgridDouble(() => accepted)
    await send()
    const { db } = await env.context()
    const { progress: _, payload, ...row } = await db.job.findFirstOrThrow()
    await run()
    const sent = await env.messages()
    await db.job.create({ data: { ...row, payload: payload as object } })
    expect(await run()).toBe(1)
    expect(received).toHaveLength(1)
    expect(await env.messages()).toEqual(sent)
    expect(await db.job.count()).toBe(0)
  })

  test("goes through the server's own provider again once the configuration is removed", async () => {
    const [env, double] = [await newEnvironment(), await smtpServer()]
    await env.vendor('POST', v2, { payload: sendgrid })
    const { send, run } = live(env, {
      mail: smtpAt(double.port),
      mailEndpoints: { sendgrid: `http://127.0.0.1:${await unreachable()}` },
    })
    await send()
    await run()
    expect(await env.messages()).toMatchObject([
      { status: 'pending', provider: 'sendgrid', attempts: 1, error: expect.stringContaining('ECONNREFUSED') },
    ])
    await env.vendor('DELETE', '/identity/resources/mail/v1/configurations')
    await env.clock.advance(backOff(1))
    await run()
    expect(await env.messages()).toMatchObject([{ status: 'sent', provider: 'smtp', attempts: 2, error: null }])
    expect(double.delivered).toHaveLength(1)
  })

  test('that the provider refuses for good fails at once, with the reason', async () => {
    const { env, received, send, run } = await sendgridDouble(() => ({
      status: 403,
      body: '{"errors":[{"message":"from is not a verified sender"}]}',
    }))
    await send()
    await run()
    const failed = {
      status: 'failed',
      provider: 'sendgrid',
      attempts: 1,
      sentAt: null,
      error: 'sendgrid answered 403: from is not a verified sender',
    }
    expect(await env.messages()).toMatchObject([failed])
    await env.clock.advance(86_400_000)
    expect(await run()).toBe(0)
    expect(received).toHaveLength(1)
    expect(await env.messages()).toMatchObject([failed])
  })

  test("is tried again after a passing fault, on the environment's clock, until it is taken", async () => {
    const faults: Reply[] = [{ status: 503, body: 'later' }, { status: 429 }]
    const { env, received, send, run } = await sendgridDouble(() => faults.shift() ?? accepted)
    await send()
    expect(await run()).toBe(1)
    expect(await env.messages()).toMatchObject([
      { status: 'pending', attempts: 1, error: 'sendgrid answered 503: later', link },
    ])
    expect(await run()).toBe(0)
    for (const attempt of [1, 2]) {
      await env.clock.advance(backOff(attempt))
      expect(await run()).toBe(1)
    }
    expect(await env.messages()).toMatchObject([{ status: 'sent', attempts: 3, error: null }])
    expect(new Set(received.map(({ body }) => String(body)))).toHaveProperty('size', 1)
    expect(received).toHaveLength(3)
  })

  test('that is never taken fails with the last reason in the end, and is still there', async () => {
    const env = await newEnvironment()
    const { send, run } = live(env, { mail: smtpAt(await unreachable()) })
    await send()
    for (let attempt = 1; attempt <= 8; attempt++) {
      expect(await env.messages()).toMatchObject([{ status: 'pending', attempts: attempt - 1 }])
      expect(await run()).toBe(1)
      await env.clock.advance(backOff(attempt))
    }
    expect(await env.messages()).toMatchObject([
      {
        status: 'failed',
        provider: 'smtp',
        attempts: 8,
        error: expect.stringContaining('ECONNREFUSED'),
        // codes and links that nobody got may still open an account
        link: null,
        html: '',
        text: '',
        sentAt: null,
      },
    ])
    expect(await run()).toBe(0)
  })

  test('is delivered once by workers that run at once', async () => {
    const [env, double] = [await newEnvironment(), await smtpServer()]
    const { send, run } = live(env, { mail: smtpAt(double.port) })
    const to = Array.from({ length: 12 }, (_, i) => `user-${i}@customer.example`)
    await Promise.all(to.map((address) => send(address)))
    await Promise.all(Array.from({ length: 4 }, run))
    expect(double.delivered.map((mail) => mail.to[0]).sort()).toEqual(to.sort())
    expect((await env.messages()).map(({ status }) => status)).toEqual(Array(12).fill('sent'))
  })

  test('of a worker that went silent is sent by another under the same id; what the first says later changes nothing', async () => {
    const env = await newEnvironment()
    const sent: string[] = []
    let release = () => {},
      started = () => {}
    const silence = new Promise<void>((resolve) => {
        release = resolve
      }),
      begun = new Promise<void>((resolve) => {
        started = resolve
      })
    const first = live(env, {
      mail: {
        name: 'first',
        async send({ id }) {
          sent.push(id)
          started()
          await silence
          throw new Error('too late')
        },
      },
    })
    const second = live(env, {
      mail: {
        name: 'second',
        async send({ id }) {
          sent.push(id)
          return {}
        },
      },
    })
    await first.send()
    const stuck = first.run()
    await begun
    expect(await second.run()).toBe(0)
    await deps.database.pool.query('update "Job" set "leaseUntil" = $2 where "vendorId" = $1', [env.id, new Date(0)])
    expect(await second.run()).toBe(1)
    release()
    await stuck
    const [message] = await env.messages()
    expect(sent).toEqual([message!.id, message!.id])
    expect(message).toMatchObject({ status: 'sent', provider: 'second', attempts: 2, error: null })
  })

  test('that was sent is not sent again by a job that comes round again', async () => {
    const { received, context, send, run } = await sendgridDouble(() => accepted)
    await send()
    const ctx = await context(),
      jobs = await ctx.db.job.findMany()
    await run()
    await ctx.db.job.createMany({
      data: jobs.map(({ payload, progress: _, ...job }) => ({ ...job, payload: payload as object })),
    })
    expect(await run()).toBe(1)
    expect(received).toHaveLength(1)
  })

  test('and its job are written together or not at all', async () => {
    const { env, context } = await sendgridDouble(() => accepted)
    const ctx = await context()
    await expect(
      ctx.atomically(async (tx) => {
        await send(tx, { template: 'OTC', to: 'jane@customer.example', data: { code: '123456' } })
        throw new Error('no')
      }),
    ).rejects.toThrow('no')
    expect([await ctx.db.message.count(), await ctx.db.job.count()]).toEqual([0, 0])
    expect(await env.messages()).toEqual([])
  })

  test('leaves nothing of what it says in the log, even when the provider quotes it', async () => {
    const env = await newEnvironment()
    const { url } = await httpDouble(() => ({ status: 500, body: `{"errors":[{"message":"spam: ${link} in this"}]}` }))
    await env.vendor('POST', v2, { payload: sendgrid })
    let log = ''
    const { send, run } = live(env, {
      mail: nobody,
      mailEndpoints: { sendgrid: url },
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
    expect(log).toContain('sendgrid answered 500: spam: *** in this')
    expect(log).not.toMatch(/s3cr3t|SG\.first|Jane|<p/)
    expect((await env.messages())[0]!.error).toBe('sendgrid answered 500: spam: *** in this')
  })

  test('that is waiting stays when the server is set to hold all mail', async () => {
    const { env, received, send } = await sendgridDouble(() => accepted)
    await send()
    expect(await env.runJobs()).toBe(1)
    expect(await env.messages()).toMatchObject([{ status: 'held', provider: 'sendgrid', link }])
    expect(received).toEqual([])
  })

  test('cannot be given to a role of SES that this server has no identity to assume with', async () => {
    const env = await newEnvironment()
    const { http } = await buildServer({ ...deps, mail: nobody })
    onTestFinished(() => http.close())
    const headers = { authorization: `Bearer ${await env.token({ type: 'vendor', vendorId: env.id })}` }
    const answer = await http.inject({
      method: 'POST',
      url: v2,
      headers,
      payload: {
        payload: { provider: 'ses-role', secret: 'arn:aws:iam::123456789012:role/mailer', region: 'eu-west-1' },
      },
    })
    expect(answer.statusCode).toBe(400)
    expect(answer.json()).toMatchObject({
      errors: ['payload.provider cannot be used: ses-role: this server has no AWS credentials of its own'],
    })
    expect((await env.vendor('GET', '/identity/resources/mail/v1/configurations')).status).toBe(404)
  })

  test('is carried by a role of SES that this server assumes, and waits with the reason where it no longer can', async () => {
    const env = await newEnvironment()
    const sts = await httpDouble(() => ({
      status: 200,
      body: '<Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>S</SecretAccessKey><SessionToken>T</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration></Credentials>',
    }))
    const ses = await httpDouble(() => ({ status: 200, body: '{"MessageId":"m"}' }))
    await env.vendor('POST', v2, {
      payload: { provider: 'ses-role', secret: 'arn:aws:iam::123456789012:role/mailer', region: 'eu-west-1' },
    })
    const source = { accessKeyId: 'AKIA1', secretAccessKey: 'own-secret' }
    const able = live(env, {
      mail: nobody,
      aws: { source, externalId: 'house-7' },
      mailEndpoints: { sts: sts.url, ses: ses.url },
    })
    await able.send()
    await able.send()
    await able.run()
    expect(await env.messages()).toMatchObject([{ status: 'sent', provider: 'ses-role' }, { status: 'sent' }])
    expect(Object.fromEntries(new URLSearchParams(String(sts.received[0]!.body)))).toMatchObject({
      RoleArn: 'arn:aws:iam::123456789012:role/mailer',
      ExternalId: 'house-7',
    })
    expect([sts.received.length, ses.received.length]).toEqual([1, 2])
    const unable = live(env, { mail: nobody })
    await unable.send()
    await unable.run()
    expect((await env.messages())[2]).toMatchObject({
      status: 'pending',
      attempts: 1,
      error: 'ses-role: this server has no AWS credentials of its own',
    })
  })
})
