import { describe, expect, test } from 'vitest'
import { newEnvironment, UNKNOWN_ID } from '../../../test/environment.ts'

const url = '/identity/resources/users/temporary/v1'

describe.concurrent('temporary users', () => {
  test('are off until the environment allows them', async () => {
    const env = await newEnvironment(), user = await env.newUser()
    expect(await env.vendor('GET', `${url}/configuration`)).toMatchObject({ status: 200, body: { enabled: false } })
    expect(await env.as(user.tenantId)('PUT', `${url}/${user.id}`, { expirationInSeconds: 300 })).toMatchObject({ status: 400, body: { errors: ['Temporary users are not enabled'] } })
    expect(await env.vendor('PUT', `${url}/configuration`, { enabled: true })).toMatchObject({ status: 200, body: { enabled: true } })
    expect(await env.as(user.tenantId)('PUT', `${url}/${user.id}`, { expirationInSeconds: 299 })).toMatchObject({ status: 400 })
    expect(await env.as(user.tenantId)('PUT', `${url}/${user.id}`, { expirationInSeconds: 300 })).toMatchObject({ status: 201, body: { expirationInSeconds: 300 } })
    expect((await env.as(user.tenantId)('PUT', `${url}/${UNKNOWN_ID}`, { expirationInSeconds: 300 })).status).toBe(404)
  })

  test('cease to be members when their time is up, unless they were made permanent', async () => {
    const env = await newEnvironment(), goes = await env.newUser(), stays = await env.newUser({ tenantId: goes.tenantId })
    await env.vendor('PUT', `${url}/configuration`, { enabled: true })
    const manage = env.as(goes.tenantId)
    for (const { id } of [goes, stays]) await manage('PUT', `${url}/${id}`, { expirationInSeconds: 600 })
    const until = (await manage('GET', `/identity/resources/users/v1/${goes.id}`)).body.tenants[0].temporaryExpirationDate
    const left = new Date(until).getTime() - (await env.clock.now()).getTime()
    expect(left).toBeGreaterThan(590_000)
    expect(left).toBeLessThanOrEqual(600_000)
    expect(await manage('DELETE', `${url}/${stays.id}`)).toMatchObject({ status: 200, body: null })
    await env.clock.advance(601_000)
    expect((await manage('GET', `/identity/resources/users/v1/${goes.id}`)).status).toBe(404)
    await env.runJobs()
    const members = await (await env.context()).db.membership.findMany({ where: { tenantId: goes.tenantId } })
    expect(members.map((m) => m.userId)).toEqual([stays.id])
  })

  test('a user needs the permission, and reaches its own tenant only', async () => {
    const env = await newEnvironment(), other = await env.newUser()
    await env.vendor('PUT', `${url}/configuration`, { enabled: true })
    const manager = await env.user({ permissions: ['fe.secure.write.updateUser'] })
    expect((await manager('PUT', `${url}/${other.id}`, { expirationInSeconds: 300 })).status).toBe(404)
    expect((await manager('PUT', `${url}/configuration`, { enabled: false })).status).toBe(401)
  })
})
