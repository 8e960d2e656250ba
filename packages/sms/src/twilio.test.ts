import { describe, expect, it, vi } from 'vitest'
import { httpDouble, unreachable, type Reply } from '../../outbound/test/http-double.ts'
import { acceptedMalformed, foreign, refusalOf, sms } from '../test/messages.ts'
import { twilio, type TwilioOptions } from './index.ts'

const accountSid = `AC${'0123456789abcdef'.repeat(2)}`,
  messagingServiceSid = `MG${'fedcba9876543210'.repeat(2)}`,
  authToken = 'a1b2c3d4e5f6a7b8c9d0'
const credentials = Buffer.from(`${accountSid}:${authToken}`).toString('base64')
const settings = { accountSid, authToken, from: '+15550001111' }
const queued: Reply = { status: 201, body: `{"sid":"SM${'0'.repeat(32)}","status":"queued","error_code":null}` }

async function double(reply: Reply | undefined = queued, options: TwilioOptions = settings, silent = false) {
  const { url, received } = await httpDouble(() => (silent ? undefined : reply))
  return {
    received,
    provider: twilio({ ...options, baseUrl: url, timeoutMs: silent ? 50 : 5000 }),
    form: (index = 0) => Object.fromEntries(new URLSearchParams(String(received[index]?.body))),
  }
}

describe('twilio', () => {
  it('posts the message as a form to the account', async () => {
    const { provider, received, form } = await double()
    expect(await provider.send(sms)).toEqual({ providerMessageId: `SM${'0'.repeat(32)}` })
    expect(received[0]).toMatchObject({
      method: 'POST',
      target: `/2010-04-01/Accounts/${accountSid}/Messages.json`,
      headers: { authorization: `Basic ${credentials}`, 'content-type': 'application/x-www-form-urlencoded' },
    })
    expect(form()).toEqual({ To: sms.to, From: '+15550001111', Body: sms.text })
  })

  it('lets a messaging service pick the sender', async () => {
    const { provider, form } = await double(queued, { accountSid, authToken, messagingServiceSid })
    await provider.send(sms)
    expect(form()).toEqual({ To: sms.to, MessagingServiceSid: messagingServiceSid, Body: sms.text })
  })

  it('goes to Twilio unless told otherwise', async () => {
    const fetched = vi
      .spyOn(globalThis, 'fetch')
      .mockImplementation(async () => new Response(queued.body, { status: 201 }))
    await twilio(settings).send(sms)
    expect(fetched.mock.calls.map(([url]) => url)).toEqual([
      `https://api.twilio.com/2010-04-01/Accounts/${accountSid}/Messages.json`,
    ])
    fetched.mockRestore()
  })

  it('keeps every character of a foreign text, but for control characters', async () => {
    const { provider, form } = await double()
    await provider.send(foreign)
    await provider.send({ ...sms, text: 'one\r\ntwo\u0000three' })
    expect(form().Body).toBe(foreign.text)
    expect(form(1).Body).toBe('one\ntwo three')
  })

  it('refuses malformed numbers and messages before anything is sent', async () => {
    const { provider, received } = await double()
    expect(await acceptedMalformed(provider)).toEqual([])
    expect(received).toEqual([])
  })

  it.each([
    [400, false],
    [401, false],
    [403, false],
    [404, false],
    [301, false],
    [408, true],
    [429, true],
    [500, true],
    [503, true],
  ])('reports %i with the reason, retryable: %s', async (status, retryable) => {
    const { provider } = await double({
      status,
      headers: { location: 'http://127.0.0.1:1/' },
      body: '{"code":21211,"message":"The \'To\' number\\nis not valid.","more_info":"https://www.twilio.com/docs/errors/21211","status":400}',
    })
    expect(await refusalOf(provider.send(sms))).toMatchObject({
      name: 'Refused',
      status,
      retryable,
      message: `twilio answered ${status}: 21211: The 'To' number is not valid.`,
    })
  })

  it('bounds the reason and keeps the token and the code out of it', async () => {
    const { provider } = await double({
      status: 400,
      body: `${authToken} ${credentials} said: ${sms.text} to ${sms.to} ${'x'.repeat(100_000)}`,
    })
    const { message, stack } = await refusalOf(provider.send(sms))
    expect(message).toMatch(
      /^twilio answered 400: \*\*\* \*\*\* said: Your code is \*\*\* Do not pass it on\. to \+15551234567 x+…$/,
    )
    expect(message.length).toBe('twilio answered 400: '.length + 300)
    expect(stack).not.toMatch(/481516|a1b2c3/)
  })

  it('takes an accepted message for accepted whatever the reply looks like', async () => {
    expect(await (await double({ status: 200, body: '<html>' })).provider.send(sms)).toEqual({})
  })

  it('gives up in time, and when called off, on a provider that stays silent', async () => {
    expect(await refusalOf((await double(undefined, settings, true)).provider.send(sms))).toMatchObject({
      retryable: true,
      message: 'twilio: no answer within 50 ms',
    })
    const controller = new AbortController()
    const { url } = await httpDouble(() => {
      controller.abort()
      return undefined
    })
    expect(await refusalOf(twilio({ ...settings, baseUrl: url }).send(sms, controller.signal))).toMatchObject({
      retryable: true,
      message: 'twilio: the delivery was called off',
    })
  })

  it('may be retried when nobody listens', async () => {
    expect(
      await refusalOf(twilio({ ...settings, baseUrl: `http://127.0.0.1:${await unreachable()}` }).send(sms)),
    ).toMatchObject({ retryable: true, message: 'twilio: no connection (ECONNREFUSED)' })
  })

  it('forgives blanks around pasted settings', async () => {
    const { url, received } = await httpDouble(() => queued)
    await twilio({
      accountSid: ` ${accountSid}\n`,
      authToken: `${authToken} `,
      from: ' +15550001111',
      baseUrl: `${url}/`,
    }).send(sms)
    expect(received[0]).toMatchObject({
      target: `/2010-04-01/Accounts/${accountSid}/Messages.json`,
      headers: { authorization: `Basic ${credentials}` },
    })
  })

  it.each(['+15550001111', '12345', 'Acme', 'Acme 24'])('sends as %s', async (from) => {
    const { provider, form } = await double(queued, { ...settings, from })
    await provider.send(sms)
    expect(form().From).toBe(from)
  })

  it.each<[string, Partial<TwilioOptions>]>([
    ['account', { accountSid: 'AC/../hush' }],
    ['account', { accountSid: 'SKhush' }],
    ['sender', { from: 'hush, +15557654321' }],
    ['sender', { from: '' }],
    ['messaging service', { messagingServiceSid: 'hush' }],
    ['base address', { baseUrl: 'ftp://user:hush@host' }],
  ])('refuses a malformed %s without quoting it: %j', (what, options) => {
    expect(() => twilio({ ...settings, ...options })).toThrow(new RegExp(`^(?!.*hush).*${what}`))
  })
})
