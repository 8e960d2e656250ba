/** What an export holds of one user or thing: nothing about it is certain. */
export type Row = Readonly<Record<string, unknown>>

/** The file is not what it should be. The message is for the terminal. */
export class Unreadable extends Error {}

export const isRow = (value: unknown): value is Row =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A text that is not empty. */
export const textOf = (row: Row, name: string): string | undefined => {
  const value = row[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}
export const rowOf = (row: Row, name: string): Row => {
  const value = row[name]
  return isRow(value) ? value : {}
}
export const listOf = (row: Row, name: string): unknown[] => {
  const value = row[name]
  return Array.isArray(value) ? value : []
}
export const rowsOf = (row: Row, name: string): Row[] => listOf(row, name).filter(isRow)

/** An object that is written as JSON text inside of the JSON. */
export function rowInText(row: Row, name: string): Row {
  const text = textOf(row, name)
  if (text === undefined) return {}
  try {
    const value: unknown = JSON.parse(text)
    return isRow(value) ? value : {}
  } catch {
    return {}
  }
}

/** Nothing that an export says about one user is longer. */
const LONGEST = 4 * 1024 * 1024

function parsed(text: string, place: string): Row {
  try {
    const value: unknown = JSON.parse(text)
    if (isRow(value)) return value
  } catch {
    // falls through
  }
  throw new Unreadable(`${place} is no JSON object`)
}

/** The objects of a text with one in each line. */
export async function* rowsOfLines(chunks: AsyncIterable<string>): AsyncGenerator<Row> {
  let rest = '',
    number = 0
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop()!
    if (rest.length > LONGEST)
      throw new Unreadable(`line ${number + lines.length + 1} is too long: each line is one user`)
    for (const line of lines) {
      number++
      if (line.trim()) yield parsed(unmarked(line, number), `line ${number}`)
    }
  }
  if (rest.trim()) yield parsed(unmarked(rest, number + 1), `line ${number + 1}`)
}
/** Without the mark that some editors put at the beginning of a file. */
const unmarked = (line: string, number: number) => (number === 1 ? line.replace(/^\uFEFF/, '') : line)

/**
 * The objects of one list of a JSON text, `{ "users": [ {…}, … ] }`, one after the other: exports may be larger than
 * memory.
 */
export async function* rowsOfList(chunks: AsyncIterable<string>, list: string): AsyncGenerator<Row> {
  const reader = listReader(list)
  let number = 0
  for await (const chunk of chunks)
    for (const character of chunk) {
      const text = reader.take(character)
      if (text !== undefined) yield parsed(text, `number ${++number} of "${list}"`)
      if (reader.state() === 'behind') return
    }
  throw new Unreadable(
    reader.state() === 'inside' ? `the file ends within "${list}"` : `the file has no list "${list}"`,
  )
}

/** Follows brackets and quotes, and keeps the text of the object at hand. */
function listReader(list: string) {
  let depth = 0,
    state: 'before' | 'inside' | 'behind' = 'before',
    isQuoted = false,
    isEscaped = false,
    // the last text of the outermost object, and the object at hand
    name = '',
    text = ''

  function inQuotes(character: string) {
    if (isEscaped) isEscaped = false
    else if (character === '\\') isEscaped = true
    else if (character === '"') isQuoted = false
    if (isQuoted && depth === 1) name += character
  }
  function open(character: string) {
    depth++
    if (state === 'before' && character === '[' && depth === 2 && name === list) state = 'inside'
  }
  /** @returns the object that ends here */
  function close() {
    depth--
    if (state !== 'inside' || depth > 2) return undefined
    if (depth === 1) state = 'behind'
    const whole = text
    text = ''
    return state === 'inside' ? whole : undefined
  }

  return {
    state: () => state,
    take(character: string): string | undefined {
      if (state === 'inside' && (depth > 2 || character === '{')) text += character
      if (text.length > LONGEST) throw new Unreadable(`something in "${list}" is too long to be a user`)
      if (isQuoted) inQuotes(character)
      else if (character === '"') {
        isQuoted = true
        if (depth === 1) name = ''
      } else if (character === '{' || character === '[') open(character)
      else if (character === '}' || character === ']') return close()
      return undefined
    },
  }
}
