import { personOf, times, type LeftOut, type Person } from './person.ts'
import { rowOf, rowsOf, rowsOfLines, listOf, textOf, type Row } from './rows.ts'

/**
 * Auth0: a job that exports users as JSON, an object in each line. Its support exports the hashes in another such file,
 * which is also enough by itself.
 * @param hashes from `hashesOf`
 */
export async function* auth0(
  chunks: AsyncIterable<string>,
  hashes: ReadonlyMap<string, string>,
): AsyncGenerator<Person | LeftOut> {
  for await (const row of rowsOfLines(chunks)) {
    const id = idOf(row),
      { email, isVerified } = addressOf(row)
    const hash =
      textOf(row, 'passwordHash') ?? textOf(row, 'password_hash') ?? (id === undefined ? undefined : hashes.get(id))
    const app = rowOf(row, 'app_metadata'),
      own = rowOf(row, 'user_metadata')
    const told = {
      ...{ id, email, isVerified, isDisabled: row['blocked'] === true },
      name: textOf(row, 'name') ?? textOf(row, 'nickname'),
      picture: textOf(row, 'picture'),
      username: textOf(row, 'username'),
      phone: { number: textOf(row, 'phone_number'), isVerified: row['phone_verified'] === true },
      metadata: own,
      vendorMetadata: app,
    }
    const password = hash === undefined ? undefined : ({ type: 'bcrypt', hash } as const)
    yield personOf(told, { password, fields: { ...named(own), ...app }, left: leftOf(row) })
  }
}

/** Users may write their own metadata: an account from there must be asked for by that name. */
const named = (own: Row): Row =>
  Object.fromEntries(Object.entries(own).map(([name, value]) => [`user_metadata.${name}`, value]))

/** `auth0|` and the id of the database, in a file of hashes without the prefix. */
function idOf(row: Row) {
  const bare = textOf(row, 'alt_id') ?? textOf(rowOf(row, '_id'), '$oid')
  return textOf(row, 'user_id') ?? (bare === undefined ? undefined : `auth0|${bare}`)
}

/** Newer files of hashes have the address in a list. */
function addressOf(row: Row) {
  const email = textOf(row, 'email')
  if (email !== undefined) return { email, isVerified: row['email_verified'] === true }
  const identifier = rowsOf(row, 'identifiers').find(({ type }) => type === 'email')
  return { email: identifier && textOf(identifier, 'value'), isVerified: identifier?.['verified'] === true }
}

const leftOf = (row: Row) => [
  ...times(
    rowsOf(row, 'identities').filter(({ provider }) => provider !== 'auth0').length,
    'identities of other providers',
  ),
  ...times(listOf(row, 'multifactor').length, 'second factors'),
  ...times('custom_password_hash' in row ? 1 : 0, 'passwords: custom_password_hash is not read'),
]

/** The hashes of a file from Auth0's support, by the user's id. */
export async function hashesOf(chunks: AsyncIterable<string>): Promise<Map<string, string>> {
  const hashes = new Map<string, string>()
  for await (const row of rowsOfLines(chunks)) {
    const id = idOf(row),
      hash = textOf(row, 'passwordHash')
    if (id !== undefined && hash !== undefined) hashes.set(id, hash)
  }
  return hashes
}
