import type { VNode } from 'preact'
import type { Api, Reply } from '../contract.d.ts'
import type { Language } from './texts.ts'
import type { Theme } from './theme.ts'

export type { Api, Reply }

/** One request of a browser for a page. */
export interface Visit {
  /** where the pages are: `/oauth/account` or `/account`, perhaps with a prefix */
  readonly base: string
  /** of the query, or of the form; the first value of each name, empty where there is none */
  field(name: string): string
  readonly language: Language
  readonly theme: Theme
  readonly api: Api
}

/** What a screen shows, or where it sends the browser. */
export type Answer = Shown | { readonly to: string }
export interface Shown {
  readonly title: string
  readonly body: VNode
  readonly status?: number
  /** a fault is told in the title, too, as screen readers read that first */
  readonly isFaulty?: boolean
  /** where the browser goes by itself */
  readonly goesOnTo?: string
}

export interface Screen {
  /** below the base */
  readonly path: string
  /** changes nothing, and uses nothing up */
  readonly get?: (visit: Visit) => Promise<Answer> | Answer
  readonly post?: (visit: Visit) => Promise<Answer> | Answer
}

/** Ends a request with the page for failures. */
export class Trouble extends Error {
  readonly reply: Reply
  readonly page: ((visit: Visit) => Shown) | undefined
  /** @param page the one to show for a refusal, where there is a better one than for all */
  constructor(reply: Reply, page?: (visit: Visit) => Shown) {
    super(`the API answered ${reply.status}`)
    this.reply = reply
    this.page = reply.status < 500 && reply.status !== 429 ? page : undefined
  }
}

export const isGood = ({ status }: Reply) => status < 300

/** The fields that lead back to whom the login is for. The API checks them: nothing here believes them. */
const CARRIED = ['state', 'client_id', 'invitationToken'] as const
export const carried = (visit: Visit): Record<string, string> =>
  Object.fromEntries(CARRIED.map((name) => [name, visit.field(name)] as const).filter(([, value]) => value !== ''))

/** A link to another page, which stays in the same login. */
export function linkTo(visit: Visit, path: string, more: Record<string, string> = {}) {
  const query = new URLSearchParams({ ...carried(visit), ...more }).toString()
  return `${visit.base}${path}${query && `?${query}`}`
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
export const isId = (text: string) => UUID.test(text)

/** The application that the login is for. */
const applicationOf = (visit: Visit) => {
  const id = visit.field('client_id')
  return isId(id) ? { applicationId: id.toLowerCase() } : {}
}

/** A POST to the identity API. */
export const post = <T = unknown>(visit: Visit, path: string, body: object) =>
  visit.api<T>('POST', `/identity/resources/${path}`, { body, ...applicationOf(visit) })
/** @throws Trouble for anything but success */
export async function read<T>(visit: Visit, path: `/${string}`, token?: string): Promise<T> {
  const reply = await visit.api<T>('GET', path, { ...applicationOf(visit), ...(token !== undefined && { token }) })
  if (!isGood(reply)) throw new Trouble(reply)
  return reply.body
}
