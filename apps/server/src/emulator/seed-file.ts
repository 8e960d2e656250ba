import { readFile } from 'node:fs/promises'
import { LineCounter, parseDocument, type Document, type Node } from 'yaml'
import { StartFailure } from '../programs/start.ts'
import { read } from './input.ts'
import { faultsOfAll } from './seed-faults.ts'
import { Seed, SeedFile, type SeedEnvironment } from './seed.schemas.ts'

/**
 * Reads a seed file: a list of `environments`, or the seed of the one environment.
 * @throws StartFailure that names every fault with its line and column
 */
export async function readSeedFile(path: string): Promise<SeedEnvironment[]> {
  const text = await readFile(path, 'utf8').catch((error: Error) => {
    throw new StartFailure(`The seed file cannot be read: ${error.message}`)
  })
  return parseSeedFile(text, path)
}

export function parseSeedFile(text: string, name: string): SeedEnvironment[] {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return `${name}:${line}:${col}`
  }
  if (document.errors.length) throw faulty(document.errors.map((error) => `${place(error.pos[0])} ${error.message}`))
  const content = (document.toJS() ?? {}) as unknown
  if (typeof content !== 'object' || content === null || Array.isArray(content))
    throw faulty([`${name}:1:1 must be a map, of environments, tenants, users, roles, permissions or settings`])
  const several = 'environments' in content
  const { value, faults } = several ? read(SeedFile, content) : read(Seed, content)
  const environments = several
    ? (value as { environments: SeedEnvironment[] }).environments
    : [{ name: 'default', ...value } as SeedEnvironment]
  // a seed of the wrong shape cannot be checked any further
  const all = faults.length ? faults : faultsOfAll(environments, (index) => (several ? `environments.${index}.` : ''))
  if (all.length) throw faulty(all.map((fault) => `${place(offsetOf(document, fault))} ${fault}`))
  return environments
}

const faulty = (faults: string[]) =>
  new StartFailure(
    `The seed cannot be used, and nothing of it was applied:\n${faults.map((fault) => `  ${fault}`).join('\n')}`,
  )

/** Where the fault's path begins in the file, or the nearest part of it that exists. */
function offsetOf(document: Document, fault: string) {
  const path =
    /^(?:each value in )?([\w.-]+) /
      .exec(fault)?.[1]
      ?.split('.')
      .map((step) => (/^\d+$/.test(step) ? Number(step) : step)) ?? []
  for (; path.length; path.pop()) {
    const node = document.getIn(path, true) as Node | undefined
    if (node?.range) return node.range[0]
  }
  return 0
}
