import { domainToASCII, domainToUnicode } from 'node:url'
import isEmailAddress from 'validator/lib/isEmail.js'

/**
 * What class-validator's `IsEmail` takes: letters of every alphabet, and a domain that ends in a name of two letters or more.
 * A quoted local part may hold line breaks there; here it may not, as they would end a header of the mail.
 */
export const isEmail = (text: string) => !/\p{Cc}/u.test(text) && isEmailAddress.default(text)

/**
 * The one spelling of an address that is stored and compared: lower case, composed (NFC), the domain in Unicode where it was
 * in Punycode. Text without an `@`, such as a username, comes back in lower case.
 */
export function canonicalEmail(text: string) {
  const lower = text.toLowerCase().normalize('NFC'),
    at = lower.lastIndexOf('@')
  if (at < 0) return lower
  const domain = lower.slice(at + 1)
  // of a domain in ASCII alone, the first would make addresses of numbers
  if (/^[\x21-\x7e]*$/.test(domain) && !domain.includes('xn--')) return lower
  return `${lower.slice(0, at)}@${domainToUnicode(domainToASCII(domain)) || domain}`
}
