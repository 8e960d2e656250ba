import { Refused } from '@henhouse/outbound'
import type { Sms, SmsProvider } from '../src/index.ts'

export const sms: Sms = {
  id: '0b9f3b62-6f0c-4b52-9a55-0d2ec1c2a111',
  to: '+15551234567',
  text: 'Your code is 481516.\nDo not pass it on.',
}

export const foreign: Sms = { ...sms, text: 'Grüße & "你好" = 100 % + 🐔; Ihr Code: 481516' }

/** What a message could try in order to reach somebody else, or nobody. */
const malformed: Array<Partial<Sms>> = [
  { to: '15551234567' },
  { to: '+1555123456x' },
  { to: '+15551234567,+15557654321' },
  { to: '+15551234567\r\n' },
  { to: 'whatsapp:+15551234567' },
  { to: '+0' },
  { to: '+1234567890123456' },
  { to: '' },
  { id: 'a\r\nx: y' },
  { id: '' },
  { text: ' \n\u0000' },
  { text: 'x'.repeat(1601) },
]

/** The refusal that a delivery must end with. */
export async function refusalOf(sending: Promise<unknown>): Promise<Refused> {
  const outcome: unknown = await sending.catch((error: unknown) => error)
  if (outcome instanceof Refused) return outcome
  throw new Error(`expected a refusal, got ${String(outcome)}`)
}

/** Sends every malformed message and tells which ones were not refused for good before anything left the process. */
export async function acceptedMalformed(provider: SmsProvider): Promise<unknown[]> {
  const outcomes = await Promise.all(
    malformed.map((part) =>
      provider.send({ ...sms, ...part }).then(
        () => part,
        (error: unknown) =>
          error instanceof Refused && !error.retryable && error.status === undefined ? undefined : part,
      ),
    ),
  )
  return outcomes.filter((part) => part !== undefined)
}
