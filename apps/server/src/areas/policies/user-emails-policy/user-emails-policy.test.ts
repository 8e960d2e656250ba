import { describe, expect, test } from 'vitest'
import { newEnvironment } from '../../../../test/environment.ts'
import * as userEmailsPolicy from './user-emails-policy.service.ts'

const url = '/identity/resources/configurations/v1/user-emails-policy'

describe.concurrent("changing one's e-mail address", () => {
  test('is not allowed until management says so', async () => {
    const env = await newEnvironment()
    expect(await env.vendor('GET', url)).toMatchObject({ status: 200, body: { allowEmailChange: false } })
    expect(await env.vendor('POST', url, { allowEmailChange: true })).toMatchObject({ status: 200, body: null })
    expect(await env.vendor('POST', url, {})).toMatchObject({ status: 200 })
    expect((await env.vendor('GET', url)).body).toEqual({ allowEmailChange: true })
    expect(await userEmailsPolicy.current(await env.context())).toEqual({ allowEmailChange: true })
    expect(await env.vendor('POST', url, { allowEmailChange: 'yes' })).toMatchObject({
      status: 400,
      body: { errors: ['allowEmailChange must be a boolean value'] },
    })
  })

  test('users see whether they may, and cannot change it', async () => {
    const env = await newEnvironment(),
      user = await env.user({ roleKeys: ['Admin'] })
    expect(await user('GET', url)).toMatchObject({ status: 200, body: { allowEmailChange: false } })
    expect((await user('POST', url, { allowEmailChange: true })).status).toBe(401)
    expect((await env.vendor('GET', url)).body).toEqual({ allowEmailChange: false })
  })
})
