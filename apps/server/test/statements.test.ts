import { readdirSync } from 'node:fs'
import { describe, expect, expectTypeOf, test } from 'vitest'
import type { Ctx } from '../src/kernel/operation.ts'
import { declaredStatements, statement } from '../src/kernel/sql.ts'
import { similar } from '../src/areas/people/users/similar.sql.ts'
import { deps, newEnvironment } from './environment.ts'

// loads every statement, used or not
const sources = new URL('../src/', import.meta.url)
for (const name of readdirSync(sources, { recursive: true, encoding: 'utf8' }))
  if (name.endsWith('.sql.ts')) await import(new URL(name, sources).href)
for (const [all, any] of [
  [1, 0],
  [0, 1],
  [2, 2],
] as const)
  similar(all, any)

/** Tables whose rows belong to an environment, and the column that names it. */
async function ownedTables() {
  const { rows } = await deps.database.pool.query<{ name: string }>(`
    select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'vendorId'
    where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace`)
  return new Map([...rows.map(({ name }) => [name, 'vendorId'] as const), ['Tally', 'scope'], ['Vendor', 'id']])
}

interface Use {
  table: string
  alias: string
}
/** Each place where a statement reads or writes a table, with the table's alias there. */
function usesOf(text: string): Use[] {
  const found = text.matchAll(
    /\b(?:from|join|update|into|using)\s+(?:only\s+)?"(\w+)"(?:\s+(?:as\s+)?(?!on\b|set\b|where\b|values\b|order\b|join\b|left\b|cross\b|inner\b|select\b|limit\b|for\b|group\b|using\b|returning\b)([a-z_]\w*))?/gi,
  )
  return [...found].map(([, table, alias]) => ({ table: table!, alias: alias ?? '' }))
}

/** The uses without an environment: the column is not compared with `$1`, nor with the column of a table that is, nor written with it. */
function looseUses(text: string, columns: ReadonlyMap<string, string>) {
  const uses = usesOf(text)
  const spelled = ({ table, alias }: Use) => {
    const column = `"${columns.get(table)}"`
    return alias ? [`${alias}.${column}`] : [column, `"${table}".${column}`]
  }
  const squeezed = ` ${text.replaceAll(/::\w+/g, '').replaceAll(/\s+/g, ' ')} `
  const equals = (a: string, b: string) =>
    [`${a} = ${b}`, `${b} = ${a}`].some((condition) =>
      new RegExp(`[ (]${condition.replaceAll(/[$."]/g, '\\$&')}[ ),]`).test(squeezed),
    )
  const inserts = ({ table }: Use) =>
    new RegExp(`insert into "${table}" \\("${columns.get(table)}"[^)]*\\) (values \\(|select )\\$1\\b`).test(squeezed)
  const tied = new Set(uses.filter((use) => inserts(use) || spelled(use).some((column) => equals(column, '$1'))))
  for (let size = -1; size !== tied.size;) {
    size = tied.size
    for (const use of uses)
      if (
        [...tied].some(
          (other) => other !== use && spelled(use).some((a) => spelled(other).some((b) => a !== b && equals(a, b))),
        )
      )
        tied.add(use)
  }
  return uses.filter((use) => columns.has(use.table) && !tied.has(use))
}

describe.concurrent('statements beside services', () => {
  test('filter every table by the environment', async () => {
    const columns = await ownedTables()
    expect(declaredStatements.size).toBeGreaterThan(5)
    const faults = [...declaredStatements].flatMap(([name, text]) =>
      looseUses(text, columns).map(({ table, alias }) => `${name}: ${table} ${alias}`),
    )
    expect(faults).toEqual([])
  })

  test.each([
    ['a table without a condition', 'select 1 from "User" where $1::uuid is not null', 1],
    ['a joined one', 'select 1 from "User" u join "Role" r on true where u."vendorId" = $1', 1],
    [
      'one joined by its environment',
      'select 1 from "User" u join "Role" r on r."vendorId" = u."vendorId" where u."vendorId" = $1',
      0,
    ],
    [
      'two that are only joined with each other',
      'select $1 from "User" u join "Role" r on r."vendorId" = u."vendorId"',
      2,
    ],
    [
      'one in a subquery',
      'select 1 from "User" u where u."vendorId" = $1 and exists (select from "Role" r where r.id = u.id)',
      1,
    ],
    ['another parameter', 'select $1 from "User" u where u."vendorId" = $2', 1],
    ['a parameter of two digits', 'select $1 from "User" u where u."vendorId" = $10', 1],
    ['an update', 'update "User" set name = $2 where $1::uuid is not null', 1],
    ['a row for another', 'insert into "User" ("vendorId", id) values ($2, $1)', 1],
    ['a row of its own', 'insert into "User" ("vendorId", id) values ($1, $2)', 0],
  ])('that do not are found: %s', async (_, text, count) => {
    expect(looseUses(text, await ownedTables())).toHaveLength(count)
  })

  test('cannot be declared without the environment, nor twice with one name', () => {
    expect(() => statement('test.without', 'select 1')).toThrow('$1')
    statement('test.twice', 'select $1::uuid as id')
    expect(() => statement('test.twice', 'select $1::uuid as other')).toThrow('test.twice')
  })

  test('run for their environment, alone and in a transaction, and roll back with it', async () => {
    const [env, other] = [await newEnvironment(), await newEnvironment()]
    const count = statement<{ count: number }, [key: string]>(
      'test.count',
      'select count(*)::int as count from "Role" where "vendorId" = $1 and key = $2',
    )
    const rename = statement<{ id: string }, [key: string]>(
      'test.rename',
      'update "Role" set key = \'renamed\' where "vendorId" = $1 and key = $2 returning id',
    )
    const ctx = await env.context()
    expect(await ctx.sql(count, 'Admin')).toEqual([{ count: 1 }])
    await expect(
      ctx.atomically(async (tx) => {
        expect(await tx.sql(rename, 'Admin')).toHaveLength(1)
        expect(await tx.sql(count, 'renamed')).toEqual([{ count: 1 }])
        expect(await ctx.sql(count, 'renamed')).toEqual([{ count: 0 }])
        throw new Error('undone')
      }),
    ).rejects.toThrow('undone')
    expect(await ctx.sql(count, 'Admin')).toEqual([{ count: 1 }])
    expect(await ctx.sql(rename, 'Admin')).toHaveLength(1)
    expect(await (await other.context()).sql(count, 'Admin')).toEqual([{ count: 1 }])
  })
})

describe.concurrent("an area's `ctx`", () => {
  test('gives no unscoped access to the database', async () => {
    expectTypeOf<Ctx>().not.toHaveProperty('database')
    expectTypeOf<Ctx['deps']>().not.toHaveProperty('database')
    for (const raw of [
      '$queryRaw',
      '$executeRaw',
      '$queryRawUnsafe',
      '$executeRawUnsafe',
      '$extends',
      'vendor',
      'tally',
    ] as const)
      expectTypeOf<Ctx['db']>().not.toHaveProperty(raw)
    // @ts-expect-error -- areas get only the environment's handle
    void (async (ctx: Ctx) => ctx.deps.database.pool.query('select 1'))
    const ctx = await (await newEnvironment()).context()
    expect(ctx.deps).not.toHaveProperty('database')
    expect(Object.values(ctx.deps).some((value) => value === deps.database)).toBe(false)
  })
})
