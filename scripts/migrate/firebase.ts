import { personOf, times, type LeftOut, type Person } from './person.ts'
import { rowInText, rowsOf, rowsOfList, textOf, Unreadable, type Row } from './rows.ts'

/** Firebase: `firebase auth:export users.json --format=json`, and the project's hash parameters. */
export async function* firebase(
  chunks: AsyncIterable<string>,
  project: Row | undefined,
): AsyncGenerator<Person | LeftOut> {
  for await (const row of rowsOfList(chunks, 'users')) {
    const claims = rowInText(row, 'customAttributes')
    const told = {
      id: textOf(row, 'localId'),
      email: textOf(row, 'email'),
      isVerified: row['emailVerified'] === true,
      isDisabled: row['disabled'] === true,
      name: textOf(row, 'displayName'),
      picture: textOf(row, 'photoUrl'),
      // Firebase stores no number that it has not verified
      phone: { number: textOf(row, 'phoneNumber'), isVerified: true },
      vendorMetadata: claims,
    }
    yield personOf(told, { password: passwordOf(row, project), fields: { ...row, ...claims }, left: leftOf(row) })
  }
}

function passwordOf(row: Row, project: Row | undefined): Person['password'] {
  const hash = textOf(row, 'passwordHash')
  if (hash === undefined) return undefined
  if (!project) return { fault: 'they need the hash parameters of the project (--hash-config)' }
  return { type: 'firebase-scrypt', hash, config: { ...project, salt: textOf(row, 'salt') ?? '' } }
}

const leftOf = (row: Row) => [
  ...times(
    rowsOf(row, 'providerUserInfo').filter(({ providerId }) => providerId !== 'password' && providerId !== 'phone')
      .length,
    'identities of other providers',
  ),
  ...times(rowsOf(row, 'mfaInfo').length, 'second factors'),
]

/**
 * The parameters as the console shows them, `hash_config { algorithm: SCRYPT, base64_signer_key: …, … }`, or as JSON with
 * the names of the API.
 */
export function projectIn(text: string): Row {
  const shown = (name: string) => new RegExp(`"?${name}"?\\s*:\\s*"?([\\w+/=-]+)`).exec(text)?.[1]
  const project: Row = {
    signerKey: shown('base64_signer_key') ?? shown('signerKey'),
    saltSeparator: shown('base64_salt_separator') ?? shown('saltSeparator'),
    rounds: Number(shown('rounds')),
    memCost: Number(shown('mem_cost') ?? shown('memCost') ?? shown('memoryCost')),
  }
  const missing = Object.entries(project).find(([, value]) => value === undefined || Number.isNaN(value))
  if (missing) throw new Unreadable(`the hash parameters have no ${missing[0]}`)
  return project
}
