import { describe, expect, it } from 'vitest'
import { deps, newEnvironment } from '../../../../test/environment.ts'

const url = '/identity/resources/users/v1/query/phrase'

interface Somebody {
  name: string
  email?: string
  username?: string
  phoneNumber?: string
}
async function withPeople(people: Somebody[]) {
  const env = await newEnvironment(),
    tenantId = await env.newTenant(),
    ctx = await env.context()
  const ids = new Map<string, string>()
  for (const [i, person] of people.entries()) {
    const id = deps.random.uuid(),
      at = new Date(Date.UTC(2026, 0, 1, 0, i))
    await ctx.db.user.create({
      data: { id, ...person, createdAt: at, updatedAt: at, memberships: { create: { tenantId, createdAt: at } } },
    })
    ids.set(person.name, id)
  }
  const search = async (query: Record<string, string>, call = env.vendor) => {
    const answer = await call('GET', `${url}?${new URLSearchParams(query)}`)
    expect(answer.status, JSON.stringify(answer.body)).toBe(200)
    expect(answer.body._metadata.totalItems).toBe(answer.body.items.length)
    return answer.body.items.map((user: { name: string }) => user.name) as string[]
  }
  return { env, tenantId, ids, search }
}

const PEOPLE: Somebody[] = [
  { name: 'Ada Fischer', email: 'ada@north.example', username: 'countess' },
  { name: 'Bob Fischer', email: 'bob@south.example', phoneNumber: '+15550001' },
  { name: 'Carla Fisher', email: 'carla@north.example' },
  { name: 'Dmitri Okafor', username: 'fischer_fan' },
]

describe.concurrent('the search for phrases', () => {
  it('finds users who have all the phrases, each in any of their names, addresses and numbers, in any case', async () => {
    const { search } = await withPeople(PEOPLE)
    expect(await search({ _phraseSearchContains: 'FISCHER' })).toEqual(['Ada Fischer', 'Bob Fischer', 'Dmitri Okafor'])
    expect(await search({ _phraseSearchContains: 'fischer,north' })).toEqual(['Ada Fischer'])
    expect(await search({ _phraseSearchContains: '5000' })).toEqual(['Bob Fischer'])
    expect(await search({ _phraseSearchContains: 'Ada Fisch' })).toEqual(['Ada Fischer'])
    expect(await search({ _phraseSearchContains: 'nobody' })).toEqual([])
    expect(await search({})).toHaveLength(4)
  })

  it('leaves out users with an excluded phrase in any field, and nobody for an empty field', async () => {
    const { search } = await withPeople(PEOPLE)
    expect(await search({ _phraseSearchContains: 'fisch', _phraseSearchExcludes: 'bob,nothing' })).toEqual([
      'Ada Fischer',
      'Dmitri Okafor',
    ])
    expect(await search({ _phraseSearchExcludes: 'north,fan' })).toEqual(['Bob Fischer'])
  })

  it('requires one of the optional phrases, besides the other conditions', async () => {
    const { search } = await withPeople(PEOPLE)
    expect(await search({ _phraseSearchOptional: 'ada,carla' })).toEqual(['Ada Fischer', 'Carla Fisher'])
    expect(await search({ _phraseSearchOptional: 'ada,carla', _phraseSearchContains: 'fischer' })).toEqual([
      'Ada Fischer',
    ])
  })

  it('takes repeated parameters, and treats pattern characters as plain text', async () => {
    const { env, search } = await withPeople([...PEOPLE, { name: 'Eve 100%' }, { name: 'Eve 1000' }])
    expect(
      (await env.vendor('GET', `${url}?_phraseSearchContains=fischer&_phraseSearchContains=north`)).body.items,
    ).toHaveLength(1)
    expect(await search({ _phraseSearchContains: '100%' })).toEqual(['Eve 100%'])
    expect(await search({ _phraseSearchContains: 'r_f' })).toEqual(['Dmitri Okafor'])
    expect(await search({ _phraseSearchExcludes: '%' })).toHaveLength(5)
  })

  it('finds mistyped phrases, the nearest first unless an order is asked for', async () => {
    const { search } = await withPeople(PEOPLE)
    const approximately = (more: Record<string, string>) => search({ _phraseSearchApproximate: 'true', ...more })
    expect(await search({ _phraseSearchContains: 'Ficsher' })).toEqual([])
    expect(new Set(await approximately({ _phraseSearchContains: 'Ficsher' }))).toEqual(
      new Set(PEOPLE.map((p) => p.name)),
    )
    expect((await approximately({ _phraseSearchContains: 'Fisher' }))[0]).toBe('Carla Fisher')
    expect(await approximately({ _phraseSearchContains: 'Fisher', _sortBy: 'name', _order: 'DESC' })).toEqual([
      'Dmitri Okafor',
      'Carla Fisher',
      'Bob Fischer',
      'Ada Fischer',
    ])
    expect(await approximately({ _phraseSearchContains: 'Dimitri' })).toEqual(['Dmitri Okafor'])
    expect(await approximately({ _phraseSearchContains: 'fischr,norht' })).toEqual(['Ada Fischer', 'Carla Fisher'])
    expect(await approximately({ _phraseSearchOptional: 'Okafro,countes' })).toEqual(
      expect.arrayContaining(['Dmitri Okafor', 'Ada Fischer']),
    )
    expect(await approximately({ _phraseSearchContains: 'fischr', _phraseSearchExcludes: 'south' })).not.toContain(
      'Bob Fischer',
    )
    expect(await approximately({ _phraseSearchContains: 'Zebra' })).toEqual([])
    expect(await approximately({})).toHaveLength(4)
  })

  it('combines with the filters and pages of the other lists', async () => {
    const { env, search, ids } = await withPeople(PEOPLE)
    const both = { _phraseSearchContains: 'fischr', _phraseSearchApproximate: 'true' }
    expect(await search({ ...both, _email: 'ADA@north.example' })).toEqual(['Ada Fischer'])
    expect(await search({ ...both, ids: ids.get('Bob Fischer')! })).toEqual(['Bob Fischer'])
    const page = async (offset: number) =>
      (await env.vendor('GET', `${url}?${new URLSearchParams({ ...both, _limit: '1', _offset: String(offset) })}`)).body
    const first = await page(0),
      second = await page(1)
    expect(first._metadata).toEqual(second._metadata)
    expect(second.items[0].name).not.toBe(first.items[0].name)
    expect(new URL(first._links.next).searchParams.get('_phraseSearchContains')).toBe('fischr')
    expect(new URL(first._links.next).searchParams.get('_offset')).toBe('1')
  })

  it('shows a user only people of their own account, and nobody invisible', async () => {
    const { env, tenantId, ids, search } = await withPeople(PEOPLE)
    const member = await env.user({ tenantId, permissions: ['fe.secure.read.users'] }),
      stranger = await env.user({ permissions: ['fe.secure.read.users'] })
    const ctx = await env.context()
    await ctx.db.user.update({ where: { id: ids.get('Ada Fischer')! }, data: { invisible: true } })
    for (const approximate of ['false', 'true']) {
      const query = { _phraseSearchContains: 'fischer', _phraseSearchApproximate: approximate }
      expect(await search(query, member)).toContain('Bob Fischer')
      expect(await search(query, member)).not.toContain('Ada Fischer')
      expect(await search(query)).toContain('Ada Fischer')
      expect(await search(query, stranger)).toEqual([])
    }
    expect((await (await env.user())('GET', url)).status).toBe(403)
  })

  it('refuses too many phrases, and too long ones', async () => {
    const { env } = await withPeople([])
    for (const value of [Array.from({ length: 21 }, (_, i) => `a${i}`).join(','), 'x'.repeat(201)]) {
      for (const name of ['Contains', 'Excludes', 'Optional'])
        expect((await env.vendor('GET', `${url}?_phraseSearch${name}=${value}`)).status).toBe(400)
    }
  })
})
