import type { ForeignPassword } from '@henhouse/foreign-hashes'
import type { Row } from './rows.ts'

/** A user as `migrations/v1/local/bulk` takes them, but for the tenant and the password. */
export interface Profile {
  email?: string
  name?: string
  profilePictureUrl?: string
  username?: string
  phoneNumber?: string
  phoneNumberType?: 'auth'
  authenticatorAppMfaSecret?: string
  externalId?: string
  metadata?: string
  vendorMetadata?: string
  verifyUser: boolean
}

export interface Person {
  profile: Profile
  password: ForeignPassword | { fault: string } | undefined
  /** where the id of the tenant may be */
  fields: Row
  /** what the user has and the operation does not take, a word for each */
  left: string[]
}

/** Why a user is left out. */
export interface LeftOut {
  leftOut: string
}

export type Read = (chunks: AsyncIterable<string>) => AsyncIterable<Person | LeftOut>

/** What an export tells of a user. */
interface Told {
  id: string | undefined
  email: string | undefined
  isVerified: boolean
  isDisabled: boolean
  name?: string | undefined
  picture?: string | undefined
  username?: string | undefined
  phone?: { number: string | undefined; isVerified: boolean }
  authenticator?: string | undefined
  /** what the user may see, and what only the environment may */
  metadata?: Row
  vendorMetadata?: Row
}

/** The operation refuses a user with more: it becomes a claim of their tokens. */
const METADATA_BYTES = 16_384

const E164 = /^\+[1-9]\d{6,14}$/

/**
 * The operation cannot lock anybody, so a disabled user is left out: otherwise the import would let them in again. A number
 * that the source has not verified is left: here it would be a way to log in.
 */
export function personOf(
  told: Told,
  { password, fields, left }: Pick<Person, 'password' | 'fields' | 'left'>,
): Person | LeftOut {
  if (told.isDisabled) return { leftOut: 'disabled' }
  const { email } = told
  const lost: string[] = [...left],
    fitting = counting(lost)
  const picture = fitting(
    'pictures that are too long or no address',
    told.picture,
    (url) => url.length <= 4095 && /^https?:/.test(url),
  )
  const username = fitting(
    'usernames of more than letters, digits and . _ -, or too long',
    nameBeside(told.username, email),
    (name) => /^[\w.-]{1,128}$/.test(name),
  )
  if (email === undefined && username === undefined) return { leftOut: 'without an email address and a username' }
  const number = fitting(
    'phone numbers that are not verified, or not like +12125550100',
    told.phone?.number,
    (value) => told.phone!.isVerified && E164.test(value),
  )
  const asText = (row: Row | undefined) =>
    fitting(
      `metadata of more than ${METADATA_BYTES} bytes`,
      row && Object.keys(row).length ? JSON.stringify(row) : undefined,
      (text) => Buffer.byteLength(text) <= METADATA_BYTES,
    )
  const metadata = asText(told.metadata),
    vendorMetadata = asText(told.vendorMetadata)
  const profile: Profile = {
    ...(email !== undefined && { email }),
    ...(told.name !== undefined && { name: told.name }),
    ...(picture !== undefined && { profilePictureUrl: picture }),
    ...(username !== undefined && { username }),
    // the other type would ask for a code at the next login
    ...(number !== undefined && { phoneNumber: number, phoneNumberType: 'auth' as const }),
    ...(told.authenticator !== undefined && { authenticatorAppMfaSecret: told.authenticator }),
    ...(told.id !== undefined && { externalId: told.id }),
    ...(metadata !== undefined && { metadata }),
    ...(vendorMetadata !== undefined && { vendorMetadata }),
    verifyUser: told.isVerified,
  }
  return { profile, password, fields, left: lost }
}

/** Gives a value back if it fits; else it is counted. */
const counting = (lost: string[]) => (what: string, value: string | undefined, fits: (value: string) => boolean) => {
  if (value === undefined || fits(value)) return value
  lost.push(what)
  return undefined
}

/** The username, if it is not just the address. */
const nameBeside = (username: string | undefined, email: string | undefined) =>
  username?.toLowerCase() === email?.toLowerCase() ? undefined : username

/** The parts of a name that there are. */
export const together = (...parts: (string | undefined)[]) =>
  parts.filter((part) => part !== undefined).join(' ') || undefined

/** So many of one word. */
export const times = (count: number, what: string): string[] => Array<string>(count).fill(what)
