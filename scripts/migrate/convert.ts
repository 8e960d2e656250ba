import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { accept } from '@henhouse/foreign-hashes'
import type { Person, Profile, Read } from './person.ts'
import { Unreadable } from './rows.ts'

/** A user as `POST /identity/resources/migrations/v1/local/bulk` takes them. */
interface MigratedUser extends Profile, Password {
  tenantId: string
}
interface Password {
  passwordHash?: string
  passwordHashType?: string
  passwordHashConfig?: string
}

interface Plan {
  read: Read
  chunks: AsyncIterable<string>
  /** the tenant of everybody for whom the field says nothing */
  tenant: string | undefined
  /** the field that names a user's tenant */
  tenantFrom: string | undefined
  /** a folder that is empty or not there yet */
  out: string
}

export interface Summary {
  users: number
  withPassword: number
  files: number
  /** how many users are left out, by reason */
  leftOut: Map<string, number>
  /** how many things of users who are carried are not, by what they are */
  left: Map<string, number>
}

/** Reads an export and writes requests for the bulk import into the folder, `users-00001.json` and so on. */
export async function convert({ read, chunks, tenant, tenantFrom, out }: Plan): Promise<Summary> {
  const files = requestsIn(out)
  const summary = { users: 0, withPassword: 0, leftOut: new Map<string, number>(), left: new Map<string, number>() }
  for await (const person of read(chunks)) {
    if ('leftOut' in person) {
      count(summary.leftOut, person.leftOut)
      continue
    }
    const tenantId = (tenantFrom === undefined ? undefined : tenantIn(person, tenantFrom)) ?? tenant
    if (tenantId === undefined) {
      count(summary.leftOut, 'without a tenant')
      continue
    }
    const { password, left } = passwordOf(person)
    for (const what of left) count(summary.left, what)
    summary.users++
    if (password.passwordHash !== undefined) summary.withPassword++
    files.add({ tenantId, ...person.profile, ...password })
  }
  return { ...summary, files: files.end() }
}

const count = (counts: Map<string, number>, what: string) => counts.set(what, (counts.get(what) ?? 0) + 1)

function tenantIn({ fields }: Person, name: string) {
  const value = fields[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** The fields of a password that the import will take. A user whose hash it would refuse is carried without. */
function passwordOf({ password, left }: Person): { password: Password; left: string[] } {
  if (!password) return { password: {}, left }
  const checked = 'fault' in password ? password : accept(password)
  if ('fault' in password || 'fault' in checked)
    return { password: {}, left: [...left, `passwords: ${(checked as { fault: string }).fault}`] }
  const { type, hash, config } = password
  return {
    password: {
      passwordHash: hash,
      passwordHashType: type,
      ...(config && { passwordHashConfig: JSON.stringify(config) }),
    },
    left,
  }
}

/** What one request may hold: the operation takes 1000 users, and the server two MiB. */
const MOST_USERS = 1000,
  MOST_BYTES = 1_500_000

/** Hashes and keys are nobody else's business: the files can be read by their owner only. */
function requestsIn(folder: string) {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  if (readdirSync(folder).length) throw new Unreadable(`the folder ${folder} is not empty`)
  let users: string[] = [],
    bytes = 0,
    files = 0
  function write() {
    if (!users.length) return
    files++
    writeFileSync(join(folder, `users-${String(files).padStart(5, '0')}.json`), `{"users":[${users.join(',\n')}]}\n`, {
      mode: 0o600,
    })
    users = []
    bytes = 0
  }
  return {
    add(user: MigratedUser) {
      const text = JSON.stringify(user),
        size = Buffer.byteLength(text) + 2
      if (users.length === MOST_USERS || bytes + size > MOST_BYTES) write()
      users.push(text)
      bytes += size
    },
    /** @returns how many files there are */
    end() {
      write()
      return files
    },
  }
}
