import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Asked {
  method: string
  path: string
  headers: IncomingMessage['headers']
  body: string
}
export interface Reply {
  status?: number
  body: string | object
}

/** A stand-in for another company's web service: answers with `reply` and records the requests. */
export async function webService(reply: (asked: Asked) => Reply) {
  const asked: Asked[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request
      .on('data', (chunk: Buffer) => chunks.push(chunk))
      .on('end', () => {
        const one = {
          method: request.method!,
          path: request.url!,
          headers: request.headers,
          body: Buffer.concat(chunks).toString(),
        }
        asked.push(one)
        const { status = 200, body } = reply(one)
        response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body))
      })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}
