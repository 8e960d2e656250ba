import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, expect, test } from 'vitest'
import { names, served } from './in-vain.ts'

/*
 * What a request costs is what its statements cost. Every operation is called once, and the number of statements that it
 * sends, BEGIN and COMMIT among them, must be that of `statements.json`, which may only shrink: `npm run statements`
 * writes smaller numbers and new operations into it. A number that has to grow is changed by hand, so that it is seen.
 */

const FILE = new URL('statements.json', import.meta.url)
const allowed = JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, number>
const isWriting = process.env['STATEMENTS'] === 'write'

const counts = new Map<string, number>()
afterAll(() => {
  if (!isWriting) return
  const entries = names.map(
    (name) => [name, Math.min(allowed[name] ?? Infinity, counts.get(name) ?? Infinity)] as const,
  )
  writeFileSync(
    FILE,
    `${JSON.stringify(Object.fromEntries(entries.filter(([, count]) => count < Infinity)), undefined, 2)}\n`,
  )
})

/** What an operation may cost at most. Work that is longer than that belongs to a job, or into one statement. */
const MOST = 20

test('no operation may send more statements than there is room for', () => {
  expect(Object.entries(allowed).filter(([, count]) => count > MOST)).toEqual([])
})

test.each(names)('%s sends as many statements as it may', async (name) => {
  const { statements: found } = await served(name),
    most = allowed[name]
  counts.set(name, found.length)
  if (found.length === most || (isWriting && !(found.length > most!))) return
  const list = found.map((text) => `  ${text.replaceAll(/\s+/g, ' ').trim().slice(0, 150)}`).join('\n')
  expect.fail(
    most !== undefined && found.length > most
      ? `${name} sends ${found.length} statements, and the table allows ${most}:\n${list}`
      : `${name} sends ${found.length} statements, and the table says ${most}: run npm run statements`,
  )
})

test('the table has no other names', () => {
  if (!isWriting) expect(Object.keys(allowed).filter((name) => !names.includes(name))).toEqual([])
})
