/*
 * The language of templates, as clients of the API write it: `{{name}}`, `{{metadata.team}}`, `{{#if name}}…{{else if
 * email}}…{{else}}…{{/if}}`, `{{#unless name}}…{{/unless}}` and `{{! comments }}`. That is a small part of Handlebars, which
 * itself makes programs of templates and so is not for texts of customers. Liquid renders it: each placeholder becomes one of
 * its tags, and nothing else of Liquid can be written.
 */
import { oneLine } from '@henhouse/outbound'
import { Liquid, type Template } from 'liquidjs'

/** What is wrong with a template, and where. */
export class TemplateFault extends Error {}

/** A parsed template. @throws when what it prints is too long */
export type Compiled = (values: object) => string

/** Liquid's delimiters, which cannot be typed. Literal text may hold Liquid's usual ones. */
const [TAG, TAG_END, OUT, OUT_END] = ['\ue000', '\ue001', '\ue002', '\ue003']
const PATH = /^[a-z_][\w-]*(?:\.[\w-]+)*$/i
const CLOSING: Readonly<Record<string, string>> = { else: 'else', '/if': 'endif', '/unless': 'endunless' }
const OPENING: Readonly<Record<string, string>> = { '#if': 'if', '#unless': 'unless' }

const MOST_PLACEHOLDERS = 5000,
  MOST_NESTED = 20
/** The most characters that the values of one template may take, all together. */
const MOST_PRINTED = 1_000_000
const RENDER_MS = 1000

/** How a part of a message shows values. */
const kinds = {
  html: engine((text) => text.replace(/[&<>"']/g, (character) => ENTITIES[character]!), MOST_PRINTED),
  text: engine((text) => text, MOST_PRINTED),
  /** a subject or a name */
  line: engine(oneLine, 2000),
}
const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** @throws TemplateFault */
export function compile(template: string, kind: keyof typeof kinds): Compiled {
  return kinds[kind](translated(template))
}

function engine(show: (text: string) => string, most: number) {
  // rendering is synchronous, so one count serves all
  let left = 0
  function print(value: unknown) {
    const text = show(textOf(value))
    left -= text.length
    if (left < 0) throw new Error('the values of a template take too much space')
    return text
  }
  const liquid = new Liquid({
    tagDelimiterLeft: TAG,
    tagDelimiterRight: TAG_END,
    outputDelimiterLeft: OUT,
    outputDelimiterRight: OUT_END,
    ownPropertyOnly: true,
    strictFilters: true,
    jsTruthy: true,
    outputEscape: print,
    renderLimit: RENDER_MS,
  })
  liquid.registerFilter('of', function (path: string) {
    return valueAt(this.context.getSync(['values']), path)
  })
  return (source: string): Compiled => {
    const parsed = parse(liquid, source)
    return (values) => {
      left = most
      return String(liquid.renderSync(parsed, { values }))
    }
  }
}

/** What is left to find is a block that is not closed, or closed as another one. */
function parse(liquid: Liquid, source: string): Template[] {
  try {
    return liquid.parse(source)
  } catch (error) {
    const line = /line:(\d+)/.exec(String(error))?.[1] ?? '1'
    throw new TemplateFault(`line ${line}: a block is not closed, or not the one that was opened last`)
  }
}

/** Lists and objects have no text. */
const textOf = (value: unknown) =>
  typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : ''

/** The template in Liquid. Its lines stay where they are. */
function translated(template: string): string {
  const parts: string[] = []
  let at = 0,
    depth = 0
  const refuse = (what: string): never => {
    throw new TemplateFault(`line ${template.slice(0, at).split('\n').length}: ${what}`)
  }
  if (/[\ue000-\ue003]/.test(template)) refuse('the characters U+E000 to U+E003 cannot be used')
  for (let count = 0; ; count++) {
    const start = template.indexOf('{{', at)
    if (start === -1) return parts.join('') + template.slice(at)
    parts.push(template.slice(at, start))
    at = start
    if (count === MOST_PLACEHOLDERS) refuse(`there are more than ${MOST_PLACEHOLDERS} placeholders`)
    const end = template.indexOf(template.startsWith('{{!--', start) ? '--}}' : '}}', start + 2)
    if (end === -1) refuse('{{ is not closed')
    const inner = template.slice(start + 2, end).trim()
    if (/^#(?:if|unless)\s/.test(inner) && ++depth > MOST_NESTED)
      refuse(`blocks are nested more than ${MOST_NESTED} deep`)
    if (/^\/(?:if|unless)$/.test(inner)) depth--
    parts.push(tagFor(inner) ?? refuse(`{{${excerpt(inner)}}} is not understood`))
    at = end + (inner.startsWith('!--') ? 4 : 2)
  }
}

/** Liquid's tag for what stands between the braces; undefined for what is not of this language. */
function tagFor(inner: string): string | undefined {
  // the line breaks of a comment count for the lines of what follows
  if (inner.startsWith('!')) return inner.replace(/[^\n]+/g, '')
  const closing = Object.hasOwn(CLOSING, inner) ? CLOSING[inner] : undefined
  if (closing !== undefined) return `${TAG} ${closing} ${TAG_END}`
  if (PATH.test(inner)) return `${OUT} ${look(inner)} ${OUT_END}`
  const [, word, path = ''] = /^(#if|#unless|else\s+if)\s+(\S+)$/.exec(inner) ?? []
  return word !== undefined && PATH.test(path)
    ? `${TAG} ${OPENING[word] ?? 'elsif'} ${look(path)} ${TAG_END}`
    : undefined
}

/** By a filter: of itself Liquid also reads what values do not have of their own, such as their size. */
const look = (path: string) => `"${path}" | of`

function valueAt(values: unknown, path: string) {
  let found = values
  for (const key of path.split('.')) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined
    found = (found as Record<string, unknown>)[key]
  }
  return found
}

const excerpt = (inner: string) => (inner.length > 40 ? `${inner.slice(0, 40)}…` : inner)
