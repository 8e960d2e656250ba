import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'

const RUN = fileURLToPath(new URL('run.mjs', import.meta.url))

const PROGRAM = `
const [mode, ...rest] = process.argv.slice(2)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => { console.log('got', signal); process.exit(5) })
if (mode === 'print') { console.log(JSON.stringify(rest)); process.exit(3) }
console.log('up', process.pid)
setInterval(() => {}, 1000)
`

let folder: string
let program: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hen-run-'))
  program = join(folder, 'program.ts')
  await writeFile(program, PROGRAM)
})
afterAll(() => rm(folder, { recursive: true }))

const exists = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

async function start(...options: string[]): Promise<{ runner: ChildProcess; pid: number; output: () => string }> {
  const runner = spawn(process.execPath, [RUN, ...options, program, 'wait'], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  runner.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  await vi.waitUntil(() => /up \d+/.test(output), { timeout: 10_000, interval: 20 })
  return { runner, pid: Number(/up (\d+)/.exec(output)?.[1]), output: () => output }
}

describe('scripts/run.mjs', () => {
  it('passes on arguments, output and exit code, and adds no output', async () => {
    const runner = spawn(process.execPath, [RUN, program, 'print', '--watch', 'a b'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const output = runner.stdout.setEncoding('utf8').toArray()
    expect(await once(runner, 'exit')).toEqual([3, null])
    expect((await output).join('')).toBe('["--watch","a b"]\n')
  })

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'passes %s on and waits for the program to end',
    async (signal) => {
      const { runner, pid, output } = await start()
      runner.kill(signal)
      expect(await once(runner, 'exit')).toEqual([5, null])
      expect(output()).toContain(`got ${signal}`)
      expect(exists(pid)).toBe(false)
    },
    15_000,
  )

  it.each([[[]], [['--watch']]])(
    'leaves no program behind when it is killed (%j)',
    async (options) => {
      const { runner, pid } = await start(...options)
      runner.kill('SIGKILL')
      await vi.waitUntil(() => !exists(pid), { timeout: 10_000, interval: 20 })
    },
    15_000,
  )

  it('leaves no program behind when npm ends, and the shell between them', async () => {
    const shell = spawn('sh', ['-c', `"${process.execPath}" "${RUN}" "${program}" wait; true`], {
      env: { ...process.env, npm_lifecycle_event: 'start' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let output = ''
    shell.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
    await vi.waitUntil(() => /up \d+/.test(output), { timeout: 10_000, interval: 20 })
    const pid = Number(/up (\d+)/.exec(output)?.[1])
    shell.kill('SIGKILL')
    await vi.waitUntil(() => !exists(pid), { timeout: 10_000, interval: 20 })
    expect(output).toContain('got SIGTERM')
  })
})
