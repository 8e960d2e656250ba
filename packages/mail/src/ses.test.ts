import { AwsV4Signer } from 'aws4fetch'
import { describe, expect, it } from 'vitest'
import { httpDouble, unreachable, type Reply } from '../../outbound/test/http-double.ts'
import { acceptedInjections, big, broken, foreign, mail, refusalOf } from '../test/mails.ts'
import { verified } from '../test/sigv4.ts'
import { ses } from './index.ts'

const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }
const secrets = { [keys.accessKeyId]: keys.secretAccessKey }
const time = new Date('2026-03-01T18:30:05.678Z')
const accepted: Reply = { status: 200, body: '{"MessageId":"0100017a-000000"}' }

async function double(reply: Reply = accepted) {
  const { url, received } = await httpDouble((request) => {
    verified(request, secrets, time)
    return reply
  })
  return {
    received,
    provider: ses({ ...keys, region: 'eu-central-1', endpoint: url, now: () => time }),
    body: (at = 0) => JSON.parse(String(received[at]?.body)) as unknown,
  }
}

describe('the signature', () => {
  // From AWS's documentation: the example of the IAM User Guide, and one of the published test suite with a body.
  const published = {
    accessKeyId: keys.accessKeyId,
    secretAccessKey: keys.secretAccessKey,
    region: 'us-east-1',
    datetime: '20150830T123600Z',
    allHeaders: true,
  }
  const vectors = [
    {
      target: '/?Action=ListUsers&Version=2010-05-08',
      host: 'iam.amazonaws.com',
      service: 'iam',
      method: 'GET',
      body: '',
      type: 'application/x-www-form-urlencoded; charset=utf-8',
      signature: '5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7',
    },
    {
      target: '/',
      host: 'example.amazonaws.com',
      service: 'service',
      method: 'POST',
      body: 'Param1=value1',
      type: 'application/x-www-form-urlencoded',
      signature: 'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
    },
  ]

  it.each(vectors)(
    'is the published one for $host, for the signer and for the double',
    async ({ target, host, service, method, body, type, signature }) => {
      const { headers } = await new AwsV4Signer({
        ...published,
        method,
        service,
        url: `https://${host}${target}`,
        headers: { 'content-type': type },
        body,
      }).sign()
      expect(headers.get('authorization')).toMatch(new RegExp(`Signature=${signature}$`))
      const request = { method, target, headers: { ...Object.fromEntries(headers), host }, body: Buffer.from(body) }
      expect(verified(request, secrets, new Date('2015-08-30T12:36:00Z'))).toMatchObject({ signature, service })
      expect(() => verified({ ...request, body: Buffer.from('x') }, secrets, new Date('2015-08-30T12:36:00Z'))).toThrow(
        /signature is wrong/,
      )
    },
  )
})

describe('ses', () => {
  it("posts the mail to the v2 API, signed at the time it is given and not at the mail's", async () => {
    const { provider, received, body } = await double()
    expect(await provider.send(mail)).toEqual({ providerMessageId: '0100017a-000000' })
    expect(received[0]).toMatchObject({
      method: 'POST',
      target: '/v2/email/outbound-emails',
      headers: { 'content-type': 'application/json', 'x-amz-date': '20260301T183005Z' },
    })
    expect(verified(received[0]!, secrets, time)).toMatchObject({
      accessKeyId: 'AKIDEXAMPLE',
      region: 'eu-central-1',
      service: 'ses',
    })
    expect(received[0]?.headers.authorization).toContain('SignedHeaders=content-type;host;x-amz-date,')
    expect(body()).toEqual({
      FromEmailAddress: '"Acme" <hello@acme.example>',
      Destination: { ToAddresses: ['jane@customer.example'] },
      Content: {
        Simple: {
          Subject: { Data: 'Reset your password', Charset: 'UTF-8' },
          Body: { Text: { Data: mail.text, Charset: 'UTF-8' }, Html: { Data: mail.html, Charset: 'UTF-8' } },
        },
      },
      EmailTags: [{ Name: 'mail_id', Value: mail.id }],
    })
  })

  it('keeps every character of a foreign mail and of a big one, the name in encoded words', async () => {
    const { provider, body } = await double()
    await provider.send(foreign)
    await provider.send(big)
    expect(body()).toMatchObject({
      Content: {
        Simple: {
          Subject: { Data: foreign.subject },
          Body: { Text: { Data: foreign.text }, Html: { Data: foreign.html } },
        },
      },
    })
    const { FromEmailAddress } = body() as { FromEmailAddress: string }
    expect(FromEmailAddress).toMatch(/^(=\?UTF-8\?B\?[\w+/=]+\?= )+<hallo@xn--bcher-kva\.example>$/)
    const words = FromEmailAddress.split(' ').slice(0, -1)
    expect(Math.max(...words.map((word) => word.length))).toBeLessThanOrEqual(75)
    expect(words.map((word) => Buffer.from(word.slice(10, -2), 'base64').toString()).join('')).toBe(foreign.from.name)
    expect(body(1)).toMatchObject({ Content: { Simple: { Body: { Html: { Data: big.html } } } } })
  })

  it('leaves out an empty part and a missing name, and quotes a name with signs in it', async () => {
    const { provider, body } = await double()
    await provider.send({ ...mail, text: '', from: { address: 'hello@acme.example' } })
    expect(body()).toMatchObject({
      FromEmailAddress: 'hello@acme.example',
      Content: { Simple: { Body: { Html: {} } } },
    })
    expect(body()).not.toHaveProperty('Content.Simple.Body.Text')
    await provider.send({ ...mail, from: { address: 'hello@acme.example', name: 'Acme, "The" \\ <eve@evil.example>' } })
    expect(body(1)).toMatchObject({
      FromEmailAddress: '"Acme, \\"The\\" \\\\ <eve@evil.example>" <hello@acme.example>',
    })
  })

  it('refuses malformed addresses and mails, and keeps the rest on one line', async () => {
    const { provider, received, body } = await double()
    expect(await acceptedInjections(provider)).toEqual([])
    expect(received).toEqual([])
    await provider.send(broken)
    expect(body()).toMatchObject({
      FromEmailAddress: '"Acme Bcc: eve@evil.example x" <hello@acme.example>',
      Content: { Simple: { Subject: { Data: 'Hello <script> Bcc: eve@evil.example .' } } },
    })
  })

  it.each([
    [
      400,
      'MessageRejected',
      '{"message":"Email address is not verified."}',
      false,
      'MessageRejected: Email address is not verified.',
    ],
    [400, 'Throttling:http://internal.amazon.com/', '{"message":"Rate exceeded"}', true, 'Throttling: Rate exceeded'],
    [400, 'LimitExceededException', '{"message":"quota"}', true, 'LimitExceededException: quota'],
    [
      403,
      'SignatureDoesNotMatch',
      '{"Message":"The request signature does not match."}',
      false,
      'SignatureDoesNotMatch: The request signature does not match.',
    ],
    [429, 'TooManyRequestsException', '{}', true, 'TooManyRequestsException: {}'],
    [500, '', 'oops', true, 'oops'],
  ])('reports %i %s', async (status, code, body, retryable, reason) => {
    const { provider } = await double({ status, body, headers: code ? { 'x-amzn-errortype': code } : {} })
    expect(await refusalOf(provider.send(mail))).toMatchObject({
      status,
      retryable,
      message: `ses answered ${status}: ${reason}`,
    })
  })

  it('reads the error code from the body too, and keeps the secret key out of its errors', async () => {
    const { provider } = await double({
      status: 403,
      body: JSON.stringify({ __type: 'com.amazon#AccessDeniedException', message: `no ${keys.secretAccessKey}` }),
    })
    expect((await refusalOf(provider.send(mail))).message).toBe('ses answered 403: AccessDeniedException: no ***')
  })

  it('may be retried when nobody listens', async () => {
    const provider = ses({
      ...keys,
      region: 'eu-central-1',
      endpoint: `http://127.0.0.1:${await unreachable()}`,
      now: () => time,
    })
    expect(await refusalOf(provider.send(mail))).toMatchObject({ retryable: true })
  })

  it('refuses a region that would lead elsewhere', () => {
    for (const region of ['', 'eu', 'evil.example/', 'eu-central-1.evil.example', 'eu-central-1/'])
      expect(() => ses({ ...keys, region, now: () => time })).toThrow(TypeError)
    for (const region of ['us-east-1', 'us-gov-west-1', 'ap-southeast-2', 'il-central-1'])
      expect(() => ses({ ...keys, region, now: () => time })).not.toThrow()
  })
})
