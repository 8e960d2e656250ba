const BREAKS = new Set([
  'br',
  'p',
  'div',
  'tr',
  'table',
  'ul',
  'ol',
  'li',
  'h1',
  'h2',
  'h3',
  'h4',
  'h5',
  'h6',
  'hr',
  'section',
])
/** Their content is not shown. */
const UNSEEN = new Set(['style', 'script', 'head', 'title', 'template'])
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' }

/**
 * An HTML mail as text, for programs that show no HTML: tags go, blocks begin on a new line, and the address of a link
 * stands behind its words. Takes time by the length alone, whatever the HTML.
 */
export function plainText(html: string): string {
  const parts: string[] = []
  let at = 0,
    link: { href: string; since: number } | undefined
  while (at < html.length) {
    const open = html.indexOf('<', at)
    parts.push(words(html.slice(at, open === -1 ? html.length : open)))
    if (open === -1) break
    const closing = html.startsWith('<!--', open) ? '-->' : '>',
      end = html.indexOf(closing, open + 1)
    if (end === -1) break
    at = end + closing.length
    const [, slash, name = ''] = /^<(\/?)([a-z][a-z0-9]*)/.exec(html.slice(open, open + 20).toLowerCase()) ?? []
    if (!slash && UNSEEN.has(name)) at = endOf(html, name, at)
    if (BREAKS.has(name)) parts.push('\n')
    if (name === 'td') parts.push(' ')
    if (name === 'a' && !slash) link = { href: hrefIn(html.slice(open, end)), since: parts.length }
    if (name === 'a' && slash && link) {
      const said = parts.slice(link.since).join('').trim()
      if (link.href && said !== link.href) parts.push(` (${link.href})`)
      link = undefined
    }
  }
  const lines = parts
    .join('')
    .split('\n')
    .map((line) => line.replace(/[ \u00a0]+/g, ' ').trim())
  return `${lines
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim()}\n`
}

function endOf(html: string, name: string, from: number) {
  const close = new RegExp(`</${name}`, 'gi')
  close.lastIndex = from
  return close.exec(html)?.index ?? html.length
}

/** Text between tags. Its line breaks are blanks. */
const words = (text: string) => decoded(text.replace(/[\t\n\f\r]/g, ' '))

function hrefIn(tag: string) {
  const [, double, single] = /\shref\s?=\s?(?:"([^"]*)"|'([^']*)')/i.exec(tag) ?? []
  return decoded(double ?? single ?? '').trim()
}

const decoded = (text: string) =>
  text.replace(
    /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,6}));/gi,
    (whole, decimal?: string, hex?: string, name?: string) => {
      if (name !== undefined) return ENTITIES[name.toLowerCase()] ?? whole
      const code = decimal === undefined ? parseInt(hex!, 16) : Number(decimal)
      return code >= 32 && code <= 0x10ffff ? String.fromCodePoint(code) : ' '
    },
  )
