import { expect, test } from 'vitest'
import { newEnvironment } from '../environment.ts'

const templates = '/identity/resources/mail/v1/configs/templates',
  sms = '/identity/resources/configurations/v1/sms/templates/PhoneVerification',
  users = '/identity/resources/users'

/** What makes programs of other engines' templates, or reads what is not the mail's. */
const refused = [
  '{{constructor.constructor("return process")()}}',
  '{{#with "s" as |string|}}{{#with "e"}}{{/with}}{{/with}}',
  '{{lookup this "constructor"}}',
  '{{#each this}}{{@key}}{{/each}}',
  '{{> layout}}',
  '{{include "/etc/passwd"}}',
  '{{{redirectURL}}}',
  '{{&redirectURL}}',
  '{{"a" | append: "b"}}',
  '{{name | raw}}',
  '{{this}}{{../../deps}}',
  '{{[redirectURL]}}',
  '{{= <% %> =}}<% name %>',
  '{{#if (eq name "x")}}{{/if}}',
  '\ue000 for i in (1..1000000000) \ue001x\ue000 endfor \ue001',
  '{{#if a}}'.repeat(10_000),
  '{{name}}'.repeat(100_000),
]
/** These stay text, or are values that no mail has. */
const harmless = [
  '{% for i in (1..1000000000) %}x{% endfor %}{% include "/etc/passwd" %}{% render "x" %}',
  '{%- liquid\n assign x = name\n-%}',
  '<%= process.env %>${process.env}#{process.env}[[process.env]]',
  '{{constructor.constructor.name}}{{__proto__.toString}}{{name.constructor}}{{toString}}{{hasOwnProperty}}',
  '{{password}}{{passwordHash}}{{user.passwordHash}}{{secret}}{{apiKey}}{{environment.apiKeyHash}}{{deps.secrets}}{{of}}{{of.name}}',
  '{{metadata.__proto__.polluted}}{{metadata.constructor.prototype.polluted}}',
]

test('templates are no programs, and see nothing but what their mail is about', async () => {
  const env = await newEnvironment(),
    user = await env.user({ password: 'Correct-horse-7!' }),
    { db } = await env.context()
  await db.user.update({
    where: { id: user.id },
    data: { metadata: '{"__proto__":{"polluted":"yes"},"constructor":{"name":"Own"}}' },
  })
  for (const htmlTemplate of refused) {
    const answer = await env.vendor('POST', templates, { type: 'ResetPassword', htmlTemplate })
    expect([answer.status, answer.body.errors?.[0]], htmlTemplate.slice(0, 60)).toEqual([
      400,
      expect.stringMatching(/^htmlTemplate: line 1: /),
    ])
    expect((await env.vendor('POST', sms, { template: `{{code}}${htmlTemplate}` })).status).toBe(400)
  }
  const { passwordHash } = await db.user.findUniqueOrThrow({ where: { id: user.id } })
  for (const htmlTemplate of harmless) {
    expect((await env.vendor('POST', templates, { type: 'ResetPassword', htmlTemplate })).status).toBe(201)
    const began = performance.now()
    await env.anonymous('POST', `${users}/v1/passwords/reset`, { email: user.email })
    expect(performance.now() - began).toBeLessThan(2000)
    const { html } = (await env.messages({ to: user.email })).at(-1)!
    // its text stays, its placeholders are empty
    expect(html).toBe(
      htmlTemplate.replace(/\{\{metadata\.__proto__\.polluted\}\}/, 'yes').replace(/\{\{[^}]+\}\}/g, ''),
    )
    for (const secret of [passwordHash!, env.apiKey, 'function', '[object']) expect(html).not.toContain(secret)
  }
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
})

test('a template of one mail does not see the code of another', async () => {
  const env = await newEnvironment(),
    user = await env.user({ password: 'Correct-horse-7!' })
  await env.vendor('POST', templates, { type: 'ResetPassword', htmlTemplate: '[{{code}}]{{redirectURL}}' })
  await env.vendor('POST', templates, { type: 'VerifyNewEmail', htmlTemplate: '{{code}}[{{redirectURL}}]' })
  await user('POST', `${users}/emails/v1`, { email: 'second@example.com' })
  await env.anonymous('POST', `${users}/v1/passwords/reset`, { email: user.email })
  const [verification, reset] = await env.messages()
  expect(verification!.html).toBe(`${verification!.code}[]`)
  expect(reset!.html).toBe(`[]${reset!.link!.replaceAll('&', '&amp;')}`)
})
