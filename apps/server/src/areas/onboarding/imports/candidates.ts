import { accept, type ForeignPassword } from '@henhouse/foreign-hashes'
import type { TObject, TSchema } from 'typebox'
import { canonicalEmail } from '../../../kernel/email-addresses.ts'
import { type ApiError, invalid } from '../../../kernel/errors.ts'
import { faults, isStorable, tidy } from '../../../kernel/validation.ts'
import { userErrors } from '../../people/users/users.errors.ts'
import { mustBeObjects } from '../../people/users/users.schemas.ts'
import { readSecret } from './authenticator-secrets.ts'
import { importErrors } from './imports.errors.ts'
import type { MigratedUser } from './imports.schemas.ts'

/** A user to bring in, as far as can be told without looking at what is there. */
export interface Candidate {
  tenantId: string
  /** canonical, as all addresses and usernames here */
  email: string | null
  username: string | null
  /** of the address */
  verified: boolean
  otherEmails: readonly { email: string; verified: boolean }[]
  name: string | undefined
  profilePictureUrl: string | null
  provider: string
  externalId: string | null
  metadata: string
  vendorMetadata: string
  passwordHash: string | null
  /** E.164: to log in with */
  phoneNumber: string | null
  /** E.164: a second factor */
  secondPhone: string | null
  /** base32 */
  secret: string | null
  /** ids or keys */
  roles: readonly string[]
  isLocked: boolean
}

/** Why a row was refused. */
export class Refusal extends Error {
  readonly field: string | null
  readonly error: ApiError
  /** of the row, as it was written */
  readonly email: string | null
  constructor(field: string | null, error: ApiError, email: string | null = null) {
    super(error.message)
    this.field = field
    this.error = error
    this.email = email
  }
}

/** What a whole file says of its hashes, for rows that do not say it themselves. */
export type Hashing = Pick<MigratedUser, 'passwordHashType' | 'passwordHashConfig'>

/** A row with this schema, or what is wrong with it. */
export function candidateOf(schema: TObject, row: unknown, { hashing, isLocked = false }: Reading = {}) {
  const { email } = (row ?? {}) as { email?: unknown }
  try {
    return read(checked(schema, row), hashing, isLocked)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return new Refusal(
      error.field,
      error.error,
      typeof email === 'string' && isStorable(email) ? email.slice(0, 320) : null,
    )
  }
}
interface Reading {
  hashing?: Hashing | undefined
  isLocked?: boolean
}

function checked(schema: TObject, row: unknown): MigratedUser {
  if (typeof row !== 'object' || row === null || Array.isArray(row))
    throw new Refusal(null, invalid('The row must be an object'))
  if (!isStorable(row)) throw new Refusal(null, importErrors.unstorable())
  const tidied = tidy(schema, row) as Record<string, unknown>,
    { properties, required = [] } = schema as unknown as { properties: Record<string, TSchema>; required?: string[] }
  for (const [name, part] of Object.entries(properties)) {
    if (tidied[name] === undefined && !required.includes(name)) continue
    const [fault] = faults(part, tidied[name], name)
    if (fault !== undefined) throw new Refusal(name, invalid(fault))
  }
  return tidied as unknown as MigratedUser
}

function read(row: MigratedUser, hashing: Hashing | undefined, isLocked: boolean): Candidate {
  const { email, verified, otherEmails } = addressesOf(row),
    number = row.phoneNumber ? e164(row.phoneNumber) : null,
    isFactor = row.phoneNumberType === 'mfa'
  if (email === null && row.username === undefined) throw new Refusal('email', userErrors.notNamed())
  const metadata = objectOf('metadata', row.metadata),
    vendorMetadata = objectOf('vendorMetadata', row.vendorMetadata)
  return {
    tenantId: row.tenantId,
    email,
    username: row.username === undefined ? null : canonicalEmail(row.username),
    verified,
    otherEmails,
    name: row.name,
    profilePictureUrl: row.profilePictureUrl ?? null,
    provider: row.provider ?? 'local',
    externalId: row.externalId ?? null,
    metadata,
    vendorMetadata,
    passwordHash: row.passwordHash ? hashOf(row.passwordHash, row, hashing) : null,
    phoneNumber: isFactor ? null : number,
    secondPhone: isFactor ? number : null,
    secret: row.authenticatorAppMfaSecret ? secretOf(row.authenticatorAppMfaSecret) : null,
    roles: row.roleIds ?? [],
    isLocked,
  }
}

/** Of several, the primary one is the user's own, or else the first. Without any there is nothing to verify. */
function addressesOf({ email, verifyUser = false, emails = [] }: MigratedUser) {
  const primaries = emails.filter(({ primary }) => primary),
    own = primaries[0] ?? (email === undefined ? emails[0] : undefined)
  if (primaries.length > 1) throw new Refusal('emails', importErrors.twoPrimaries())
  const address = own?.email ?? email,
    chosen = address === undefined ? null : canonicalEmail(address)
  const others = new Map(emails.map((one) => [canonicalEmail(one.email), one.verified]))
  if (chosen !== null) others.delete(chosen)
  return {
    email: chosen,
    verified: chosen === null || verifyUser || own?.verified === true,
    otherEmails: [...others].map(([email, verified]) => ({ email, verified })),
  }
}

/** Clients send the text `null` for no metadata. */
function objectOf(field: 'metadata' | 'vendorMetadata', text: string | undefined) {
  if (!text || text === 'null') return '{}'
  try {
    mustBeObjects({ [field]: text })
    return text
  } catch (error) {
    throw new Refusal(field, error as ApiError)
  }
}

/** As people write numbers: with blanks, dots, dashes and brackets, and 00 in place of the plus sign. */
function e164(written: string) {
  const plain = written.replaceAll(/[\s().\-\u2010-\u2015]/g, '').replace(/^00/, '+')
  if (!/^\+[1-9]\d{6,14}$/.test(plain)) throw new Refusal('phoneNumber', importErrors.badPhoneNumber())
  return plain
}

function secretOf(text: string) {
  const found = readSecret(text)
  if ('fault' in found) throw new Refusal('authenticatorAppMfaSecret', importErrors.badSecret(found.fault))
  return found.secret
}

/** Clients that send a hash alone mean bcrypt. */
function hashOf(hash: string, row: Hashing, file: Hashing = {}) {
  const written = row.passwordHashConfig || file.passwordHashConfig,
    config = written ? configOf(written) : undefined
  const password: ForeignPassword = {
    type: row.passwordHashType ?? file.passwordHashType ?? 'bcrypt',
    hash,
    ...(config && { config }),
  }
  const found = accept(password)
  if ('fault' in found) throw new Refusal('passwordHash', importErrors.badHash(found.fault))
  return found.stored
}

/** @throws Refusal for what is no object */
function configOf(text: string): Record<string, unknown> {
  try {
    mustBeObjects({ metadata: text })
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    throw new Refusal('passwordHashConfig', importErrors.badHashConfig())
  }
}
