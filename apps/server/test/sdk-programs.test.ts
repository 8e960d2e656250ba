import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createRequire } from 'node:module'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { listening, newEnvironment, type TestEnvironment } from './environment.ts'

/*
 * An application that programs call, guarded by the published server-side client, unmodified: it asks this server about the
 * tokens that it is shown, in either header.
 */
const require = createRequire(import.meta.url)
/** Loaded anew: it remembers for ten seconds which tokens there are, and for ever in which environment it is. */
function loaded() {
  for (const file of Object.keys(require.cache)) if (file.includes('@frontegg')) delete require.cache[file]
  return require('@frontegg/client')
}

beforeAll(async () => {
  process.env['FRONTEGG_API_GATEWAY_URL'] = await listening()
})
afterAll(() => {
  delete process.env['FRONTEGG_API_GATEWAY_URL']
})

/** What the client expects of Express. */
const asExpress = (request: IncomingMessage, response: ServerResponse) => [
  Object.assign(request, { header: (name: string) => request.headers[name] }),
  Object.assign(response, {
    status: (code: number) => Object.assign(response, { statusCode: code }),
    send: (text: string) => response.end(text),
  }),
]

/** Calls the application with these headers. @returns whom it takes the caller for, or the status of its refusal */
async function shown(env: TestEnvironment, headers: Record<string, string>, wanted: object = {}) {
  const { FronteggContext, withAuthentication } = loaded()
  FronteggContext.init({ FRONTEGG_CLIENT_ID: env.id, FRONTEGG_API_KEY: env.apiKey })
  const guard = withAuthentication(wanted)
  const application = createServer((request, response) => {
    const [asked, answer] = asExpress(request, response)
    void guard(asked, answer, (error?: unknown) => {
      if (!error) response.end(JSON.stringify((asked as unknown as { frontegg: { user: object } }).frontegg.user))
    })
  })
  await new Promise<void>((resolve) => application.listen(0, '127.0.0.1', resolve))
  try {
    const reply = await fetch(`http://127.0.0.1:${(application.address() as AddressInfo).port}/`, { headers })
    return reply.status === 200 ? ((await reply.json()) as Record<string, unknown>) : reply.status
  } finally {
    application.close()
    application.closeAllConnections()
  }
}

const reading = { roles: ['ReadOnly'], permissions: ['fe.secure.read.*'] },
  writing = { permissions: ['fe.secure.write.users'] }
const roleIdOf = async (env: TestEnvironment, key: string) =>
  (await (await env.context()).db.role.findFirstOrThrow({ where: { key } })).id

describe('an application that @frontegg/client guards', () => {
  test('lets in programs with API tokens of accounts and users, by their roles and permissions', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ roleKeys: ['ReadOnly'] }),
      { tenantId } = user
    const programs = [
      [
        await env.machine({ tenantId, roleIds: [await roleIdOf(env, 'ReadOnly')] }),
        { type: 'tenantApiToken', tenantId },
      ],
      [
        await env.machine({ tenantId, userId: user.id }),
        { type: 'userApiToken', tenantId, userId: user.id, email: user.email, createdByUserId: user.id, id: user.id },
      ],
    ] as const
    for (const [program, entity] of programs) {
      const headers = { authorization: `Bearer ${program.token}` }
      expect(await shown(env, headers, reading)).toMatchObject({ ...entity, sub: program.id, roles: ['ReadOnly'] })
      expect(await shown(env, headers, { roles: ['Admin'] })).toBe(403)
      expect(await shown(env, headers, writing)).toBe(403)
      expect(await shown(env, { 'x-api-key': program.token }), 'a token of the wrong kind').toBe(400)
    }
  })

  test('lets in programs with access tokens, as long as those are there', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ roleKeys: ['ReadOnly'] }),
      { tenantId } = user
    const programs = [
      [
        await env.key({ tenantId, roleIds: [await roleIdOf(env, 'ReadOnly')] }),
        { type: 'tenantAccessToken', tenantId },
      ],
      [
        await env.key({ tenantId, userId: user.id }),
        { type: 'userAccessToken', tenantId, userId: user.id, id: user.id },
      ],
    ] as const
    for (const [program, entity] of programs) {
      const headers = { 'x-api-key': program.token }
      expect(await shown(env, headers)).toMatchObject({ ...entity, sub: program.id })
      expect(await shown(env, headers, reading)).toMatchObject({ ...entity, sub: program.id })
      expect(await shown(env, headers, { roles: ['Admin'] })).toBe(403)
      expect(await shown(env, headers, writing)).toBe(403)
      expect(await shown(env, { authorization: `Bearer ${program.token}` }), 'a token of the wrong kind').toBe(400)
      const path = `/identity/resources/${entity.type === 'userAccessToken' ? 'users' : 'tenants'}/access-tokens/v1`
      const deleted = await env.as(tenantId, user.id)('DELETE', `${path}/${program.id}`)
      expect(deleted.status).toBe(200)
      expect(await shown(env, headers)).toBe(401)
    }
  })

  test('takes a delegated token for the user, and sees who acts', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ roleKeys: ['ReadOnly'] }),
      { tenantId } = user,
      program = await env.machine({ tenantId, permissions: ['fe.secure.write.delegation'] }),
      type = 'urn:ietf:params:oauth:token-type:access_token'
    await env.vendor('POST', '/identity/resources/configurations/v1/delegation', { enabled: true })
    const { body } = await env.anonymous('POST', '/oauth/token', {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: await env.userToken(user),
      subject_token_type: type,
      actor_token: program.token,
      actor_token_type: type,
    })
    expect(await shown(env, { authorization: `Bearer ${body.access_token}` }, reading)).toMatchObject({
      id: user.id,
      type: 'userToken',
      act: { sub: program.id, type: 'delegation' },
    })
  })
})
