// npm run new:area -- <layer>/<name>
// Makes apps/server/src/areas/<layer>/<name> with a first operation, whose test fails until you write it, and prints what to add
// elsewhere. docs/adding-an-operation.md goes on from there.
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const areas = fileURLToPath(new URL('../apps/server/src/areas', import.meta.url))
const layers = readdirSync(areas)
const [layer, name = ''] = (process.argv[2] ?? '').split('/')
if (!layers.includes(layer) || !/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name))
  stop(
    `Usage: npm run new:area -- <layer>/<name>\n\nThe layer is one of ${layers.join(', ')}. The name is that of the things it is about: plural, in kebab-case, such as phone-numbers.`,
  )
const folder = join(areas, layer, name)
if (existsSync(folder)) stop(`There is an area called ${name} already: ${folder}`)

const camel = name.replace(/-(.)/g, (_, letter) => letter.toUpperCase())
const Pascal = camel[0].toUpperCase() + camel.slice(1)
const singular = camel.replace(/ies$/, 'y').replace(/s$/, '')
const Singular = singular[0].toUpperCase() + singular.slice(1)
const words = name.replaceAll('-', ' ')
const url = `/identity/resources/${name}/v1`

const files = {
  routes: `import { Type } from 'typebox'
import { operation } from '../../../kernel/operation.ts'
import { needs } from '../../rights/permissions/permissions.keys.ts'
import { ${Singular}, to${Singular} } from './${name}.schemas.ts'
import * as ${camel} from './${name}.service.ts'

const tag = '${words[0].toUpperCase()}${words.slice(1)}'

export const ${camel}Routes = [
  operation({
    id: 'list${Pascal}V1', method: 'GET', path: '${url}', summary: 'List ${words}', tag,
    auth: 'both', permission: needs.${camel}.read, tenant: 'required',
    returns: { 200: Type.Array(${Singular}) },
    handler: async (ctx) => (await ${camel}.list(ctx, ctx.tenant)).map(to${Singular}),
  }),
]
`,
  schemas: `import { Type, type Static } from 'typebox'
import { DateTime, Id } from '../../../kernel/validation.ts'

export const ${Singular} = Type.Object({
  id: Id,
  createdAt: DateTime,
})

interface ${Singular}Row { id: string, createdAt: Date }
export const to${Singular} = ({ id, createdAt }: ${Singular}Row): Static<typeof ${Singular}> => ({ id, createdAt: createdAt.toISOString() })
`,
  errors: `import { failure } from '../../../kernel/errors.ts'

export const ${singular}Errors = {
  notFound: failure(404, 'ER-00004', '${Singular.replace(/([a-z])([A-Z])/g, '$1 $2')} not found'),
}
`,
  service: `import type { Ctx, TenantScope } from '../../../kernel/operation.ts'

export function list(_ctx: Ctx, _tenant: TenantScope): Promise<{ id: string, createdAt: Date }[]> {
  throw new Error('${name}: to be written')
}
`,
  test: `import { describe, expect, test } from 'vitest'
import { newEnvironment } from '../../../../test/environment.ts'

const url = '${url}'

describe.concurrent('${words}', () => {
  test('a new tenant has none', async () => {
    const env = await newEnvironment()
    expect(await env.as(await env.newTenant())('GET', url)).toMatchObject({ status: 200, body: [] })
  })
})
`,
}

mkdirSync(folder)
for (const [kind, text] of Object.entries(files))
  writeFileSync(join(folder, `${name}.${kind}.ts`), text, { flag: 'wx' })
process.stdout.write(`Made apps/server/src/areas/${layer}/${name}. What is left:

  eslint.layers.js                its place in the layer, before all that will import it
  apps/server/src/operations.ts   import { ${camel}Routes } from './areas/${layer}/${name}/${name}.routes.ts'
                                  and ...${camel}Routes, in the order of the alphabet
  prisma/models/${name}.prisma    its tables, each with vendorId and keys that begin with it; then npm run db:new -- ${name}
  apps/server/src/jobs.ts         its jobs, if it has any (${name}.jobs.ts)
  contract/missing.txt            loses the operations that are there now

Permission keys, statuses and texts: docs/adding-an-operation.md. The test fails until the service is written:

  npx vitest run --project server apps/server/src/areas/${layer}/${name}
`)

function stop(message) {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}
