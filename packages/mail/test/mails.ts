import { Refused } from '@henhouse/outbound'
import type { Mail, MailProvider } from '../src/index.ts'

export const mail: Mail = {
  id: '0b9f3b62-6f0c-4b52-9a55-0d2ec1c2a111',
  from: { address: 'hello@acme.example', name: 'Acme' },
  to: 'jane@customer.example',
  subject: 'Reset your password',
  html: '<p>Your code is <b>481516</b>, or <a href="https://acme.example/reset?token=s3cr3t-t0ken">click</a>.</p>',
  text: 'Your code is 481516, or open https://acme.example/reset?token=s3cr3t-t0ken',
  sentAt: new Date('2026-03-01T12:00:00Z'),
}

export const foreign: Mail = {
  ...mail,
  from: {
    address: 'hallo@bücher.example',
    name: 'Bücher & Söhne 🐔, "Zürich" GmbH für außergewöhnlich lange Absendernamen',
  },
  subject:
    'Passwort zurücksetzen — 密码重置 🔑 für Ihr Konto bei Bücher & Söhne, mit einer Betreffzeile über achtundsiebzig Zeichen',
  html: '<p>Grüße, 你好, 🐔</p>\n<p>.</p>',
  text: 'Grüße, 你好, 🐔\n.\nEnde',
}

/** About a megabyte of HTML with long lines. */
export const big: Mail = { ...mail, html: `<p>${'ä <b>bold</b> &amp; '.repeat(50_000)}</p>` }

/** What a mail could try in order to have headers, recipients or lines of its own. */
const injections: Array<Partial<Mail>> = [
  { to: 'jane@customer.example\r\nBcc: eve@evil.example' },
  { to: 'jane@customer.example, eve@evil.example' },
  { to: 'jane@customer.example;eve@evil.example' },
  { to: 'Jane <jane@customer.example>' },
  { to: '"jane@evil.example "@customer.example' },
  { to: 'jane@customer.example> SIZE=1' },
  { to: 'jane@customer.example\u0000' },
  { to: 'jane@customer.example\u2028eve' },
  { to: '' },
  { to: 'jane' },
  { to: 'jane@a@b.example' },
  { to: `jane@${'a'.repeat(250)}.example` },
  { from: { address: 'hello@acme.example\nBcc: eve@evil.example' } },
  { from: { address: 'hello@acme.example, eve@evil.example' } },
  { id: 'a>\r\nBcc: eve@evil.example' },
  { id: '' },
  { sentAt: new Date(Number.NaN) },
  { html: '', text: '' },
]

/** Line breaks where they are made harmless instead of refused. */
export const broken: Mail = {
  ...mail,
  from: { address: 'hello@acme.example', name: 'Acme\r\nBcc: eve@evil.example\u0000\u2029x' },
  subject: 'Hello\r\n\r\n<script>\nBcc: eve@evil.example\u0085.',
}

/** The refusal that a delivery must end with. */
export async function refusalOf(sending: Promise<unknown>): Promise<Refused> {
  const outcome: unknown = await sending.catch((error: unknown) => error)
  if (outcome instanceof Refused) return outcome
  throw new Error(`expected a refusal, got ${String(outcome)}`)
}

/** Sends every malformed mail and tells which ones were not refused for good before anything left the process. */
export async function acceptedInjections(provider: MailProvider): Promise<unknown[]> {
  const outcomes = await Promise.all(
    injections.map((part) =>
      provider.send({ ...mail, ...part }).then(
        () => part,
        (error: unknown) =>
          error instanceof Refused && !error.retryable && error.status === undefined ? undefined : part,
      ),
    ),
  )
  return outcomes.filter((part) => part !== undefined)
}
