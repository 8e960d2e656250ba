import { describe, expect, test } from 'vitest'
import { newEnvironment } from '../environment.ts'

const tenants = '/tenants/resources/tenants/v1',
  users = '/identity/resources/users'
const BROKEN = 'Corp <b>x</b>\r\nBcc: victim@example.com\u2028end'
const ONE_LINE = 'Corp <b>x</b> Bcc: victim@example.com end'

describe.concurrent('names', () => {
  test('are one line, whoever they are of', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant()
    const at = env.as(tenantId)
    const made = [
      await env.vendor('POST', tenants, { name: BROKEN }),
      await at('POST', `${users}/v2`, { email: 'a@example.com', name: BROKEN, metadata: '{}', skipInviteEmail: true }),
      await at('POST', '/identity/resources/groups/v1', { name: BROKEN }),
      {
        status: 201,
        body: (await env.vendor('POST', '/identity/resources/roles/v1', [{ key: 'k', name: BROKEN }])).body[0],
      },
    ]
    expect(made.map(({ status, body }) => [status, body.name])).toEqual(made.map(() => [201, ONE_LINE]))
    const signedUp = await env.anonymous('POST', `${users}/v1/signUp`, {
      email: 'b@example.com',
      password: 'Correct-Horse-7',
      name: BROKEN,
      companyName: BROKEN,
    })
    expect(signedUp.status).toBe(201)
    const { tenantId: own } = signedUp.body
    expect((await env.vendor('GET', `${tenants}/${own}`)).body[0].name).toBe(ONE_LINE)
  })

  test('with control characters, or of more than 255 characters, are refused', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant()
    for (const name of ['a\u0007b', 'a\u001b[31mb', 'safe\u202Egpj.exe', 'x'.repeat(256)]) {
      expect((await env.vendor('POST', tenants, { name })).status, name).toBe(400)
      expect(
        (await env.as(tenantId)('POST', `${users}/v2`, { email: 'a@example.com', name, metadata: '{}' })).status,
        name,
      ).toBe(400)
    }
  })

  test('are neither markup nor links in mails, and the subject is the one that is sent', async () => {
    const env = await newEnvironment()
    const inviter = await env.user({ permissions: ['fe.secure.*'], tenantId: await env.newTenant(BROKEN) }),
      { db } = await env.context()
    await db.user.update({
      where: { id: inviter.id },
      data: { name: 'Win at https://evil.example/prize or www.evil.example\r\n\r\nNow' },
    })
    await inviter('POST', `${users}/v2`, { email: 'a@example.com', metadata: '{}' })
    await env.as(inviter.tenantId, inviter.id)('POST', `${users}/v2`, { email: 'b@example.com', metadata: '{}' })
    const mails = await env.messages()
    expect(mails.length).toBeGreaterThan(0)
    for (const { subject, html, text } of mails) {
      expect(html).not.toContain('<b>x</b>')
      for (const part of [html, text]) expect(part).not.toMatch(/evil\.example|https:\/\/evil|victim@example/)
      expect(subject).not.toMatch(/[\r\n\u2028]/)
      expect(text).not.toMatch(/^(Bcc|Now)/m)
    }
  })
})
