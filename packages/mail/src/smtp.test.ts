import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { cert } from '../test/certificate.ts'
import { unreachable } from '../../outbound/test/http-double.ts'
import { acceptedInjections, big, broken, foreign, mail, refusalOf } from '../test/mails.ts'
import { read, smtpServer, unquoted } from '../test/smtp-double.ts'
import { smtp, type SmtpOptions } from './index.ts'
import { serverFromUrl } from './smtp-url.ts'

function provider(options: SmtpOptions) {
  const made = smtp(options)
  onTestFinished(() => made.close?.())
  return made
}

const local = (port: number, more: object = {}) => provider({ host: '127.0.0.1', port, ...more })
const jane = { user: 'jane', pass: 'pä$$ wörd' }
// as if it were another machine, where a password needs TLS
const distant = { requireTls: true }

/** A header's text with its encoded words (RFC 2047) read. */
const words = (header = '') =>
  header
    .replace(/\?= =\?/g, '?==?')
    .replace(/=\?UTF-8\?([QB])\?([^?]*)\?=/g, (_, kind: string, text: string) =>
      kind === 'B' ? Buffer.from(text, 'base64').toString() : unquoted(text.replaceAll('_', ' ')),
    )

describe('smtp', () => {
  it('delivers the mail, with its own date and an id that is the same for every attempt', async () => {
    const server = await smtpServer()
    expect(await local(server.port).send(mail)).toEqual({ providerMessageId: `<${mail.id}@acme.example>` })
    expect(server.delivered).toMatchObject([
      { from: 'hello@acme.example', to: ['jane@customer.example'], secure: false, user: undefined },
    ])
    const { headers, bodies } = read(server.delivered[0]?.raw ?? '')
    expect(headers).toMatchObject({
      from: 'Acme <hello@acme.example>',
      to: 'jane@customer.example',
      subject: 'Reset your password',
      'mime-version': '1.0',
      'message-id': `<${mail.id}@acme.example>`,
      date: 'Sun, 01 Mar 2026 12:00:00 +0000',
    })
    expect(bodies).toEqual({ 'text/plain': mail.text, 'text/html': mail.html })
    expect(headers).not.toHaveProperty('x-mailer')
  })

  it('keeps every character of a foreign mail and of a big one', async () => {
    const server = await smtpServer()
    const sender = local(server.port)
    await sender.send(foreign)
    await sender.send(big)
    const { headers, bodies } = read(server.delivered[0]?.raw ?? '')
    expect(server.delivered[0]?.raw.split('\r\n\r\n')[0]).toMatch(/^[\x20-\x7e\r\n]+$/)
    expect(words(headers.subject)).toBe(foreign.subject)
    expect(words(headers.from)).toBe(`${foreign.from.name} <hallo@xn--bcher-kva.example>`)
    expect(bodies).toEqual({
      'text/plain': foreign.text.replaceAll('\n', '\r\n'),
      'text/html': foreign.html.replaceAll('\n', '\r\n'),
    })
    expect(read(server.delivered[1]?.raw ?? '').bodies['text/html']).toBe(big.html)
  })

  it('sends a single part when the other one is empty', async () => {
    const server = await smtpServer()
    await local(server.port).send({ ...mail, text: '' })
    expect(read(server.delivered[0]?.raw ?? '').headers['content-type']).toBe('text/html; charset=utf-8')
  })

  it('refuses malformed addresses and mails, and keeps the rest on one line', async () => {
    const server = await smtpServer()
    const sender = local(server.port)
    expect(await acceptedInjections(sender)).toEqual([])
    expect(server.connections()).toBe(0)
    await sender.send(broken)
    expect(server.delivered[0]?.to).toEqual(['jane@customer.example'])
    const { headers } = read(server.delivered[0]?.raw ?? '')
    expect(headers).toMatchObject({ subject: 'Hello <script> Bcc: eve@evil.example .' })
    expect(headers.from).toMatch(/^"?Acme Bcc: eve@evil\.example x"? <hello@acme\.example>$/)
    expect(headers).not.toHaveProperty('bcc')
  })

  it('keeps its connection for the next mail, and sends several at a time', async () => {
    const server = await smtpServer()
    const sender = local(server.port)
    await sender.send(mail)
    await sender.send(mail)
    expect(server.connections()).toBe(1)
    await Promise.all(Array.from({ length: 20 }, () => sender.send(mail)))
    expect(server.delivered).toHaveLength(22)
    expect(server.connections()).toBeLessThanOrEqual(5)
  })

  it('lets running deliveries finish when it is closed, and refuses later ones for now', async () => {
    const server = await smtpServer()
    const sender = local(server.port)
    await sender.send(mail)
    const running = sender.send(mail)
    await new Promise((resolve) => {
      setImmediate(() => setImmediate(resolve))
    })
    await sender.close?.()
    await running
    expect(server.delivered).toHaveLength(2)
    expect(await refusalOf(sender.send(mail))).toMatchObject({ retryable: true })
  })
})

describe('smtp logging in', () => {
  it('does so with the password, also from an address', async () => {
    const server = await smtpServer()
    await local(server.port, jane).send(mail)
    await provider({ url: `smtp://jane:p%C3%A4%24%24%20w%C3%B6rd@127.0.0.1:${server.port}` }).send(mail)
    expect(server.delivered.map(({ user }) => user)).toEqual(['jane', 'jane'])
  })

  it('reports a refused password for good, without showing it', async () => {
    const server = await smtpServer()
    const refused = await refusalOf(local(server.port, { ...jane, pass: 'hunter2' }).send(mail))
    expect(refused).toMatchObject({ retryable: false, status: 535 })
    expect(refused.message).toMatch(/^smtp answered 535: .*not \*\*\*/)
    expect(refused.stack).not.toContain('hunter2')
  })
})

describe('smtp over TLS', () => {
  it('upgrades with STARTTLS where it is offered', async () => {
    const server = await smtpServer({ disabledCommands: [] })
    await local(server.port, { ...jane, ...distant, ca: cert }).send(mail)
    expect(server.delivered).toMatchObject([{ secure: true, user: 'jane' }])
  })

  it('speaks TLS from the first byte with secure, or smtps', async () => {
    const server = await smtpServer({ secure: true })
    await local(server.port, { secure: true, ca: cert }).send(mail)
    await provider({ url: `smtps://localhost:${server.port}`, ca: cert }).send(mail)
    expect(server.delivered.map(({ secure }) => secure)).toEqual([true, true])
  })

  it('sends nothing to a server whose certificate it does not trust', async () => {
    for (const options of [{ disabledCommands: [] }, { secure: true }]) {
      const server = await smtpServer(options)
      const refused = await refusalOf(local(server.port, { ...jane, secure: options.secure === true }).send(mail))
      expect(refused).toMatchObject({ retryable: true })
      expect(refused.message).toMatch(/self-signed certificate/)
      expect(server.delivered).toEqual([])
    }
  })

  it('keeps its password to itself when STARTTLS is not offered but required', async () => {
    let asked = 0
    const server = await smtpServer({
      onAuth: (_auth, _session, done) => {
        asked += 1
        done(null, { user: 'eve' })
      },
    })
    const refused = await refusalOf(local(server.port, { ...jane, ...distant }).send(mail))
    expect(refused).toMatchObject({ retryable: false })
    expect(refused.message).toMatch(/STARTTLS/)
    expect([asked, server.delivered.length]).toEqual([0, 0])
  })

  it('reports a STARTTLS that is refused for now, and sends nothing', async () => {
    const server = await scripted({
      EHLO: '250-scripted\r\n250 STARTTLS',
      STARTTLS: '454 4.7.0 TLS not available due to temporary reason',
    })
    const refused = await refusalOf(local(server.port).send(mail))
    expect(refused).toMatchObject({ retryable: true, status: 454 })
    expect(refused.message).toContain('TLS not available')
    expect(server.commands).toEqual(['EHLO', 'STARTTLS'])
  })
})

/** An SMTP server that gives the given reply to each command, 250 otherwise. Null is silence, an empty string hangs up. */
async function scripted(replies: Record<string, string | null> = {}) {
  const commands: string[] = [],
    sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {
      /* hung up on */
    })
    const say = (command: string, otherwise: string) => {
      const reply = replies[command] === undefined ? otherwise : replies[command]
      if (reply === '') socket.destroy()
      else if (reply !== null) socket.write(`${reply}\r\n`)
    }
    let rest = '',
      data = false
    say('GREETING', '220 scripted')
    socket.on('data', (chunk) => {
      const lines = (rest + String(chunk)).split('\r\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        if (data && line !== '.') continue
        const command = data ? 'BODY' : (line.split(/[ :]/)[0]?.toUpperCase() ?? '')
        commands.push(command)
        data = command === 'DATA' && replies.DATA === undefined
        say(command, command === 'DATA' ? '354 go on' : '250 ok')
      }
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { commands, port: (server.address() as AddressInfo).port }
}

describe('smtp refusals', () => {
  it.each([
    ['RCPT', '550 5.1.1 <jane@customer.example> no such user', 550, false],
    ['RCPT', '451 4.7.1 greylisted, try again', 451, true],
    ['MAIL', '552 5.3.4 too large', 552, false],
    ['MAIL', '421 4.3.2 shutting down', 421, true],
    ['DATA', '554 5.7.1 not here', 554, false],
    ['BODY', '554 5.7.1 spam', 554, false],
    ['BODY', '452 4.2.2 disk full', 452, true],
    ['GREETING', '554 go away', 554, false],
    ['GREETING', '421 too many connections', 421, true],
    ['BODY', '503 bad sequence', 503, true],
  ])('after %s: %s', async (command, reply, status, retryable) => {
    const server = await scripted({ [command]: reply })
    const refused = await refusalOf(local(server.port).send(mail))
    expect(refused).toMatchObject({ status, retryable })
    expect(refused.message.startsWith(`smtp answered ${status}: `)).toBe(true)
    expect(refused.message).toContain(reply)
  })

  it("come one line long, bounded, and without the mail's links and codes", async () => {
    const server = await scripted({
      BODY: `554-5.7.1 spam: https://acme.example/reset?token=s3cr3t-t0ken\r\n554-and 481516.\r\n554 ${'x'.repeat(400)}`,
    })
    const { message } = await refusalOf(local(server.port).send(mail))
    expect(message).toMatch(/^smtp answered 554: [^\r\n]*spam: \*\*\* 554-and \*\*\* 554 x+…$/)
    expect(message.length).toBe('smtp answered 554: '.length + 300)
  })

  it('of a mail that is larger than the server takes are for good', async () => {
    const server = await smtpServer({ size: 1000 })
    expect(await refusalOf(local(server.port).send(big))).toMatchObject({ retryable: false, status: 552 })
  })

  it('may be retried when nobody listens or the name is unknown', async () => {
    expect(await refusalOf(local(await unreachable()).send(mail))).toMatchObject({
      retryable: true,
      message: expect.stringContaining('ECONNREFUSED') as string,
    })
    expect(await refusalOf(provider({ host: 'nowhere.invalid', port: 25 }).send(mail))).toMatchObject({
      retryable: true,
    })
  })

  it('may be retried when the server hangs up, at once or before it has answered for the mail', async () => {
    for (const command of ['GREETING', 'EHLO', 'BODY']) {
      const server = await scripted({ [command]: '' })
      expect(await refusalOf(local(server.port).send(mail)), command).toMatchObject({ retryable: true })
    }
  })

  it('come in time from a server that stays silent, and at once when called off', async () => {
    for (const command of ['GREETING', 'MAIL', 'BODY']) {
      const server = await scripted({ [command]: null })
      expect(await refusalOf(local(server.port, { timeoutMs: 100 }).send(mail))).toMatchObject({
        retryable: true,
        message: 'smtp: no answer within 100 ms',
      })
    }
    const server = await scripted({ GREETING: null }),
      controller = new AbortController()
    const sending = local(server.port).send(mail, controller.signal)
    setImmediate(() => {
      controller.abort()
    })
    expect(await refusalOf(sending)).toMatchObject({ retryable: true, message: 'smtp: the delivery was called off' })
    expect(await refusalOf(local(server.port).send(mail, AbortSignal.abort()))).toMatchObject({
      message: 'smtp: the delivery was called off',
    })
  })
})

describe('the address of an SMTP server', () => {
  it('says host, port, scheme, credentials and whether TLS is required', () => {
    expect(serverFromUrl('smtp://mailpit:1025')).toEqual({ host: 'mailpit', port: 1025 })
    expect(serverFromUrl('smtps://a%40b:c%3Ad@smtp.example')).toEqual({
      host: 'smtp.example',
      secure: true,
      user: 'a@b',
      pass: 'c:d',
    })
    expect(serverFromUrl('smtp://u:p@[::1]:25/?requireTLS=false')).toEqual({
      host: '::1',
      port: 25,
      user: 'u',
      pass: 'p',
      requireTls: false,
    })
    expect(serverFromUrl('smtp://relay?requireTLS=true')).toEqual({ host: 'relay', requireTls: true })
  })

  it('is refused without being quoted when it is malformed', () => {
    for (const url of [
      '',
      'mail.example',
      'http://u:hush@mail.example',
      'smtp://u:hush@',
      'smtp://u:hush%zz@mail.example',
      'smtp://u:hush@mail.example:99999',
    ]) {
      expect(() => serverFromUrl(url)).toThrow(/^(?!.*hush).*not of the form/)
    }
  })
})
