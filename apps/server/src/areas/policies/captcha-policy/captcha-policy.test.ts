import { describe, expect, test } from 'vitest'
import { newEnvironment, type TestEnvironment } from '../../../../test/environment.ts'
import { webService, type Asked, type Reply } from '../../../../test/web-service.ts'
import * as captcha from './captcha-policy.service.ts'

const url = '/identity/resources/configurations/v1/captcha-policy'
const policy = { enabled: true, siteKey: 'site', secretKey: 'our secret', minScore: 0.5 }

/** A context whose captcha service answers like this. */
async function withService(env: TestEnvironment, reply: (asked: Asked) => Reply) {
  const service = await webService(reply),
    ctx = await env.context()
  return { service, ctx: { ...ctx, deps: { ...ctx.deps, captchaUrl: `${service.url}/siteverify` } } }
}

describe.concurrent('the captcha policy', () => {
  test('is not there until it is created, and then once; PUT replaces it', async () => {
    const env = await newEnvironment()
    expect((await env.vendor('GET', url)).status).toBe(404)
    expect((await env.vendor('PUT', url, policy)).status).toBe(404)
    const made = await env.vendor('POST', url, { ...policy, ignoredEmails: ['robot@example.com'] })
    expect(made).toMatchObject({
      status: 201,
      body: { ...policy, ignoredEmails: ['robot@example.com'], id: expect.any(String) },
    })
    expect(await env.vendor('POST', url, { ...policy, enabled: false })).toMatchObject({
      status: 409,
      body: { errors: ['Captcha policy already exists'] },
    })
    expect((await env.vendor('GET', url)).body).toEqual(made.body)
    expect(await env.vendor('PUT', url, { ...policy, secretKey: 'another', minScore: 1 })).toMatchObject({
      status: 200,
      body: { id: made.body.id, secretKey: 'another', minScore: 1, ignoredEmails: [] },
    })
  })

  test('of many that create it at once, one does', async () => {
    const env = await newEnvironment()
    const answers = await Promise.all(Array.from({ length: 8 }, () => env.vendor('POST', url, policy)))
    expect(answers.map((a) => a.status).sort()).toEqual([201, 409, 409, 409, 409, 409, 409, 409])
  })

  test('wrong input is refused, and nothing changes', async () => {
    const env = await newEnvironment()
    const { status, body } = await env.vendor('POST', url, { enabled: true, siteKey: '', minScore: 2 })
    expect(status).toBe(400)
    expect(body.errors).toEqual([
      'siteKey should not be empty',
      'secretKey should not be empty',
      'secretKey must be a string',
      'minScore must not be greater than 1',
    ])
    expect((await env.vendor('GET', url)).status).toBe(404)
  })

  test('keeps its secret sealed, and shows login pages no more than they need', async () => {
    const env = await newEnvironment()
    expect(await env.anonymous('GET', `${url}/public`)).toMatchObject({ status: 200, body: { enabled: false } })
    await env.vendor('POST', url, policy)
    expect((await env.anonymous('GET', `${url}/public`)).body).toEqual({ enabled: true, siteKey: 'site' })
    const row = await (await env.context()).db.setting.findFirstOrThrow({ where: { key: 'captcha-policy' } })
    expect(JSON.stringify(row)).not.toContain('our secret')
    await env.vendor('PUT', url, { ...policy, enabled: false })
    expect((await env.anonymous('GET', `${url}/public`)).body).toEqual({ enabled: false })
  })
})

describe.concurrent('a captcha', () => {
  test('is asked of nobody without a policy, nor with one that is off', async () => {
    const env = await newEnvironment(),
      ctx = await env.context()
    await captcha.mustPass(ctx, { email: 'a@example.com' })
    await env.vendor('POST', url, { ...policy, enabled: false })
    await captcha.mustPass(ctx, { email: 'a@example.com' })
  })

  test('without a service passes with a good enough score in its token', async () => {
    const env = await newEnvironment(),
      ctx = await env.context()
    await env.vendor('POST', url, { ...policy, ignoredEmails: ['Robot@Example.com'] })
    for (const token of ['score:1', 'score:0.5']) await captcha.mustPass(ctx, { token, email: 'a@example.com' })
    await expect(captcha.mustPass(ctx, { email: 'a@example.com' })).rejects.toMatchObject({
      status: 400,
      message: 'Captcha is required',
    })
    for (const token of ['score:0.4', 'score:2', 'score:', 'anything']) {
      await expect(captcha.mustPass(ctx, { token, email: 'a@example.com' }), token).rejects.toMatchObject({
        status: 400,
        message: 'Captcha is invalid',
      })
    }
    await captcha.mustPass(ctx, { email: ' robot@example.COM ' })
  })

  test("is put to the service, with the secret and the caller's address", async () => {
    const env = await newEnvironment()
    await env.vendor('POST', url, policy)
    const { service, ctx } = await withService(env, ({ body }) => {
      const token = new URLSearchParams(body).get('response')
      return {
        body:
          token === 'human'
            ? { success: true, score: 0.9, hostname: 'example.com' }
            : token === 'ticked'
              ? { success: true }
              : { success: token === 'doubtful', score: 0.1, 'error-codes': [] },
      }
    })
    await captcha.mustPass(ctx, { token: 'human', ip: '192.0.2.1' })
    await captcha.mustPass(ctx, { token: 'ticked' })
    expect(service.asked[0]).toMatchObject({ method: 'POST', path: '/siteverify' })
    expect(Object.fromEntries(new URLSearchParams(service.asked[0]!.body))).toEqual({
      secret: 'our secret',
      response: 'human',
      remoteip: '192.0.2.1',
    })
    for (const token of ['doubtful', 'robot', 'score:1'])
      await expect(captcha.mustPass(ctx, { token })).rejects.toMatchObject({
        status: 400,
        message: 'Captcha is invalid',
      })
    service.close()
  })

  test('passes nobody while the service gives no answer', async () => {
    const env = await newEnvironment()
    await env.vendor('POST', url, policy)
    const { service, ctx } = await withService(env, () => ({ status: 503, body: 'down' }))
    await expect(captcha.mustPass(ctx, { token: 'human' })).rejects.toMatchObject({
      status: 400,
      message: 'Captcha could not be verified',
    })
    service.close()
    await expect(captcha.mustPass(ctx, { token: 'human' })).rejects.toMatchObject({ status: 400 })
  })

  test('needs keys that the service knows, which is found out before they are stored', async () => {
    const env = await newEnvironment()
    const { service, ctx } = await withService(env, ({ body }) => ({
      body: {
        success: false,
        'error-codes': [
          new URLSearchParams(body).get('secret') === 'known' ? 'invalid-input-response' : 'invalid-input-secret',
        ],
      },
    }))
    await expect(captcha.createPolicy(ctx, { ...policy, secretKey: 'unknown' })).rejects.toMatchObject({
      status: 400,
      message: 'Site key must be valid',
    })
    expect((await env.vendor('GET', url)).status).toBe(404)
    await captcha.createPolicy(ctx, { ...policy, secretKey: 'known' })
    await expect(captcha.replacePolicy(ctx, { ...policy, secretKey: 'unknown' })).rejects.toMatchObject({ status: 400 })
    expect((await env.vendor('GET', url)).body.secretKey).toBe('known')
    service.close()
  })
})
