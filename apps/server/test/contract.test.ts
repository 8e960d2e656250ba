import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { openapi } from '../src/kernel/openapi.ts'
import { operations } from '../src/operations.ts'

interface Known {
  service: string
  tag: string
  method: string
  path: string
  statuses: number[]
}
const file = (name: string) => readFileSync(new URL(`../../../contract/${name}`, import.meta.url), 'utf8')
const known = JSON.parse(file('operations.json')) as Known[]
const missing = file('missing.txt')
  .split('\n')
  .filter((line) => line && !line.startsWith('#'))

const shape = (method: string, path: string) => `${method} ${path.replace(/\{\w+\}/g, '{}')}`
const ours = new Map(operations.map((op) => [shape(op.method, op.path), op]))

describe('the contract', () => {
  test('every known operation exists, or is on the list of missing ones', () => {
    const absent = known.filter((k) => !ours.has(shape(k.method, k.path))).map((k) => `${k.method} ${k.path}`)
    expect(absent).toEqual(missing)
  })

  test('existing operations answer with a status that the contract names', () => {
    for (const { method, path, statuses } of known) {
      const op = ours.get(shape(method, path))
      if (!op || !statuses.length) continue
      expect(statuses, `${method} ${path}`).toEqual(
        expect.arrayContaining([statuses.find((status) => status in op.returns)]),
      )
    }
  })

  test('the document names every operation once, with its tokens and its failures', () => {
    const { paths } = openapi(operations)
    const documented = Object.entries(paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    )
    expect(documented.toSorted()).toEqual(operations.map((op) => `${op.method} ${op.path}`).toSorted())
  })
})
