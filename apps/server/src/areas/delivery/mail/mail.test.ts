import { describe, expect, test } from 'vitest'
import { deps, newEnvironment, type TestEnvironment } from '../../../../test/environment.ts'
import { MailTemplateType, type MailData, type MailType } from './mail.schemas.ts'
import { send } from './mail.service.ts'
import { defaultMail } from './default-mails.ts'
import { rendered } from './render.ts'

const v1 = '/identity/resources/mail/v1/configurations',
  v2 = '/identity/resources/mail/v2/configurations'
const key = 'SG.0123456789abcdef-WXYZ',
  role = 'arn:aws:iam::123456789012:role/mailer'
const sendgrid = { provider: 'sendgrid', secret: key }
const extension = (fields: Record<string, string>) =>
  Object.entries(fields).map(([extensionName, extensionValue]) => ({ extensionName, extensionValue }))

describe.concurrent('the mail configuration', () => {
  test('of a fresh environment is not there', async () => {
    const env = await newEnvironment()
    expect(await env.vendor('GET', v1)).toMatchObject({
      status: 404,
      body: { errors: ['Mail configuration not found'], errorCode: 'ER-00004' },
    })
  })

  test.each([
    [{ provider: 'sendgrid', secret: key }, '********WXYZ', {}],
    [
      { provider: 'ses', secret: 'short', id: 'AKIA0123456789', region: 'eu-west-1' },
      '********',
      { id: 'AKIA0123456789', region: 'eu-west-1' },
    ],
    [
      { provider: 'mailgun', secret: 'key-0123456789abcdef', domain: 'mg.acme.example', region: 'eu' },
      '********cdef',
      { domain: 'mg.acme.example', region: 'eu' },
    ],
    [
      { provider: 'ses-role', secret: role, region: 'us-east-1', senderEmail: 'hello@acme.example', fromName: 'Acme' },
      '********iler',
      { senderEmail: 'hello@acme.example', fromName: 'Acme', region: 'us-east-1' },
    ],
  ])('is shown as it was given, its secret masked: %j', async (payload, secret, others) => {
    const env = await newEnvironment()
    expect(await env.vendor('POST', v2, { payload })).toMatchObject({ status: 201, body: null })
    const { status, body } = await env.vendor('GET', v1)
    expect(status).toBe(200)
    expect(body).toEqual({
      provider: payload.provider,
      secret,
      extension: expect.arrayContaining(extension(others)),
      createdAt: expect.any(String),
      updatedAt: body.createdAt,
    })
    expect(body.extension).toHaveLength(Object.keys(others).length)
    expect(JSON.stringify(body)).not.toContain(payload.secret)
  })

  test("is SendGrid's when it is made the older way, and Mailgun's region may be left out", async () => {
    const env = await newEnvironment()
    expect(await env.vendor('POST', v1, { secret: ` ${key}\n` })).toMatchObject({ status: 201, body: null })
    expect((await env.vendor('GET', v1)).body).toMatchObject({
      provider: 'sendgrid',
      secret: '********WXYZ',
      extension: [],
    })
    expect(
      (
        await env.vendor('POST', v2, {
          payload: { provider: 'mailgun', secret: 'k', domain: 'mg.acme.example', region: null },
        })
      ).status,
    ).toBe(201)
  })

  test('is replaced whole, and can be removed again and again', async () => {
    const env = await newEnvironment()
    await env.vendor('POST', v2, { payload: { provider: 'ses', secret: 'one', id: 'AKIA1', region: 'eu-west-1' } })
    const before = (await env.vendor('GET', v1)).body
    await env.clock.advance(60_000)
    await env.vendor('POST', v2, { payload: sendgrid })
    const { body } = await env.vendor('GET', v1)
    expect(body).toMatchObject({ provider: 'sendgrid', extension: [], createdAt: before.createdAt })
    expect(Date.parse(body.updatedAt) - Date.parse(before.updatedAt)).toBeGreaterThanOrEqual(60_000)
    expect(await env.vendor('DELETE', v1)).toMatchObject({ status: 200, body: null })
    expect((await env.vendor('GET', v1)).status).toBe(404)
    expect((await env.vendor('DELETE', v1)).status).toBe(200)
  })

  test.each([
    [{}, ['payload must be an object']],
    [{ payload: 'sendgrid' }, ['payload must be an object']],
    [
      { payload: { secret: 's' } },
      ['payload.provider must be one of the following values: sendgrid, ses, mailgun, ses-role'],
    ],
    [
      { payload: { provider: 'postmark', secret: 's' } },
      ['payload.provider must be one of the following values: sendgrid, ses, mailgun, ses-role'],
    ],
    [{ payload: { provider: 'sendgrid', secret: '' } }, ['payload.secret should not be empty']],
    [
      { payload: { provider: 'sendgrid', secret: ' ' } },
      ['payload.secret must be the whole secret, in visible ASCII characters'],
    ],
    [
      { payload: { provider: 'sendgrid', secret: 'a\r\nx-header: b' } },
      ['payload.secret must be the whole secret, in visible ASCII characters'],
    ],
    [
      { payload: { provider: 'sendgrid', secret: '********WXYZ' } },
      ['payload.secret must be the whole secret, in visible ASCII characters'],
    ],
    [
      { payload: { provider: 'sendgrid', secret: 's', senderEmail: 'nobody' } },
      ['payload.senderEmail must be an email'],
    ],
    [
      { payload: { provider: 'ses', secret: 's' } },
      [
        'payload.id should not be empty',
        'payload.id must be a string',
        'payload.region should not be empty',
        'payload.region must be a string',
      ],
    ],
    [
      { payload: { provider: 'ses', secret: 's', id: 'i', region: 'evil.example/' } },
      ['payload.region must be a region of AWS'],
    ],
    [
      { payload: { provider: 'mailgun', secret: 's', domain: 'a/../b', region: 'us' } },
      ['payload.domain must be a domain name'],
    ],
    [
      { payload: { provider: 'mailgun', secret: 's', domain: 'a', region: 'mars' } },
      ['payload.region must be one of the following values: us, eu'],
    ],
    [
      { payload: { provider: 'ses-role', secret: 'no role', region: 'eu-west-1' } },
      ['payload.secret must be the whole secret, in visible ASCII characters'],
    ],
    [
      { payload: { provider: 'ses-role', secret: 'role', region: 'eu-west-1' } },
      ['payload.secret must be the ARN of a role'],
    ],
  ])('stays as it is when it is given %j', async (body, errors) => {
    const env = await newEnvironment()
    await env.vendor('POST', v1, { secret: key })
    const before = (await env.vendor('GET', v1)).body
    expect(await env.vendor('POST', v2, body)).toMatchObject({ status: 400, body: { errors } })
    expect((await env.vendor('GET', v1)).body).toEqual(before)
  })

  test('names the field of the older body, too', async () => {
    const env = await newEnvironment()
    expect(await env.vendor('POST', v1, {})).toMatchObject({
      status: 400,
      body: { errors: ['secret should not be empty', 'secret must be a string'] },
    })
    expect((await env.vendor('GET', v1)).status).toBe(404)
  })

  test('keeps its secret sealed', async () => {
    const env = await newEnvironment()
    await env.vendor('POST', v2, { payload: sendgrid })
    const { rows } = await deps.database.pool.query('select * from "Setting" where "vendorId" = $1', [env.id])
    expect(rows).toHaveLength(1)
    expect(JSON.stringify(rows)).not.toMatch(/0123456789abcdef|WXYZ/)
    expect(deps.secrets.open(rows[0].value.payload.secret)).toBe(key)
  })

  test("is each environment's own", async () => {
    const [mine, theirs] = [await newEnvironment(), await newEnvironment()]
    await mine.vendor('POST', v2, { payload: sendgrid })
    expect((await theirs.vendor('GET', v1)).status).toBe(404)
    expect((await theirs.vendor('DELETE', v1)).status).toBe(200)
    expect((await mine.vendor('GET', v1)).body).toMatchObject({ provider: 'sendgrid' })
  })

  test('is for environment tokens only', async () => {
    const env = await newEnvironment()
    const user = await env.user({ permissions: ['fe.connectivity.*'] })
    for (const call of [user, env.anonymous]) {
      expect((await call('GET', v1)).status).toBe(401)
      expect((await call('POST', v1, { secret: key })).status).toBe(401)
      expect((await call('POST', v2, { payload: sendgrid })).status).toBe(401)
      expect((await call('DELETE', v1)).status).toBe(401)
    }
    expect((await env.vendor('GET', v1)).status).toBe(404)
  })

  test('of many that are stored at once is one of them, whole', async () => {
    const env = await newEnvironment()
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        env.vendor('POST', v2, {
          payload: { provider: 'ses', secret: `secret-0123456789-${i}`, id: `id-${i}`, region: 'eu-west-1' },
        }),
      ),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(201))
    const { body } = await env.vendor('GET', v1)
    expect(body.extension).toContainEqual({ extensionName: 'id', extensionValue: `id-${body.secret.at(-1)}` })
    expect(await deps.database.prisma.setting.count({ where: { vendorId: env.id } })).toBe(1)
  })
})

describe.concurrent('where all mail is held', () => {
  const reset = {
    template: 'ResetPassword',
    to: 'jane@example.com',
    data: { name: 'Jane', redirectURL: 'https://acme.example/reset?token=t' },
  } as const
  const sent = async (env: TestEnvironment, mail: Parameters<typeof send>[1] = reset) => {
    await send(await env.context(), mail)
    return (await env.messages()).at(-1)!
  }

  test('a message can be looked at, and goes nowhere', async () => {
    const env = await newEnvironment()
    const { id: userId, tenantId } = await env.newUser()
    expect(await sent(env, { ...reset, userId, tenantId })).toMatchObject({
      channel: 'email',
      template: 'ResetPassword',
      userId,
      tenantId,
      recipient: 'jane@example.com',
      status: 'held',
      provider: 'none',
      attempts: 0,
      sentAt: null,
      subject: 'Reset your password',
      link: reset.data.redirectURL,
      code: null,
      sender: `no-reply@${env.name}.localhost`,
      senderName: null,
    })
    expect(await sent(env, { template: 'OTC', to: 'jane@example.com', data: { code: '123456' } })).toMatchObject({
      link: null,
      code: '123456',
      text: expect.stringContaining('\n123456\n'),
    })
    expect(await env.runJobs()).toBe(0)
  })

  test('it says who would have carried it, and from whom', async () => {
    const env = await newEnvironment()
    await env.vendor('POST', v2, { payload: { ...sendgrid, senderEmail: 'hello@acme.example', fromName: 'Acme' } })
    expect(await sent(env)).toMatchObject({
      status: 'held',
      provider: 'sendgrid',
      sender: 'hello@acme.example',
      senderName: 'Acme',
    })
    await env.vendor('POST', v2, {
      payload: { provider: 'mailgun', secret: 'k', domain: 'mg.acme.example', region: 'us' },
    })
    expect(await sent(env)).toMatchObject({
      status: 'held',
      provider: 'mailgun',
      sender: 'no-reply@mg.acme.example',
      senderName: null,
    })
    expect(await env.runJobs()).toBe(0)
  })

  test('a message of a transaction that fails was never written', async () => {
    const env = await newEnvironment()
    const ctx = await env.context()
    await expect(
      ctx.atomically(async (tx) => {
        await send(tx, reset)
        throw new Error('no')
      }),
    ).rejects.toThrow('no')
    expect(await env.messages()).toEqual([])
  })
})

describe.concurrent('the default templates', () => {
  const types = (MailTemplateType as unknown as { enum: MailTemplateType[] }).enum,
    all: MailType[] = [...types, 'ApprovalFlowDecision']
  const render = (type: MailType, data: MailData) => rendered(deps, type, undefined, data)
  const everything = {
    name: 'Jane',
    email: 'jane@example.com',
    tenantName: 'Acme',
    redirectURL: 'https://acme.example/x?userId=1&token=t',
    code: '481516',
    timesPwned: '7',
    device: 'Firefox',
    ip: '192.0.2.7',
    location: 'Zürich',
    expiresIn: '24 hours',
    applicationName: 'Henhouse Books',
    logoUrl: 'https://books.example/logo.png',
  }

  test('are there for all 29 types and ours, and leave no placeholder behind', () => {
    expect(types).toHaveLength(29)
    for (const type of all)
      for (const data of [everything, {}]) {
        const { subject, html, text } = render(type, data)
        expect(subject.trim(), type).not.toBe('')
        expect(html, type).toMatch(/^<!doctype html>\n<html lang="en">[^]*<h1[^]*<\/html>\n$/)
        expect(html + text + subject, type).not.toMatch(/[{}]{2}|undefined/)
      }
  })

  test.each([
    'ResetPassword',
    'ActivateUser',
    'InviteToTenant',
    'BulkInvitesToTenant',
    'MagicLink',
    'UnlockUser',
    'ResetPhoneNumber',
    'EmailVerification',
    'ApprovalFlowApprove',
  ] as const)('%s carries the link, as a button and bare', (type) => {
    const { html, text } = render(type, { redirectURL: everything.redirectURL })
    expect(html.match(/href="https:\/\/acme\.example\/x\?userId=1&amp;token=t"/g)).toHaveLength(2)
    expect(html).toContain('>https://acme.example/x?userId=1&amp;token=t</a>')
    expect(text).toContain(`\n${everything.redirectURL}\n`)
    expect(defaultMail(type).html).toContain('href="{{redirectURL}}"')
  })

  test.each(['OTC', 'MFAOTC', 'ActivateUserWithCode', 'InviteToTenantWithCode', 'VerifyNewEmail'] as const)(
    '%s carries the code, and not in its subject',
    (type) => {
      const { html, text, subject } = render(type, { code: '481516' })
      expect(html).toContain('>481516</p>')
      expect(html).not.toContain('href')
      expect(text).toContain('\n481516\n')
      expect(subject).not.toContain('481516')
      expect(defaultMail(type).html).toContain('{{code}}')
    },
  )

  test('let nothing in a value become HTML, and leave text as it is', () => {
    const data = {
      tenantName: '<b>"A" & \'B\'</b> {{code}} $&',
      redirectURL: 'https://a.example/"onclick="x',
      code: 'secret',
    }
    const { html, text, subject } = render('InviteToTenant', data)
    expect(html).toContain('&lt;b&gt;&quot;A&quot; &amp; &#39;B&#39;&lt;/b&gt; {{code}} $&amp;')
    expect(html).toContain('href="https://a.example/&quot;onclick=&quot;x"')
    expect(html + text).not.toContain('secret')
    expect(subject).toBe(`You are invited to ${data.tenantName}`)
    expect(text).toContain(data.tenantName)
  })

  test('say who sends them, until when their link works, and why one gets them', () => {
    const { subject, html, text, senderName } = render('ResetPassword', everything)
    expect(subject).toBe('Reset your password · Henhouse Books')
    expect(html).toContain('<img src="https://books.example/logo.png" alt="Henhouse Books"')
    for (const part of [html, text]) {
      expect(part).toContain('The link works once and expires in 24 hours.')
      expect(part).toContain('You get this e-mail because somebody asked for it with your address.')
      expect(part).toContain('Sent by Henhouse Books.')
    }
    expect(senderName).toBeUndefined()
    const bare = render('ResetPassword', { redirectURL: everything.redirectURL })
    expect(bare.subject).toBe('Reset your password')
    expect(bare.html).not.toMatch(/<img|Sent by/)
    expect(bare.text).toContain('\n\nThe link works once.\n\n')
    const { logoUrl: _, ...named } = everything
    expect(render('OTC', named).html).toContain('>Henhouse Books</td>')
  })
})
