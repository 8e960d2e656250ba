export interface SmtpServer {
  host: string
  /** default 465 with `secure`, else 587 */
  port?: number | undefined
  user?: string | undefined
  pass?: string | undefined
  /** TLS from the first byte (RFC 8314); default: whether the port is 465 */
  secure?: boolean | undefined
  /**
   * Sends nothing before STARTTLS (RFC 3207) has succeeded. Default: true with a password for another machine, because
   * otherwise an attacker who leaves STARTTLS out could read it.
   */
  requireTls?: boolean | undefined
}

/**
 * Reads `smtp://user:pass@host:port` or `smtps://…`, user and password percent-encoded; `?requireTLS=true` or `false`
 * sets {@link SmtpServer.requireTls}. Throws a TypeError that does not quote the address, as it holds a password.
 */
export function serverFromUrl(url: string): SmtpServer {
  const { protocol, hostname, port, username, password, searchParams } = parsed(url)
  const secure = protocol === 'smtps:'
  const requireTls = searchParams.get('requireTLS')
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    ...(port === '' ? {} : { port: Number(port) }),
    ...(secure ? { secure } : {}),
    ...(username === '' ? {} : { user: decodeURIComponent(username) }),
    ...(password === '' ? {} : { pass: decodeURIComponent(password) }),
    ...(requireTls === null ? {} : { requireTls: requireTls !== 'false' }),
  }
}

function parsed(url: string): URL {
  try {
    const address = new URL(url)
    decodeURIComponent(address.username + address.password)
    if (/^smtps?:$/.test(address.protocol) && address.hostname !== '') return address
  } catch {
    // reported below, without the address
  }
  throw new TypeError('smtp: the address is not of the form smtp://user:password@host:port, or smtps://…')
}
