import { openDatabase } from '@henhouse/database'
import { describe, expect, test } from 'vitest'
import { deps } from '../../test/environment.ts'
import { buildServer } from '../server.ts'

describe('health', () => {
  test('a server is live, and ready until it says that it is not', async () => {
    const { http, health } = await buildServer(deps)
    const status = async (url: string) => (await http.inject(url)).statusCode
    expect([await status('/health/live'), await status('/health/ready')]).toEqual([200, 200])
    health.unready = 'the server is ending'
    expect([await status('/health/live'), await status('/health/ready')]).toEqual([200, 503])
    expect((await http.inject('/health/ready')).json()).toEqual({
      status: 'unavailable',
      reason: 'the server is ending',
    })
  })

  test('a server without its database is live, and not ready', async () => {
    const { http } = await buildServer({ ...deps, database: openDatabase('postgres://nobody@127.0.0.1:1/none') })
    expect((await http.inject('/health/live')).statusCode).toBe(200)
    expect(await http.inject('/health/ready').then((r) => ({ status: r.statusCode, body: r.json() }))).toEqual({
      status: 503,
      body: { status: 'unavailable', reason: 'the database does not answer' },
    })
  })

  test('there are metrics', async () => {
    const { http } = await buildServer(deps)
    expect((await http.inject('/metrics')).body).toContain('process_cpu_seconds_total')
  })
})
