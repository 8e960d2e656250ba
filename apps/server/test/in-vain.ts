import { openDatabase } from '@henhouse/database'
import { expect, inject } from 'vitest'
import { declaredDefinitions } from '../src/kernel/definitions.ts'
import { memoryOf } from '../src/kernel/memory.ts'
import { deps, newEnvironment, newServer, operations, type TestEnvironment } from './environment.ts'
import { operationOf, prepared, requestNames, sceneOf } from './valid-requests.ts'

/*
 * Calls operations in vain: each request is served in a transaction that is rolled back, so all find the same state, and one
 * environment is enough for all. What the server keeps in memory is there already, as it is in one that has run for a while.
 */

/** What the server's own transactions become within ours. */
const WITHIN: Record<string, string> = {
  BEGIN: 'savepoint within',
  COMMIT: 'release savepoint within',
  ROLLBACK: 'rollback to savepoint within',
}
let statements: string[] | undefined,
  isWithin = false

export const database = openDatabase(inject('databaseUrl'), { max: 1 })
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

let last: { operation: unknown; statements: string[] } | undefined
const server = await newServer({ database })
server.http.addHook('onRequest', async () => {
  statements = []
})
server.http.addHook('onSend', async (request) => {
  const { operation } = request.routeOptions.config as { operation?: string }
  last = { operation, statements: statements ?? [] }
  statements = undefined
})

const env = await newEnvironment(server, { ...deps, database }),
  scene = await sceneOf(env)
export const names = requestNames(scene, operations)

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

interface Wishes<T> {
  /** prepares the environment once the request is ready */
  ready?: (env: TestEnvironment) => Promise<unknown>
  /** looks at the environment before and after the request, on its connection */
  look?: (vendorId: string) => Promise<T>
}
/** Serves the request with this name, and undoes it. @returns the statements that it has sent, its reply, and what was seen */
export const tried = <T>(name: string, { ready, look }: Wishes<T> = {}) =>
  inVain(async () => {
    const op = operations.find(({ id }) => id === operationOf(name))
    if (!op) throw new Error(`${name}: there is no such operation`)
    const send = await prepared(scene, op, name)
    await ready?.(env)
    await warm()
    last = undefined
    const before = await look?.(env.id),
      { status, body } = await send()
    expect(last, name).toMatchObject({ operation: op.id })
    const { statements } = last!
    return { status, statements, body: body as unknown, before, after: await look?.(env.id) }
  })

/** As `tried`, of a request that must succeed. */
export async function served<T>(name: string, look?: (vendorId: string) => Promise<T>) {
  const done = await tried(name, look && { look }),
    { status, body } = done
  expect(REFUSE.includes(name) ? status === 404 : status < 400, `${name}: ${status} ${JSON.stringify(body)}`).toBe(true)
  return done
}
