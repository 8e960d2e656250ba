import { canonicalEmail, isEmail } from '../../../../kernel/email-addresses.ts'
import { fits, INDEXED_LENGTH, Name, Text } from '../../../../kernel/validation.ts'

/** What somebody shows who may be in a source. */
export interface Credentials {
  /** as typed: an address, or a username */
  readonly name: string
  readonly isEmail: boolean
  readonly password: string
}

/** Somebody whom a source knows. Others have written it: all of it is checked. */
export interface Profile {
  /** their id in the source */
  readonly subject: string
  readonly email: string | undefined
  /** whether the source vouches for the address */
  readonly verified: boolean
  readonly username: string | undefined
  readonly name: string | undefined
  readonly profilePictureUrl: string | undefined
  /** where a tenant's id may be */
  readonly attributes: object
}
export type Known = { readonly [K in keyof Profile]?: unknown }

const textIn = (value: unknown) => (typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined)

/** What can be used of what a source says; undefined for somebody without an id, or with neither address nor username. */
export function profileOf({ attributes, ...said }: Known): Profile | undefined {
  const subject = typeof said.subject === 'number' ? String(said.subject) : textIn(said.subject),
    address = textIn(said.email),
    email = address !== undefined && isEmail(address) ? canonicalEmail(address) : undefined,
    username = textIn(said.username)?.toLowerCase(),
    name = textIn(said.name),
    picture = textIn(said.profilePictureUrl)
  if (subject === undefined || subject.length > INDEXED_LENGTH || /\0/.test(subject)) return undefined
  const usable = username !== undefined && /^[a-z0-9^$.!\-#+'~_@]{1,128}$/.test(username) ? username : undefined
  if (email === undefined && usable === undefined) return undefined
  return {
    subject,
    email,
    // Cognito says it in a text
    verified: email !== undefined && (said.verified === true || said.verified === 'true'),
    username: email === undefined ? usable : undefined,
    name: fits(Name, name) ? name : undefined,
    profilePictureUrl: fits(Text, picture) && /^https?:/i.test(picture!) ? picture : undefined,
    attributes: typeof attributes === 'object' && attributes !== null ? attributes : {},
  }
}

/** The ids in a field: one, or several of them. */
export function tenantIdsIn(attributes: object, field: string): string[] {
  const value: unknown = Object.hasOwn(attributes, field) ? (attributes as Record<string, unknown>)[field] : undefined
  const ids = [value].flat().flatMap((id) => (typeof id === 'string' || typeof id === 'number' ? String(id) : []))
  return [...new Set(ids)].filter((id) => id !== '' && id.length <= INDEXED_LENGTH).slice(0, MOST_TENANTS)
}
const MOST_TENANTS = 20
