import { expect, test } from 'vitest'
import { newServer } from '../environment.ts'

const paths = ['/metrics', '/metrics/', '/frontegg/metrics', '//metrics', '//frontegg//metrics', '/frontegg//metrics/']

test('without a token there are no metrics, under no spelling', async () => {
  const { http } = await newServer({ metrics: undefined })
  for (const url of paths) expect((await http.inject(url)).statusCode).toBe(404)
})

test('with a token only its holder sees metrics, under any spelling', async () => {
  const { http } = await newServer({ metrics: { token: 'a token of sixteen' } })
  for (const url of paths) {
    const status = async (authorization?: string) =>
      (await http.inject({ url, headers: authorization ? { authorization } : {} })).statusCode
    expect([await status(), await status('Bearer another'), await status('a token of sixteen')]).toEqual([
      401, 401, 401,
    ])
    expect(await status('Bearer a token of sixteen')).toBe(200)
  }
})
