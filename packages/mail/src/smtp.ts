import { refusal, TIMEOUT } from '@henhouse/outbound'
import { createTransport } from 'nodemailer'
import type { NodemailerError } from 'nodemailer'
import { prepared, said, type Mail, type MailProvider } from './mail.ts'
import { serverFromUrl, type SmtpServer } from './smtp-url.ts'

export type SmtpOptions = ({ url: string } | SmtpServer) & {
  /** certificates, in PEM, to trust instead of the system's; for a relay with a private authority */
  ca?: string | undefined
  /** milliseconds for one mail including the connection, default 10,000 */
  timeoutMs?: number | undefined
}

/** How long, in milliseconds, a connection waits for another mail. */
const IDLE = 15_000

/**
 * SMTP (RFC 5321) with up to five kept connections. STARTTLS is used where the server offers it, and demanded
 * where a password would cross a network otherwise (see {@link SmtpServer.requireTls}); certificates are checked.
 * Throws a TypeError for a malformed address, which it does not quote.
 */
export function smtp(options: SmtpOptions): MailProvider {
  const name = 'smtp',
    timeoutMs = options.timeoutMs ?? TIMEOUT
  const server = 'url' in options ? serverFromUrl(options.url) : options
  const { user = '', pass = '' } = server
  const secrets = [pass, base64(pass), base64(`\0${user}\0${pass}`)]
  const transport = createTransport({
    pool: true,
    host: server.host,
    port: server.port,
    secure: server.secure ?? server.port === 465,
    requireTLS: server.requireTls ?? (pass !== '' && !isLoopback(server.host)),
    ...(user === '' && pass === '' ? {} : { auth: { user, pass } }),
    ...(options.ca === undefined ? {} : { tls: { ca: options.ca } }),
    idleTimeout: IDLE,
    maxRequeues: 2,
    disableFileAccess: true,
    disableUrlAccess: true,
  })

  return {
    name,
    async send(unchecked, signal) {
      const mail = prepared(name, unchecked)
      const timeout = AbortSignal.timeout(timeoutMs)
      try {
        const sent = await transport.sendMail({
          ...message(mail),
          signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
        })
        return { providerMessageId: sent.serverMessageId ?? sent.messageId }
      } catch (error) {
        const fault = classified(error as NodemailerError)
        if (fault.code === 'EABORT')
          fault.reason = signal?.aborted ? 'the delivery was called off' : `no answer within ${timeoutMs} ms`
        throw refusal(name, fault, { secrets, ...said(mail) })
      }
    },
    close: async () => transport.close(),
  }
}

const message = (mail: Mail) => ({
  from: { name: mail.from.name ?? '', address: mail.from.address },
  to: { name: '', address: mail.to },
  envelope: { from: mail.from.address, to: [mail.to] },
  subject: mail.subject,
  ...(mail.text === '' ? {} : { text: mail.text }),
  ...(mail.html === '' ? {} : { html: mail.html }),
  // the same for every attempt, so that a mail delivered twice can be told to be one
  messageId: `<${mail.id}@${mail.from.address.replace(/^.*@/, '')}>`,
  date: mail.sentAt,
  xMailer: false as const,
})

// Faults without a reply that no repetition mends: settings, and mails that the server has announced not to take.
const LASTING = new Set(['EAUTH', 'ENOAUTH', 'ECONFIG', 'EENVELOPE', 'EMESSAGE'])

function classified(error: NodemailerError) {
  const { responseCode, code = '' } = error
  // RFC 5321, section 4.2.1: 4yz may pass, 5yz will not. 503 is about the session's state, not about the mail.
  const retryable = responseCode === undefined ? !LASTING.has(code) : responseCode < 500 || responseCode === 503
  return {
    code,
    status: responseCode,
    retryable,
    reason: error.originalCode ? `${error.message} (${error.originalCode})` : error.message,
  }
}

const base64 = (text: string) => Buffer.from(text).toString('base64')

const isLoopback = (host: string) => /^(localhost|127(\.\d{1,3}){3}|::1)$/.test(host)
