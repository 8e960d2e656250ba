import { describe, expect, test } from 'vitest'
import { cpuMs } from './cpu.ts'
import type { Operation } from '../src/kernel/operation.ts'
import { newEnvironment, operations, UNKNOWN_ID } from './environment.ts'
import { fillPath } from './samples.ts'

/** Every text and list of the input has a bound, and is checked against it before its contents are read. */

interface Schema {
  type?: string
  properties?: Record<string, Schema>
  additionalProperties?: boolean
  patternProperties?: object
  items?: Schema
  anyOf?: Schema[]
  enum?: unknown[]
  const?: unknown
  maxLength?: number
  maxItems?: number
  maxBytes?: number
}

/** The places where only the request's size limits the input. */
function unbounded(schema: Schema, at: string): string[] {
  if (schema.enum || schema.const !== undefined) return []
  const inside = [
    ...(schema.anyOf ?? []).flatMap((branch) => unbounded(branch, at)),
    ...Object.entries(schema.properties ?? {}).flatMap(([name, part]) => unbounded(part, `${at}.${name}`)),
    ...(schema.items ? unbounded(schema.items, `${at}[]`) : []),
  ]
  const isOpen = schema.type === undefined ? !schema.anyOf : schema.additionalProperties || schema.patternProperties
  const lacks = {
    maxLength: schema.type === 'string' && schema.maxLength === undefined,
    maxItems: schema.type === 'array' && schema.maxItems === undefined,
    maxBytes: isOpen && schema.maxBytes === undefined,
  }
  return [
    ...inside,
    ...Object.entries(lacks).flatMap(([keyword, isMissing]) => (isMissing ? [`${at}: ${keyword}`] : [])),
  ]
}

const cases = operations.map((op) => [op.id, op] as const)

test.each(cases)('%s has a bound for every text and list of its input', (_, { params, query, body }) => {
  const faults = Object.entries({ params, query, body }).flatMap(([part, schema]) =>
    schema ? unbounded(schema as Schema, part) : [],
  )
  expect(faults).toEqual([])
})

const MIB2 = 2 * 1024 * 1024 - 100
const many = (item: string, length: number) => `[${Array<string>(length).fill(item).join(',')}]`
const objectOf = (keys: number) => `{${Array.from({ length: keys }, (_, i) => `"key${i}":0`).join(',')}}`

/** Bodies of the largest size that cost most to read. The kernel refuses them before any operation. */
const rubbish: Record<string, string> = {
  'a list of 600,000 objects': many('{}', 600_000),
  'a list of a million numbers': many('0', 1_000_000),
  'lists in lists': '['.repeat(MIB2),
  'objects in objects': `${'{"a":'.repeat(MIB2 / 6)}0${'}'.repeat(MIB2 / 6)}`,
  'an object of 180,000 keys': objectOf(180_000),
}

/** Bodies that are parsed, but are too much for the schema: long lists of wrong values, long texts, large values where anything goes. */
function tooMuchFor(schema: Schema, size: number): unknown {
  const branches = schema.anyOf ?? [schema]
  const part = branches.find((branch) => branch.type !== 'null')!
  if (part.type === 'array')
    return Array.from({ length: Math.min(size / 20, 30_000) }, (_, i) => (i % 3 ? { not: i } : 'x'.repeat(10)))
  if (part.type !== 'object') return 'x,'.repeat(size / 2)
  const fields = Object.entries(part.properties ?? {})
  if (!fields.length) return { any: 'x'.repeat(size) }
  return Object.fromEntries(fields.map(([name, field]) => [name, tooMuchFor(field, size / fields.length)]))
}

const MOST_MS = 200

/** These run one after another, because each is measured. */
describe('2 MiB of anything', async () => {
  const env = await newEnvironment(),
    admin = await env.user({ roleKeys: ['Admin'] }),
    managed = env.as(admin.tenantId, admin.id)
  const send = (op: Operation, payload: string) =>
    (op.auth === 'user' ? admin : op.auth === 'public' ? env.anonymous : managed)(
      op.method,
      fillPath(op, () => UNKNOWN_ID),
      payload,
    )
  async function mustBeCheap(op: Operation, bodies: Record<string, string>) {
    for (const [what, payload] of Object.entries(bodies)) {
      const costs: number[] = []
      // again, if it was slow: the garbage collector may have run meanwhile
      while (!costs.length || (costs.length < 3 && costs.at(-1)! >= MOST_MS)) {
        const before = cpuMs()
        const { status } = await send(op, payload)
        costs.push(cpuMs() - before)
        expect(status, what).toBeLessThan(500)
      }
      expect(costs.at(-1), what).toBeLessThan(MOST_MS)
    }
  }

  test.for(cases.filter(([id]) => ['createRolesV1', 'signUpV1', 'createTenantV1'].includes(id)))(
    'is refused before %s hears of it, in less than 200 ms of CPU',
    ([, op]) => mustBeCheap(op, rubbish),
  )

  test.for(cases.filter(([, op]) => op.body))('is answered by %s in less than 200 ms of CPU', ([, op]) =>
    mustBeCheap(op, {
      // about as many values as the kernel lets through
      'a list of 49,000 objects': many('{}', 49_000),
      'too much in every field': JSON.stringify(tooMuchFor(op.body as Schema, MIB2 / 2)),
    }),
  )
})
