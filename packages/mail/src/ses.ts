import {
  type AwsCredentials,
  baseAddress,
  checkedRegion,
  isPassing,
  isPassingFault,
  jsonObject,
  postSigned,
  refusal,
  secretsOf,
  TIMEOUT,
} from '@henhouse/outbound'
import { encodeWord, quoteString } from 'nodemailer/lib/mime-funcs'
import { prepared, said as saidIn, type Mail, type MailProvider } from './mail.ts'

export interface SesOptions {
  /** `id` of the API's SES configuration */
  accessKeyId: string
  /** `secret` of the API's SES configuration */
  secretAccessKey: string
  region: string
  /**
   * The real time, for signatures. Not the mail's date: AWS refuses a signature that is five minutes old,
   * and a mail may be delivered hours after it was written.
   */
  now: () => Date
  /** default `https://email.{region}.amazonaws.com` */
  endpoint?: string | undefined
  /** milliseconds, default 10,000 */
  timeoutMs?: number | undefined
}

/** Amazon SES, API v2 (`SendEmail`), with the keys of an IAM user. Throws a TypeError for a malformed region or endpoint. */
export function ses(options: SesOptions): MailProvider {
  const credentials = { accessKeyId: options.accessKeyId.trim(), secretAccessKey: options.secretAccessKey.trim() }
  const send = sesSender('ses', options)
  return { name: 'ses', send: async (mail, signal) => send(prepared('ses', mail), credentials, signal) }
}

export type SesTarget = Pick<SesOptions, 'region' | 'now' | 'endpoint' | 'timeoutMs'>

/** One `SendEmail` with credentials given per mail. The mail must be prepared. */
export function sesSender(name: string, options: SesTarget) {
  const region = checkedRegion(name, options.region)
  const url = `${baseAddress(name, options.endpoint ?? `https://email.${region}.amazonaws.com`)}/v2/email/outbound-emails`

  return async (mail: Mail, credentials: AwsCredentials, signal: AbortSignal | undefined) => {
    const confidential = { secrets: secretsOf(credentials), ...saidIn(mail) }
    const { status, headers, text } = await postSigned(
      name,
      {
        url,
        region,
        credentials,
        signal,
        service: 'ses',
        now: options.now(),
        timeoutMs: options.timeoutMs ?? TIMEOUT,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(message(mail)),
      },
      confidential,
    )
    const reply = jsonObject(text) as { __type?: string; message?: string; Message?: string; MessageId?: unknown }
    if (status < 200 || status > 299) {
      const [code = ''] = (headers.get('x-amzn-errortype') ?? String(reply.__type ?? '')).replace(/^.*#/, '').split(':')
      const said = String(reply.message ?? reply.Message ?? text)
      throw refusal(
        name,
        { status, retryable: isPassing(status) || isPassingFault(code), reason: code ? `${code}: ${said}` : said },
        confidential,
      )
    }
    return typeof reply.MessageId === 'string' ? { providerMessageId: reply.MessageId } : {}
  }
}

function message(mail: Mail) {
  const part = (data: string) => ({ Data: data, Charset: 'UTF-8' })
  return {
    FromEmailAddress: mailbox(mail.from),
    Destination: { ToAddresses: [mail.to] },
    Content: {
      Simple: {
        Subject: part(mail.subject),
        Body: {
          ...(mail.text === '' ? {} : { Text: part(mail.text) }),
          ...(mail.html === '' ? {} : { Html: part(mail.html) }),
        },
      },
    },
    EmailTags: [{ Name: 'mail_id', Value: mail.id }],
  }
}

// SES takes a non-ASCII name only as encoded words (RFC 2047), of at most 75 characters each.
function mailbox({ name, address }: Mail['from']): string {
  if (name === undefined) return address
  return `${/^[\x20-\x7e]*$/.test(name) ? quoteString(name) : encodeWord(name, 'B', 75)} <${address}>`
}
