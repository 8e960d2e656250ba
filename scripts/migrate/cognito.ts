import { Readable } from 'node:stream'
import { parse } from 'csv-parse'
import { personOf, times, together, type LeftOut, type Person } from './person.ts'
import { isRow, textOf, Unreadable, type Row } from './rows.ts'

/**
 * Cognito: a CSV file with the columns of its own import, as scripts write it from `list-users`. Cognito gives no hashes to
 * anybody.
 */
export async function* cognito(chunks: AsyncIterable<string>): AsyncGenerator<Person | LeftOut> {
  const rows = Readable.from(chunks).pipe(
    parse({ columns: true, bom: true, trim: true, skip_empty_lines: true, max_record_size: 1024 * 1024 }),
  )
  try {
    for await (const row of rows as AsyncIterable<unknown>) if (isRow(row)) yield personIn(row)
  } catch (error) {
    const { code } = error as { code?: unknown }
    if (typeof code !== 'string' || !code.startsWith('CSV_')) throw error
    const { lines } = error as { lines?: number }
    throw new Unreadable(`the CSV cannot be read near line ${lines ?? '?'} (${code})`)
  }
}

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i
const isTrue = (row: Row, name: string) => textOf(row, name)?.toLowerCase() === 'true'
const isFalse = (row: Row, name: string) => textOf(row, name)?.toLowerCase() === 'false'

/** Columns that go elsewhere, or say nothing here. */
const USED = new Set([
  ...['sub', 'email', 'email_verified', 'name', 'picture', 'phone_number', 'phone_number_verified', 'updated_at'],
  ...['cognito:username', 'cognito:mfa_enabled', 'cognito:user_status', 'enabled'],
])

function personIn(row: Row) {
  const username = textOf(row, 'cognito:username'),
    others = Object.entries(row).filter(([name, value]) => !USED.has(name) && value !== '')
  const told = {
    id: textOf(row, 'sub') ?? username,
    email: textOf(row, 'email'),
    isVerified: isTrue(row, 'email_verified'),
    isDisabled: isFalse(row, 'enabled'),
    name: textOf(row, 'name') ?? together(textOf(row, 'given_name'), textOf(row, 'family_name')),
    picture: textOf(row, 'picture'),
    // where users log in with their address, Cognito makes up a name
    username: username !== undefined && UUID.test(username) ? undefined : username,
    phone: { number: textOf(row, 'phone_number'), isVerified: isTrue(row, 'phone_number_verified') },
    vendorMetadata: Object.fromEntries(others),
  }
  const left = times(isTrue(row, 'cognito:mfa_enabled') ? 1 : 0, 'second factors')
  return personOf(told, { password: undefined, fields: row, left })
}
