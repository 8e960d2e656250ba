import { expect, test } from 'vitest'
import { newEnvironment } from '../environment.ts'

const users = '/identity/resources/users',
  members = '/team/resources/members/v1',
  access = '/identity/resources/sub-tenants/users/v1'

test.concurrent('who is only invited keeps their name and their access to sub-accounts', async () => {
  const env = await newEnvironment(),
    victim = await env.newUser(),
    admin = await env.user({ permissions: ['fe.secure.*', 'fe.account-hierarchy.write.subAccountAccess'] }),
    { db } = await env.context(),
    stored = () => db.user.findUniqueOrThrow({ where: { id: victim.id } }),
    before = await stored()
  const rename = () => admin('PUT', members, { id: victim.id, name: 'Mallory' }),
    give = () => admin('PUT', `${access}/${victim.id}/access`, { allowAccess: true })
  expect((await admin('POST', `${users}/v2`, { email: victim.email })).status).toBe(201)
  expect(await rename()).toMatchObject({ status: 403, body: { errors: ['User has not accepted the invitation'] } })
  expect((await give()).status).toBe(404)
  expect(await stored()).toEqual(before)
  // members whom nobody had to invite, and those who have accepted, can be changed
  expect((await admin('PUT', members, { id: victim.id, name: before.name })).status).toBe(200)
  await db.membership.updateMany({ where: { userId: victim.id }, data: { acceptedAt: new Date() } })
  expect((await rename()).status).toBe(200)
  expect((await give()).status).toBe(200)
  expect(await stored()).toMatchObject({ name: 'Mallory', subAccountAccess: true })
})
