import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

const forward = (chunk: Buffer, client: Socket) => {
  client.write(chunk)
}

/**
 * A way to a Postgres that can be closed, and whose connections can be broken.
 * @param pass hands what Postgres says to the client
 */
export async function wireTo(databaseUrl: string, pass: (chunk: Buffer, client: Socket) => void = forward) {
  const to = new URL(databaseUrl),
    clients = new Set<Socket>()
  const proxy = createServer({ noDelay: true }, (client) => {
    const server = connect({ port: Number(to.port || 5432), host: to.hostname, noDelay: true })
    clients.add(client)
    client
      .on('error', () => {})
      .on('data', (chunk) => server.write(chunk))
      .on('close', () => {
        clients.delete(client)
        server.destroy()
      })
    server
      .on('error', () => {})
      .on('data', (chunk) => pass(chunk, client))
      .on('close', () => client.destroy())
  })
  const listen = async (port: number) => {
    proxy.listen(port, '127.0.0.1')
    await once(proxy, 'listening')
  }
  await listen(0)
  const { port } = proxy.address() as AddressInfo
  const url = new URL(to)
  url.host = `127.0.0.1:${port}`
  const connections = () => [...clients]
  return {
    url,
    connections,
    /** Breaks all connections and takes no new ones. */
    close() {
      proxy.close()
      for (const client of connections()) client.destroy()
    },
    open: () => listen(port),
  }
}
