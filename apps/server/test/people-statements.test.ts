import { openDatabase } from '@henhouse/database'
import { afterAll, expect, inject, test } from 'vitest'
import { runDue } from '../src/kernel/jobs.ts'
import { hearOthers } from '../src/kernel/memory.ts'
import { deps, newEnvironment, newServer, unique, type Answer, type TestEnvironment } from './environment.ts'

/*
 * How many statements it costs to show users and to add some, BEGIN and COMMIT among them. Counted on a server that has
 * served the same call before, and so knows the environment's definitions. A number may only become smaller.
 */

let sent: string[] = []
const database = openDatabase(inject('databaseUrl'), { max: 2 })
database.pool.on('connect', (connection) => {
  const query = connection.query.bind(connection) as (...args: unknown[]) => unknown
  connection.query = ((...args: unknown[]) => {
    sent.push(typeof args[0] === 'string' ? args[0] : (args[0] as { text: string }).text)
    return query(...args)
  }) as typeof connection.query
})
hearOthers({ ...deps, database })
const counting = await newServer({ database })
afterAll(async () => {
  await database.close()
})

type Call = () => Promise<Answer>

const users = '/identity/resources/users',
  below = '/identity/resources/sub-tenants/users'
const done = (answer: Answer) => {
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300)
  return answer
}
const reader = (env: TestEnvironment) => env.user({ roleKeys: ['Admin'] })
const addresses = (count: number) => Array.from({ length: count }, () => ({ email: address(), name: 'New' }))
const address = () => `${unique('new')}@example.com`

const cases: Record<string, [count: number, prepare: (env: TestEnvironment) => Promise<Call>]> = {
  'an own profile': [
    2,
    async (env) => {
      const user = await reader(env)
      return () => user('GET', `${users}/v2/me`)
    },
  ],
  'an own profile without rights': [
    2,
    async (env) => {
      const user = await reader(env)
      return () => user('GET', `${users}/v3/me`)
    },
  ],
  'own roles and permissions': [
    2,
    async (env) => {
      const user = await reader(env)
      return () => user('GET', `${users}/v1/me/authorization`)
    },
  ],
  'a profile for the environment': [
    2,
    async (env) => {
      const user = await reader(env)
      return () => env.as(user.tenantId)('GET', `${users}/v1/${user.id}`)
    },
  ],
  'a list of all users': [
    2,
    async (env) => {
      await reader(env)
      return () => env.vendor('GET', `${users}/v3`)
    },
  ],
  'a list of all users with their roles': [
    2,
    async (env) => {
      await reader(env)
      return () => env.vendor('GET', `${users}/v2`)
    },
  ],
  "a list of an account's users for the environment": [
    4,
    async (env) => {
      const user = await reader(env)
      return () => env.as(user.tenantId)('GET', `${users}/v3`)
    },
  ],
  "a list of an account's users for one of them": [
    4,
    async (env) => {
      const user = await reader(env)
      return () => user('GET', `${users}/v3`)
    },
  ],
  'a search': [
    3,
    async (env) => {
      await reader(env)
      return () => env.vendor('GET', `${users}/v3?_filter=example`)
    },
  ],
  'the list of the users below': [
    4,
    async (env) => {
      const user = await reader(env)
      return () => user('GET', `${below}/v1`)
    },
  ],
  'a verified user made by the environment': [
    3,
    async (env) => {
      const tenantId = await env.newTenant()
      return () => env.as(tenantId)('POST', `${users}/v2`, { email: address(), skipInviteEmail: true })
    },
  ],
  'a user made by the environment without a password': [
    2,
    async (env) => {
      const tenantId = await env.newTenant()
      return () => env.vendor('POST', '/identity/resources/vendor-only/users/v1', { email: address(), tenantId })
    },
  ],
  'a user invited by the environment': [
    3,
    async (env) => {
      const tenantId = await env.newTenant()
      return () => env.as(tenantId)('POST', `${users}/v2`, { email: address(), roleIds: [] })
    },
  ],
  'a user invited by a user': [
    3,
    async (env) => {
      const user = await reader(env)
      return () => user('POST', `${users}/v2`, { email: address() })
    },
  ],
  'a known user invited by a user': [
    4,
    async (env) => {
      const user = await reader(env)
      return async () => {
        const { email } = await env.newUser()
        sent = []
        return user('POST', `${users}/v2`, { email })
      }
    },
  ],
  'a hundred users in one call of the environment': [
    3,
    async (env) => {
      const tenantId = await env.newTenant()
      return () => env.vendor('POST', `${below}/v2`, { tenantId, users: addresses(100) })
    },
  ],
  'a hundred users in one call of a user': [
    5,
    async (env) => {
      const user = await reader(env)
      return () => user('POST', `${below}/v2`, { tenantId: user.tenantId, users: addresses(100) })
    },
  ],
  'a hundred users invited by a job': [
    29,
    async (env) => {
      const tenantId = await env.newTenant()
      return async () => {
        const { body } = await env.as(tenantId)('POST', `${users}/bulk/v1/invite`, { users: addresses(100) })
        sent = []
        await runDue(counting.worker, env.id)
        const statements = [...sent]
        const answer = await env.vendor('GET', `${users}/bulk/v1/status/${body.id}`)
        expect(answer.body).toMatchObject({ status: 'Completed', processed: 100 })
        sent = statements
        return answer
      }
    },
  ],
}

// one after the other: they share what is counted
test.each(Object.entries(cases))('%s takes as many statements as stand here', async (_, [count, prepare]) => {
  const env = await newEnvironment(counting),
    call = await prepare(env)
  done(await call())
  sent = []
  done(await call())
  const statements = sent
  expect(statements.length, statements.join('\n')).toBe(count)
})
