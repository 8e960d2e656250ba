import type { Api } from './visit.ts'

/** How the pages of an environment look. All of it is checked: it is never CSS, HTML or an address of another server. */
export interface Theme {
  readonly name: string
  /** `#rrggbb` */
  readonly colour: string | undefined
  /** a picture in itself: a `data:` address, so that no other server learns who logs in */
  readonly logo: string | undefined
}

interface Looks {
  rows?: readonly { configuration?: { themeV2?: { loginBox?: { palette?: unknown; logo?: { image?: unknown } } } } }[]
}

/** As the environment's settings say; without any of it if they cannot be read, as the page is needed all the same. */
export async function themeOf(api: Api): Promise<Theme> {
  const [looks, environment] = await Promise.all([
    api<Looks>('GET', '/metadata?entityName=adminBox'),
    api<{ name?: unknown }>('GET', '/vendors/public'),
  ])
  const box = looks.body?.rows?.[0]?.configuration?.themeV2?.loginBox,
    main = (box?.palette as { primary?: { main?: unknown } } | undefined)?.primary?.main,
    { name } = environment.body ?? {}
  return {
    name: typeof name === 'string' ? name.slice(0, 100) : '',
    colour: colourIn(main),
    logo: logoIn(box?.logo?.image),
  }
}

export const noTheme: Theme = { name: '', colour: undefined, logo: undefined }

function colourIn(value: unknown) {
  if (typeof value !== 'string') return undefined
  const short = /^#([0-9a-f])([0-9a-f])([0-9a-f])$/i.exec(value)
  if (short) return `#${short[1]!.repeat(2)}${short[2]!.repeat(2)}${short[3]!.repeat(2)}`.toLowerCase()
  return /^#[0-9a-f]{6}$/i.test(value) ? value.toLowerCase() : undefined
}

const LOGO = /^data:image\/(?:png|jpeg|gif|webp|svg\+xml);base64,[a-z0-9+/]+=*$/i,
  MAX_LOGO = 100_000
const logoIn = (value: unknown) =>
  typeof value === 'string' && value.length <= MAX_LOGO && LOGO.test(value) ? value : undefined

/** Of the pages: what stands on them must be told from them. */
const LIGHT = '#ffffff',
  DARK = '#16181d'
/** WCAG 2.2 §1.4.3, for text and for what is drawn */
const ENOUGH = 4.5

/** The colours that follow from the one that was chosen: it is made darker or lighter until it can be read. */
export function stylesOf(colour: string) {
  const light = readable(colour, LIGHT),
    dark = readable(colour, DARK)
  const rules = (accent: string) => `:root{--accent:${accent};--on-accent:${onTop(accent)}}`
  return `${rules(light)}@media (prefers-color-scheme:dark){${rules(dark)}}`
}

function readable(colour: string, ground: string) {
  const towards = luminance(ground) > 0.5 ? 0 : 255
  let found = channels(colour)
  for (let step = 0; step < 40 && contrast(hex(found), ground) < ENOUGH; step++)
    found = found.map((channel) => Math.round(channel + (towards - channel) * 0.1))
  return hex(found)
}

const onTop = (colour: string) => (contrast(colour, '#ffffff') >= contrast(colour, '#000000') ? '#ffffff' : '#000000')

const channels = (colour: string) => [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16))
const hex = (found: readonly number[]) => `#${found.map((channel) => channel.toString(16).padStart(2, '0')).join('')}`

/** WCAG's relative luminance, and the contrast of two colours: from 1 to 21. */
function luminance(colour: string) {
  const [r = 0, g = 0, b = 0] = channels(colour).map((channel) => {
    const part = channel / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}
function contrast(one: string, other: string) {
  const [low = 0, high = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b)
  return (high + 0.05) / (low + 0.05)
}
