// Writes the API's coverage from the registry: the table in docs/coverage.md, and the missing groups in the README.
//   npm run coverage [-- --check]
import { readFileSync, writeFileSync } from 'node:fs'
import { format, resolveConfig } from 'prettier'
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

const sorted = [...tags]
  .sort(([a], [b]) => a.localeCompare(b))
  .map(([key, row]) => ({ name: key.slice(row.service.length + 1), ...row }))
const share = ({ here, all }: { here: number; all: number }) =>
  here === all ? `all ${all}` : here ? `${here} of ${all}` : `none of ${all} yet`
const summary = `${total.here} of ${total.all} published operations, and ${extra} that no specification lists but clients call.`

const table = [
  '| service | group | operations |',
  '|---|---|---|',
  ...sorted.map((row) => `| ${row.service} | ${row.name} | ${share(row)} |`),
  '',
  summary,
]
const names = (rows: typeof sorted, show: (row: (typeof sorted)[number]) => string) => rows.map(show).join(', ')
const absent = sorted.filter(({ here }) => !here),
  partly = sorted.filter(({ here, all }) => here && here < all)
const missing =
  absent.length || partly.length
    ? [
        ...(absent.length ? [`- Not there yet: ${names(absent, ({ name }) => name)}.`] : []),
        ...(partly.length ? [`- Partly there: ${names(partly, (row) => `${row.name} (${share(row)})`)}.`] : []),
      ]
    : [`All ${total.all} are there.`]

for (const [file, mark, lines] of [
  ['docs/coverage.md', 'coverage', table],
  ['README.md', 'missing', missing],
] as const) {
  const before = readFileSync(file, 'utf8'),
    [begin, end] = [`<!-- ${mark} -->`, `<!-- /${mark} -->`]
  const text = before.replace(new RegExp(`${begin}[\\s\\S]*${end}`), `${begin}\n\n${lines.join('\n')}\n\n${end}`)
  const after = await format(text, { ...(await resolveConfig(file)), filepath: file })
  if (after === before) continue
  if (process.argv.includes('--check')) throw new Error(`${file} is not of today: npm run coverage`)
  writeFileSync(file, after)
}
