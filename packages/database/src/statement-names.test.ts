import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDatabase } from './client.ts'
import type { EmbeddedPostgres } from './embedded/start.ts'
import { startTemporaryPostgres } from './embedded/temporary.ts'
import { statementNames } from './statement-names.ts'

const query = (sql: string, values = 0) => ({ sql, args: Array.from({ length: values }, (_, i) => i) })

describe('names of statements', () => {
  it('are given at the second use, and stay', () => {
    const nameOf = statementNames()
    expect([nameOf(query('a')), nameOf(query('b'))]).toEqual(['', ''])
    expect([nameOf(query('a')), nameOf(query('b')), nameOf(query('a'))]).toEqual(['p1', 'p2', 'p1'])
  })

  it('are lost by what was used least recently, and never given to another text', () => {
    const nameOf = statementNames(2)
    const twice = (sql: string) => [nameOf(query(sql)), nameOf(query(sql))][1]
    expect([twice('a'), twice('b')]).toEqual(['p1', 'p2'])
    expect(nameOf(query('a'))).toBe('p1')
    expect([twice('c'), nameOf(query('a')), twice('b')]).toEqual(['p3', 'p1', 'p4'])
  })

  it('are not for statements with very many values', () => {
    const nameOf = statementNames()
    for (let i = 0; i < 3; i++) expect(nameOf(query('a', 33))).toBe('')
  })
})

describe("Prisma's statements", () => {
  let server: EmbeddedPostgres
  beforeAll(async () => {
    server = await startTemporaryPostgres()
  })
  afterAll(() => server.stop())

  const namesOn = async (options: { prepared?: boolean }) => {
    const { prisma, pool, close } = openDatabase(server.url, { max: 1, ...options })
    for (let i = 0; i < 3; i++) await prisma.$queryRaw`select ${i}::int as number`
    const { rows } = await pool.query<{ name: string }>('select name from pg_prepared_statements')
    await close()
    return rows.map(({ name }) => name)
  }

  it('stay prepared on their connection, unless that is turned off', async () => {
    expect(await namesOn({})).toEqual(['p1'])
    expect(await namesOn({ prepared: false })).toEqual([])
  })
})
