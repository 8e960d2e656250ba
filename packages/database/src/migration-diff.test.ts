import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { diffMigrations } from './migration-diff.ts'

const SCHEMA = `
datasource db {
  provider = "postgresql"
}
model Egg {
  vendorId String  @default(dbgenerated("vendor_id_required()")) @db.Uuid
  id       String  @id @db.Uuid
  nest     String?
  colour   String
  sequence BigInt  @default(autoincrement())
  broken   Boolean @default(false)

  @@unique([vendorId, nest])
  @@index([colour])
}
`

// what the Prisma schema language cannot say, and semicolons where a naive reader would cut
const BY_HAND = `
create function vendor_id_required() returns uuid language plpgsql as $$ begin raise exception 'row; without a vendor'; end $$;
create function never() returns trigger language plpgsql as $$ begin raise exception 'never'; end $$;
create table "Egg" (
  "vendorId" uuid not null default vendor_id_required(), id uuid not null, nest text, colour text not null,
  sequence bigserial not null, broken boolean not null default false, constraint "Egg_pkey" primary key (id),
  constraint coloured check (colour <> '')
);
create unique index "Egg_vendorId_nest_key" on "Egg" ("vendorId", nest) nulls not distinct;
create index "Egg_colour_idx" on "Egg" (colour);
create unique index one_whole_egg on "Egg" ("vendorId", colour) where not broken;
create index lower_colour on "Egg" (lower(colour));
create trigger never before update of "vendorId" on "Egg" for each row execute function never();
`

let schema: string
let migrations: string

beforeEach(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hen-schema-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  schema = join(folder, 'prisma')
  migrations = join(schema, 'migrations')
  await mkdir(join(schema, 'models'), { recursive: true })
  await writeFile(join(schema, 'schema.prisma'), SCHEMA)
})

async function migrateByHand(): Promise<void> {
  await mkdir(join(migrations, '1_by_hand'), { recursive: true })
  await writeFile(join(migrations, '1_by_hand/migration.sql'), BY_HAND)
}

describe('the difference between migrations and schema', () => {
  it('is everything when there is no migration yet', async () => {
    expect(await diffMigrations(schema, migrations)).toMatch(
      /CREATE TABLE "Egg" \(\s+"vendorId" UUID NOT NULL DEFAULT vendor_id_required\(\)/,
    )
  })

  it('is nothing when only what the schema cannot say was added by hand', async () => {
    await migrateByHand()
    expect(await diffMigrations(schema, migrations)).toBeUndefined()
  })

  it('is what another file of the schema adds', async () => {
    await migrateByHand()
    await writeFile(join(schema, 'models/nests.prisma'), 'model Nest {\n  id String @id\n}\n')
    const script = await diffMigrations(schema, migrations)
    expect(script).toMatch(/^-- CreateTable\nCREATE TABLE "Nest"/)
    expect(script).not.toMatch(/Egg/)
  })

  it('names the migration that fails', async () => {
    await mkdir(join(migrations, '1_wrong'), { recursive: true })
    await writeFile(join(migrations, '1_wrong/migration.sql'), 'create tabel eggs ()')
    await expect(diffMigrations(schema, migrations)).rejects.toThrow(/1_wrong.*tabel/s)
  })

  it('is not asked for of a schema with a fault', async () => {
    await writeFile(join(schema, 'models/nests.prisma'), 'model Nest {')
    await expect(diffMigrations(schema, migrations)).rejects.toThrow(/nests\.prisma:1/)
  })
})
