import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { newEnvironment, newServer } from '../environment.ts'

/** A server of its own on a port, and what it answers to bytes of any kind. */
async function listening() {
  const { http } = await newServer()
  await http.listen({ port: 0, host: '127.0.0.1' })
  onTestFinished(() => http.close())
  const { port } = http.server.address() as AddressInfo
  /** All that comes back until the connection ends; `more` is sent when there is a first reply, or at once where there was `meanwhile`. */
  const say = async (text: string, meanwhile?: () => unknown, more = '') => {
    const socket = connect(port, '127.0.0.1').setEncoding('utf8')
    socket.on('error', () => {})
    let heard = ''
    socket.on('data', (chunk) => (heard += String(chunk)))
    await once(socket, 'connect')
    socket.write(text)
    if (meanwhile) {
      await meanwhile()
      socket.write(more)
    }
    await once(socket, 'close')
    const [head = '', body = ''] = heard.split('\r\n\r\n')
    return { status: Number(head.split(' ')[1]), head: head.toLowerCase(), body: body && (JSON.parse(body) as unknown) }
  }
  return { http, say }
}
const get = (path: string, headers = '') => `GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${headers}\r\n`

test.for([
  ['too many headers', get('/', `x: ${'a'.repeat(70_000)}\r\n`), 431, 'Request headers are too large'],
  ['a line too long', get(`/${'a'.repeat(70_000)}`), 431, 'Request headers are too large'],
  ['no HTTP', 'hello\r\n\r\n', 400, 'Bad request'],
  ['an unknown method', 'LAY / HTTP/1.1\r\nhost: x\r\n\r\n', 400, 'Bad request'],
  ['a method that nothing has', get('/').replace('GET', 'PROPFIND'), 404, 'Route not found'],
  ['two lengths', get('/', 'content-length: 1\r\ntransfer-encoding: chunked\r\n'), 400, 'Bad request'],
  ['a header without a colon', get('/', 'x\r\n'), 400, 'Bad request'],
  ['no host', 'GET / HTTP/1.1\r\nconnection: close\r\n\r\n', 400, 'Bad request'],
  ['a path that cannot be decoded', get('/identity/%zz'), 400, 'Bad request'],
  ['a parameter too long', get(`/identity/resources/users/v1/${'a'.repeat(600)}`), 414, 'Bad request'],
  ['an expectation', get('/', 'expect: eggs\r\n'), 417, 'Expectation failed'],
] as const)('the answer to %s has the form of every error', async ([, text, status, message]) => {
  const { say } = await listening()
  const answer = await say(text)
  expect(answer).toMatchObject({ status, body: { errors: [message] } })
  expect(answer.head).toContain('content-type: application/json')
  expect(answer.head).toContain('cache-control: no-store')
})

test('headers of 60 KiB are taken', async () => {
  const { say } = await listening()
  expect((await say(get('/health/live', `x: ${'a'.repeat(60 * 1024)}\r\n`))).status).toBe(200)
})

test('requests that are sent in part only end with 408', async () => {
  const { http, say } = await listening()
  expect([http.server.headersTimeout, http.server.requestTimeout]).toEqual([15_000, 30_000])
  http.server.headersTimeout = 300
  http.server.requestTimeout = 500
  const login = 'POST /identity/resources/auth/v1/user HTTP/1.1\r\nhost: x\r\n'
  const parts = ['', 'GET / HT', login, `${login}content-type: application/json\r\ncontent-length: 9\r\n\r\n{"em`]
  for (const answer of await Promise.all(parts.map((part) => say(part))))
    expect(answer).toMatchObject({ status: 408, body: { errors: ['Request timed out'] } })
})

test('a connection that is still open when the server ends gets the form of every error', async () => {
  const { http, say } = await listening()
  let ended: PromiseLike<unknown> | undefined
  const answer = await say(
    'GET /health/live HTTP/1.1\r\n',
    () => {
      // the listener is closed when this has begun; the connection stays until its request is answered
      ended = http.close()
      return new Promise((resolve) => setImmediate(resolve))
    },
    'host: x\r\n\r\n',
  )
  expect(answer).toMatchObject({ status: 503, body: { errors: ['Service unavailable'] } })
  expect(answer.head).toContain('retry-after: 1')
  expect(answer.head).toContain('connection: close')
  await ended
})

test('no reply may be stored', async () => {
  const env = await newEnvironment()
  const user = await env.newUser({ password: 'Correct-horse-7!' })
  const login = await env.anonymous('POST', '/identity/resources/auth/v1/user', {
    email: user.email,
    password: user.password,
  })
  const token = await env.bare('POST', '/auth/vendor', { clientId: env.id, secret: env.apiKey })
  const replies = [
    login,
    token,
    await env.client({ authorization: `Bearer ${login.body.accessToken}` })('GET', '/identity/resources/users/v2/me'),
    await env.anonymous('GET', '/identity/resources/users/v2/me'),
    await env.bare('GET', '/nowhere'),
  ]
  expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 401, 404])
  for (const { headers } of replies) expect(headers['cache-control']).toBe('no-store')
})
