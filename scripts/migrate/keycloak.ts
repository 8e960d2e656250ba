import { fromKeycloak } from '@henhouse/foreign-hashes'
import { personOf, times, together, type LeftOut, type Person } from './person.ts'
import { listOf, rowInText, rowOf, rowsOf, rowsOfList, textOf, type Row } from './rows.ts'

/** Keycloak: `kc.sh export --file realm.json --users same_file`, or one of the files with users. */
export async function* keycloak(chunks: AsyncIterable<string>): AsyncGenerator<Person | LeftOut> {
  for await (const row of rowsOfList(chunks, 'users')) {
    if (textOf(row, 'serviceAccountClientId') !== undefined) {
      yield { leftOut: 'service accounts' }
      continue
    }
    const credentials = rowsOf(row, 'credentials'),
      attributes = flat(rowOf(row, 'attributes')),
      app = credentials.find((credential) => secretOf(credential) !== undefined)
    const told = {
      id: textOf(row, 'id'),
      email: textOf(row, 'email'),
      isVerified: row['emailVerified'] === true,
      isDisabled: row['enabled'] === false,
      name: together(textOf(row, 'firstName'), textOf(row, 'lastName')),
      picture: textOf(attributes, 'picture'),
      username: textOf(row, 'username'),
      phone: {
        number: textOf(attributes, 'phoneNumber'),
        isVerified: attributes['phoneNumberVerified'] === 'true',
      },
      authenticator: app && secretOf(app),
      vendorMetadata: attributes,
    }
    const others = credentials.filter((credential) => credential !== app && credential['type'] !== 'password')
    const left = [...leftOf(row), ...times(others.length, 'second factors and passkeys')]
    yield personOf(told, { password: passwordOf(row, credentials), fields: attributes, left })
  }
}

/** Each attribute is a list, mostly of one. */
const flat = (attributes: Row): Row =>
  Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [
      name,
      Array.isArray(value) && value.length === 1 ? value[0] : value,
    ]),
  )

function passwordOf(row: Row, credentials: readonly Row[]): Person['password'] {
  if (textOf(row, 'federationLink') !== undefined) return { fault: 'they are in a directory that Keycloak asks' }
  const credential = credentials.find(({ type }) => type === 'password')
  if (!credential) return undefined
  const { secretData, credentialData } = credential
  return typeof secretData === 'string' && typeof credentialData === 'string'
    ? fromKeycloak({ secretData, credentialData })
    : { fault: 'Keycloak wrote them in another form before version 8' }
}

/** The secret of an authenticator app of the kind that every app can: six digits, 30 seconds, SHA-1. In base32, as apps take it. */
function secretOf(credential: Row) {
  const { subType, digits, period, algorithm, secretEncoding } = rowInText(credential, 'credentialData'),
    value = textOf(rowInText(credential, 'secretData'), 'value')
  if (credential['type'] !== 'otp' || subType !== 'totp' || digits !== 6 || period !== 30 || algorithm !== 'HmacSHA1')
    return undefined
  return value === undefined || secretEncoding === 'BASE32' ? value : base32(Buffer.from(value, 'utf8'))
}

/** RFC 4648, section 6, without padding. */
function base32(bytes: Buffer) {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  return (bits.match(/.{1,5}/g) ?? [])
    .map((group) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[parseInt(group.padEnd(5, '0'), 2)])
    .join('')
}

const leftOf = (row: Row) => [
  ...times(rowsOf(row, 'federatedIdentities').length, 'identities of other providers'),
  ...times(
    listOf(row, 'realmRoles').filter((role) => !String(role).startsWith('default-roles-')).length +
      Object.values(rowOf(row, 'clientRoles')).flat().length,
    'roles',
  ),
  ...times(listOf(row, 'groups').length, 'groups'),
]
