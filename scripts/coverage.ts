// Writes the coverage table of the README from the registry: node scripts/run.mjs scripts/coverage.ts [--check]
import { readFileSync, writeFileSync } from 'node:fs'
import { operations } from '../apps/server/src/operations.ts'

interface Known {
  service: string
  tag: string
  method: string
  path: string
}
const shape = (method: string, path: string) => `${method} ${path.replace(/\{\w+\}/g, '{}')}`
const ours = new Set(operations.map((op) => shape(op.method, op.path)))
const known = JSON.parse(readFileSync('contract/operations.json', 'utf8')) as Known[]

const tags = new Map<string, { service: string; all: number; here: number }>()
for (const { service, tag, method, path } of known) {
  const row = tags.get(`${service} ${tag}`) ?? { service, all: 0, here: 0 }
  row.all++
  if (ours.has(shape(method, path))) row.here++
  tags.set(`${service} ${tag}`, row)
}
const listed = new Set(known.map((k) => shape(k.method, k.path)))
const extra = operations.filter((op) => !listed.has(shape(op.method, op.path))).length
const total = [...tags.values()].reduce((sum, row) => ({ all: sum.all + row.all, here: sum.here + row.here }), {
  all: 0,
  here: 0,
})

const lines = [
  '| service | group | operations |',
  '|---|---|---|',
  ...[...tags]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(
      ([key, row]) =>
        `| ${row.service} | ${key.slice(row.service.length + 1)} | ${row.here === row.all ? `all ${row.all}` : row.here ? `${row.here} of ${row.all}` : `none of ${row.all} yet`} |`,
    ),
  '',
  `${total.here} of ${total.all} published operations, and ${extra} that no specification lists but clients call.`,
]
const begin = '<!-- coverage -->',
  end = '<!-- /coverage -->'
const readme = readFileSync('README.md', 'utf8')
const next = readme.replace(new RegExp(`${begin}[\\s\\S]*${end}`), `${begin}\n${lines.join('\n')}\n${end}`)
if (process.argv.includes('--check')) {
  if (next !== readme)
    throw new Error('the coverage table of the README is not of today: node scripts/run.mjs scripts/coverage.ts')
} else writeFileSync('README.md', next)
