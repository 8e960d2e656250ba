import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { newEnvironment } from './environment.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url)),
  fixture = (name: string) => join(root, 'scripts/migrate/fixtures', name)

/** Runs the program of docs/migrating.md, and returns its requests. */
function converted(...given: string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'hen-migrating-')),
    out = join(folder, 'out')
  try {
    const program = ['scripts/run.mjs', 'scripts/migrate-convert.ts', ...given, '--out', out]
    execFileSync(process.execPath, program, { cwd: root, stdio: 'pipe' })
    return readdirSync(out).map((name) => JSON.parse(readFileSync(join(out, name), 'utf8')) as object)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test.concurrent.for<
  [from: string, file: string, more: string[], users: number, login?: [email: string, password: string]]
>([
  ['auth0', 'auth0.ndjson', ['--passwords', fixture('auth0-passwords.ndjson')], 4, ['ada@example.com', 'Password.1']],
  [
    'firebase',
    'firebase.json',
    ['--hash-config', fixture('firebase-hash-config.txt')],
    2,
    ['user1@example.com', 'user1password'],
  ],
  ['keycloak', 'keycloak.json', [], 5, ['ada@example.com', 'Correct-Horse-7']],
  ['cognito', 'cognito.csv', [], 2],
])(
  'users of %s are converted, imported, and log in with their old passwords',
  async ([from, file, more, users, login]) => {
    const env = await newEnvironment(),
      tenant = await env.newTenant()
    for (const request of converted('--from', from, '--tenant', tenant, ...more, fixture(file))) {
      const bulk = '/identity/resources/migrations/v1/local/bulk'
      const { status, body } = await env.vendor('POST', bulk, request)
      expect(status).toBe(202)
      await env.runJobs()
      expect((await env.vendor('GET', `${bulk}/status/${body.migrationId}`)).body).toMatchObject({
        ...{ state: 'completed', total: users, migrated: users, errors: [] },
      })
    }
    if (!login) return
    const [email, password] = login,
      logIn = (password: string) => env.anonymous('POST', '/identity/resources/auth/v1/user', { email, password })
    expect((await logIn(`${password}!`)).status).toBe(401)
    // that of Keycloak has an authenticator app
    expect(await logIn(password)).toMatchObject({ status: 200, body: { mfaRequired: from === 'keycloak' } })
  },
)
