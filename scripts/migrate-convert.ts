// Turns another system's export of users into requests for POST /identity/resources/migrations/v1/local/bulk.
// docs/migrating.md shows the way for each system.
//   npm run migrate:convert -- --from auth0|firebase|cognito|keycloak --tenant <id> <file>
import { createReadStream, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { auth0, hashesOf } from './migrate/auth0.ts'
import { cognito } from './migrate/cognito.ts'
import { convert, type Summary } from './migrate/convert.ts'
import { firebase, projectIn } from './migrate/firebase.ts'
import { keycloak } from './migrate/keycloak.ts'
import type { Read } from './migrate/person.ts'
import { Unreadable } from './migrate/rows.ts'

const USAGE = `Usage: npm run migrate:convert -- --from auth0|firebase|cognito|keycloak [options] <file>

  --tenant <id>          the account of all users, or of those for whom the field says nothing
  --tenant-from <field>  where a user's account is named: in the metadata of Auth0, the claims of Firebase, a column of
                         Cognito, an attribute of Keycloak
  --passwords <file>     Auth0: the file of hashes
  --hash-config <file>   Firebase: the hash parameters of the project
  --out <folder>         where the requests go; migration if absent`

const options = {
  from: { type: 'string' },
  tenant: { type: 'string' },
  'tenant-from': { type: 'string' },
  passwords: { type: 'string' },
  'hash-config': { type: 'string' },
  out: { type: 'string', default: 'migration' },
} as const

/** npm starts programs in the project's folder: paths are meant from where it was called. */
const path = (given: string) => resolve(process.env['INIT_CWD'] ?? '.', given)

function given() {
  try {
    return parseArgs({ options, allowPositionals: true })
  } catch (error) {
    throw new Unreadable(`${(error as Error).message}\n\n${USAGE}`)
  }
}

async function readerFor(values: ReturnType<typeof given>['values']): Promise<Read> {
  const { from, passwords, 'hash-config': hashConfig } = values
  if (passwords !== undefined && from !== 'auth0') throw new Unreadable('--passwords is for Auth0')
  if (hashConfig !== undefined && from !== 'firebase') throw new Unreadable('--hash-config is for Firebase')
  switch (from) {
    case 'auth0': {
      const hashes = passwords === undefined ? new Map<string, string>() : await hashesOf(chunksOf(passwords))
      return (chunks) => auth0(chunks, hashes)
    }
    case 'firebase': {
      const project = hashConfig === undefined ? undefined : projectIn(readFileSync(path(hashConfig), 'utf8'))
      return (chunks) => firebase(chunks, project)
    }
    case 'cognito':
      return cognito
    case 'keycloak':
      return keycloak
    default:
      throw new Unreadable(USAGE)
  }
}

/** Opened only when it is read: nobody would hear of an error before. */
async function* chunksOf(file: string) {
  yield* createReadStream(path(file), { encoding: 'utf8' }) as AsyncIterable<string>
}

function report({ users, withPassword, files, leftOut, left }: Summary, out: string) {
  const lines = (counts: Map<string, number>) =>
    [...counts].sort(([, a], [, b]) => b - a).map(([what, count]) => `  ${count} ${what}`)
  return [
    `${users} users, ${withPassword} with a password; requests in ${out}: ${files}`,
    ...(leftOut.size ? ['Users who are left out:', ...lines(leftOut)] : []),
    ...(left.size ? ['Not carried:', ...lines(left)] : []),
    '',
  ].join('\n')
}

async function main() {
  const { values, positionals } = given(),
    [file, ...more] = positionals
  const read = await readerFor(values)
  if (file === undefined || more.length) throw new Unreadable(USAGE)
  if (values.tenant === undefined && values['tenant-from'] === undefined)
    throw new Unreadable('Whose users are they? Give --tenant, --tenant-from, or both')
  const { tenant, 'tenant-from': tenantFrom, out } = values
  const summary = await convert({ read, chunks: chunksOf(file), tenant, tenantFrom, out: path(out) })
  process.stderr.write(report(summary, out))
}

await main().catch((error: unknown) => {
  const { code } = error as { code?: unknown }
  if (!(error instanceof Unreadable) && code !== 'ENOENT' && code !== 'EISDIR' && code !== 'EACCES') throw error
  process.stderr.write(`${(error as Error).message}\n`)
  process.exitCode = 1
})
