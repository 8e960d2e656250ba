import { expect, test } from 'vitest'
import { newEnvironment } from '../environment.ts'

const users = '/identity/resources/users'

test.concurrent('inviting or reminding somebody does not tell of their other accounts', async () => {
  const env = await newEnvironment(),
    victim = await env.newUser({ roleKeys: ['Admin'] }),
    admin = await env.user({ roleKeys: ['Admin'] })
  const { email } = victim,
    remove = () => admin('DELETE', `${users}/v1/${victim.id}`)
  for (const call of [
    () => admin('POST', `${users}/v1`, { email }),
    () => admin('POST', `${users}/v2`, { email }),
    // a member who waits is mailed once more
    () => admin('POST', `${users}/v2`, { email, provider: 'local' }),
  ]) {
    const { status, body } = await call()
    expect(status).toBe(201)
    expect(JSON.stringify(body)).not.toContain(victim.tenantId)
    expect(body).toMatchObject({ id: victim.id, tenantId: admin.tenantId, tenantIds: [] })
    expect(body.tenants.map((place: { tenantId: string }) => place.tenantId)).toEqual([admin.tenantId])
    if (call.toString().includes('/v1')) await remove()
  }
  await remove()
  // the environment sees them all
  const { body } = await env.as(admin.tenantId)('POST', `${users}/v2`, { email })
  expect(body.tenants).toHaveLength(2)
})
