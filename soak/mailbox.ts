import { createServer, type AddressInfo, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import type { Chance } from '../apps/server/test/chance.ts'

/** An SMTP server that takes every mail. From time to time it hangs up before it says so, and gets the mail again. */
export async function mailbox({ below }: Chance) {
  /** ids of messages, and what is in them, by address */
  const mails = new Map<string, Map<string, string>>()
  const keep = (to: string, lines: readonly string[]) => {
    const text = unquoted(lines),
      [, id = ''] = /^message-id: <([^@>]+)/im.exec(text) ?? []
    mails.set(to, (mails.get(to) ?? new Map<string, string>()).set(id, text))
  }
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    converse(socket, (to, lines) => {
      keep(to, lines)
      return below(20) > 0
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    mails,
    /** What an activation link holds that was mailed to this address. */
    linkTo(address: string) {
      for (const text of mails.get(address)?.values() ?? []) {
        const [, userId, token] = /\/account\/activate\?userId=([\w-]+)&token=([\w-]+)/.exec(text) ?? []
        if (userId !== undefined && token !== undefined) return { userId, token }
      }
      return undefined
    },
    stop() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
export type Mailbox = Awaited<ReturnType<typeof mailbox>>

/** @param take gets each mail, and tells whether to confirm it */
function converse(socket: Socket, take: (to: string, lines: readonly string[]) => boolean) {
  const say = (line: string) => socket.write(`${line}\r\n`)
  let to = '',
    lines: string[] | undefined
  say('220 soak')
  createInterface({ input: socket })
    .on('error', () => {})
    .on('line', (line) => {
      if (lines && line !== '.') return lines.push(line)
      if (lines) {
        const confirms = take(to, lines)
        lines = undefined
        return confirms ? say('250 taken') : socket.destroy()
      }
      to = /^rcpt to:\s*<(.*?)>/i.exec(line)?.[1] ?? to
      if (/^quit/i.test(line)) return socket.end('221 bye\r\n')
      if (!/^data/i.test(line)) return say('250 fine')
      lines = []
      return say('354 go on')
    })
}

/** Quoted-printable (RFC 2045), which also undoes its breaks of long lines. */
const unquoted = (lines: readonly string[]) =>
  lines
    .join('\n')
    .replace(/=\n/g, '')
    .replace(/=([\dA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
