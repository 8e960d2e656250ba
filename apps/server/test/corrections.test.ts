import { describe, expect, test } from 'vitest'
import { newEnvironment } from './environment.ts'

/* Small facts about the original that were found late (BEHAVIOUR 13), each of which some client relies on. */

describe.concurrent('as the original has it', () => {
  test('an order may be written in any case', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant()
    const [first, second] = [await env.newUser({ tenantId }), await env.newUser({ tenantId })]
    const ids = async (order: string) =>
      (await env.vendor('GET', `/identity/resources/users/v3?_sortBy=email&_order=${order}`)).body.items.map(
        (user: { id: string }) => user.id,
      )
    const [up, down] = [await ids('asc'), await ids('Desc')]
    expect(up.toSorted()).toEqual([first.id, second.id].toSorted())
    expect(down).toEqual(up.toReversed())
    expect((await env.vendor('GET', '/identity/resources/users/v3?_order=sideways')).status).toBe(400)
  })

  test('the built-in permissions have the names that the portal shows', async () => {
    const env = await newEnvironment()
    const { body } = await env.vendor('GET', '/identity/resources/permissions/v1')
    const nameOf = (key: string) => body.find((permission: { key: string }) => permission.key === key).name
    expect(
      [
        'fe.secure.delete.sessions',
        'fe.account-hierarchy.read.subAccount',
        'fe.account-hierarchy.write.subAccount',
      ].map(nameOf),
    ).toEqual(['Revoke User Sessions', 'Read sub-accounts', 'Create or update sub-account'])
  })

  test('links of pages can be requested as they stand, by servers and below the path of browsers', async () => {
    const env = await newEnvironment()
    for (let n = 0; n < 3; n++) await env.newUser()
    for (const prefix of ['', '/frontegg']) {
      const path = `${prefix}/identity/resources/users/v3`
      const { next, prev } = (await env.vendor('GET', `${path}?_limit=2`)).body._links
      expect(prev).toBe('')
      expect(next).toMatch(/^http:\/\/.*[?&]_offset=1/)
      const { origin, pathname, search } = new URL(next)
      expect(origin).toBe(`http://${env.name}.localhost:3100`)
      expect(pathname).toBe(path)
      const second = (await env.vendor('GET', pathname + search)).body
      expect([second.items.length, second._links.next]).toEqual([1, ''])
    }
  })
})
