// Writes contract/missing.txt: the operations of the contract that the registry does not have. The list may only shrink.
import { readFileSync, writeFileSync } from 'node:fs'
import { operations } from '../apps/server/src/operations.ts'

const shape = (method: string, path: string) => `${method} ${path.replace(/\{\w+\}/g, '{}')}`
const ours = new Set(operations.map((op) => shape(op.method, op.path)))
const known = JSON.parse(readFileSync('contract/operations.json', 'utf8')) as { method: string; path: string }[]
const absent = known.filter((k) => !ours.has(shape(k.method, k.path))).map((k) => `${k.method} ${k.path}`)
const before = readFileSync('contract/missing.txt', { encoding: 'utf8', flag: 'a+' }).split('\n')
const grown = before.length > 1 ? absent.filter((line) => !before.includes(line)) : []
if (grown.length) throw new Error(`the list may only shrink; new on it:\n${grown.join('\n')}`)
writeFileSync(
  'contract/missing.txt',
  `# Operations of the contract that are still to be built. May only shrink: node scripts/run.mjs scripts/contract-missing.ts\n${absent.join('\n')}\n`,
)
console.log(`${known.length - absent.length} of ${known.length} operations are here`)
