import { describe, expect, it, vi } from 'vitest'
import { httpDouble, unreachable, type Received, type Reply } from '../../outbound/test/http-double.ts'
import { acceptedInjections, big, broken, foreign, mail, refusalOf } from '../test/mails.ts'
import { mailgun } from './index.ts'

const apiKey = 'key-0123456789abcdef'
const queued: Reply = { status: 200, body: '{"id":"<2026.1@mg.acme.example>","message":"Queued. Thank you."}' }
const settings = { apiKey, domain: 'mg.acme.example', region: 'US' } as const

async function double(reply: Reply = queued) {
  const { url, received } = await httpDouble(() => reply)
  return { received, provider: mailgun({ ...settings, baseUrl: url }) }
}

async function fields(request: Received | undefined) {
  const headers = { 'content-type': request?.headers['content-type'] ?? '' }
  return Object.fromEntries(await new Response(new Uint8Array(request?.body ?? []), { headers }).formData())
}

describe('mailgun', () => {
  it('posts the mail as a form to the domain with links left alone', async () => {
    const { provider, received } = await double()
    expect(await provider.send(mail)).toEqual({ providerMessageId: '<2026.1@mg.acme.example>' })
    expect(received[0]).toMatchObject({
      method: 'POST',
      target: '/v3/mg.acme.example/messages',
      headers: { authorization: 'Basic YXBpOmtleS0wMTIzNDU2Nzg5YWJjZGVm' },
    })
    expect(received[0]?.headers['content-type']).toMatch(/^multipart\/form-data; boundary=/)
    expect(await fields(received[0])).toEqual({
      from: '"Acme" <hello@acme.example>',
      to: 'jane@customer.example',
      subject: 'Reset your password',
      text: mail.text,
      html: mail.html,
      'v:mail_id': mail.id,
      'o:tracking': 'no',
      'o:tracking-clicks': 'no',
      'o:tracking-opens': 'no',
    })
  })

  it('goes to the region of the account', async () => {
    const fetched = vi.spyOn(globalThis, 'fetch').mockImplementation(async () => new Response(queued.body))
    await mailgun({ ...settings, region: 'US' }).send(mail)
    await mailgun({ ...settings, region: 'EU' }).send(mail)
    expect(fetched.mock.calls.map(([url]) => url)).toEqual([
      'https://api.mailgun.net/v3/mg.acme.example/messages',
      'https://api.eu.mailgun.net/v3/mg.acme.example/messages',
    ])
    fetched.mockRestore()
  })

  it('keeps every character of a foreign mail and of a big one', async () => {
    const { provider, received } = await double()
    await provider.send(foreign)
    await provider.send(big)
    expect(await fields(received[0])).toMatchObject({
      from: '"Bücher & Söhne 🐔, \\"Zürich\\" GmbH für außergewöhnlich lange Absendernamen" <hallo@xn--bcher-kva.example>',
      subject: foreign.subject,
      text: foreign.text.replaceAll('\n', '\r\n'),
      html: foreign.html.replaceAll('\n', '\r\n'),
    })
    expect(await fields(received[1])).toMatchObject({ html: big.html })
  })

  it('leaves out an empty part and a missing name', async () => {
    const { provider, received } = await double()
    await provider.send({ ...mail, html: '', from: { address: 'hello@acme.example' } })
    expect(await fields(received[0])).toMatchObject({ from: 'hello@acme.example', text: mail.text })
    expect(await fields(received[0])).not.toHaveProperty('html')
  })

  it('refuses malformed addresses and mails, and keeps the rest on one line', async () => {
    const { provider, received } = await double()
    expect(await acceptedInjections(provider)).toEqual([])
    expect(received).toEqual([])
    await provider.send(broken)
    expect(await fields(received[0])).toMatchObject({
      subject: 'Hello <script> Bcc: eve@evil.example .',
      from: '"Acme Bcc: eve@evil.example x" <hello@acme.example>',
    })
  })

  it.each([
    [400, '{"message":"to parameter is not a valid address"}', false, 'to parameter is not a valid address'],
    [401, 'Forbidden', false, 'Forbidden'],
    [402, '', false, 'no reason given'],
    [429, '{"message":"slow down"}', true, 'slow down'],
    [500, '<html>', true, '<html>'],
  ])('reports %i with the reason', async (status, body, retryable, reason) => {
    const { provider } = await double({ status, body })
    expect(await refusalOf(provider.send(mail))).toMatchObject({
      status,
      retryable,
      message: `mailgun answered ${status}: ${reason}`,
    })
  })

  it('keeps the key out of its errors, in either spelling', async () => {
    const { provider } = await double({
      status: 401,
      body: `{"message":"bad ${apiKey} or YXBpOmtleS0wMTIzNDU2Nzg5YWJjZGVm"}`,
    })
    expect((await refusalOf(provider.send(mail))).message).toBe('mailgun answered 401: bad *** or ***')
  })

  it('may be retried when nobody listens', async () => {
    const provider = mailgun({ ...settings, baseUrl: `http://127.0.0.1:${await unreachable()}` })
    expect(await refusalOf(provider.send(mail))).toMatchObject({ retryable: true })
  })

  it('refuses a domain that would lead elsewhere', () => {
    for (const domain of ['', '..', 'a/../b', 'a?b', 'a b', '.a'])
      expect(() => mailgun({ ...settings, domain })).toThrow(TypeError)
  })
})
