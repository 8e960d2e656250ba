import { isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'
import type { EnvironmentDirectory } from '../kernel/environments.ts'

/**
 * The address of the server that a call came to: without the label of an environment, which `baseUrl` puts before it. A port
 * that a container has mapped, and the server's name in a network, are known only from here.
 * @param usual for calls whose host cannot be part of an address, or is that of an environment with a host of its own
 */
export async function addressOf(request: FastifyRequest, environments: EnvironmentDirectory, usual: URL): Promise<URL> {
  // a forwarded one only if proxies are trusted
  const text = `${request.protocol}://${request.host}`
  if (!/^[\w.:[\]-]+$/.test(request.host) || !URL.canParse(text)) return usual
  const url = new URL(text),
    [, label, rest] = /^([^.[\]]+)\.(.+)$/.exec(url.hostname) ?? []
  if (label === undefined || rest === undefined || isIP(url.hostname)) return url
  if (await environments.byHost(url.hostname)) return usual
  if (await environments.byName(label)) url.hostname = rest
  return url
}
