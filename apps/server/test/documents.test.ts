import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { EMULATOR, productionConfig } from '../src/config/config.ts'
import { banner } from '../src/emulator/banner.ts'
import { parseSeedFile } from '../src/emulator/seed-file.ts'
import { demo, SeedFile } from '../src/emulator/seed.schemas.ts'
import { openapi, openapiText } from '../src/kernel/openapi.ts'
import { operations } from '../src/operations.ts'
import { unserved } from '../src/unserved.ts'

const file = (name: string) => readFileSync(new URL(`../../../${name}`, import.meta.url), 'utf8')

/** Every variable that production reads. */
function variables() {
  const names = new Set<string>()
  const given: Record<string, string> = {
    DATABASE_URL: 'postgres://u:p@db/henhouse',
    HENHOUSE_PUBLIC_URL: 'https://id.example.com',
    HENHOUSE_ENCRYPTION_KEY: 'rT8v+Qm3ZkWn5yLxB0aJ7cUdEfGhPiSo2XqVbN1MtYw=',
    // the other AWS variables are read only beside these
    AWS_ACCESS_KEY_ID: 'id',
    AWS_SECRET_ACCESS_KEY: 'key',
  }
  productionConfig(
    new Proxy(given, {
      get: (values, name: string) => {
        names.add(name)
        return values[name]
      },
    }),
  )
  return [...names]
}

describe('the documents', () => {
  // comparing the texts with `toBe` would print a megabyte
  test('openapi.json is what `npm run openapi` writes, and has the version of the package', () => {
    expect(file('openapi.json') === openapiText(operations)).toBe(true)
    expect(openapi(operations).info.version).toBe(JSON.parse(file('package.json')).version)
  })

  test('the README shows what `npm start` prints', () => {
    const { clientId, apiKey } = EMULATOR
    const printed = banner([{ ...demo, clientId, apiKey }], new URL('http://localhost:3100'), '.henhouse/postgres')
    expect(file('README.md')).toContain(`\`\`\`\n${printed.trim()}\n\`\`\`\n`)
  })

  test('.env.example and docs/operating.md name every variable of production, and docker compose passes it on', () => {
    const names = variables()
    const example = file('.env.example'),
      operating = file('docs/operating.md'),
      compose = file('docker-compose.yml')
    expect(names.filter((name) => !example.includes(`\n${name}=`))).toEqual([])
    expect(names.filter((name) => !operating.includes(`\`${name}\``))).toEqual([])
    // inside a container these are fixed
    const fixed = ['HENHOUSE_HOST', 'HENHOUSE_PORT']
    expect(names.filter((name) => !fixed.includes(name) && !compose.includes(`${name}: \${${name}:`))).toEqual([])
    expect(names).toContain('HENHOUSE_AWS_EXTERNAL_ID')
  })

  test('docs/compatibility.md lists everything that answers 501', () => {
    const listed = file('docs/compatibility.md')
    for (const { what, paths } of unserved) {
      const row = listed.split('\n').find((line) => line.startsWith(`| ${what} `)) ?? ''
      expect([...row.matchAll(/`([^`]+)`/g)].map(([, path]) => path)).toEqual(paths)
    }
  })

  test('the seeds of docs/seed.md work, and have every field except settings with a default', () => {
    const text = file('docs/seed.md')
    const seeds = [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, yaml]) => yaml!)
    expect(seeds.flatMap((yaml) => parseSeedFile(yaml, 'seed.yaml')).length).toBe(3)
    const { items } = SeedFile.properties.environments,
      { settings, ...others } = items.properties
    expect(Object.keys(settings.properties).filter((name) => !text.includes(`\`${name}\``))).toEqual([])
    expect(fieldsOf({ properties: others }).filter((name) => !new RegExp(`\\b${name}:`).test(seeds.join()))).toEqual([])
  })
})

/** Every test of the repository. */
const tests = ['apps/server/src', 'apps/server/test', 'packages', 'scripts'].flatMap((folder) =>
  readdirSync(new URL(`../../../${folder}/`, import.meta.url), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts') && !name.includes('node_modules'))
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`),
)

describe('docs/security.md', () => {
  const text = file('docs/security.md'),
    /** A name of a test file, and the titles in quotation marks that follow it. */
    cited = [...text.replace(/\s+/g, ' ').matchAll(/`([\w./-]+\.test\.ts)`((?:[\s,]*“[^”]+”)*)/g)].map(
      ([, name, titles]) => [name!, [...titles!.matchAll(/“([^”]+)”/g)].map(([, title]) => title!)] as const,
    )

  test('names tests that exist', () => {
    expect(cited.length).toBeGreaterThan(100)
    for (const [name, titles] of cited) {
      const [path, ...others] = tests.filter((one) => one.endsWith(`/${name}`))
      expect([path, others], name).toEqual([expect.any(String), []])
      const source = file(path!)
      expect(
        titles.filter((title) => !source.includes(title)),
        name,
      ).toEqual([])
    }
    // a title without its file proves nothing
    expect(cited.flatMap(([, titles]) => titles).length).toBe([...text.matchAll(/“/g)].length)
  })

  test('lists what is not held as its tables say', () => {
    const rows = [...text.matchAll(/^\| (\d+\.\d+\.\d+) +\|[^|]+\| ([a-z' ]+?) +\|/gm)],
      verdicts = new Set(rows.map(([, , verdict]) => verdict))
    expect(verdicts).toEqual(new Set(['held', 'not held', "the operator's", 'does not apply', 'not yet']))
    expect(new Set(rows.map(([, point]) => point)).size).toBe(rows.length)
    const listed = /^Not held: ([\d., ]+)\.$/m.exec(text)?.[1]?.split(', ')
    expect(listed).toEqual(rows.filter(([, , verdict]) => verdict === 'not held').map(([, point]) => point))
  })
})

interface Shape {
  type?: unknown
  properties?: Record<string, Shape>
  items?: Shape
}
/** At every depth. */
const fieldsOf = ({ properties = {}, items }: Shape): string[] => [
  ...Object.entries(properties).flatMap(([name, shape]) => [name, ...fieldsOf(shape)]),
  ...(items ? fieldsOf(items) : []),
]
