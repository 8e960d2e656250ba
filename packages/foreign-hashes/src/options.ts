import { digestOf, isSaltEncoding, saltBytes, type SaltEncoding } from './bytes.ts'
import { refuse, type ForeignPassword } from './password.ts'

/** The options of a hash: its `config`, and its salt as one of them. */
export interface Options {
  has(name: string): boolean
  /** @throws Fault when it is missing or no text */
  text(name: string): string
  /** A whole number, also as text. @throws Fault when it is missing, or out of bounds */
  whole(name: string, least: number, most: number): number
}

/**
 * Reads the options, and refuses those that the type does not know: a hash that needs more than we look at, such as a
 * pepper, would be stored and never verify.
 * @throws Fault
 */
export function optionsOf({ type, config = {}, salt }: ForeignPassword, known: readonly string[]): Options {
  const all: Record<string, unknown> = { ...config, ...(salt !== undefined && { salt }) }
  if (salt !== undefined && config['salt'] !== undefined && config['salt'] !== salt) refuse('there are two salts')
  const unknown = Object.keys(all).find((name) => all[name] !== undefined && !known.includes(name))
  if (unknown !== undefined) {
    // what others write goes into the sentence only as far as it looks like a name
    const name = /^\w{1,40}$/.test(unknown) ? `"${unknown}"` : 'an option'
    refuse(`${type} has no option ${name} here${known.length ? `: it takes ${known.join(', ')}` : ''}`)
  }
  return {
    has: (name) => all[name] !== undefined && all[name] !== null,
    text(name) {
      const value = all[name]
      return typeof value === 'string' ? value : refuse(`"${name}" is missing or no text`)
    },
    whole(name, least, most) {
      const value = all[name],
        number = typeof value === 'string' && /^\d{1,10}$/.test(value) ? Number(value) : value
      if (typeof number !== 'number' || !Number.isInteger(number))
        return refuse(`"${name}" is missing or no whole number`)
      if (number < least || number > most) return refuse(`"${name}" is not between ${least} and ${most}`)
      return number
    },
  }
}

/** `saltEncoding`, or text: a salt counts as the bytes of its text unless that says otherwise. @throws Fault */
function saltEncodingOf(options: Options): SaltEncoding {
  if (!options.has('saltEncoding')) return 'utf8'
  const encoding = options.text('saltEncoding')
  return isSaltEncoding(encoding) ? encoding : refuse('"saltEncoding" is none of utf8, hex, base64')
}

/** @throws Fault */
export const saltIn = (options: Options, text: string) => saltBytes(text, saltEncodingOf(options))

/** A key of `keyLen` bytes, in hex or base64. @throws Fault */
export function keyIn(options: Options, text: string): Buffer {
  const length = options.whole('keyLen', 16, 128)
  return digestOf(text, length) ?? refuse(`the key is not ${length} bytes ("keyLen") in hex or base64`)
}
