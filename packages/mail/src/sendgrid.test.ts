import { describe, expect, it } from 'vitest'
import { httpDouble, unreachable, type Reply } from '../../outbound/test/http-double.ts'
import { acceptedInjections, big, broken, foreign, mail, refusalOf } from '../test/mails.ts'
import { sendgrid } from './index.ts'

const apiKey = 'SG.abcdefghijklmnop.qrstuvwxyz'
const accepted: Reply = { status: 202, headers: { 'x-message-id': 'aBc-123' } }

async function double(reply: Reply | undefined = accepted, silent = false) {
  const { url, received } = await httpDouble(() => (silent ? undefined : reply))
  return {
    received,
    provider: sendgrid({ apiKey, baseUrl: url, timeoutMs: silent ? 50 : 5000 }),
    body: () => JSON.parse(String(received[0]?.body)) as unknown,
  }
}

describe('sendgrid', () => {
  it('posts the mail to v3 Mail Send with links left alone', async () => {
    const { provider, received, body } = await double()
    expect(await provider.send(mail)).toEqual({ providerMessageId: 'aBc-123' })
    expect(received[0]).toMatchObject({
      method: 'POST',
      target: '/v3/mail/send',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    })
    expect(body()).toEqual({
      personalizations: [{ to: [{ email: 'jane@customer.example' }] }],
      from: { email: 'hello@acme.example', name: 'Acme' },
      subject: 'Reset your password',
      content: [
        { type: 'text/plain', value: mail.text },
        { type: 'text/html', value: mail.html },
      ],
      custom_args: { mail_id: mail.id },
      tracking_settings: { click_tracking: { enable: false, enable_text: false }, open_tracking: { enable: false } },
    })
  })

  it('keeps every character of a foreign mail and of a big one', async () => {
    const { provider, received } = await double()
    await provider.send(foreign)
    await provider.send(big)
    expect(JSON.parse(String(received[0]?.body))).toMatchObject({
      from: { email: 'hallo@xn--bcher-kva.example', name: foreign.from.name },
      subject: foreign.subject,
      content: [{ value: foreign.text }, { value: foreign.html }],
    })
    expect(JSON.parse(String(received[1]?.body))).toMatchObject({ content: [{}, { value: big.html }] })
  })

  it('leaves out an empty part and a missing name', async () => {
    const { provider, body } = await double()
    await provider.send({ ...mail, text: '', from: { address: 'hello@acme.example' } })
    expect(body()).toMatchObject({ from: { email: 'hello@acme.example' }, content: [{ type: 'text/html' }] })
    expect(body()).not.toHaveProperty('from.name')
  })

  it('refuses malformed addresses and mails before anything is sent', async () => {
    const { provider, received } = await double()
    expect(await acceptedInjections(provider)).toEqual([])
    expect(received).toEqual([])
  })

  it('puts a broken subject and name on one line', async () => {
    const { provider, body } = await double()
    await provider.send(broken)
    expect(body()).toMatchObject({
      subject: 'Hello <script> Bcc: eve@evil.example .',
      from: { name: 'Acme Bcc: eve@evil.example x' },
    })
  })

  it.each([
    [400, false],
    [401, false],
    [403, false],
    [413, false],
    [301, false],
    [408, true],
    [425, true],
    [429, true],
    [500, true],
    [503, true],
  ])('reports %i with the reason, retryable: %s', async (status, retryable) => {
    const { provider } = await double({
      status,
      headers: { location: 'http://127.0.0.1:1/' },
      body: '{"errors":[{"message":"Does not\\ncontain a valid address.","field":"from"},{"message":"Second."}]}',
    })
    const refused = await refusalOf(provider.send(mail))
    expect(refused).toMatchObject({
      name: 'Refused',
      status,
      retryable,
      message: `sendgrid answered ${status}: Does not contain a valid address.; Second.`,
    })
  })

  it('bounds the reason and keeps keys, links and codes out of it', async () => {
    const { provider } = await double({
      status: 400,
      body: `key ${apiKey} said: ${mail.text}. <${mail.to}> ${'x'.repeat(100_000)}`,
    })
    const { message, stack } = await refusalOf(provider.send(mail))
    expect(message).toMatch(
      /^sendgrid answered 400: key \*\*\* said: Your code is \*\*\* or open \*\*\* <jane@customer\.example> x+…$/,
    )
    expect(message.length).toBe('sendgrid answered 400: '.length + 300)
    expect(stack).not.toContain(apiKey)
  })

  it('takes an accepted mail for accepted whatever the reply looks like', async () => {
    expect(await (await double({ status: 200, body: '<html>' })).provider.send(mail)).toEqual({})
  })

  it('gives up in time, and when called off, on a provider that stays silent', async () => {
    expect(await refusalOf((await double(undefined, true)).provider.send(mail))).toMatchObject({
      retryable: true,
      message: 'sendgrid: no answer within 50 ms',
    })
    const controller = new AbortController()
    const { url } = await httpDouble(() => {
      controller.abort()
      return undefined
    })
    expect(await refusalOf(sendgrid({ apiKey, baseUrl: url }).send(mail, controller.signal))).toMatchObject({
      retryable: true,
      message: 'sendgrid: the delivery was called off',
    })
  })

  it('may be retried when nobody listens', async () => {
    const refused = await refusalOf(sendgrid({ apiKey, baseUrl: `http://127.0.0.1:${await unreachable()}` }).send(mail))
    expect(refused).toMatchObject({ retryable: true, message: 'sendgrid: no connection (ECONNREFUSED)' })
    expect(refused.status).toBeUndefined()
  })

  it('forgives blanks around a pasted key, and never shows one that no header can hold', async () => {
    const { url, received } = await httpDouble(() => accepted)
    await sendgrid({ apiKey: ` ${apiKey}\n`, baseUrl: `${url}/` }).send(mail)
    expect(received[0]).toMatchObject({ target: '/v3/mail/send', headers: { authorization: `Bearer ${apiKey}` } })
    const refused = await refusalOf(sendgrid({ apiKey: 'SG.one\nSG.two', baseUrl: url }).send(mail))
    expect(refused).toMatchObject({ retryable: false })
    expect(refused.message).not.toContain('SG.')
  })

  it('refuses a malformed base address, without quoting it', () => {
    expect(() => sendgrid({ apiKey, baseUrl: 'ftp://user:hush@host' })).toThrow(/^(?!.*hush).*not an http/)
    expect(() => sendgrid({ apiKey, baseUrl: 'host' })).toThrow(TypeError)
  })
})
