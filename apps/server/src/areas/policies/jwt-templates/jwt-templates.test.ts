import { describe, expect, test } from 'vitest'
import { newEnvironment, UNKNOWN_ID } from '../../../../test/environment.ts'
import { jwtTemplates, MANDATORY_CLAIMS, plainTemplate, withClaims } from '../../../../test/jwt-templates.ts'

const claimsOnly = (claims: object) => ({ ...plainTemplate, templateSchema: { claims } })

describe.concurrent('a JWT template', () => {
  test('is kept as it was given, and shown with its environment and times', async () => {
    const env = await newEnvironment(),
      at = new Date('2030-05-01T10:00:00.000Z')
    await env.clock.freeze(at)
    const template = withClaims(
      { 'https://a.example/claims': { plan: '{{user.metadata.plan}}', levels: [1, true, null] } },
      { key: 'gold', name: 'Gold', description: 'For those who pay', expiration: 15_552_000, algorithm: 'HS256' },
    )
    const made = await env.vendor('POST', jwtTemplates, template)
    expect(made).toMatchObject({ status: 201 })
    expect(made.body).toEqual({
      ...template,
      id: expect.any(String),
      vendorId: env.id,
      createdAt: at.toISOString(),
      updatedAt: at.toISOString(),
    })
    expect(await env.vendor('GET', `${jwtTemplates}/${made.body.id}`)).toMatchObject({ status: 200, body: made.body })
    const plain = await env.vendor('POST', jwtTemplates, plainTemplate)
    expect(plain.body).toMatchObject({ ...plainTemplate, description: null })
  })

  test('is changed in part: what is not given stays', async () => {
    const env = await newEnvironment(),
      { body: made } = await env.vendor('POST', jwtTemplates, withClaims({ a: 1 }, { description: 'D' })),
      url = `${jwtTemplates}/${made.id}`
    await env.clock.advance(5000)
    const changed = await env.vendor('PUT', url, { expiration: 10, key: 'other' })
    expect(changed.status).toBe(200)
    expect(changed.body).toEqual({ ...made, expiration: 10, key: 'other', updatedAt: expect.any(String) })
    expect(changed.body.updatedAt > made.updatedAt).toBe(true)
    const { body } = await env.vendor('PUT', url, { templateSchema: { claims: { ...MANDATORY_CLAIMS, b: [] } } })
    expect(body.templateSchema.claims).toEqual({ ...MANDATORY_CLAIMS, b: [] })
    expect((await env.vendor('GET', url)).body).toEqual(body)
  })

  test('is gone once it is deleted', async () => {
    const env = await newEnvironment(),
      { body } = await env.vendor('POST', jwtTemplates, plainTemplate),
      url = `${jwtTemplates}/${body.id}`
    expect(await env.vendor('DELETE', url)).toMatchObject({ status: 204, body: null })
    for (const [method, payload] of [['GET'], ['PUT', { expiration: 10 }], ['DELETE']] as const)
      expect((await env.vendor(method, url, payload)).status, method).toBe(404)
    expect((await env.vendor('POST', jwtTemplates, plainTemplate)).status).toBe(201)
  })

  test("has a key that is nobody else's in the environment, and of many at once one gets it", async () => {
    const env = await newEnvironment(),
      other = await newEnvironment()
    const answers = await Promise.all(Array.from({ length: 6 }, () => env.vendor('POST', jwtTemplates, plainTemplate)))
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 409, 409, 409, 409, 409])
    expect(answers.find(({ status }) => status === 409)!.body.errors).toEqual(['JWT template key already exists'])
    expect((await other.vendor('POST', jwtTemplates, plainTemplate)).status).toBe(201)
    const { body } = await env.vendor('POST', jwtTemplates, { ...plainTemplate, key: 'second' })
    expect((await env.vendor('PUT', `${jwtTemplates}/${body.id}`, { key: 'plain' })).status).toBe(409)
    expect((await env.vendor('PUT', `${jwtTemplates}/${body.id}`, { key: 'second' })).status).toBe(200)
  })

  test('is for management: users, however mighty, and other environments do not get at it', async () => {
    const env = await newEnvironment(),
      other = await newEnvironment(),
      admin = await env.user({ roleKeys: ['Admin'] }),
      { body } = await env.vendor('POST', jwtTemplates, plainTemplate)
    expect((await admin('GET', jwtTemplates)).status).toBe(401)
    expect((await admin('POST', jwtTemplates, { ...plainTemplate, key: 'mine' })).status).toBe(401)
    expect((await other.vendor('GET', `${jwtTemplates}/${body.id}`)).status).toBe(404)
    expect((await other.vendor('GET', jwtTemplates)).body.items).toEqual([])
    expect((await env.vendor('GET', `${jwtTemplates}/${UNKNOWN_ID}`)).status).toBe(404)
    expect((await env.vendor('GET', `${jwtTemplates}/nonsense`)).status).toBe(404)
  })
})

describe.concurrent('the claims of a JWT template', () => {
  const refused: [string, object, string[]][] = [
    [
      'without what every token needs',
      claimsOnly({ sub: '{{sub}}', exp: '{{exp}}' }),
      ['iss', 'aud', 'iat'].map((name) => `templateSchema.claims.${name} should not be empty`),
    ],
    [
      'with an audience of its own',
      withClaims({ aud: 'https://a.example' }),
      ['templateSchema.claims.aud must be one of the following values: {{clientId}}, {{applicationId}}, {{aud}}'],
    ],
    ['with several audiences', withClaims({ aud: ['{{clientId}}'] }), [expect.stringContaining('claims.aud must be')]],
    [
      'with another subject',
      withClaims({ sub: '{{user.email}}' }),
      ['templateSchema.claims.sub must be one of the following values: {{sub}}'],
    ],
    ['with an end of its own', withClaims({ exp: 4_000_000_000 }), [expect.stringContaining('claims.exp must be')]],
    [
      'with what is reserved',
      withClaims({ act: { sub: 'x' }, amr: ['mfa'], acr: 'high' }),
      [
        'Claims reserved for internal use are not allowed',
        ...['act', 'amr', 'acr'].map((name) => `templateSchema.claims.${name} is reserved`),
      ],
    ],
    [
      'with another type',
      withClaims({ type: 'vendor' }),
      ['Claims reserved for internal use are not allowed', 'templateSchema.claims.type is reserved'],
    ],
    [
      'with another tenant',
      withClaims({ tenantId: '{{user.metadata.tenant}}' }),
      ['Claims reserved for internal use are not allowed', 'templateSchema.claims.tenantId is reserved'],
    ],
    [
      'with an unknown variable, wherever it is',
      withClaims({ a: { b: ['so {{user.nmae}}'] }, c: '{{constructor}}', d: '{{}}', e: '{{user.metadata.}}' }),
      ['{{user.nmae}}', '{{constructor}}', '{{}}', '{{user.metadata.}}'].map((name, i) => {
        const at = `templateSchema.claims.${'acde'[i]}`
        return `${at} has an unknown variable: ${name}`
      }),
    ],
    [
      'with a variable without an end',
      withClaims({ a: '{{user.name' }),
      ['templateSchema.claims.a has a variable without an end'],
    ],
    [
      'nested too deeply',
      withClaims({ a: [[[[[['x']]]]]] }),
      ['templateSchema.claims must not be nested deeper than 5 levels'],
    ],
    [
      'that are too long',
      withClaims({ a: 'x'.repeat(8192) }),
      ['templateSchema.claims must be shorter than or equal to 8192 bytes'],
    ],
    [
      'that are no object',
      { ...plainTemplate, templateSchema: { claims: [] } },
      ['templateSchema.claims must be an object'],
    ],
  ]
  test.for(refused)('are refused %s', async ([, template, errors]) => {
    const env = await newEnvironment(),
      { body: made } = await env.vendor('POST', jwtTemplates, { ...plainTemplate, key: 'made' })
    for (const answer of [
      await env.vendor('POST', jwtTemplates, template),
      await env.vendor('PUT', `${jwtTemplates}/${made.id}`, template),
    ])
      expect(answer).toMatchObject({ status: 400, body: { errors } })
    expect((await env.vendor('GET', jwtTemplates)).body.items).toEqual([made])
  })

  test('may be all that the guide of the original lists, and objects and lists of any JSON', async () => {
    const env = await newEnvironment()
    const claims = {
      ...MANDATORY_CLAIMS,
      aud: '{{ aud }}',
      name: '{{user.name}}',
      email: '{{user.email}}',
      email_verified: '{{user.verified}}',
      metadata: '{{user.metadata}}',
      roles: '{{user.tenant.roles}}',
      permissions: '{{user.tenant.permissions}}',
      tenantId: '{{user.tenantId}}',
      tenantIds: '{{user.tenantIds}}',
      profilePictureUrl: '{{user.profilePictureUrl}}',
      sid: '{{sid}}',
      type: '{{type}}',
      applicationId: '{{applicationId}}',
      nested: { a: [{ b: { c: '}} is no variable' } }, 1.5, false, null] },
    }
    const { status, body } = await env.vendor('POST', jwtTemplates, claimsOnly(claims))
    expect({ status, claims: body.templateSchema?.claims }).toEqual({ status: 201, claims })
  })

  test('have bounds for the lifetime and the algorithm, too', async () => {
    const env = await newEnvironment()
    for (const [change, error] of [
      [{ expiration: 9 }, 'expiration must not be less than 10'],
      [{ expiration: 15_552_001 }, 'expiration must not be greater than 15552000'],
      [{ algorithm: 'none' }, 'algorithm must be one of the following values: RS256, HS256'],
      [{ key: '' }, 'key should not be empty'],
      [{ templateSchema: undefined }, 'templateSchema must be an object'],
    ] as const)
      expect(await env.vendor('POST', jwtTemplates, { ...plainTemplate, ...change })).toMatchObject({
        status: 400,
        body: { errors: [error] },
      })
  })
})
