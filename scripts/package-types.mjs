// node scripts/package-types.mjs
// Writes the types that the package `henhouse` publishes: of the whole API, read off openapi.json, and of seeds, read off the
// schemas that check them. They are too large to be committed.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import openapiTS, { astToString } from 'openapi-typescript'
import { bundle } from './bundle.mjs'

const root = fileURLToPath(new URL('..', import.meta.url)),
  folder = join(root, 'packages/henhouse/src/generated')

const api = JSON.parse(readFileSync(join(root, 'openapi.json'), 'utf8'))
const { SeedFile, Seed } = await import(
  pathToFileURL(await bundle(join(root, 'apps/server/src/emulator/seed.schemas.ts'))).href
)
const seeds = {
  openapi: '3.1.0',
  info: { title: 'Seeds', version: '1' },
  paths: {},
  components: { schemas: { Seed, SeedFile } },
}

mkdirSync(folder, { recursive: true })
for (const [name, document] of Object.entries({ openapi: api, seed: seeds })) {
  const ast = await openapiTS(withComponents(document), { silent: true })
  writeFileSync(join(folder, `${name}.ts`), `/* eslint-disable */\n${astToString(ast)}`)
}

/** Schemas that refer to themselves stand where they are used, under a name; generators look for names among the components. */
function withComponents(document) {
  const schemas = {}
  const copy = JSON.parse(JSON.stringify(document), (_, value) => {
    if (value?.$defs) Object.assign(schemas, value.$defs)
    if (typeof value?.$ref !== 'string' || value.$ref.startsWith('#')) return value
    return { $ref: `#/components/schemas/${value.$ref}` }
  })
  for (const schema of Object.values(schemas)) delete schema.$id
  copy.components = { ...copy.components, schemas: { ...copy.components?.schemas, ...schemas } }
  return copy
}
