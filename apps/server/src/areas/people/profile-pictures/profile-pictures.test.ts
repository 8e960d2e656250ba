import { crc32, deflateSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { newEnvironment, server, UNKNOWN_ID } from '../../../../test/environment.ts'
import { imageOf } from './image.ts'

const url = '/team/resources/profile/me/image/v1'

const chunk = (name: string, data: Buffer) => {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), data]),
    length = Buffer.alloc(4),
    sum = Buffer.alloc(4)
  length.writeUInt32BE(data.length)
  sum.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, sum])
}
/** A real PNG of the given size. */
function png(width = 2, height = 2, padding = 0) {
  const head = Buffer.alloc(13)
  head.writeUInt32BE(width, 0)
  head.writeUInt32BE(height, 4)
  head[8] = 8
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', head),
    chunk('IDAT', deflateSync(Buffer.alloc((width + 1) * Math.min(height, 8)))),
    chunk('tEXt', Buffer.alloc(padding)),
    chunk('IEND', Buffer.alloc(0)),
  ])
}
const gif = Buffer.from('R0lGODlhAwACAIAAAAAAAP///yH5BAEAAAAALAAAAAADAAIAAAIChF8AOw==', 'base64')
const jpeg = Buffer.from('ffd8ffe000104a46494600010100000100010000ffc0000b080005000701011100ffd9', 'hex')
const webp = (kind: string, rest: string) => {
  const body = Buffer.concat([Buffer.from(`WEBP${kind}`, 'latin1'), Buffer.from(rest, 'hex')]),
    size = Buffer.alloc(4)
  size.writeUInt32LE(body.length)
  return Buffer.concat([Buffer.from('RIFF'), size, body])
}

/** As the browser client sends it: a form with one file. */
function form(file: Buffer, { type = 'image/png', name = 'image' } = {}) {
  const boundary = 'x-boundary-x'
  return {
    payload: Buffer.concat([
      Buffer.from(
        `--${boundary}\r\nContent-Disposition: form-data; name="${name}"; filename="me.png"\r\nContent-Type: ${type}\r\n\r\n`,
      ),
      file,
      Buffer.from(`\r\n--${boundary}--\r\n`),
    ]),
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
  }
}
const fetched = (address: string) => server.http.inject({ method: 'GET', url: new URL(address).pathname })

describe.concurrent("a picture of one's own", () => {
  test('is sent as a form, shown on the profile, and served to anyone who knows its address', async () => {
    const env = await newEnvironment(),
      user = await env.user(),
      image = png(),
      { payload, headers } = form(image)
    const { status, body: address, headers: reply } = await user('PUT', url, payload, { headers })
    expect(status).toBe(200)
    expect(reply['content-type']).toMatch(/^text\/plain/)
    expect((await user('GET', '/identity/resources/users/v2/me')).body.profilePictureUrl).toBe(address)
    expect(
      (await env.vendor('GET', `/identity/resources/vendor-only/users/v1/${user.id}`)).body.profilePictureUrl,
    ).toBe(address)
    const served = await fetched(address)
    expect(served.statusCode).toBe(200)
    expect(served.rawPayload.equals(image)).toBe(true)
    expect(served.headers).toMatchObject({
      'content-type': 'image/png',
      'x-content-type-options': 'nosniff',
      'cache-control': 'public, max-age=31536000, immutable',
      'cross-origin-resource-policy': 'cross-origin',
    })
    expect(served.headers['content-security-policy']).toContain("default-src 'none'")
  })

  test('has the type that its bytes show, whatever the client claims', async () => {
    const env = await newEnvironment(),
      user = await env.user()
    for (const [image, type] of [
      [gif, 'image/gif'],
      [jpeg, 'image/jpeg'],
      [png(), 'image/png'],
      [webp('VP8X', '0a00000000000000020000030000'), 'image/webp'],
    ] as const) {
      const { payload, headers } = form(image, { type: 'text/html', name: 'whatever' })
      expect((await fetched((await user('PUT', url, payload, { headers })).body)).headers['content-type']).toBe(type)
    }
  })

  test('may come as base64 in JSON', async () => {
    const env = await newEnvironment(),
      user = await env.user(),
      text = gif.toString('base64')
    for (const profileImage of [text, `data:image/png;base64,${text}`])
      expect((await fetched((await user('PUT', url, { profileImage })).body)).rawPayload.equals(gif)).toBe(true)
    expect(await user('PUT', url, { profileImage: 'ä?!' })).toMatchObject({
      status: 400,
      body: { errors: ['profileImage must be base64 encoded'] },
    })
  })

  test('replaces the one before', async () => {
    const env = await newEnvironment(),
      user = await env.user(),
      send = async (image: Buffer) => (await user('PUT', url, { profileImage: image.toString('base64') })).body
    const first = await send(gif),
      second = await send(png())
    expect((await fetched(first)).statusCode).toBe(404)
    expect((await fetched(second)).statusCode).toBe(200)
    const answers = await Promise.all([gif, png(), jpeg, gif].map(send))
    expect((await Promise.all(answers.map(fetched))).filter((answer) => answer.statusCode === 200)).toHaveLength(1)
    expect(
      (await fetched((await user('GET', '/identity/resources/users/v2/me')).body.profilePictureUrl)).statusCode,
    ).toBe(200)
  })

  test('is refused when it is not an image, or too large, and nothing changes', async () => {
    const env = await newEnvironment(),
      user = await env.user(),
      before = (await user('GET', '/identity/resources/users/v2/me')).body.profilePictureUrl
    const put = async (image: Buffer) => {
      const { payload, headers } = form(image)
      return (await user('PUT', url, payload, { headers })).status
    }
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>')
    for (const no of [
      svg,
      Buffer.from('<html>'),
      png().subarray(0, -9),
      jpeg.subarray(0, -1),
      Buffer.concat([jpeg.subarray(0, 20), Buffer.from('<script>')]),
      gif.subarray(0, 12),
      png(0, 5),
      png(4097, 5),
    ])
      expect(await put(no)).toBe(400)
    expect(await put(png(2, 2, 1024 * 1024))).toBe(413)
    expect(await put(png(2, 2, 3 * 1024 * 1024))).toBe(413)
    expect(await put(png(4096, 8, 900_000))).toBe(200)
    await user('PUT', '/identity/resources/users/v2/me', { profilePictureUrl: null })
    expect((await user('GET', '/identity/resources/users/v2/me')).body.profilePictureUrl).toBe(before)
    const empty = form(Buffer.alloc(0))
    for (const payload of [empty.payload.subarray(0, -12), Buffer.from('no form at all'), Buffer.alloc(0)])
      expect((await user('PUT', url, payload, { headers: empty.headers })).status).toBe(400)
    expect((await user('PUT', url, payloadless(), { headers: { 'content-type': 'multipart/form-data' } })).status).toBe(
      400,
    )
    // no other route takes forms
    expect(
      (await user('PUT', '/identity/resources/users/v2/me', empty.payload, { headers: empty.headers })).status,
    ).toBe(415)
  })

  test('is deleted with the user, and is found in their environment only', async () => {
    const env = await newEnvironment(),
      other = await newEnvironment(),
      user = await env.user()
    const address: string = (await user('PUT', url, { profileImage: gif.toString('base64') })).body,
      [, id] = /([^/]+)$/.exec(address)!
    const get = async (vendorId: string, pictureId: string) =>
      (await env.bare('GET', `/team/resources/profile/images/v1/${vendorId}/${pictureId}`)).status
    expect(await get(env.id, id!)).toBe(200)
    expect(await get(other.id, id!)).toBe(404)
    expect(await get(UNKNOWN_ID, id!)).toBe(404)
    expect(await get(env.id, UNKNOWN_ID)).toBe(404)
    expect(await get(env.id, 'x')).toBe(404)
    await env.vendor('DELETE', `/identity/resources/users/v1/${user.id}`)
    expect(await get(env.id, id!)).toBe(404)
  })
})
const payloadless = () => Buffer.from('--x\r\n')

describe('what an image is', () => {
  test('shows in its first and last bytes', () => {
    expect(imageOf(png(7, 9))).toEqual({ type: 'image/png', width: 7, height: 9 })
    expect(imageOf(gif)).toEqual({ type: 'image/gif', width: 3, height: 2 })
    expect(imageOf(jpeg)).toEqual({ type: 'image/jpeg', width: 7, height: 5 })
    expect(imageOf(webp('VP8X', '0a00000000000000020000030000'))).toEqual({ type: 'image/webp', width: 3, height: 4 })
    expect(imageOf(webp('VP8 ', '0a0000000000009d012a05000600'))).toEqual({ type: 'image/webp', width: 5, height: 6 })
    expect(imageOf(webp('VP8L', '0a0000002f044001000000000000'))).toEqual({ type: 'image/webp', width: 5, height: 6 })
    for (const no of [
      Buffer.alloc(0),
      Buffer.alloc(100),
      Buffer.from('RIFF'),
      webp('VP8L', '0a00000000044001000000000000'),
      webp('ABCD', '0a0000002f044001000000000000'),
    ])
      expect(imageOf(no)).toBeUndefined()
  })

  test('never throws, whatever the bytes', () => {
    for (const image of [png(), gif, jpeg, webp('VP8X', '0a00000000000000020000030000')]) {
      for (let length = 0; length < image.length; length++) imageOf(image.subarray(0, length))
      for (let index = 0; index < image.length; index++)
        imageOf(Buffer.from(image.map((byte, at) => (at === index ? byte ^ 0xff : byte))))
    }
  })
})
