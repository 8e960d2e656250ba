import { describe, expect, test } from 'vitest'
import type { Operation } from '../src/kernel/operation.ts'
import { newEnvironment, operations } from './environment.ts'
import {
  everythingOf,
  furnished,
  idFor,
  needsAccessTokens,
  ownIds,
  rowsAbout,
  wantAccessTokens,
  words,
} from './furnished.ts'
import { fillPath, pathNames, sampleBody } from './samples.ts'

/** Ids of things that all tenants share. */
const ofEnvironment = new Set([...words, 'permissionId', 'categoryId'])

const withIds = operations.filter((op) => pathNames(op).some((name) => !words.has(name)) && op.auth !== 'public')
/** These answer an unknown id with an empty list, as the reference does. */
const emptyForUnknown = new Set(['getTenantV1', 'getTenantV2'])

const hierarchy = [
  'read.subAccount',
  'write.subAccount',
  'write.subAccountAccess',
  'write.subAccountManagement',
  'delete.subAccount',
].map((name) => `fe.account-hierarchy.${name}`)

const GIF = 'R0lGODlhAwACAIAAAAAAAP///yH5BAEAAAAALAAAAAADAAIAAAIChF8AOw=='
/** With an environment token, these are about any user, whatever account its header names. */
const forAnyUser = new Set([
  // the link is for a user who is not in the account yet
  'createUserInviteV1',
  'createUserInviteV2',
  // all accounts of the user; the header only says which of them is the active one
  'listMyTenantsV1',
  'listMyTenantsV2',
  'listMyTenantsV3',
])

/** They refuse a tenant's header before they look at anything. */
const forNoTenant = new Set(['setUserEmailV1'])

/** Two environments, and one with two accounts. */
async function world(accessTokens: boolean) {
  const theirs = await newEnvironment(),
    mine = await newEnvironment(),
    both = await newEnvironment()
  for (const env of [theirs, mine, both]) await wantAccessTokens(env, accessTokens)
  const [ids, own, neighbour] = [await furnished(theirs), await furnished(mine), await furnished(both)],
    next = await furnished(both)
  const admin = await mine.user({ tenantId: own.tenantId, roleKeys: ['Admin'] })
  const stranger = await both.user({
    permissions: ['fe.secure.*', 'fe.connectivity.*', 'fe.account-settings.delete.account', ...hierarchy],
  })
  return {
    theirs,
    ids,
    neighbour,
    both,
    next,
    managedNext: both.as(next.tenantId, next.userId),
    managed: mine.as(own.tenantId, own.userId),
    unscoped: mine.vendor,
    admin,
    stranger,
    // every account of the environment sees these
    shown: { permissionId: '', categoryId: '', appId: '' },
    before: { theirs: await everythingOf(theirs.id), both: await rowsAbout(both.id, neighbour) },
  }
}
/** No test here changes these environments, so all tests share them and their state at the start. */
const usual = await world(false),
  withAccessTokens = await world(true)
const worldOf = (op: Operation) => (needsAccessTokens(op) ? withAccessTokens : usual)

describe.concurrent('ids of others are unknown ids', () => {
  test.for(withIds.map((op) => [op.id, op] as const))('%s does not reach into another environment', async ([, op]) => {
    const shared = worldOf(op)
    const client = op.auth === 'user' ? shared.admin : forNoTenant.has(op.id) ? shared.unscoped : shared.managed
    const answer = await client(
      op.method,
      fillPath(op, (name) => idFor(op, name, shared.ids)),
      sampleBody(op, true),
    )
    if (emptyForUnknown.has(op.id)) expect(answer).toMatchObject({ status: 200, body: [] })
    else expect(answer).toMatchObject({ status: 404, body: { errors: [expect.any(String)] } })
    expect(await everythingOf(shared.theirs.id)).toEqual(shared.before.theirs)
  })

  const ofTenants = withIds.filter(
    (op) =>
      op.auth !== 'vendor' &&
      op.tenant &&
      op.tenant !== 'none' &&
      pathNames(op).some((name) => !ofEnvironment.has(name)),
  )
  test.for(ofTenants.map((op) => [op.id, op] as const))('%s does not reach into another tenant', async ([, op]) => {
    const shared = worldOf(op)
    const answer = await shared.stranger(
      op.method,
      fillPath(op, (name) => idFor(op, name, shared.neighbour)),
      sampleBody(op, true),
    )
    expect(answer).toMatchObject({ status: 404, body: { errors: [expect.any(String)] } })
    expect(await rowsAbout(shared.both.id, shared.neighbour)).toEqual(shared.before.both)
  })

  const headed = withIds.filter(
    (op) =>
      op.auth !== 'user' &&
      !forNoTenant.has(op.id) &&
      op.tenant &&
      op.tenant !== 'none' &&
      pathNames(op).some((name) => !ofEnvironment.has(name)),
  )
  test.for(headed.map((op) => [op.id, op] as const))(
    "%s does not reach from the account that an environment token's header names into another",
    async ([, op]) => {
      const shared = worldOf(op)
      const answer = await shared.managedNext(
        op.method,
        fillPath(op, (name) => idFor(op, name, shared.neighbour)),
        sampleBody(op, true),
      )
      expect(answer).toMatchObject({ status: 404, body: { errors: [expect.any(String)] } })
      expect(await rowsAbout(shared.both.id, shared.neighbour)).toEqual(shared.before.both)
    },
  )

  const aboutUsers = operations.filter(
    (op) =>
      (op.auth === 'vendor' || op.auth === 'both') &&
      op.user &&
      op.user !== 'none' &&
      op.tenant &&
      op.tenant !== 'none' &&
      !forAnyUser.has(op.id),
  )
  test.for(aboutUsers.map((op) => [op.id, op] as const))(
    '%s finds no user in a header who is not in the account of the other header',
    async ([, op]) => {
      const { both, next, neighbour, before } = worldOf(op)
      const answer = await both.as(next.tenantId, neighbour.userId)(
        op.method,
        fillPath(op, (name) => idFor(op, name, next)),
        op.id === 'setOwnPictureV1' ? { profileImage: GIF } : sampleBody(op, true),
      )
      expect(answer).toMatchObject({ status: 404, body: { errors: [expect.any(String)] } })
      expect(await rowsAbout(both.id, neighbour)).toEqual(before.both)
    },
  )

  const bare = operations.filter(
    (op) => (op.auth === 'both' || op.auth === 'user') && !pathNames(op).some((name) => !words.has(name)),
  )
  test.for(bare.map((op) => [op.id, op] as const))("%s does not believe a user token's headers", async ([, op]) => {
    const { both, neighbour, before, shown } = worldOf(op),
      user = await both.newUser()
    const call = both.client({
      authorization: `Bearer ${await both.userToken(user, { permissions: ['*'] })}`,
      'frontegg-tenant-id': neighbour.tenantId,
      'frontegg-user-id': neighbour.userId,
    })
    const answer = await call(
      op.method,
      fillPath(op, () => 'word'),
      sampleBody(op, true),
    )
    expect([answer.status, answer.body]).not.toEqual([401, { errors: ['Unauthorized'] }])
    expect(JSON.stringify(answer.body)).not.toMatch(new RegExp(ownIds({ ...neighbour, ...shown }).join('|')))
    expect(await rowsAbout(both.id, neighbour)).toEqual(before.both)
  })
})
