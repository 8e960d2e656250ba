import { describe, expect, test } from 'vitest'
import { deps, newEnvironment } from './environment.ts'

const query = async <R extends object>(sql: string, values: unknown[] = []) =>
  (await deps.database.pool.query<R>(sql, values)).rows

/** Tables with a vendorId. The others: Vendor is the owner itself, Tally only counts, and one table is Prisma's own. */
const ownedTables = async () =>
  (
    await query<{ name: string }>(`
  select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'vendorId'
  where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace order by 1`)
  ).map((r) => r.name)

describe.concurrent('the four locks between environments', () => {
  test('every table but the owner itself is owned', async () => {
    const all = (
      await query<{ name: string }>(
        `select relname as name from pg_class where relkind = 'r' and relnamespace = current_schema()::regnamespace`,
      )
    ).map((r) => r.name)
    expect(all.filter((name) => !['Vendor', 'Tally', '_prisma_migrations'].includes(name)).sort()).toEqual(
      await ownedTables(),
    )
  })

  test('1: a handle sees, changes and deletes rows of its environment only, and runs no raw SQL', async () => {
    const [mine, theirs] = [await newEnvironment(), await newEnvironment()]
    const db = (await mine.context()).db,
      role = await (await theirs.context()).db.role.findFirstOrThrow()
    expect(await db.role.findUnique({ where: { id: role.id } })).toBeNull()
    expect(await db.role.findMany({ where: { OR: [{ id: role.id }, { vendorId: theirs.id }] } })).toEqual([])
    expect(await db.role.count({ where: { vendorId: theirs.id } })).toBe(2)
    expect((await db.role.updateMany({ where: { id: role.id }, data: { name: 'stolen' } })).count).toBe(0)
    expect((await db.role.deleteMany({ where: { id: role.id } })).count).toBe(0)
    await expect(db.role.update({ where: { id: role.id }, data: { name: 'stolen' } })).rejects.toMatchObject({
      code: 'P2025',
    })
    await expect(db.role.delete({ where: { id: role.id } })).rejects.toMatchObject({ code: 'P2025' })
    await expect((async () => (db as unknown as typeof deps.database.prisma).$queryRaw`select 1`)()).rejects.toThrow(
      'not scoped',
    )
  })

  test('1: a row cannot be written for another environment, nor moved there', async () => {
    const [mine, theirs] = [await newEnvironment(), await newEnvironment()]
    const ctx = await mine.context(),
      now = ctx.clock.now()
    const made = await ctx.db.permission.create({
      data: { id: ctx.random.uuid(), vendorId: theirs.id, key: 'k', name: 'K', createdAt: now, updatedAt: now },
    })
    expect(made.vendorId).toBe(mine.id)
    await expect(ctx.db.permission.update({ where: { id: made.id }, data: { vendorId: theirs.id } })).rejects.toThrow(
      /never moves/,
    )
    await expect(
      ctx.db.permission.update({ where: { id: made.id }, data: { vendor: { connect: { id: theirs.id } } } }),
    ).rejects.toThrow(/never moves/)
  })

  test('2: a row written past the handle has no environment, and fails', async () => {
    for (const name of await ownedTables()) {
      const [column] = await query<{ value: string }>(
        `select pg_get_expr(d.adbin, d.adrelid) as value from pg_attrdef d join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum where d.adrelid = $1::regclass and a.attname = 'vendorId'`,
        [`"${name}"`],
      )
      expect(column?.value, name).toBe('vendor_id_required()')
    }
    await expect(
      query(
        `insert into "Setting" (id, key, value, "createdAt", "updatedAt") values (gen_random_uuid(), 'k', '{}', now(), now())`,
      ),
    ).rejects.toThrow(/without an environment/)
  })

  test('3: every foreign key between owned tables carries the environment along', async () => {
    const keys = await query<{ name: string; columns: string[]; target: string }>(`
      select conname as name, confrelid::regclass::text as target,
        (select array_agg(attname::text) from pg_attribute where attrelid = conrelid and attnum = any (conkey)) as columns
      from pg_constraint where contype = 'f' and connamespace = current_schema()::regnamespace`)
    expect(keys.length).toBeGreaterThan(10)
    for (const key of keys) expect(key.columns, key.name).toContain('vendorId')
    for (const key of keys.filter((k) => k.target !== '"Vendor"'))
      expect(key.columns.length, key.name).toBeGreaterThan(1)
  })

  test('4: every owned table has the trigger that keeps rows where they are', async () => {
    const guarded = (
      await query<{ name: string }>(
        `select c.relname as name from pg_trigger t join pg_class c on c.oid = t.tgrelid where t.tgname = 'vendor_never_changes' and c.relnamespace = current_schema()::regnamespace and t.tgenabled <> 'D' order by 1`,
      )
    ).map((r) => r.name)
    expect(guarded).toEqual(await ownedTables())
  })

  test('rows that are deleted with a tenant or a user have an index, where there may be many', async () => {
    const bare = await query<{ name: string }>(`
      select c.conrelid::regclass || ' ' || (select string_agg(attname, ' ' order by k.n) from unnest(c.conkey) with ordinality k(a, n) join pg_attribute on attrelid = c.conrelid and attnum = k.a) as name
      from pg_constraint c where contype = 'f' and connamespace = current_schema()::regnamespace
        and not exists (select from pg_index i where i.indrelid = c.conrelid and (i.indkey::int2[])[0:cardinality(c.conkey) - 1] @> c.conkey) order by 1`)
    // these have an index that begins with most of the columns
    expect(bare.map((row) => row.name.replaceAll('"', ''))).toEqual([
      'GroupRole vendorId groupId tenantId',
      'GroupUser vendorId groupId tenantId',
    ])
  })
})
