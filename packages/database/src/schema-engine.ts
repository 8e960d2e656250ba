import { PrismaPg } from '@prisma/adapter-pg'
import {
  bindMigrationAwareSqlAdapterFactory,
  ColumnTypeEnum,
  DriverAdapterError,
  type SqlDriverAdapter,
  type SqlQuery,
} from '@prisma/driver-adapter-utils'
import type { DiffParams, DiffResult } from '@prisma/schema-engine-wasm'
import * as engine from '@prisma/schema-engine-wasm/schema_engine_bg'
import { AsyncLocalStorage } from 'node:async_hooks'
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import pg from 'pg'
import { createDatabase, dropDatabase } from './databases.ts'

/**
 * What `prisma migrate diff` does, offline: Prisma's schema engine comes as WebAssembly from npm, of the same build as the
 * `prisma` package, instead of the native one that would be downloaded. Migrations are tried out in shadow databases on
 * `serverUrl`, which are dropped again.
 *
 * @throws when a migration or the schema is faulty
 */
export async function diff(serverUrl: string, params: DiffParams): Promise<DiffResult> {
  await instantiate()
  const factory = bindMigrationAwareSqlAdapterFactory({
    provider: 'postgres',
    adapterName: '@prisma/adapter-pg',
    connect: () => adapterFor(serverUrl, async () => {}),
    connectToShadowDb: async () => {
      const name = `henhouse_shadow_${randomBytes(6).toString('hex')}`
      return await adapterFor(await createDatabase(serverUrl, name, { template: 'template0' }), () =>
        dropDatabase(serverUrl, name),
      )
    },
  })
  const instance = await engine.SchemaEngine.new({ datamodels: undefined }, () => {}, factory)
  try {
    return await instance.diff(params)
  } catch (error) {
    const [message] = String(error instanceof Error ? error.message : error).split(/\n +0: schema_engine_wasm/)
    throw new Error(message, { cause: error })
  }
}

// a global of Node that its types leave to those of the browser
const { WebAssembly } = globalThis as unknown as {
  WebAssembly: {
    instantiate(bytes: Uint8Array, imports: object): Promise<{ instance: { exports: Record<string, unknown> } }>
  }
}

let instantiated: Promise<void> | undefined

// the package's own entry imports the .wasm as a module, which Node does not do without a flag
const instantiate = () =>
  (instantiated ??= (async () => {
    const folder = join(createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm'), '..')
    const bytes = await readFile(join(folder, 'schema_engine_bg.wasm'))
    const { instance } = await WebAssembly.instantiate(bytes, { './schema_engine_bg.js': engine })
    engine.__wbg_set_wasm(instance.exports)
    ;(instance.exports['__wbindgen_start'] as () => void)()
    // where the engine says why it is about to trap; that alone would read "unreachable"
    Object.assign(globalThis, {
      PRISMA_WASM_PANIC_REGISTRY: {
        set_message: (message: string) => {
          throw new Error(message)
        },
      },
    })
  })())

async function adapterFor(url: string, cleanUp: () => Promise<void>): Promise<SqlDriverAdapter> {
  const pool = new CatalogPool({ connectionString: url })
  pool.on('error', () => {})
  const adapter = await new PrismaPg(pool).connect()
  const queryRaw = adapter.queryRaw.bind(adapter)
  return Object.assign(adapter, {
    queryRaw: (query: SqlQuery) =>
      charColumns.run([], async () => {
        const result = await queryRaw(query)
        for (const column of charColumns.getStore() ?? []) result.columnTypes[column] = ColumnTypeEnum.Character
        return result
      }),
    // the adapter's own cuts scripts at every semicolon, those within functions too
    executeScript: async (script: string) => void (await pool.query(script).catch(forEngine)),
    dispose: async () => {
      await pool.end()
      await cleanUp()
    },
  })
}

/** The engine shows the text of errors only if they come in this form. */
function forEngine(error: unknown): never {
  if (!(error instanceof pg.DatabaseError)) throw error
  const { code = '', severity = '', message, detail, hint, column } = error
  throw new DriverAdapterError({ kind: 'postgres', code, severity, message, detail, hint, column })
}

const CHAR = 18
const TEXT = 25

/** The columns of the query at hand that are of the catalogue's type "char", which the engine asks for and the adapter does not know. */
const charColumns = new AsyncLocalStorage<number[]>()

class CatalogPool extends pg.Pool {
  override query = (async (...parameters: Parameters<pg.Pool['query']>) => {
    const result = await (super.query(...parameters) as unknown as Promise<pg.QueryResult>)
    // a script of several statements has an array of results
    result.fields?.forEach((field, column) => {
      if (field.dataTypeID !== CHAR) return
      field.dataTypeID = TEXT
      charColumns.getStore()?.push(column)
    })
    return result
  }) as unknown as pg.Pool['query']
}
