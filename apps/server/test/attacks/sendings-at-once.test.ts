import { describe, expect, test } from 'vitest'
import { countFor } from '../../src/areas/access/codes/sendings.service.ts'
import { contextFor } from '../../src/kernel/context.ts'
import { deps, newEnvironment, newServer, type TestEnvironment } from '../environment.ts'

const belowUs = '/identity/resources/sub-tenants/users/v1',
  invitation = '/identity/resources/users/v1/invitation/reset'
const production = await newServer({ rateLimits: true })

/** An administrator with access to accounts below their own. */
async function family(size: number) {
  const env = await newEnvironment(production),
    below = Array.from({ length: size }, (_, index) => `below-${index}`),
    admin = await env.user({ roleKeys: ['Admin'] })
  for (const tenantId of below)
    await env.vendor('POST', '/tenants/resources/sub-tenants/v1', {
      tenantId,
      name: tenantId,
      parentTenantId: admin.tenantId,
    })
  await env.vendor('PUT', `${belowUs}/${admin.id}/access`, { allowAccess: true })
  return { env, admin, below }
}
const counting = async (env: TestEnvironment) =>
  contextFor({ ...deps, rateLimits: true }, (await env.context()).environment, deps.log)

describe.concurrent('messages of one call', () => {
  test('to many accounts are counted one by one', async () => {
    const { env, admin, below } = await family(11),
      email = 'victim@example.com'
    const add = (tenantIds: readonly string[]) =>
      admin('POST', belowUs, { user: { email, name: 'x' }, subTenants: tenantIds.map((tenantId) => ({ tenantId })) })
    expect((await add(below.slice(0, 10))).status).toBeLessThan(300)
    expect((await add(below.slice(10))).status).toBe(429)
    expect(await env.messages({ to: email })).toHaveLength(10)
  })

  test('that mails all invitations once more end when there were too many', async () => {
    const env = await newEnvironment(production),
      victim = await env.newUser(),
      below = await Promise.all(Array.from({ length: 45 }, () => env.newTenant())),
      { db, clock } = await env.context()
    await db.membership.createMany({
      data: below.map((tenantId) => ({ userId: victim.id, tenantId, createdAt: clock.now() })),
    })
    expect((await env.anonymous('POST', invitation, { email: victim.email })).status).toBe(200)
    await env.runJobs()
    const sent = (await env.messages({ to: victim.email })).length
    expect(sent).toBeGreaterThan(3)
    expect(sent).toBeLessThan(40)
  })

  test('that are refused do not keep others from sending', async () => {
    const { env, admin } = await family(0),
      waiting = await env.newUser({ tenantId: admin.tenantId, verified: false }),
      own = await counting(env)
    for (let round = 0; round < 10; round++) await countFor(own, { kind: 'person' }, [waiting.email])
    for (let round = 0; round < 95; round++)
      expect((await admin('POST', `${invitation}/all`, { email: waiting.email })).status).toBe(429)
    await countFor(own, { kind: 'vendor' }, [waiting.email])
    // nor does one address keep the others of a list
    for (let round = 0; round < 12; round++)
      await expect(countFor(own, { kind: 'person' }, ['other@example.com', waiting.email])).rejects.toThrow('Too many')
    await countFor(own, { kind: 'person' }, ['other@example.com'])
  })
})
