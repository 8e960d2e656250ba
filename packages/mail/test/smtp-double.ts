import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'
import type { SMTPServerOptions } from 'smtp-server'
import { onTestFinished } from 'vitest'
import { cert, key } from './certificate.ts'

interface Delivered {
  from: string
  to: string[]
  raw: string
  secure: boolean
  user: unknown
}

const failure = (responseCode: number, message: string) => Object.assign(new Error(message), { responseCode })

/** A real SMTP server on 127.0.0.1 for one test, that keeps what is delivered and lets jane in with her password. */
export async function smtpServer(options: SMTPServerOptions = {}) {
  const delivered: Delivered[] = []
  let connections = 0
  const server = new SMTPServer({
    key,
    cert,
    authOptional: true,
    disabledCommands: options.secure ? [] : ['STARTTLS'],
    allowInsecureAuth: true,
    closeTimeout: 100,
    onConnect: (_session, done) => {
      connections += 1
      done()
    },
    onAuth: (auth, _session, done) =>
      auth.username === 'jane' && auth.password === 'pä$$ wörd'
        ? done(null, { user: 'jane' })
        : done(failure(535, `5.7.8 not ${auth.password}`)),
    onData: (stream, session, done) => {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope
        if (stream.sizeExceeded) return done(failure(552, '5.3.4 too large'))
        delivered.push({
          from: mailFrom ? mailFrom.address : '',
          to: rcptTo.map(({ address }) => address),
          raw: Buffer.concat(chunks).toString(),
          secure: session.secure,
          user: session.user,
        })
        done(null, '2.0.0 queued as 42')
      })
    },
    ...options,
  })
  server.on('error', () => {
    /* clients that hang up on a certificate */
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(resolve)
      }),
  )
  return { delivered, port: (server.server.address() as AddressInfo).port, connections: () => connections }
}

/** Headers, unfolded, and the bodies of a multipart mail by their type. */
export function read(raw: string) {
  const [head = '', ...rest] = raw.split('\r\n\r\n')
  const headers = Object.fromEntries(
    head
      .replace(/\r\n[ \t]+/g, ' ')
      .split('\r\n')
      .map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
  )
  const boundary = /boundary="([^"]+)"/.exec(headers['content-type'] ?? '')?.[1]
  const parts = boundary === undefined ? [raw] : rest.join('\r\n\r\n').split(`--${boundary}`).slice(1, -1)
  return {
    headers,
    bodies: Object.fromEntries(parts.map((part) => [/content-type: ([\w/]+)/i.exec(part)?.[1], decoded(part)])),
  }
}

function decoded(part: string): string {
  const body = part.slice(part.indexOf('\r\n\r\n') + 4).replace(/\r\n$/, '')
  const encoding = /content-transfer-encoding: (\S+)/i.exec(part)?.[1]
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString()
  return encoding === 'quoted-printable' ? unquoted(body.replace(/=\r\n/g, '')) : body
}

export const unquoted = (text: string) =>
  Buffer.from(
    text.replace(/=([\dA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  ).toString()
