import { expect, test } from 'vitest'
import { cpuMs } from './cpu.ts'
import type { Operation } from '../src/kernel/operation.ts'
import { chance } from './chance.ts'
import { newEnvironment, operations, unique, UNKNOWN_ID, type Client } from './environment.ts'
import { furnished, idFor } from './furnished.ts'
import { fillPath, sampleBody } from './samples.ts'

/*
 * Requests that are shaped as the registry says, with parts of them changed at random. `npm run fuzz` sends more of them;
 * the seed says which.
 */
const SEED = Number(process.env['FUZZ_SEED'] ?? 1),
  REQUESTS = Number(process.env['FUZZ_REQUESTS'] ?? 2000)

const { random, below, oneOf } = chance(SEED)

const WEIRD: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1e21,
  2 ** 53,
  '',
  ' ',
  '.',
  '..',
  '%',
  "'; select 1; --",
  'é'.normalize('NFD'),
  '𝒳',
  '\u202e',
  '\u0001',
  '\ud800',
  'x'.repeat(255),
  'x'.repeat(5000),
  '+15551234567',
  'someone@example.com',
  '2030-01-01T00:00:00.000Z',
  '{"a":{"b":[1]}}',
  '__proto__',
  [],
  [[]],
  [null],
  {},
  { __proto__: null, constructor: 1, toString: 'x' },
  Array.from({ length: 30 }, () => 'x'),
]

/** The value, with some of its parts replaced, doubled or gone. */
function mutated(value: unknown, known: readonly string[]): unknown {
  if (random() < 0.12) return random() < 0.5 ? oneOf(WEIRD) : oneOf(known)
  if (Array.isArray(value)) {
    const items = value.map((item) => mutated(item, known))
    return random() < 0.3 ? [...items, ...items, oneOf(WEIRD)] : items
  }
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(() => random() > 0.1)
      .map(([name, part]) => [name, mutated(part, known)]),
  )
}

function queryOf(op: Operation, known: readonly string[]) {
  const names = Object.keys(op.query?.properties ?? {}).filter(() => random() < 0.3)
  const value = (): string => {
    const found = random() < 0.5 ? oneOf(known) : oneOf(WEIRD)
    return typeof found === 'string' ? found : String(below(300) - 10)
  }
  return names.length
    ? `?${new URLSearchParams(names.map((name): [string, string] => [name, value()])).toString()}`
    : ''
}

/** What no caller is told: where the code is, what it sends to the database, and hashes. */
const LEAKS =
  /\.ts:\d+|node_modules|PrismaClient|\bprisma\b|ECONN|select .+ from "|insert into "|violates .+ constraint|\$argon2|BEGIN [A-Z ]*PRIVATE KEY/i

test(`${REQUESTS} requests that are changed at random are answered, none by an error of the server (seed ${SEED})`, async () => {
  const env = await newEnvironment(),
    ids = await furnished(env),
    admin = await env.user({ tenantId: ids.tenantId, roleKeys: ['Admin'] }),
    clients: readonly Client[] = [env.vendor, env.as(ids.tenantId, ids.userId), admin, admin, env.anonymous]
  let known: string[] = [...Object.values(ids), env.id, admin.id, admin.email, UNKNOWN_ID, unique('word')]
  const statuses = new Map<number, number>()
  for (let i = 0; i < REQUESTS; i++) {
    const op = oneOf(operations),
      path = fillPath(op, (name) => (op.auth !== 'public' && random() < 0.7 ? idFor(op, name, ids) : oneOf(known))),
      body = op.body && mutated(sampleBody(op, random() < 0.8), known)
    const url = `${path}${queryOf(op, known)}`,
      began = cpuMs()
    const answer = await oneOf(clients)(op.method, url, body ?? undefined)
    const spent = cpuMs() - began,
      said = `request ${i} of seed ${SEED}: ${op.method} ${url} ${JSON.stringify(body)?.slice(0, 500)}`
    expect(answer.status, `${said} → ${JSON.stringify(answer.body)}`).toBeLessThan(500)
    expect(JSON.stringify(answer.body) ?? '', said).not.toMatch(LEAKS)
    // of this thread, so this holds for one request the more
    expect(spent, said).toBeLessThan(2000)
    statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
    // codes and links that went out are tried as well
    if (i % 100 === 99)
      known = [...known, ...(await env.messages()).flatMap(({ code, link }) => [code, link].filter((x) => x !== null))]
        .slice(-500)
        .concat(Object.values(ids))
  }
  // a good part of them got through to what operations do
  expect([...statuses].filter(([status]) => status < 300).reduce((sum, [, count]) => sum + count, 0)).toBeGreaterThan(
    REQUESTS / 20,
  )
}, 600_000)
