import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { deps, newEnvironment, type Answer, type TestEnvironment } from './environment.ts'
import { everythingOf } from './furnished.ts'
import { kinds, me, NEW, type Event, type Person } from './kinds-of-secrets.ts'
import { loggingServer, within } from './logged.ts'
import { PASSWORD } from './second-factors.ts'

const { server, lines } = await loggingServer()

const users = '/identity/resources/users'

const events: Record<
  Event,
  {
    happens(env: TestEnvironment, user: Person): Promise<Answer>
    ends?(env: TestEnvironment, user: Person): Promise<Answer>
  }
> = {
  locked: {
    happens: (env, { id }) => env.vendor('POST', `${users}/v1/${id}/lock`),
    ends: (env, { id }) => env.vendor('POST', `${users}/v1/${id}/unlock`),
  },
  disabled: {
    happens: (env, { id, tenantId }) => env.as(tenantId)('POST', `/identity/resources/tenants/users/v1/${id}/disable`),
    ends: (env, { id, tenantId }) => env.as(tenantId)('POST', `/identity/resources/tenants/users/v1/${id}/enable`),
  },
  deleted: { happens: (env, { id }) => env.vendor('DELETE', `${users}/v1/${id}`) },
  'password changed': {
    async happens(env, user) {
      const answer = await (
        await me(env, user)
      )('POST', `${users}/v1/passwords/change`, { password: PASSWORD, newPassword: NEW })
      user.password = NEW
      return answer
    },
  },
}

function works({ status, body }: Answer) {
  expect(status).toBeLessThan(500)
  return status < 300 && body?.mfaRequired !== true
}
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

describe.concurrent.each(Object.entries(kinds))('%s', (_, kind) => {
  const {
    person = (env: TestEnvironment) => env.user({ password: PASSWORD }) as Promise<Person>,
    use = 'once',
    lifetime,
    tries,
  } = kind
  async function prepared() {
    const env = await newEnvironment(server)
    await kind.settings?.(env)
    return env
  }
  let common: ReturnType<typeof prepared> | undefined
  const shared = () => (common ??= prepared())
  async function handedOut(env: TestEnvironment) {
    const user = await person(env)
    return { env, user, ...(await kind.issue(env, user)) }
  }

  test('is stored as a hash, and never logged', async () => {
    const { env, secrets, show } = await handedOut(await shared()),
      { Message: _outbox, ...rows } = await everythingOf(env.id)
    expect(secrets.every(Boolean)).toBe(true)
    for (const secret of secrets) {
      expect(within(JSON.stringify(rows), secret)).toBe(false)
      // a plain hash of a short secret is as easy to guess as the secret
      if (secret.length <= 8) expect(JSON.stringify(rows)).not.toContain(sha256(secret))
    }
    expect(works(await show())).toBe(true)
    for (const secret of secrets) expect(lines.some((line) => within(line, secret))).toBe(false)
  })

  if (tries !== undefined)
    test('is taken as people paste it', async () => {
      expect(works(await (await handedOut(await shared())).pasted!())).toBe(true)
    })

  if (use === 'once' || use === 'at most once') {
    test('works once, also when used eight times at once', async () => {
      const { show } = await handedOut(await shared())
      const answers = await Promise.all(Array.from({ length: 8 }, show)),
        working = answers.map(works).filter(Boolean).length
      if (use === 'once') expect(working).toBe(1)
      else expect(working).toBeLessThan(2)
      expect(works(await show())).toBe(false)
    })
  } else if (use === 'same for all') {
    test('is exchanged for the same token by all simultaneous requests', async () => {
      const { show } = await handedOut(await shared()),
        answers = await Promise.all(Array.from({ length: 8 }, show))
      expect(answers.every(works)).toBe(true)
      expect(new Set(answers.map(({ body }) => body.refreshToken)).size).toBe(1)
    })
  }

  if (lifetime !== null) {
    test('works until its time is up', async () => {
      const env = await prepared(),
        [early, late] = [await handedOut(env), await handedOut(env)]
      await env.clock.advance(lifetime * 0.8)
      expect(works(await early.show())).toBe(true)
      await env.clock.advance(lifetime * 0.21)
      expect(works(await late.show())).toBe(false)
    })
  }

  if (tries !== undefined) {
    test(`ends after ${tries} wrong tries, also at once`, async () => {
      const env = await shared(),
        [before, after] = [await handedOut(env), await handedOut(env)]
      for (let i = 1; i < tries; i++) expect(works(await before.wrong!())).toBe(false)
      expect(works(await before.show())).toBe(true)
      await Promise.all(Array.from({ length: tries }, after.wrong!))
      expect(works(await after.show())).toBe(false)
    })
  }

  test.each((Object.keys(events) as Event[]).map((name) => [kind.after?.[name] ?? 'dies', name] as const))(
    '%s when its user is (or has their) %s',
    async (fate, name) => {
      const { happens, ends } = events[name],
        { env, user, show } = await handedOut(await shared())
      if (fate === 'cannot happen') return expect(works(await happens(env, user))).toBe(false)
      expect(works(await happens(env, user))).toBe(true)
      expect(works(await show())).toBe(fate === 'lives')
      if (!ends) return
      expect(works(await ends(env, user))).toBe(true)
      if (fate !== 'lives') expect(works(await show())).toBe(fate === 'waits')
    },
  )
})

/** Purposes of `Challenge` rows that only count or remember, and are not given to anybody. */
const counters = ['lockout', 'social-id-token']

test('every purpose in the source has a row here', () => {
  const root = new URL('../src/', import.meta.url),
    files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => /(?<!\.test)\.ts$/.test(name))
  const found = new Set(
    files.flatMap((name) =>
      [...readFileSync(new URL(name, root), 'utf8').matchAll(/\bpurpose: '([\w-]+)'/g)].map((match) => match[1]!),
    ),
  )
  const known = new Set(Object.values(kinds).flatMap(({ purpose }) => purpose ?? []))
  expect([...found].filter((purpose) => !known.has(purpose) && !counters.includes(purpose))).toEqual([])
  expect([...known].filter((purpose) => !found.has(purpose))).toEqual([])
})

test("an environment's API key is stored as a hash", async () => {
  const { id, apiKey } = await newEnvironment(server)
  const row = JSON.stringify(
    (await deps.database.pool.query('select to_jsonb(v) as row from "Vendor" v where id = $1', [id])).rows,
  )
  expect(row).toContain(id)
  expect(row).not.toContain(apiKey)
})
