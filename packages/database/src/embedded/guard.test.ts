import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { spawnGuarded } from './guard.ts'

const PROGRAM = `process.on('SIGINT', () => process.exit(5)); setInterval(() => {}, 1000); console.error('up')`

// the second is what Windows gets
describe.each([{ shell: true }, { shell: false }])('a guard (shell: $shell)', ({ shell }) => {
  it('ends its program when asked to, and passes its exit code on', async () => {
    const guarded = spawnGuarded(process.execPath, ['-e', PROGRAM], { cwd: tmpdir() }, shell)
    await guarded.logged(/up/)
    guarded.end()
    expect(await guarded.exited).toBe(5)
  })

  it('deletes the folder of a program that has failed, and keeps that of one that has not', async () => {
    for (const code of [1, 0]) {
      const folder = await mkdtemp(join(tmpdir(), 'hen-test-'))
      const guarded = spawnGuarded(
        process.execPath,
        ['-e', `process.exit(${code})`],
        { cwd: tmpdir(), remove: { folder, when: 'failure' } },
        shell,
      )
      expect(await guarded.exited).toBe(code)
      expect(
        await stat(folder).then(
          () => true,
          () => false,
        ),
      ).toBe(code === 0)
      await rm(folder, { recursive: true, force: true })
    }
  })

  it('says that a program cannot be run', async () => {
    const guarded = spawnGuarded('/nowhere/postgres', [], { cwd: tmpdir() }, shell)
    expect(await guarded.exited).toBe(127)
  })
})
