import { describe, expect, test } from 'vitest'
import { newEnvironment, operations } from './environment.ts'
import { everythingOf, furnished, idFor, words } from './furnished.ts'
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

/** They refuse a tenant's header before they look at anything. */
const forNoTenant = new Set(['setUserEmailV1'])

/** No test here changes these environments, so all tests share them and their state at the start. */
const shared = await (async () => {
  const theirs = await newEnvironment(),
    mine = await newEnvironment(),
    both = await newEnvironment()
  const [ids, own, neighbour] = [await furnished(theirs), await furnished(mine), await furnished(both)]
  const admin = await mine.user({ tenantId: own.tenantId, roleKeys: ['Admin'] })
  const stranger = await both.user({ permissions: ['fe.secure.*', 'fe.account-settings.delete.account', ...hierarchy] })
  return {
    theirs,
    ids,
    neighbour,
    both,
    managed: mine.as(own.tenantId, own.userId),
    unscoped: mine.vendor,
    admin,
    stranger,
    before: { theirs: await everythingOf(theirs.id), both: await everythingOf(both.id) },
  }
})()

describe.concurrent('ids of others are unknown ids', () => {
  test.for(withIds.map((op) => [op.id, op] as const))('%s does not reach into another environment', async ([, op]) => {
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
    const answer = await shared.stranger(
      op.method,
      fillPath(op, (name) => idFor(op, name, shared.neighbour)),
      sampleBody(op, true),
    )
    expect(answer).toMatchObject({ status: 404, body: { errors: [expect.any(String)] } })
    expect(await everythingOf(shared.both.id)).toEqual(shared.before.both)
  })
})
