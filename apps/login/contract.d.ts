/*
 * What the server knows of the login page. It is written by hand so that the types of the server's own code do not take in
 * those of browsers, which Preact's need.
 */

/** What the API has answered. */
export interface Reply<T = unknown> {
  readonly status: number
  readonly body: T & { readonly errors?: readonly string[]; readonly errorCode?: string }
  /** tells the operator which request it was */
  readonly traceId: string
  readonly retryAfterSeconds: number | undefined
}

/** Calls the identity API for the browser, with its cookies and from its address. */
export type Api = <T = unknown>(
  method: 'GET' | 'POST',
  path: `/${string}`,
  options?: { body?: object; token?: string; applicationId?: string },
) => Promise<Reply<T>>

export interface PageRequest {
  readonly method: string
  /** where the pages are, as the browser sees it */
  readonly base: string
  /** below the base */
  readonly path: string
  /** of the query, or of a posted form */
  readonly fields: Readonly<Record<string, unknown>>
  readonly acceptLanguage: string
  /** whether a page of this server sent it, or the browser came by itself */
  readonly isOurs: boolean
  readonly api: Api
  /** names the request to the operator */
  readonly traceId: string
  /** tells the operator of a fault of ours; the visitor sees a page */
  report(error: unknown): void
}
export interface PageReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/**
 * A page knows neither the database nor who its visitor is. It asks the API for everything, as any client would, so that
 * each check, limit and event is the API's own.
 */
export declare function serve(request: PageRequest): Promise<PageReply>
