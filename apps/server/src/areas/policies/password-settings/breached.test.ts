import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { newEnvironment } from '../../../../test/environment.ts'
import { webService, type Asked, type Reply } from '../../../../test/web-service.ts'
import { tenantIdsOf } from '../../rights/held/held.service.ts'
import * as passwords from './password-settings.service.ts'

const url = '/identity/resources/configurations/v1/password'
const sha1 = (text: string) => createHash('sha1').update(text).digest('hex').toUpperCase()

async function withService(reply: (asked: Asked) => Reply) {
  const env = await newEnvironment(),
    service = await webService(reply),
    ctx = await env.context()
  return { env, service, ctx: { ...ctx, deps: { ...ctx.deps, breachedPasswordsUrl: `${service.url}/range/` } } }
}

describe.concurrent('breached passwords', () => {
  test('are refused where the policy says so; without a service those that everybody tries first', async () => {
    const env = await newEnvironment(),
      ctx = await env.context()
    await passwords.mustSatisfy(ctx, 'Password123!', [])
    await env.vendor('POST', url, { blockPwnedPasswords: true })
    await expect(passwords.mustSatisfy(ctx, 'Password123!', [])).rejects.toMatchObject({
      status: 400,
      message: 'Password has been breached',
    })
    await passwords.mustSatisfy(ctx, 'Fowl-play-7', [])
  })

  test("are refused because one of the user's tenants says so", async () => {
    const env = await newEnvironment(),
      { id, tenantId } = await env.newUser()
    await env.as(tenantId)('POST', url, { blockPwnedPasswords: true })
    await expect(
      passwords.mustSatisfy(await env.context(), 'Password123!', await tenantIdsOf(await env.context(), id)),
    ).rejects.toMatchObject({
      status: 400,
    })
  })

  test('are looked up by five digits of their hash, and padding is no hit', async () => {
    const digest = sha1('Fowl-play-7'),
      padded = sha1('Padded-1')
    const { env, service, ctx } = await withService(({ path }) => ({
      body: path.endsWith(digest.slice(0, 5))
        ? `${'0'.repeat(35)}:3\r\n${digest.slice(5)}:1207\r\n${'F'.repeat(35)}:0`
        : `${padded.slice(5)}:0\r\n${'F'.repeat(35)}:2`,
    }))
    await env.vendor('POST', url, { blockPwnedPasswords: true })
    expect(await passwords.timesBreached(ctx, 'Fowl-play-7')).toBe(1207)
    expect(await passwords.timesBreached(ctx, 'Padded-1')).toBe(0)
    expect(await passwords.timesBreached(ctx, 'Password123!')).toBe(0)
    await expect(passwords.mustSatisfy(ctx, 'Fowl-play-7', [])).rejects.toMatchObject({
      status: 400,
      message: 'Password has been breached',
    })
    expect(service.asked[0]).toMatchObject({
      method: 'GET',
      path: `/range/${digest.slice(0, 5)}`,
      headers: { 'add-padding': 'true' },
    })
    for (const { path, body } of service.asked) expect([path.length, body]).toEqual(['/range/12345'.length, ''])
    service.close()
  })

  test('a password that is too weak is not looked up', async () => {
    const { env, service, ctx } = await withService(() => ({ body: '' }))
    await env.vendor('POST', url, { blockPwnedPasswords: true })
    await expect(passwords.mustSatisfy(ctx, 'x', [])).rejects.toMatchObject({ status: 400 })
    expect(service.asked).toEqual([])
    service.close()
  })

  test('a service that does not answer keeps nobody from choosing a password', async () => {
    const { env, service, ctx } = await withService(() => ({ status: 503, body: 'down' }))
    await env.vendor('POST', url, { blockPwnedPasswords: true })
    await passwords.mustSatisfy(ctx, 'Fowl-play-7', [])
    expect(service.asked).toHaveLength(1)
    service.close()
    await passwords.mustSatisfy(ctx, 'Fowl-play-7', [])
  })
})
