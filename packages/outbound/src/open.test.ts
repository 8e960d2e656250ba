import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, expect, onTestFinished, test } from 'vitest'
import { httpDouble, unreachable } from '../test/http-double.ts'
import { isPublic, open, type Reach } from './open.ts'
import { outbound } from './outbound.ts'
import type { Refused } from './refusal.ts'

const usual = { timeoutMs: 2000, wholeMs: 5000 }
const refusedBy = (url: string, more: object = {}, reach: Reach = 'anywhere') =>
  open(reach, 'double', url, { ...usual, ...more }, { secrets: ['hush'] }).then(
    () => undefined,
    (error: Refused) => error,
  )

/** Does it again and again while the test runs. */
function drip(write: () => void) {
  const timer = setInterval(write, 20)
  onTestFinished(() => clearInterval(timer))
}

describe('a call whose reply is a stream', () => {
  test('sends what it is given, and hands on what comes', async () => {
    const double = await httpDouble(() => ({ status: 201, headers: { 'x-y': 'z' }, body: 'hello' }))
    const reply = await open(
      'anywhere',
      'double',
      `${double.url}/a?b=c`,
      { ...usual, method: 'POST', headers: { a: 'b' }, body: 'x' },
      { secrets: [] },
    )
    expect([reply.status, reply.headers['x-y'], await text(reply.body)]).toEqual([201, 'z', 'hello'])
    expect(double.received).toMatchObject([{ method: 'POST', target: '/a?b=c', headers: { a: 'b' } }])
    expect(double.received[0]!.body.toString()).toBe('x')
  })

  test('does not follow a redirect', async () => {
    const double = await httpDouble(() => ({ status: 302, headers: { location: 'http://127.0.0.1/' } }))
    const { status, body } = await open('anywhere', 'double', double.url, usual, { secrets: [] })
    body.resume()
    expect(status).toBe(302)
  })

  test('fails for a while without an answer or a connection, and for good without an address', async () => {
    const silent = await httpDouble(() => undefined)
    expect(await refusedBy(silent.url, { timeoutMs: 50 })).toMatchObject({
      retryable: true,
      message: 'double: no answer within 50 ms',
    })
    expect(await refusedBy(`http://127.0.0.1:${await unreachable()}/`)).toMatchObject({ retryable: true })
    for (const url of ['nothing', 'ftp://example.com', 'file:///etc/passwd'])
      expect(await refusedBy(url), url).toMatchObject({ retryable: false })
  })

  test.each([
    ['before it begins', (response: ServerResponse) => response.socket!.write('HTTP/1.1 200 OK\r\n')],
    [
      'in its head',
      (response: ServerResponse) => {
        response.socket!.write('HTTP/1.1 200 OK\r\n')
        drip(() => response.socket!.write('x: y\r\n'))
      },
    ],
    ['in its body', (response: ServerResponse) => drip(() => response.write('x'))],
  ])('fails for a while when the whole answer takes too long, %s', async (_, answer) => {
    const server = createServer((_, response) => void answer(response))
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    const began = Date.now(),
      { port } = server.address() as AddressInfo
    const fault = await open(
      'anywhere',
      'double',
      `http://127.0.0.1:${port}`,
      { ...usual, wholeMs: 300 },
      { secrets: [] },
    )
      .then(({ body }) => text(body))
      .catch((error: unknown) => error)
    expect(fault).toMatchObject({ retryable: true, message: 'double: no whole answer within 300 ms' })
    expect(Date.now() - began).toBeLessThan(2000)
  })

  test('goes to no private address if it must not, by number or by name', async () => {
    const double = await httpDouble(() => ({ status: 200 })),
      { port } = new URL(double.url)
    for (const host of [
      '127.0.0.1',
      '[::1]',
      'localhost',
      '0x7f.1',
      '2130706433',
      '[::ffff:127.0.0.1]',
      '169.254.169.254',
      '10.0.0.1',
    ])
      expect(await refusedBy(`http://${host}:${port}/`, {}, ['10.1.0.0/16']), host).toMatchObject({
        retryable: false,
        message: 'double: the address is not a public one',
      })
    expect(double.received).toEqual([])
  })

  test('goes to a private address of a network that is allowed', async () => {
    const double = await httpDouble(() => ({ status: 200, body: 'in' })),
      { port } = new URL(double.url)
    for (const network of ['127.0.0.1', '127.0.0.0/8'])
      for (const host of ['127.0.0.1', '[::ffff:127.0.0.1]']) {
        const { text } = await outbound([network]).call('double', `http://${host}:${port}/`)
        expect(text, `${host} in ${network}`).toBe('in')
      }
    for (const network of ['127.0.0.2', '10.0.0.0/8', '::1', '::/0'])
      expect(await refusedBy(double.url, {}, [network]), network).toMatchObject({ retryable: false })
  })

  test('reads no more of a reply than it may, and gives up one that takes too long', async () => {
    const long = await httpDouble(() => ({ status: 200, headers: { 'set-cookie': 'a=b' }, body: 'x'.repeat(100_000) }))
    const { status, headers, text } = await outbound('anywhere').call('double', long.url, { mostBytes: 10 })
    expect([status, headers.get('set-cookie'), text]).toEqual([200, 'a=b', 'x'.repeat(10)])
    expect((await outbound('anywhere').call('double', long.url)).text).toHaveLength(64 * 1024)
    const slow = createServer((_, response) => drip(() => response.write('x')))
    await new Promise<void>((resolve) => void slow.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => {
      slow.closeAllConnections()
      slow.close()
    })
    const { port } = slow.address() as AddressInfo
    await expect(
      outbound('anywhere').call('double', `http://127.0.0.1:${port}`, { timeoutMs: 200 }),
    ).rejects.toMatchObject({ retryable: true, message: 'double: no whole answer within 200 ms' })
  })

  test.each([
    ['1.1.1.1', true],
    ['2606:4700:4700::1111', true],
    ['100.64.0.1', false],
    ['192.168.1.1', false],
    ['172.16.0.1', false],
    ['0.0.0.0', false],
    ['224.0.0.1', false],
    ['255.255.255.255', false],
    ['fd00::1', false],
    ['fe80::1', false],
    ['::ffff:10.0.0.1', false],
    ['64:ff9b::7f00:1', false],
    ['2002:7f00:1::', false],
    ['168.63.129.16', false],
    ['::127.0.0.1', false],
    ['::a9fe:a9fe', false],
    ['4000::1', false],
    ['2a00:1450::1', true],
  ])('takes %s for public: %s', (address, expected) => {
    expect(isPublic(address)).toBe(expected)
  })
})
