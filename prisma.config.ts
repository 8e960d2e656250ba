import { defineConfig } from 'prisma/config'

// Nothing that is used here needs the native schema engine, yet the command line downloads one before it does anything:
// name any file that exists instead. Migrations are written by `npm run db:new` and applied by `npm run db:migrate`.
process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= process.execPath
// nor does it need to tell anyone that it runs
process.env.CHECKPOINT_DISABLE ??= '1'
process.env.PRISMA_HIDE_UPDATE_MESSAGE ??= '1'

const url = process.env.DATABASE_URL

export default defineConfig({
  schema: 'prisma',
  migrations: { path: 'prisma/migrations' },
  // for `prisma studio` and the like; `generate` knows no database
  ...(url ? { datasource: { url } } : {}),
})
