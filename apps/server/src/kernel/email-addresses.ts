import { domainToASCII, domainToUnicode } from 'node:url'
import isEmailAddress from 'validator/lib/isEmail.js'

/** Soft hyphens, joiners, marks of direction and the like: two texts that differ in them look the same. */
const UNSEEN = /\p{Default_Ignorable_Code_Point}/gu

/**
 * What class-validator's `IsEmail` takes: letters of every alphabet, and a domain that ends in a name of two letters or more.
 * A quoted local part may hold line breaks there; here it may not, as they would end a header of the mail. Nor may an address
 * hold what cannot be seen, or another form of a letter, such as a full-width one: it would look like somebody else's.
 */
export const isEmail = (text: string) =>
  !/\p{Cc}/u.test(text) &&
  text.normalize('NFKC').replace(UNSEEN, '') === text.normalize('NFC') &&
  isEmailAddress.default(text)

/**
 * The one spelling of an address or username that is stored and compared: lower case, with the common form of each letter
 * (NFKC), without what cannot be seen, and without blanks around it; the domain in Unicode where it was in Punycode.
 */
export function canonicalEmail(text: string) {
  const lower = text.normalize('NFKC').replace(UNSEEN, '').trim().toLowerCase().normalize('NFKC'),
    at = lower.lastIndexOf('@')
  if (at < 0) return lower
  const domain = lower.slice(at + 1)
  // of a domain in ASCII alone, the first would make addresses of numbers
  if (/^[\x21-\x7e]*$/.test(domain) && !domain.includes('xn--')) return lower
  return `${lower.slice(0, at)}@${domainToUnicode(domainToASCII(domain)) || domain}`
}
