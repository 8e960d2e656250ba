import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))

it('the image copies all that its build needs', () => {
  const [first] = readFileSync(join(root, 'docker/Dockerfile'), 'utf8')
    .split(/^FROM .*$/m)
    .slice(1)
  const copied = [...first!.matchAll(/^COPY (.+)$/gm)].map(([, words]) => words!.split(' '))
  const folder = mkdtempSync(join(root, 'node_modules/.cache-image-'))
  try {
    for (const words of copied)
      for (const path of words.slice(0, -1)) {
        const into = words.at(-1)!
        cpSync(join(root, path), join(folder, into.endsWith('/') ? join(into, path.replace(/^.*\//, '')) : into), {
          recursive: true,
          filter: (source) => !/\/(node_modules|dist|\.turbo)$/.test(source),
        })
      }
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
    execFileSync(process.execPath, [join(folder, 'scripts/build.mjs')], { cwd: folder, stdio: 'pipe' })
    expect(existsSync(join(folder, 'apps/server/dist/programs/main.js'))).toBe(true)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
