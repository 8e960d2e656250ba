import { openDatabase } from '@henhouse/database'
import { afterAll, expect, inject, test } from 'vitest'
import { buildServer } from '../../src/server.ts'
import { deps, newEnvironment, unique } from '../environment.ts'

/** A server of its own, whose statements are counted. Its tests run one after another. */
let statements = 0
const database = openDatabase(inject('databaseUrl'), { max: 2 })
database.pool.on('connect', (connection) => {
  const query = connection.query.bind(connection) as (...args: unknown[]) => unknown
  connection.query = ((...args: unknown[]) => {
    statements++
    return query(...args)
  }) as typeof connection.query
})
const server = await buildServer({ ...deps, database })
afterAll(async () => {
  await database.close()
})

const roles = '/identity/resources/roles/v1',
  permissions = '/identity/resources/permissions/v1',
  many = (count: number, make: (index: number) => unknown) => Array.from({ length: count }, (_, index) => make(index))
const newRole = () => ({ key: unique('role'), name: 'R', level: 9 })
const newPermission = () => ({ key: unique('permission'), name: 'P' })

async function statementsOf(call: () => Promise<{ status: number; body: unknown[] }>) {
  const before = statements,
    { status, body } = await call()
  return { status, made: body.length, statements: statements - before }
}

test('600,000 empty roles cost nothing, and 1001 are told that they are too many', async () => {
  const env = await newEnvironment(server),
    admin = await env.user({ roleKeys: ['Admin'] })
  const refused = await admin(
    'POST',
    roles,
    many(600_000, () => ({})),
  )
  expect(refused).toMatchObject({ status: 400, body: { errors: [expect.stringContaining('too many')] } })
  const tooMany = await admin(
    'POST',
    roles,
    many(1001, () => ({})),
  )
  expect(tooMany).toMatchObject({ status: 400, body: { errors: ['body must contain no more than 1000 elements'] } })
  const wrong = await admin(
    'POST',
    roles,
    many(1000, () => ({})),
  )
  expect(wrong.body.errors).toHaveLength(20)
})

test('a sign-up with 500,000 or 1001 roles is refused', async () => {
  const env = await newEnvironment(server),
    url = '/identity/resources/users/v1/signUp'
  const signUp = (count: number) =>
    env.anonymous('POST', url, {
      email: 'somebody@example.com',
      companyName: 'C',
      roleIds: many(count, () => ''),
    })
  expect((await signUp(500_000)).status).toBe(400)
  expect(await signUp(1001)).toMatchObject({
    status: 400,
    body: { errors: ['roleIds must contain no more than 1000 elements'] },
  })
})

test('60,000 permissions are refused, and a thousand take as many statements as one', async () => {
  const env = await newEnvironment(server)
  const post = (count: number) => env.vendor('POST', permissions, many(count, newPermission))
  const tooMany = many(60_000, (index) => ({ key: `${index}`, name: 'P' }))
  expect((await env.vendor('POST', permissions, tooMany)).status).toBe(400)
  await post(1)
  const one = await statementsOf(() => post(1)),
    thousand = await statementsOf(() => post(1000))
  expect(one).toMatchObject({ status: 201, made: 1 })
  expect(thousand).toEqual({ status: 201, made: 1000, statements: one.statements })
})

test('a thousand roles, or a thousand permissions of one, take as many statements as one', async () => {
  const env = await newEnvironment(server)
  const post = (count: number) => env.vendor('POST', roles, many(count, newRole))
  const made = await post(1)
  const one = await statementsOf(() => post(1)),
    thousand = await statementsOf(() => post(1000))
  expect(one).toMatchObject({ status: 201, made: 1 })
  expect(thousand).toEqual({ status: 201, made: 1000, statements: one.statements })

  const ids = (await env.vendor('POST', permissions, many(1000, newPermission))).body.map((p: { id: string }) => p.id)
  const set = (count: number) =>
    statementsOf(async () => {
      const answer = await env.vendor('PUT', `${roles}/${made.body[0].id}/permissions`, {
        permissionIds: ids.slice(0, count),
      })
      return { status: answer.status, body: answer.body.permissions }
    })
  await set(1)
  const few = await set(1)
  expect(few).toMatchObject({ status: 200, made: 1 })
  expect(await set(1000)).toEqual({ status: 200, made: 1000, statements: few.statements })
})

test('many roles for everybody are given to the members by jobs', async () => {
  const env = await newEnvironment(server),
    member = await env.newUser()
  const post = () =>
    env.vendor(
      'POST',
      roles,
      many(3, () => ({ ...newRole(), isDefault: true, migrateRole: true })),
    )
  const { body } = await post()
  await env.runJobs()
  const held = await (await env.context()).db.membershipRole.findMany({ where: { userId: member.id } })
  expect(held.map((row) => row.roleId).toSorted()).toEqual(body.map((role: { id: string }) => role.id).toSorted())
})

test('resets for nobody store neither long addresses nor any', async () => {
  const env = await newEnvironment(server),
    { db } = await env.context()
  for (const path of ['v1/passwords/reset', 'v2/passwords/reset/email', 'v2/passwords/reset/sms'])
    for (const field of [
      { email: 'x'.repeat(1_900_000) },
      { identifier: 'x'.repeat(1_900_000), identifierType: 'email' },
    ])
      expect((await env.anonymous('POST', `/identity/resources/users/${path}`, field)).status, path).toBe(400)
  expect(await db.challenge.count()).toBe(0)

  const answer = await env.anonymous('POST', '/identity/resources/users/v1/passwords/reset', {
    email: 'nobody@example.com',
  })
  expect(answer.status).toBe(201)
  expect(await db.challenge.findMany({ select: { userId: true, data: true } })).toEqual([{ userId: null, data: {} }])
  expect(await db.message.count()).toBe(0)
})
