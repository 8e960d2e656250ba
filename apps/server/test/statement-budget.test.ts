import { readFileSync, writeFileSync } from 'node:fs'
import { openDatabase } from '@henhouse/database'
import { afterAll, expect, inject, test } from 'vitest'
import { declaredDefinitions } from '../src/kernel/definitions.ts'
import { memoryOf } from '../src/kernel/memory.ts'
import { deps, newEnvironment, newServer, operations } from './environment.ts'
import { operationOf, prepared, requestNames, sceneOf } from './valid-requests.ts'

/*
 * What a request costs is what its statements cost. Every operation is called once, and the number of statements that it
 * sends, BEGIN and COMMIT among them, must be that of `statements.json`, which may only shrink: `npm run statements`
 * writes smaller numbers and new operations into it. A number that has to grow is changed by hand, so that it is seen.
 *
 * Each request is served in a transaction that is rolled back, so all find the same state. What the server keeps in
 * memory is there already, as it is in one that has run for a while.
 */

const FILE = new URL('statements.json', import.meta.url)
const allowed = JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, number>
const isWriting = process.env['STATEMENTS'] === 'write'

/** What the server's own transactions become within ours. */
const WITHIN: Record<string, string> = {
  BEGIN: 'savepoint within',
  COMMIT: 'release savepoint within',
  ROLLBACK: 'rollback to savepoint within',
}
let statements: string[] | undefined,
  isWithin = false

const database = openDatabase(inject('databaseUrl'), { max: 1 })
database.pool.on('connect', (client) => {
  const query = client.query.bind(client) as (...given: unknown[]) => unknown,
    { connection } = client,
    emit = connection.emit.bind(connection) as (...given: unknown[]) => boolean
  let isOpen = false
  client.query = ((given: string | { text: string }, ...rest: unknown[]) => {
    const text = typeof given === 'string' ? given : given.text
    statements?.push(text)
    const other = isWithin ? WITHIN[text] : undefined
    if (other !== undefined) isOpen = text === 'BEGIN'
    return query(other ?? given, ...rest)
  }) as typeof client.query
  // what waits for the end of a transaction must not wait for that of ours
  connection.emit = (event: string | symbol, ...given: unknown[]) =>
    event === 'readyForQuery' && isWithin && !isOpen ? emit(event, { status: 'I' }) : emit(event, ...given)
})

let served: { operation: unknown; statements: string[] } | undefined
const server = await newServer({ database })
server.http.addHook('onRequest', async () => {
  statements = []
})
server.http.addHook('onSend', async (request) => {
  const { operation } = request.routeOptions.config as { operation?: string }
  served = { operation, statements: statements ?? [] }
  statements = undefined
})

const env = await newEnvironment(server, { ...deps, database }),
  scene = await sceneOf(env),
  names = requestNames(scene, operations)

const memory = memoryOf(database),
  /** what has changed, and been undone or is to be */
  told = new Set<string>()
let isCold = true
database.changes.subscribe((text) => {
  told.add(text)
  isCold = true
})
// nobody else changes anything, so nothing has to be read again
memory.caughtUp(Infinity)

/** Fills the server's memory with all that it keeps of an environment. */
async function warm() {
  if (!isCold) return
  const ctx = await env.context()
  for (const one of declaredDefinitions)
    for (const tenantId of [scene.tenantId, scene.belowId, scene.elsewhereId]) await one.compare(ctx, tenantId)
  isCold = false
}

async function inVain<T>(work: () => Promise<T>) {
  await database.pool.query('begin')
  isWithin = true
  try {
    return await work()
  } finally {
    isWithin = false
    await database.pool.query('rollback')
    for (const text of told) memory.heard(text)
    if (told.size) isCold = true
    told.clear()
  }
}

/** What they are asked for is not there yet. */
const REFUSE = ['preloginSamlV1', 'preloginSsoV2']

/** The statements of the request with this name. */
const statementsOf = (name: string) =>
  inVain(async () => {
    const op = operations.find(({ id }) => id === operationOf(name))
    if (!op) throw new Error(`${name}: there is no such operation`)
    const send = await prepared(scene, op, name)
    await warm()
    served = undefined
    const { status, body } = await send()
    expect(REFUSE.includes(name) ? status === 404 : status < 400, `${name}: ${status} ${JSON.stringify(body)}`).toBe(
      true,
    )
    expect(served, name).toMatchObject({ operation: op.id })
    return served!.statements
  })

const counts = new Map<string, number>()
afterAll(async () => {
  await database.close()
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
  const found = await statementsOf(name),
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
