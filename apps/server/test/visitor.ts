import type { OutgoingHttpHeaders } from 'node:http'
import { expect } from 'vitest'
import { server, type TestEnvironment } from './environment.ts'

/* A browser at the login page, without its script: it keeps cookies, follows redirects, and sends forms as they stand. */

export interface Page {
  status: number
  /** as in the address bar: path and query */
  address: string
  html: string
  title: string
  headers: OutgoingHttpHeaders
}
interface Form {
  action: string
  fields: Record<string, string>
  /** what can be typed into or ticked */
  inputs: string[]
  buttons: { name: string | undefined; value: string; text: string }[]
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" }
const unescaped = (text: string) => text.replaceAll(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => entities[name]!)
const attribute = (tag: string, name: string) => {
  const found = new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1]
  return found === undefined ? undefined : unescaped(found)
}
export const textOf = ({ html }: Page) =>
  unescaped(
    html
      .replaceAll(/<title>.*?<\/title>/g, '')
      .replaceAll(/<[^>]*>/g, ' ')
      .replaceAll(/\s+/g, ' '),
  ).trim()

export const formsOf = ({ html }: Page): Form[] =>
  [...html.matchAll(/<form[^>]*>.*?<\/form>/gs)].map(([form]) => {
    const inputs = [...form.matchAll(/<input[^>]*>/g)].map(([tag]) => tag),
      hidden = inputs.filter((tag) => attribute(tag, 'type') === 'hidden'),
      others = inputs.filter((tag) => !hidden.includes(tag))
    const valued = inputs.filter((tag) => attribute(tag, 'type') !== 'checkbox')
    return {
      action: attribute(form, 'action')!,
      fields: Object.fromEntries(valued.map((tag) => [attribute(tag, 'name')!, attribute(tag, 'value') ?? ''])),
      inputs: others.map((tag) => attribute(tag, 'name')!),
      buttons: [...form.matchAll(/<button[^>]*>(.*?)<\/button>/gs)].map(([tag, text]) => ({
        name: attribute(tag, 'name'),
        value: attribute(tag, 'value') ?? '',
        text: unescaped(text!),
      })),
    }
  })

export const linksOf = ({ html }: Page) =>
  [...html.matchAll(/<a [^>]*>/g)].map(([tag]) => attribute(tag, 'href')!).filter((href) => !href.startsWith('#'))

/** @param headers of every request, beside the usual ones */
export function visitorOf(env: TestEnvironment, headers: Record<string, string> = {}, on = server) {
  const cookies: Record<string, string> = {},
    host = `${env.name}.localhost:3100`
  async function request(method: 'GET' | 'POST', address: string, more: Record<string, string>, payload?: string) {
    const response = await on.http.inject({
      method,
      url: address,
      headers: { host, ...headers, ...more },
      cookies,
      ...(payload !== undefined && { payload }),
    })
    for (const { name, value } of response.cookies)
      if (value) cookies[name] = value
      else delete cookies[name]
    return response
  }
  /** Follows redirects on this server. */
  async function shown(response: Awaited<ReturnType<typeof request>>, address: string): Promise<Page> {
    const { location } = response.headers
    if ([302, 303].includes(response.statusCode) && String(location).startsWith('/')) return open(String(location))
    return {
      status: response.statusCode,
      address,
      html: response.body,
      title: unescaped(/<title>(.*?)<\/title>/s.exec(response.body)?.[1] ?? ''),
      headers: response.headers,
    }
  }
  async function open(address: string, more: Record<string, string> = {}) {
    const { pathname, search } = new URL(address, `http://${host}`)
    return shown(await request('GET', pathname + search, { 'sec-fetch-mode': 'navigate', ...more }), pathname + search)
  }
  /** Sends a form, as plain http does: without `Sec-Fetch-Site`. */
  async function post(action: string, fields: Record<string, string>, more: Record<string, string> = {}) {
    const sent = { origin: `http://${host}`, 'content-type': 'application/x-www-form-urlencoded', ...more }
    return shown(await request('POST', action, sent, new URLSearchParams(fields).toString()), action)
  }
  /**
   * Fills in and sends the form that has these fields, and a button with this text if one is named.
   * @param more headers
   */
  async function submit(page: Page, filled: Record<string, string> = {}, text?: string, more = {}) {
    const form = formsOf(page).find(
      ({ inputs, buttons }) =>
        Object.keys(filled).every((name) => inputs.includes(name)) &&
        (text === undefined || buttons.some((button) => button.text === text)),
    )
    expect(form, `no form with ${Object.keys(filled).join(', ')} ${text ?? ''} in: ${textOf(page)}`).toBeDefined()
    const button = text === undefined ? form!.buttons[0] : form!.buttons.find((one) => one.text === text)
    return post(
      form!.action,
      { ...form!.fields, ...filled, ...(button?.name !== undefined && { [button.name]: button.value }) },
      more,
    )
  }
  return { open, post, submit, cookies, host }
}
