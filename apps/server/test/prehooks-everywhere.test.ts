import { describe, expect, test } from 'vitest'
import { httpDouble } from '../../../packages/outbound/test/http-double.ts'
import { operations } from './environment.ts'
import { database, names, tried } from './in-vain.ts'
import { setHook } from './prehooks.ts'
import { operationOf } from './valid-requests.ts'

/*
 * No operation makes, changes or deletes a user or an account unless the environment's prehook lets it. What an operation does
 * is seen in the database: each is called once, and then again for each event that this means, with a prehook that refuses.
 */

const IMPORT = 'imports are not asked about: they bring in who was let in elsewhere',
  INVITED = 'the prehook was asked when the invitation was made',
  WITH_ACCOUNT = 'the users go with their account, about which DELETE_TENANT was asked',
  MOVED = 'management moves users together with their rights: nobody comes or goes'

/** What is not asked about, by the request and the event, and why. */
const exceptions: Record<string, Record<string, string>> = {
  migrateUserV1: { USER_INVITE: IMPORT },
  'migrateUserV1: of somebody who is there': { USER_INVITE: IMPORT },
  'logInV1: with a personal invite': { USER_INVITE: INVITED },
  deleteTenantV1: { USER_DELETE: WITH_ACCOUNT, UPDATE_TENANT: WITH_ACCOUNT },
  deleteCurrentTenantV1: { USER_DELETE: WITH_ACCOUNT, UPDATE_TENANT: WITH_ACCOUNT },
  deleteSubTenantV1: { USER_DELETE: WITH_ACCOUNT },
  moveUsersToTenantV1: { USER_INVITE: MOVED, USER_DELETE: MOVED },
}

type Row = Record<string, unknown>
/** What an event is about, by its id: all that counts as a change of it. */
type Seen = Record<'users' | 'members' | 'tenants', Map<string, string>>

/** The profile, and the addresses and numbers by which the user is known: what waits for its proof is not theirs yet. */
const USERS = `
  select u.id::text as id, jsonb_build_array(u.email, u.username, u."phoneNumber", u.name, u."profilePictureUrl", u.metadata,
    u."vendorMetadata",
    (select array_agg(e.email order by 1) from "UserEmail" e
      where e."userId" = u.id and (e.verified or e.email = u.email)),
    (select array_agg(p."phoneNumber" order by 1) from "PhoneNumber" p
      where p."userId" = u.id and (p.verified or p."phoneNumber" = u."phoneNumber")))::text as row
  from "User" u where "vendorId" = $1`
const MEMBERS = `select "userId" || ' in ' || "tenantId" as id, '' as row from "Membership" where "vendorId" = $1`
const TENANTS = `select id, (to_jsonb(t) - 'updatedAt' - 'path')::text as row from "Tenant" t where "vendorId" = $1`

async function look(vendorId: string): Promise<Seen> {
  const seen = async (text: string) =>
    new Map((await database.pool.query<Row>(text, [vendorId])).rows.map(({ id, row }) => [String(id), String(row)]))
  return { users: await seen(USERS), members: await seen(MEMBERS), tenants: await seen(TENANTS) }
}

const isAdded = (before: Map<string, string>, after: Map<string, string>) =>
  [...after.keys()].some((id) => !before.has(id))
const isChanged = (before: Map<string, string>, after: Map<string, string>) =>
  [...after].some(([id, row]) => before.has(id) && before.get(id) !== row)

/** The events that an operation must have asked about, given what it has done. */
function meant(isPublic: boolean, before: Seen, after: Seen) {
  const { users, members, tenants } = before,
    comes = isAdded(members, after.members)
  return Object.entries({
    SIGN_UP: isPublic && isAdded(users, after.users),
    USER_INVITE: comes && !(isPublic && isAdded(users, after.users)),
    USER_UPDATE: isChanged(users, after.users),
    USER_DELETE: isAdded(after.members, members) || isAdded(after.users, users),
    CREATE_TENANT: isAdded(tenants, after.tenants),
    UPDATE_TENANT: isChanged(tenants, after.tenants),
    DELETE_TENANT: isAdded(after.tenants, tenants),
  }).flatMap(([event, isMeant]) => (isMeant ? [event] : []))
}

const REFUSAL = { status: 451, message: ['Not this one'] }
const byId = new Map(operations.map((op) => [op.id, op])),
  changing = names.filter((name) => byId.get(operationOf(name))!.method !== 'GET')
/** What has been seen to be asked about, by event. */
const asked = new Map<string, string[]>(),
  excepted = new Set<string>()

describe('a prehook that refuses', () => {
  test.each(changing)('%s', async (name) => {
    const { before, after } = await tried(name, { look })
    for (const event of meant(byId.get(operationOf(name))!.auth === 'public', before!, after!)) {
      if (exceptions[name]?.[event] !== undefined) {
        excepted.add(`${name} ${event}`)
        continue
      }
      const hook = await httpDouble(() => ({
          status: 200,
          body: JSON.stringify({ verdict: 'block', error: REFUSAL }),
        })),
        refused = await tried(name, { look, ready: (env) => setHook(env, `${hook.url}/`, [event]) })
      const events = hook.received.map(({ body }) => (JSON.parse(body.toString()) as { eventKey: string }).eventKey)
      expect([...new Set(events)], `${name} asks about ${event}`).toEqual([event])
      expect(refused, `${name} passes the refusal of ${event} on`).toMatchObject({
        status: REFUSAL.status,
        body: { errors: REFUSAL.message },
      })
      expect(refused.after, `${name} changes nothing that ${event} refuses`).toEqual(refused.before)
      asked.set(event, [...(asked.get(event) ?? []), name])
    }
  })

  test('of each event refuses something, and no exception is left over', () => {
    expect([...asked.keys()].sort()).toEqual([
      'CREATE_TENANT',
      'DELETE_TENANT',
      'SIGN_UP',
      'UPDATE_TENANT',
      'USER_DELETE',
      'USER_INVITE',
      'USER_UPDATE',
    ])
    expect(
      Object.entries(exceptions)
        .flatMap(([name, events]) => Object.keys(events).map((event) => `${name} ${event}`))
        .sort(),
    ).toEqual([...excepted].sort())
  })
})
