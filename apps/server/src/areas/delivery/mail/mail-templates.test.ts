import { describe, expect, test } from 'vitest'
import { newEnvironment, newServer, unique, type TestEnvironment } from '../../../../test/environment.ts'
import { MailTemplateType } from './mail.schemas.ts'

const identity = '/identity/resources',
  templates = `${identity}/mail/v1/configs/templates`,
  users = `${identity}/users`,
  PASSWORD = 'Correct-horse-7!'
const types = (MailTemplateType as unknown as { enum: MailTemplateType[] }).enum

const set = (env: TestEnvironment, body: object) => env.vendor('POST', templates, body)
async function changed(env: TestEnvironment, body: object) {
  expect(await set(env, body)).toMatchObject({ status: 201, body: null })
}
const get = async (env: TestEnvironment, type: MailTemplateType) =>
  (await env.vendor('GET', `${templates}?type=${type}`)).body[0]
const last = async (env: TestEnvironment, to: string) => (await env.messages({ to })).at(-1)!
/** The mail with a link that a user gets who has forgotten their password. */
async function reset(env: TestEnvironment, user: { email: string }, headers: Record<string, string> = {}) {
  const answer = await env.client({ 'frontegg-vendor-id': env.id, ...headers })('POST', `${users}/v1/passwords/reset`, {
    email: user.email,
  })
  expect(answer.status).toBeLessThan(300)
  return last(env, user.email)
}
async function application(env: TestEnvironment, fields: object) {
  const { status, body } = await env.vendor('POST', '/applications/resources/applications/v1', {
    name: unique('app'),
    appURL: 'https://app.example',
    loginURL: 'https://app.example/login',
    ...fields,
  })
  expect(status).toBe(201)
  return body.id as string
}

describe.concurrent('the mail templates', () => {
  test('are all there in a fresh environment, active and as their defaults', async () => {
    const env = await newEnvironment(),
      { status, body } = await env.vendor('GET', templates)
    expect(status).toBe(200)
    expect(body.map(({ type }: { type: string }) => type)).toEqual(types)
    for (const template of body) {
      expect((await env.vendor('GET', `${identity}/mail/v1/configs/${template.type}/default`)).body).toEqual(template)
      expect(template).toMatchObject({
        active: true,
        senderEmail: `no-reply@${env.name}.localhost`,
        fromName: '',
        successRedirectUrl: '',
        successRedirectUrlPattern: '',
      })
    }
    expect(await get(env, 'ResetPassword')).toMatchObject({
      redirectURL: `http://${env.name}.localhost:3100/account/reset-password`,
      redirectURLPattern: '{{APP_URL}}/account/reset-password',
      subject: expect.stringContaining('Reset your password'),
      htmlTemplate: expect.stringContaining('{{redirectURL}}'),
    })
  })

  test('can be set to their defaults, which changes nothing', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD }),
      before = await reset(env, user)
    for (const { redirectURL: _, redirectURLPattern, successRedirectUrlPattern: _p, ...template } of (
      await env.vendor('GET', templates)
    ).body)
      await changed(env, { ...template, redirectURL: redirectURLPattern })
    const after = await reset(env, user),
      anonymous = (html: string) => html.replace(/token=[\w-]+/g, 'token')
    expect(anonymous(after.html)).toBe(anonymous(before.html))
    expect(after.subject).toBe(before.subject)
  })

  test('say what the environment wants, from whom it wants', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD })
    await changed(env, {
      type: 'ResetPassword',
      subject: 'A new password for {{name}}',
      htmlTemplate: '<p>Dear {{name}}, <a href="{{redirectURL}}">go on</a> within {{expiresIn}}.</p>',
      senderEmail: 'security@acme.example',
      fromName: 'Acme Security',
    })
    const { name } = await (await env.context()).db.user.findUniqueOrThrow({ where: { id: user.id } }),
      mail = await reset(env, user)
    expect(mail).toMatchObject({
      template: 'ResetPassword',
      subject: `A new password for ${name}`,
      sender: 'security@acme.example',
      senderName: 'Acme Security',
      text: `Dear ${name}, go on (${mail.link}) within 24 hours.\n`,
    })
    expect(mail.html).toBe(
      `<p>Dear ${name}, <a href="${mail.link!.replaceAll('&', '&amp;')}">go on</a> within 24 hours.</p>`,
    )
    const { userId, token } = Object.fromEntries(new URL(mail.link!).searchParams)
    const used = await env.anonymous('POST', `${users}/v1/passwords/reset/verify`, {
      userId,
      token,
      password: 'Another-Hen-3!',
    })
    expect(used.status).toBeLessThan(300)
  })

  test('keep what a change leaves out, and an empty sender is none', async () => {
    const env = await newEnvironment()
    await changed(env, { type: 'OTC', subject: 'Code', fromName: 'Acme', senderEmail: 'a@acme.example' })
    await env.clock.advance(60_000)
    await changed(env, { type: 'OTC', htmlTemplate: '{{code}}', fromName: '', senderEmail: '' })
    expect(await get(env, 'OTC')).toEqual({
      id: expect.any(String),
      type: 'OTC',
      subject: 'Code',
      htmlTemplate: '{{code}}',
      fromName: '',
      senderEmail: `no-reply@${env.name}.localhost`,
      active: true,
      redirectURL: '',
      redirectURLPattern: '',
      successRedirectUrl: '',
      successRedirectUrlPattern: '',
    })
  })

  test('that are switched off are not sent, and the flow goes on', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD })
    await changed(env, { type: 'ResetPassword', active: false })
    expect((await env.anonymous('POST', `${users}/v1/passwords/reset`, { email: user.email })).status).toBeLessThan(300)
    expect(await env.messages()).toEqual([])
    await changed(env, { type: 'ActivateUser', active: false })
    const email = `${unique('new')}@example.com`
    expect((await env.as(user.tenantId)('POST', `${users}/v2`, { email })).status).toBe(201)
    expect(await env.messages()).toEqual([])
    expect((await env.vendor('POST', `${users}/v1/activate/reset`, { email })).status).toBeLessThan(300)
    expect(await env.messages()).toEqual([])
    const configuration = `${identity}/tenants/invites/v1/configuration`
    expect((await env.vendor('GET', configuration)).body.emailsEnabled).toBe(true)
    await changed(env, { type: 'InviteToTenant', active: false })
    expect((await env.vendor('GET', configuration)).body.emailsEnabled).toBe(false)
    await changed(env, { type: 'ResetPassword', active: true })
    expect(await reset(env, user)).toMatchObject({ template: 'ResetPassword' })
  })

  test('get their defaults back by id or by type, once', async () => {
    const env = await newEnvironment(),
      other = await newEnvironment()
    const original = await get(env, 'MagicLink')
    await changed(env, { type: 'MagicLink', subject: 'Mine' })
    const { id } = await get(env, 'MagicLink')
    expect((await other.vendor('DELETE', `${templates}/${id}`)).status).toBe(404)
    expect(await env.vendor('DELETE', `${templates}/${id}`)).toMatchObject({ status: 200, body: null })
    expect(await get(env, 'MagicLink')).toEqual(original)
    expect(await env.vendor('DELETE', `${templates}/${id}`)).toMatchObject({
      status: 404,
      body: { errorCode: 'ER-00004' },
    })
    await changed(env, { type: 'MagicLink', subject: 'Mine' })
    expect((await env.vendor('DELETE', `${templates}/MagicLink`)).status).toBe(200)
    expect((await env.vendor('DELETE', `${templates}/MagicLink`)).status).toBe(404)
  })

  test("are each environment's own, and for environment tokens only", async () => {
    const [mine, theirs] = [await newEnvironment(), await newEnvironment()]
    await changed(mine, { type: 'OTC', subject: 'Mine' })
    expect((await get(theirs, 'OTC')).subject).not.toBe('Mine')
    const user = await mine.user({ permissions: ['fe.secure.*'] })
    for (const call of [user, mine.anonymous]) {
      expect((await call('GET', templates)).status).toBe(401)
      expect((await call('POST', templates, { type: 'OTC', subject: 'x' })).status).toBe(401)
      expect((await call('DELETE', `${templates}/OTC`)).status).toBe(401)
    }
    expect((await get(mine, 'OTC')).subject).toBe('Mine')
  })

  test('of many that are set at once are one whole', async () => {
    const env = await newEnvironment()
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) => set(env, { type: 'OTC', subject: `S${i}`, fromName: `S${i}` })),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(201))
    const { subject, fromName } = await get(env, 'OTC')
    expect(subject).toBe(fromName)
  })

  test.each<[body: object, fault: string]>([
    [{}, 'type must be one of the following values'],
    [{ type: 'Welcome' }, 'type must be one of the following values'],
    [{ type: 'OTC', htmlTemplate: 'a\n{{#each x}}' }, 'htmlTemplate: line 2: {{#each x}} is not understood'],
    [{ type: 'OTC', subject: '{{name' }, 'subject: line 1: {{ is not closed'],
    [{ type: 'OTC', fromName: '{{#if a}}' }, 'fromName: line 1: a block is not closed'],
    [{ type: 'OTC', htmlTemplate: '' }, 'htmlTemplate should not be empty'],
    [{ type: 'OTC', subject: '' }, 'subject should not be empty'],
    [{ type: 'OTC', subject: 'x'.repeat(513) }, 'subject must be shorter than or equal to 512 characters'],
    [{ type: 'OTC', fromName: 'x'.repeat(513) }, 'fromName must be shorter than or equal to 512 characters'],
    [{ type: 'OTC', senderEmail: 'nobody' }, 'senderEmail must be an email'],
    [{ type: 'OTC', senderEmail: 'a@b.example, c@d.example' }, 'senderEmail must be an email'],
    [{ type: 'OTC', active: 'maybe' }, 'active must be a boolean value'],
    [
      { type: 'OTC', htmlTemplate: 'x'.repeat(1_000_001) },
      'htmlTemplate must be shorter than or equal to 1000000 characters',
    ],
    [{ type: 'ResetPassword', redirectURL: '' }, 'redirectURL should not be empty'],
    ...[
      'javascript:alert(1)',
      'JavaScript:alert(1)//https://acme.example',
      'data:text/html,x',
      'http://acme.example/reset',
      'http://localhost.acme.example',
      'http://127.0.0.1.acme.example',
      'https://user:secret@acme.example',
      '//acme.example',
      '/account/reset',
      'acme://reset',
      'https://',
    ].map((redirectURL): [object, string] => [
      { type: 'ResetPassword', redirectURL },
      'redirectURL must be an https address',
    ]),
    [{ type: 'OTC', successRedirectUrl: 'javascript:alert(1)' }, 'successRedirectUrl must be an https address'],
    [{ type: 'OTC', redirectURL: 'https://{{name}}.acme.example' }, 'redirectURL may contain {{APP_ID}}'],
    [{ type: 'OTC', redirectURL: 'https://acme.example/{{APP_URL}}' }, 'redirectURL may contain {{APP_ID}}'],
    [{ type: 'OTC', redirectURL: '{{APP_URL}}.evil.example' }, 'redirectURL may contain {{APP_ID}}'],
  ])('refuse %j, and stay as they are', async (body, fault) => {
    const env = await newEnvironment(),
      before = (await env.vendor('GET', templates)).body
    const answer = await set(env, body)
    expect(answer.status).toBe(400)
    expect(answer.body.errors[0]).toContain(fault)
    expect((await env.vendor('GET', templates)).body).toEqual(before)
  })

  test('of an unknown type are refused in a query, and not found in a path', async () => {
    const env = await newEnvironment()
    expect((await env.vendor('GET', `${templates}?type=Welcome`)).status).toBe(400)
    expect((await env.vendor('GET', `${identity}/mail/v1/configs/Welcome/default`)).status).toBe(404)
    expect((await env.vendor('DELETE', `${templates}/Welcome`)).status).toBe(404)
  })

  test('are not too long all together', async () => {
    const env = await newEnvironment(),
      htmlTemplate = 'x'.repeat(1_000_000)
    for (const type of ['OTC', 'MFAOTC', 'MagicLink']) await changed(env, { type, htmlTemplate })
    await changed(env, { type: 'OTC', htmlTemplate })
    expect(await set(env, { type: 'MFAEnroll', htmlTemplate })).toMatchObject({
      status: 400,
      body: { errors: ['The templates of this environment are too long all together'] },
    })
    await changed(env, { type: 'OTC', htmlTemplate: 'short' })
    await changed(env, { type: 'MFAEnroll', htmlTemplate: 'x'.repeat(900_000) })
  })

  test('show names as text, and take no words of strangers for links', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD }),
      { db } = await env.context()
    await db.user.update({
      where: { id: user.id },
      data: {
        name: '<img src=x onerror=alert(1)> {{redirectURL}} www.evil.example',
        metadata: '{"team":"<b>https://evil.example</b>"}',
      },
    })
    await changed(env, {
      type: 'ResetPassword',
      htmlTemplate: '<p title="{{name}}">{{name}} of {{metadata.team}} {{emailMetadata.note}}</p>',
      subject: '{{name}}',
    })
    await env.anonymous('POST', `${users}/v1/passwords/reset`, {
      email: user.email,
      emailMetadata: { note: 'go to https://evil.example' },
    })
    const { html, text, subject } = await last(env, user.email)
    expect(html).not.toMatch(/<img|<b>|evil\.example/)
    expect(html).toContain('{{redirectURL}}')
    expect(text).not.toMatch(/evil\.example/)
    expect(subject).toBe('<img src=x onerror=alert(1)> {{redirectURL}} www.evil.example')
  })

  test('decide by metadata, as `{"en": false}` says', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD }),
      { db } = await env.context()
    await db.user.update({ where: { id: user.id }, data: { metadata: '{"en":false,"he":true}' } })
    await changed(env, { type: 'ResetPassword', htmlTemplate: '{{#if metadata.en}}English{{else}}Hebrew{{/if}}' })
    expect((await reset(env, user)).html).toBe('Hebrew')
  })

  test('that are seen by one replica are seen by the next', async () => {
    const other = await newServer(),
      env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD })
    await changed(env, { type: 'ResetPassword', subject: 'First' })
    expect((await reset(env, user)).subject).toBe('First')
    await changed(env, { type: 'ResetPassword', subject: 'Second' })
    expect((await reset(env, user)).subject).toBe('Second')
    const { body } = await (await newEnvironment(other)).vendor('GET', templates)
    expect(body).toHaveLength(types.length)
  })
})

describe.concurrent('the sender', () => {
  const mailed = async (env: TestEnvironment) => reset(env, await env.newUser({ password: PASSWORD }))

  test("of a template goes before that of the environment's provider", async () => {
    const env = await newEnvironment()
    await env.vendor('POST', `${identity}/mail/v2/configurations`, {
      payload: { provider: 'sendgrid', secret: 'SG.x', senderEmail: 'hello@acme.example', fromName: 'Acme' },
    })
    expect(await mailed(env)).toMatchObject({ sender: 'hello@acme.example', senderName: 'Acme' })
    await changed(env, { type: 'ResetPassword', senderEmail: 'security@acme.example' })
    expect(await mailed(env)).toMatchObject({ sender: 'security@acme.example', senderName: 'Acme' })
    await changed(env, { type: 'ResetPassword', fromName: 'Acme, by {{applicationName}}' })
    expect(await mailed(env)).toMatchObject({ senderName: 'Acme, by' })
  })

  test("that the operator has set for the server's own provider stands", async () => {
    const env = await newEnvironment(await newServer({ mailFrom: 'mail@operator.example' }))
    await changed(env, { type: 'ResetPassword', senderEmail: 'ceo@bank.example', fromName: 'Acme' })
    expect(await mailed(env)).toMatchObject({ sender: 'mail@operator.example', senderName: 'Acme' })
    expect((await get(env, 'ResetPassword')).senderEmail).toBe('mail@operator.example')
  })
})

describe.concurrent('mailed links', () => {
  test('lead to the application that the call names, else to the default one', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD })
    const shop = await application(env, {
      name: 'Shop',
      appURL: 'https://shop.example/en/',
      logoURL: 'https://shop.example/l.png',
    })
    const mail = await reset(env, user, { 'frontegg-application-id': shop })
    expect(mail.link).toMatch(/^https:\/\/shop\.example\/en\/account\/reset-password\?userId=[\w-]+&token=[\w-]+$/)
    expect(mail.subject).toBe('Reset your password · Shop')
    expect(mail.html).toContain('<img src="https://shop.example/l.png" alt="Shop"')
    for (const id of ['0b0e5f0e-7a0e-4c55-9d0e-333333333333', 'nonsense', env.id])
      expect((await reset(env, user, { 'frontegg-application-id': id })).link).toContain(
        `http://${env.name}.localhost:3100/account/reset-password?`,
      )
    await application(env, { isDefault: true, name: 'Main', appURL: 'https://main.example' })
    expect((await reset(env, user)).link).toContain('https://main.example/account/reset-password?')
    await env.vendor('PATCH', `/applications/resources/applications/v1/${shop}`, { isActive: false })
    expect((await reset(env, user, { 'frontegg-application-id': shop })).link).toContain('https://main.example/')
  })

  test('lead to the server itself where the application has no address that a browser opens', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD })
    const { db } = await env.context(),
      id = await application(env, {})
    for (const appURL of ['nowhere', 'acme://app', 'https://', 'javascript:alert(1)']) {
      await db.application.update({ where: { id }, data: { appURL } })
      expect((await reset(env, user, { 'frontegg-application-id': id })).link).toContain(
        `http://${env.name}.localhost:3100/account/reset-password?`,
      )
    }
  })

  test("lead to the template's own page, with what the page needs", async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD }),
      shop = await application(env, { name: 'Shop', appURL: 'https://shop.example' })
    const patterns = {
      'https://acme.example/new-password': 'https://acme.example/new-password?',
      'https://acme.example/?page=reset&token=x': 'https://acme.example/?page=reset&token=',
      'http://localhost:3000/account/reset-password': 'http://localhost:3000/account/reset-password?',
      'https://{{APP_ID}}.acme.example/reset': `https://${shop}.acme.example/reset?`,
      '{{APP_URL}}/reset#top': 'https://shop.example/reset?',
      'http://127.0.0.1:8080': 'http://127.0.0.1:8080/?',
    }
    for (const [redirectURL, start] of Object.entries(patterns)) {
      await changed(env, { type: 'ResetPassword', redirectURL, successRedirectUrl: '{{APP_URL}}/done' })
      const { link } = await reset(env, user, { 'frontegg-application-id': shop }),
        { userId, token } = Object.fromEntries(new URL(link!).searchParams)
      expect(link!.startsWith(start), link!).toBe(true)
      expect((await env.anonymous('POST', `${users}/v1/passwords/reset/validate`, { userId, token })).status).toBe(200)
    }
    expect(await get(env, 'ResetPassword')).toMatchObject({
      redirectURLPattern: 'http://127.0.0.1:8080',
      successRedirectUrlPattern: '{{APP_URL}}/done',
      successRedirectUrl: `http://${env.name}.localhost:3100/done`,
    })
  })

  test('may lead to plain http where the environment or an application is', async () => {
    const env = await newEnvironment(await newServer({ publicUrl: new URL('http://id.intra.example:3100') }))
    const shop = { type: 'ResetPassword', redirectURL: 'http://shop.intra.example/reset' }
    expect((await set(env, shop)).status).toBe(400)
    await application(env, { appURL: 'http://shop.intra.example/' })
    await changed(env, shop)
    await changed(env, { ...shop, redirectURL: `http://${env.name}.id.intra.example:3100/x` })
  })

  test("show the account's logo to its members, and not to those who are invited", async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant('Acme'),
      user = await env.newUser({ password: PASSWORD, tenantId }),
      { db } = await env.context()
    await db.tenant.updateMany({ where: { id: tenantId }, data: { logoUrl: 'https://acme.example/logo.png' } })
    expect((await reset(env, user)).html).toContain('<img src="https://acme.example/logo.png"')
    const email = `${unique('guest')}@example.com`
    await env.as(tenantId)('POST', `${users}/v2`, { email })
    expect((await last(env, email)).html).not.toContain('<img')
    await db.tenant.updateMany({ where: { id: tenantId }, data: { logoUrl: 'javascript:alert(1)' } })
    expect((await reset(env, user)).html).not.toContain('<img')
  })
})

test('a template that gets too long with its values is replaced by the default', async () => {
  const env = await newEnvironment(),
    user = await env.newUser({ password: PASSWORD }),
    { db } = await env.context()
  await db.user.update({
    where: { id: user.id },
    data: { metadata: JSON.stringify({ bio: 'x'.repeat(16_000) }) },
  })
  await changed(env, { type: 'ResetPassword', subject: 'Mine', htmlTemplate: '{{metadata.bio}}'.repeat(1000) })
  const mail = await reset(env, user)
  expect(mail.subject).toBe('Reset your password')
  expect(mail.html.length).toBeLessThan(20_000)
  expect(mail.text).toContain(mail.link)
})
