import createFetchClient, { type Client } from 'openapi-fetch'
import type { paths } from './generated/openapi.ts'

export type { paths } from './generated/openapi.ts'

export interface ClientOptions {
  /** of the environment, such as `http://localhost:3100` */
  baseUrl: string
  /** a token of a user or an environment, or what gets one before each call */
  token?: string | (() => string | Promise<string>)
  /** for every call, such as `frontegg-vendor-id` */
  headers?: Record<string, string>
}

export type HenhouseClient = Client<paths>

/** A typed client of the whole API: paths, parameters, bodies and replies are those of openapi.json. */
export function createClient({ baseUrl, token, headers = {} }: ClientOptions): HenhouseClient {
  const client = createFetchClient<paths>({ baseUrl, headers })
  if (token !== undefined)
    client.use({
      async onRequest({ request }) {
        request.headers.set('authorization', `Bearer ${typeof token === 'string' ? token : await token()}`)
        return request
      },
    })
  return client
}
