import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openDatabase, type Database } from './client.ts'
import type { EmbeddedPostgres } from './embedded/start.ts'
import { startTemporaryPostgres } from './embedded/temporary.ts'

let server: EmbeddedPostgres
let database: Database
let heard: string[]

const tell = (text: string) => `do $$ begin raise info using message = '${text}', errcode = 'HH001'; end $$`

beforeAll(async () => {
  server = await startTemporaryPostgres()
  database = openDatabase(server.url, { max: 3 })
  database.changes.subscribe((text) => heard.push(text))
})
afterAll(async () => {
  await database.close()
  await server.stop()
})
beforeEach(() => {
  heard = []
})

describe('what is told in a transaction', () => {
  it('is heard when a single statement returns', async () => {
    await database.pool.query(tell('hen'))
    expect(heard).toEqual(['hen'])
    await database.prisma.$executeRawUnsafe(tell('egg'))
    expect(heard).toEqual(['hen', 'egg'])
  })

  it.each(['commit', 'rollback'])('is pending until %s, and then heard once', async (end) => {
    const client = await database.pool.connect()
    await client.query('begin')
    await client.query(tell('hen'))
    await client.query(tell('hen'))
    await client.query(tell('egg'))
    await database.pool.query('select 1')
    expect([heard, database.changes.pending('hen'), database.changes.pending('egg')]).toEqual([[], true, true])
    await client.query(end)
    expect([heard, database.changes.pending('hen'), database.changes.pending('egg')]).toEqual([
      ['hen', 'egg'],
      false,
      false,
    ])
    client.release()
  })

  it('is heard after a failure, when the transaction has ended', async () => {
    const client = await database.pool.connect()
    await client.query('begin')
    await client.query(tell('hen'))
    await expect(client.query('select 1 / 0')).rejects.toThrow()
    expect(heard).toEqual([])
    await client.query('rollback')
    expect(heard).toEqual(['hen'])
    client.release()
  })

  it('is heard before what Prisma makes of the transaction is there', async () => {
    await database.prisma.$transaction(async (tx) => {
      await tx.$executeRawUnsafe(tell('hen'))
      expect([heard, database.changes.pending('hen')]).toEqual([[], true])
    })
    expect([heard, database.changes.pending('hen')]).toEqual([['hen'], false])
  })

  it('stays pending until the last of several transactions has ended', async () => {
    const [one, other] = [await database.pool.connect(), await database.pool.connect()]
    for (const client of [one, other]) {
      await client.query('begin')
      await client.query(tell('hen'))
    }
    await one.query('commit')
    expect([heard, database.changes.pending('hen')]).toEqual([['hen'], true])
    await other.query('commit')
    expect([heard, database.changes.pending('hen')]).toEqual([['hen', 'hen'], false])
    one.release()
    other.release()
  })

  it('is heard when the connection is lost', async () => {
    const client = await database.pool.connect()
    await client.query('begin')
    await client.query(tell('hen'))
    await expect(client.query('select pg_terminate_backend(pg_backend_pid())')).rejects.toThrow()
    await expect.poll(() => heard).toEqual(['hen'])
    expect(database.changes.pending('hen')).toBe(false)
    client.release(true)
  })

  it('is told by nothing else', async () => {
    await database.pool.query(`do $$ begin raise info 'hen'; raise warning 'egg'; end $$`)
    expect(heard).toEqual([])
  })

  it('is heard where a server sends errors only', async () => {
    const quiet = openDatabase(`${server.url}?options=-c%20client_min_messages%3Derror`)
    const all: string[] = []
    quiet.changes.subscribe((text) => all.push(text))
    await quiet.pool.query(tell('hen'))
    expect(all).toEqual(['hen'])
    await quiet.close()
  })
})
