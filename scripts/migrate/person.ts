import type { ForeignPassword } from '@henhouse/foreign-hashes'
import type { Row } from './rows.ts'

/** A user as `migrations/v1/local/bulk` takes them, but for the tenant and the password. */
export interface Profile {
  email: string
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
  if (email === undefined) return { leftOut: 'without an email address' }
  const lost: string[] = [...left]
  /** the value if it fits; else it is counted */
  const fitting = (what: string, value: string | undefined, fits: (value: string) => boolean) => {
    if (value === undefined) return undefined
    if (fits(value)) return value
    lost.push(what)
    return undefined
  }
  const picture = fitting(
    'pictures that are too long or no address',
    told.picture,
    (url) => url.length <= 4095 && /^https?:/.test(url),
  )
  const username = fitting(
    'usernames that are too long',
    nameBeside(told.username, email),
    ({ length }) => length <= 128,
  )
  const number = fitting(
    'phone numbers that are not verified, or not like +12125550100',
    told.phone?.number,
    (value) => told.phone!.isVerified && E164.test(value),
  )
  const profile: Profile = {
    email,
    ...(told.name !== undefined && { name: told.name }),
    ...(picture !== undefined && { profilePictureUrl: picture }),
    ...(username !== undefined && { username }),
    // the other type would ask for a code at the next login
    ...(number !== undefined && { phoneNumber: number, phoneNumberType: 'auth' as const }),
    ...(told.authenticator !== undefined && { authenticatorAppMfaSecret: told.authenticator }),
    ...(told.id !== undefined && { externalId: told.id }),
    ...(isFilled(told.metadata) && { metadata: JSON.stringify(told.metadata) }),
    ...(isFilled(told.vendorMetadata) && { vendorMetadata: JSON.stringify(told.vendorMetadata) }),
    verifyUser: told.isVerified,
  }
  return { profile, password, fields, left: lost }
}

const nameBeside = (username: string | undefined, email: string) =>
  username?.toLowerCase() === email.toLowerCase() ? undefined : username

const isFilled = (row: Row | undefined) => row !== undefined && Object.keys(row).length > 0

/** The parts of a name that there are. */
export const together = (...parts: (string | undefined)[]) =>
  parts.filter((part) => part !== undefined).join(' ') || undefined

/** So many of one word. */
export const times = (count: number, what: string): string[] => Array<string>(count).fill(what)
