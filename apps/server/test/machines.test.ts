import { describe, expect, test } from 'vitest'
import { needs } from '../src/areas/rights/permissions/permissions.keys.ts'
import type { Operation } from '../src/kernel/operation.ts'
import { newEnvironment, operations, UNKNOWN_ID, type Answer, type Client } from './environment.ts'
import { everythingOf, furnished, idFor } from './furnished.ts'
import { fillPath, sampleBody } from './samples.ts'

/*
 * Every operation, called with the tokens of programs: of tenants and of users, exchanged for a secret or made to last. A new
 * operation is covered at once.
 */

const ALL = Object.values(needs).flatMap((group) => Object.values(group) as string[])
const closed = operations.filter((op) => op.auth !== 'public').map((op) => [op.id, op] as const),
  isForPeople = (op: Operation) => !!(op.people ?? op.recentLogin),
  open = closed.filter(([, op]) => op.auth !== 'vendor' && !isForPeople(op)),
  forPeople = closed.filter(([, op]) => op.auth !== 'vendor' && isForPeople(op)),
  gated = open.filter(([, op]) => op.permission)

const call = (client: Client, op: Operation, id: (name: string) => string = () => UNKNOWN_ID) =>
  client(op.method, fillPath(op, id), op.id === 'setOwnPictureV1' ? { profileImage: GIF } : sampleBody(op, true))
const GIF = 'R0lGODlhAwACAIAAAAAAAP///yH5BAEAAAAALAAAAAADAAIAAAIChF8AOw=='

interface Programs {
  ofTenant: Client
  ofUser: Client
  powerless: readonly Client[]
  ended: readonly Client[]
}

/** Both kinds cannot be at work in one environment. */
const apiTokens = async (): Promise<Programs> => {
  const env = await newEnvironment(),
    [mighty, poor] = [await env.newUser({ permissions: ALL }), await env.newUser()],
    of = (user: { id: string; tenantId: string }) => env.machine({ userId: user.id, tenantId: user.tenantId })
  const ended = [await env.machine({ permissions: ALL }), await of(mighty)]
  const { db } = await env.context()
  await db.apiToken.deleteMany({ where: { id: { in: ended.map(({ id }) => id) } } })
  return {
    ofTenant: await env.machine({ permissions: ALL }),
    ofUser: await of(mighty),
    powerless: [await env.machine(), await of(poor)],
    ended,
  }
}
const accessTokens = async (): Promise<Programs> => {
  const env = await newEnvironment(),
    [mighty, poor] = [await env.newUser({ permissions: ALL }), await env.newUser()],
    { db } = await env.context(),
    { roleId } = await db.membershipRole.findFirstOrThrow({ where: { userId: mighty.id } }),
    of = (user: { id: string; tenantId: string }) => env.key({ userId: user.id, tenantId: user.tenantId })
  const ended = [await env.key({ roleIds: [roleId] }), await of(mighty)]
  await db.accessToken.deleteMany({ where: { id: { in: ended.map(({ id }) => id) } } })
  return {
    ofTenant: await env.key({ roleIds: [roleId] }),
    ofUser: await of(mighty),
    powerless: [await env.key(), await of(poor)],
    ended,
  }
}
const kinds = [
  ['API token', apiTokens, await apiTokens()] as const,
  ['access token', accessTokens, await accessTokens()] as const,
]

const noUser = { status: 403, body: { errors: ['User ID is not specified'], errorCode: 'ER-00008' } },
  missing = (op: Operation) => ({
    status: 403,
    body: { errors: [`Missing permission ${op.permission}`], errorCode: 'ER-00008' },
  })
const mustBeOpen = (op: Operation, { status, body }: Answer) => {
  expect([status, body]).not.toEqual([403, missing(op).body])
  expect(status, JSON.stringify(body)).not.toBe(401)
  expect(status, JSON.stringify(body)).toBeLessThan(500)
}

test('operations are open to programs, for people, or for management, and there are many of each', () => {
  expect(open.length).toBeGreaterThan(130)
  expect(forPeople.map(([id]) => id).toSorted()).toMatchInlineSnapshot(`
    [
      "changeOwnEmailV1",
      "changePasswordV1",
      "changePhoneNumberV1",
      "createPasskeyV1",
      "createPhoneNumberV1",
      "createTokenForTenantV3",
      "createUserAccessTokenV1",
      "createUserApiTokenV1",
      "createUserEmailV1",
      "createUsernameV1",
      "deletePasskeyV1",
      "deletePhoneNumberV1",
      "deleteUserEmailV1",
      "deleteUsernameV1",
      "disableAuthenticatorV1",
      "disableMfaV1",
      "disableSmsV1",
      "disableWebauthnV1",
      "enrolAuthenticatorV1",
      "enrolMfaV1",
      "enrolSmsV1",
      "enrolWebauthnV1",
      "generateStepUpV1",
      "getCurrentSessionV1",
      "preverifyPhoneNumberV1",
      "setOwnPrimaryEmailV1",
      "startAuthenticatorV1",
      "startDisableSmsV1",
      "startDisableWebauthnV1",
      "startMfaV1",
      "startPasskeyV1",
      "startSmsV1",
      "startWebauthnV1",
      "verifyOwnEmailChangeV1",
      "verifyPhoneNumberChangeV1",
      "verifyPhoneNumberDeletionV1",
      "verifyPhoneNumberV1",
      "verifyUserEmailV1",
    ]
  `)
})

describe.concurrent.each(kinds)('a program with an %s', (_kind, anew, programs) => {
  test.for(closed.filter(([, op]) => op.auth === 'vendor'))('%s is closed to it', async ([, op]) => {
    for (const client of [programs.ofTenant, programs.ofUser])
      expect(await call(client, op)).toMatchObject({ status: 401, body: { errors: ['Failed to verify vendor JWT'] } })
  })

  test.for(forPeople)('%s is closed to it, as it has not logged in', async ([, op]) => {
    for (const client of [programs.ofTenant, programs.ofUser, ...programs.powerless])
      expect(await call(client, op)).toMatchObject({
        status: 403,
        body: { errors: ['Only a user who has logged in may do this'] },
      })
  })

  test.for(open)('%s is open to it, for its tenant or its user', async ([id, op]) => {
    // one that deletes the tenant takes its programs along
    const { ofTenant, ofUser } = id === 'deleteCurrentTenantV1' ? await anew() : programs
    const answer = await call(ofTenant, op)
    if (op.user === 'required') expect(answer).toMatchObject(noUser)
    else mustBeOpen(op, answer)
    mustBeOpen(op, await call(ofUser, op))
  })

  test.for(gated)('%s is closed to it without the permission', async ([, op]) => {
    for (const client of programs.powerless) expect(await call(client, op)).toMatchObject(missing(op))
  })

  test.for(closed)('%s is closed to it once the token is deleted', async ([, op]) => {
    for (const client of programs.ended) expect((await call(client, op)).status).toBe(401)
  })
})

describe.concurrent('the header of a user', () => {
  const named = open.filter(([, op]) => op.user && op.user !== 'none')
  test.for(named)('%s does not believe it of a program of the tenant', async ([, op]) => {
    const { env, program, before } = await neighbourhood
    const answer = await call(program, op)
    if (op.user === 'required') expect(answer).toMatchObject(noUser)
    expect(await everythingOf(env.id)).toEqual(before)
  })
})
const neighbourhood = (async () => {
  const env = await newEnvironment(),
    { id, tenantId } = await env.newUser(),
    { token } = await env.machine({ tenantId, permissions: ALL }),
    program = env.client({ authorization: `Bearer ${token}`, 'frontegg-user-id': id })
  return { env, program, before: await everythingOf(env.id) }
})()

/** Another environment, with an account of the same id as at home, and a program in it that may do anything there. */
const abroad = await (async () => {
  const [home, away] = [await newEnvironment(), await newEnvironment()],
    ids = await furnished(home)
  return { home, away, ids, before: await everythingOf(home.id) }
})()

describe.concurrent('a program of another environment', () => {
  test.for(closed)('%s does nothing at home for it, whatever environment it names', async ([, op]) => {
    const { home, away, ids } = abroad,
      { token } = await away.machine({ permissions: ALL })
    const { status, body } = await call(home.client({ authorization: `Bearer ${token}` }), op, (name) =>
      idFor(op, name, ids),
    )
    expect(status).toBeLessThan(500)
    expect(JSON.stringify(body)).not.toMatch(new RegExp(`${home.id}|${home.name}|${ids.tenantId}`))
  })
})

test('has changed nothing at home', async () => {
  expect(await everythingOf(abroad.home.id)).toEqual(abroad.before)
})

test('no public operation decides for itself whether a program is a user', () => {
  const withUser = operations.filter((op) => op.user === 'optional').map((op) => op.id)
  // without a user these do nothing that only management may do; the last is for people
  expect(withUser.toSorted()).toEqual(['deleteUsernameV1', 'getStrictestPasswordPolicyV1', 'resendInvitationV1'])
})
