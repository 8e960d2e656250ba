import { describe, expect, test } from 'vitest'
import { httpDouble } from '../../../../../../packages/outbound/test/http-double.ts'
import { deps, newEnvironment, type TestEnvironment } from '../../../../test/environment.ts'
import { buildServer } from '../../../server.ts'

const path = '/identity/resources/configurations/v1/sms',
  templates = `${path}/templates`,
  users = '/identity/resources/users'
const account = { accountId: `AC${'0'.repeat(32)}`, token: 'twilio-token-0123456789-WXYZ', senderName: 'Acme' }
const types = ['MultiFactorAuthentication', 'SignIn', 'PhoneVerification', 'ResetPassword']

let phones = 0
/** A user is sent the code that confirms a number. */
async function verify(env: TestEnvironment) {
  const phoneNumber = `+1202555${String(1000 + ++phones)}`,
    answer = await (await env.user())('POST', `${users}/phone-numbers/v1`, { phoneNumber })
  return { answer, message: (await env.messages({ to: phoneNumber })).at(-1) }
}

describe.concurrent('the SMS configuration', () => {
  test('of a fresh environment is not there', async () => {
    const env = await newEnvironment()
    expect(await env.vendor('GET', path)).toMatchObject({
      status: 404,
      body: { errors: ['SMS configuration not found'], errorCode: 'ER-00004' },
    })
    expect((await env.vendor('DELETE', path)).status).toBe(200)
  })

  test('is shown with its token masked, and changed in part', async () => {
    const env = await newEnvironment(),
      shown = { provider: 'twilio', channel: 'sms', ...account, token: '********WXYZ', serviceId: '' }
    expect(await env.vendor('POST', path, account)).toMatchObject({ status: 201, body: shown })
    expect((await env.vendor('GET', path)).body).toEqual(shown)
    const serviceId = `MG${'1'.repeat(32)}`
    expect((await env.vendor('POST', path, { serviceId, senderName: '' })).body).toEqual({
      ...shown,
      senderName: '',
      serviceId,
    })
    expect((await env.vendor('DELETE', path)).status).toBe(200)
    expect((await env.vendor('GET', path)).status).toBe(404)
  })

  test.each([
    [{}, 'accountId should not be empty'],
    [{ ...account, token: undefined }, 'token should not be empty'],
    [{ ...account, senderName: '' }, 'senderName or serviceId must be given'],
    [{ ...account, accountId: 'nonsense' }, 'accountId must be the SID of a Twilio account (AC…)'],
    [{ ...account, serviceId: 'VA123' }, 'serviceId must be the SID of a messaging service (MG…)'],
    [{ ...account, senderName: 'much too long a name' }, 'senderName must be a phone number'],
    [{ ...account, provider: 'vonage' }, 'provider must be one of the following values: twilio'],
    [{ ...account, channel: 'whatsapp' }, 'channel must be one of the following values: sms'],
    [{ ...account, token: '********WXYZ' }, 'token must be the whole secret'],
    [{ ...account, token: 'a\r\nb' }, 'token must be the whole secret'],
  ])('is not made of %j', async (body, fault) => {
    const env = await newEnvironment(),
      answer = await env.vendor('POST', path, body)
    expect(answer.status).toBe(400)
    expect(answer.body.errors[0]).toContain(fault)
    expect((await env.vendor('GET', path)).status).toBe(404)
  })

  test('keeps its token sealed, and is for environment tokens only', async () => {
    const env = await newEnvironment()
    await env.vendor('POST', path, account)
    const { rows } = await deps.database.pool.query('select * from "Setting" where "vendorId" = $1', [env.id])
    expect(JSON.stringify(rows)).not.toContain('twilio-token')
    expect(deps.secrets.open(rows[0].value.token)).toBe(account.token)
    expect((await (await newEnvironment()).vendor('GET', path)).status).toBe(404)
    for (const call of [await env.user({ permissions: ['fe.secure.*'] }), env.anonymous]) {
      expect((await call('GET', path)).status).toBe(401)
      expect((await call('POST', path, account)).status).toBe(401)
      expect((await call('DELETE', path)).status).toBe(401)
    }
  })

  test('of changes that come at once takes all', async () => {
    const env = await newEnvironment()
    await env.vendor('POST', path, account)
    const serviceId = `MG${'1'.repeat(32)}`,
      token = 'another-token-0123456789-ABCD'
    const answers = await Promise.all([
      env.vendor('POST', path, { serviceId }),
      env.vendor('POST', path, { token }),
      env.vendor('POST', path, { senderName: 'Hens' }),
    ])
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201])
    expect((await env.vendor('GET', path)).body).toMatchObject({ serviceId, token: '********ABCD', senderName: 'Hens' })
  })

  test('is named by held messages', async () => {
    const env = await newEnvironment()
    expect((await verify(env)).message).toMatchObject({ status: 'held', provider: 'none' })
    await env.vendor('POST', path, account)
    expect((await verify(env)).message).toMatchObject({ status: 'held', provider: 'twilio' })
  })
})

// one after the other: the double ends with the test that opened it
describe('text messages that leave', () => {
  test("go by the environment's own account, and where the server has none, by no other", async () => {
    const { url, received } = await httpDouble(() => ({ status: 201, body: '{"sid":"SM1"}' }))
    const { sms: _, ...others } = deps,
      server = await buildServer({ ...others, smsEndpoints: { twilio: url } }),
      env = await newEnvironment(server)
    expect((await verify(env)).answer).toMatchObject({ status: 400, body: { errorCode: 'ER-01037' } })
    expect((await env.vendor('POST', path, account)).status).toBe(201)
    const { answer, message } = await verify(env)
    expect(answer.status).toBeLessThan(300)
    expect(await env.runJobs()).toBe(1)
    expect(received).toMatchObject([
      {
        target: `/2010-04-01/Accounts/${account.accountId}/Messages.json`,
        headers: { authorization: `Basic ${Buffer.from(`${account.accountId}:${account.token}`).toString('base64')}` },
      },
    ])
    expect(Object.fromEntries(new URLSearchParams(String(received[0]!.body)))).toEqual({
      To: message!.recipient,
      From: 'Acme',
      Body: message!.text,
    })
    await env.vendor('POST', path, { serviceId: `MG${'1'.repeat(32)}` })
    await verify(env)
    await env.runJobs()
    expect(new URLSearchParams(String(received[1]!.body)).get('MessagingServiceSid')).toBe(`MG${'1'.repeat(32)}`)
    await env.vendor('DELETE', path)
    expect((await verify(env)).answer.status).toBe(400)
  })
})

describe.concurrent('the templates of text messages', () => {
  test('are there from the start, by name and by number', async () => {
    const env = await newEnvironment(),
      { status, body } = await env.vendor('GET', templates)
    expect(status).toBe(200)
    expect(body.map(({ type }: { type: string }) => type)).toEqual(types)
    expect((await env.vendor('GET', `${templates}/default/all`)).body).toEqual(body)
    for (const [number, template] of body.entries()) {
      expect(template).toMatchObject({ active: true, template: expect.stringContaining('{{code}}') })
      for (const name of [template.type, number])
        for (const which of ['', '/default'])
          expect((await env.vendor('GET', `${templates}/${name}${which}`)).body).toEqual(template)
    }
  })

  test('say what the environment wants, or nothing, and get their default back', async () => {
    const env = await newEnvironment(),
      template = 'Acme: {{code}}{{! short }}'
    expect(await env.vendor('POST', `${templates}/PhoneVerification`, { template })).toMatchObject({
      status: 201,
      body: { type: 'PhoneVerification', template, active: true },
    })
    const { message } = await verify(env)
    expect(message!.text).toBe(`Acme: ${message!.code}`)
    expect((await env.vendor('POST', `${templates}/2`, { active: false })).body).toEqual({
      type: 'PhoneVerification',
      template,
      active: false,
    })
    const quiet = await verify(env)
    expect(quiet.answer.status).toBeLessThan(300)
    expect(quiet.message).toBeUndefined()
    expect((await env.vendor('GET', `${templates}/2/default`)).body).toMatchObject({ active: true })
    expect((await env.vendor('DELETE', `${templates}/PhoneVerification`)).status).toBe(200)
    expect((await env.vendor('DELETE', `${templates}/PhoneVerification`)).status).toBe(404)
    expect((await verify(env)).message!.text).toMatch(/^\d{6} is your code to confirm your phone number\./)
  })

  test('of an unknown type are not found', async () => {
    const env = await newEnvironment()
    for (const name of ['Welcome', '4', '-1', 'signin', 'constructor']) {
      expect((await env.vendor('GET', `${templates}/${name}`)).status).toBe(404)
      expect((await env.vendor('GET', `${templates}/${name}/default`)).status).toBe(404)
      expect((await env.vendor('POST', `${templates}/${name}`, { template: '{{code}}' })).status).toBe(404)
      expect((await env.vendor('DELETE', `${templates}/${name}`)).status).toBe(404)
    }
  })

  test.each([
    [{ template: 'no code' }, 'template must contain {{code}}'],
    [{ template: '{{#if code}}yes{{/if}}' }, 'template must contain {{code}}'],
    [{ template: '{{code}} {{#each x}}' }, 'template: line 1: {{#each x}} is not understood'],
    [{ template: '' }, 'template should not be empty'],
    [{ template: `{{code}}${'x'.repeat(1000)}` }, 'template must be shorter than or equal to 1000 characters'],
    [{ active: 'no' }, 'active must be a boolean value'],
  ])('refuse %j', async (body, fault) => {
    const env = await newEnvironment(),
      answer = await env.vendor('POST', `${templates}/SignIn`, body)
    expect(answer).toMatchObject({ status: 400, body: { errors: [fault] } })
    expect((await env.vendor('GET', templates)).body).toEqual(
      (await env.vendor('GET', `${templates}/default/all`)).body,
    )
  })

  test('that are changed at once are all changed', async () => {
    const env = await newEnvironment()
    await Promise.all(types.map((type) => env.vendor('POST', `${templates}/${type}`, { template: `${type} {{code}}` })))
    expect((await env.vendor('GET', templates)).body).toEqual(
      types.map((type) => ({ type, template: `${type} {{code}}`, active: true })),
    )
  })
})
