import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url))

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hen-convert-'))
})
afterAll(() => rm(folder, { recursive: true }))

const run = (...given: string[]) =>
  new Promise<{ code: number; stdout: string; stderr: string }>((done) => {
    const env = { ...process.env, INIT_CWD: folder }
    const command = [here('run.mjs'), here('migrate-convert.ts'), ...given]
    execFile(process.execPath, command, { env }, (error, stdout, stderr) =>
      done({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    )
  })

describe('npm run migrate:convert', () => {
  test('writes requests where it was called, and says what it could not carry', async () => {
    const fixture = (name: string) => here(`migrate/fixtures/${name}`)
    const hashConfig = ['--hash-config', fixture('firebase-hash-config.txt')]
    expect(await run('--from', 'firebase', '--tenant', 'hens', ...hashConfig, fixture('firebase.json'))).toEqual({
      code: 0,
      stdout: '',
      stderr: [
        '2 users, 1 with a password; requests in migration: 1',
        'Users who are left out:',
        '  1 disabled',
        '  1 without an email address and a username',
        'Not carried:',
        '  1 identities of other providers',
        '  1 second factors',
        '  1 passwords: the hash is not as long as "signerKey": it is of another project, or cut',
        '',
      ].join('\n'),
    })
    expect(await readdir(join(folder, 'migration'))).toEqual(['users-00001.json'])
  })

  test.each([
    [[], /^Usage/],
    [['--from', 'elsewhere', 'x'], /^Usage/],
    [['--frm', 'auth0'], /Usage/],
    [['--from', 'auth0', 'x'], /Whose users/],
    [['--from', 'auth0', '--tenant', 'x', 'a', 'b'], /^Usage/],
    [['--from', 'auth0', '--tenant', 'x', '--out', 'other', 'nowhere.ndjson'], /ENOENT/],
    [['--from', 'auth0', '--tenant', 'x', 'nowhere.ndjson'], /not empty/],
    [['--from', 'auth0', '--tenant', 'x', '--hash-config', 'y', 'x'], /for Firebase/],
    [['--from', 'cognito', '--tenant', 'x', '--passwords', 'y', 'x'], /for Auth0/],
  ])('%j ends with a sentence', async (given, sentence) => {
    const { code, stderr } = await run(...given)
    expect(code).toBe(1)
    expect(stderr).toMatch(sentence)
    expect(stderr).not.toMatch(/\n\s+at /)
  })
})
