import { describe, expect, it } from 'vitest'
import { httpDouble, unreachable, type Reply } from '../../outbound/test/http-double.ts'
import { acceptedMalformed, foreign, refusalOf, sms } from '../test/messages.ts'
import { http, type HttpOptions } from './index.ts'

async function double(reply: Reply = { status: 202, body: '{"id":"m-1"}' }, options: Partial<HttpOptions> = {}) {
  const { url, received } = await httpDouble(() => reply)
  return {
    received,
    provider: http({ url: `${url}/send/?channel=sms`, ...options }),
    body: () => JSON.parse(String(received[0]?.body)) as unknown,
  }
}

describe('an http gateway', () => {
  it('is posted the message as JSON, to exactly its address', async () => {
    const { provider, received, body } = await double()
    expect(await provider.send(sms)).toEqual({ providerMessageId: 'm-1' })
    expect(received[0]).toMatchObject({
      method: 'POST',
      target: '/send/?channel=sms',
      headers: { 'content-type': 'application/json', 'idempotency-key': sms.id },
    })
    expect(body()).toEqual(sms)
  })

  it('is sent the headers and fields that it wants, which cannot stand in for the message', async () => {
    const { provider, received, body } = await double(undefined, {
      headers: { 'X-Api-Key': 'k3y', 'Content-Type': 'application/json; charset=utf-8' },
      fields: { from: 'Acme', to: '+15557654321' },
    })
    await provider.send(foreign)
    expect(received[0]!.headers).toMatchObject({
      'x-api-key': 'k3y',
      'content-type': 'application/json; charset=utf-8',
    })
    expect(body()).toEqual({ ...foreign, from: 'Acme' })
  })

  it('may name the message in either way, or not at all', async () => {
    for (const [reply, expected] of [
      ['{"messageId":"m-2"}', { providerMessageId: 'm-2' }],
      ['', {}],
      ['[]', {}],
      ['{"id":7}', {}],
    ] as const) {
      expect(await (await double({ status: 200, body: reply })).provider.send(sms)).toEqual(expected)
    }
  })

  it('is not handed malformed messages', async () => {
    const { provider, received } = await double()
    expect(await acceptedMalformed(provider)).toEqual([])
    expect(received).toEqual([])
  })

  it.each([
    [400, '{"message":"no such number"}', false, 'no such number'],
    [402, '', false, 'no reason given'],
    [302, 'moved', false, 'moved'],
    [429, 'slow down', true, 'slow down'],
    [502, '<html>', true, '<html>'],
  ])('is reported with %i %s', async (status, body, retryable, reason) => {
    const { provider } = await double({ status, body })
    expect(await refusalOf(provider.send(sms))).toMatchObject({
      status,
      retryable,
      message: `http answered ${status}: ${reason}`,
    })
  })

  it('cannot bring its key or the code into a log', async () => {
    const { provider } = await double(
      { status: 401, body: 'wrong key s3cr3t in Bearer s3cr3t for "Your code is 481516."' },
      { headers: { authorization: 'Bearer s3cr3t' } },
    )
    expect((await refusalOf(provider.send(sms))).message).toBe(
      'http answered 401: wrong key *** in *** for "Your code is ***"',
    )
  })

  it('may be tried again when it is silent or away', async () => {
    const silent = await httpDouble(() => undefined)
    expect(await refusalOf(http({ url: silent.url, timeoutMs: 50 }).send(sms))).toMatchObject({
      retryable: true,
      message: 'http: no answer within 50 ms',
    })
    expect(await refusalOf(http({ url: `http://127.0.0.1:${await unreachable()}` }).send(sms))).toMatchObject({
      retryable: true,
      message: 'http: no connection (ECONNREFUSED)',
    })
  })

  it('must have an address, which is not quoted', () => {
    expect(() => http({ url: 'ftp://hush@host' })).toThrow(/^(?!.*hush).*not an http/)
  })
})
