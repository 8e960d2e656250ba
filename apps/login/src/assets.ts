import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { stylesOf } from './theme.ts'

/* What pages load: a stylesheet, a script, and the environment's colour. Their addresses change with their content. */

const file = (name: string, type: string) => {
  const text = readFileSync(new URL(`./${name}`, import.meta.url), 'utf8'),
    hash = createHash('sha256').update(text).digest('hex').slice(0, 12)
  return { text, type, path: `/assets/${hash}/${name}` }
}

export const stylesheet = file('style.css', 'text/css; charset=utf-8'),
  script = file('script.js', 'text/javascript; charset=utf-8')

export const colourPath = (colour: string) => `/assets/colour/${colour.slice(1)}.css`
const COLOUR = /^\/assets\/colour\/([0-9a-f]{6})\.css$/

export function assetAt(path: string) {
  const found = [stylesheet, script].find((one) => one.path === path)
  if (found) return found
  const colour = COLOUR.exec(path)?.[1]
  return colour === undefined ? undefined : { text: stylesOf(`#${colour}`), type: stylesheet.type }
}
