/** Every variable of ours, of either program: one that is set and none of these has a typing error in its name. */
const NAMES = [
  'HENHOUSE_ALLOWED_ORIGINS',
  'HENHOUSE_ANDROID_ORIGINS',
  'HENHOUSE_API_KEY',
  'HENHOUSE_ARGON2_ITERATIONS',
  'HENHOUSE_ARGON2_MEMORY',
  'HENHOUSE_ARGON2_PARALLELISM',
  'HENHOUSE_AUDIT_DAYS',
  'HENHOUSE_AUTH0_URL',
  'HENHOUSE_AWS_EXTERNAL_ID',
  'HENHOUSE_BREACHED_PASSWORDS_URL',
  'HENHOUSE_CAPTCHA_URL',
  'HENHOUSE_CLIENT_ID',
  'HENHOUSE_DATA',
  'HENHOUSE_DATABASE_CONNECTIONS',
  'HENHOUSE_DRAIN_SECONDS',
  'HENHOUSE_ENCRYPTION_KEY',
  'HENHOUSE_HOST',
  'HENHOUSE_IMPORT_MEGABYTES',
  'HENHOUSE_MAIL_FROM',
  'HENHOUSE_METRICS_TOKEN',
  'HENHOUSE_PASSWORD_QUEUE',
  'HENHOUSE_PORT',
  'HENHOUSE_PREPARED_STATEMENTS',
  'HENHOUSE_PRIVATE_NETWORKS',
  'HENHOUSE_PUBLIC_URL',
  'HENHOUSE_RATE_LIMITS',
  'HENHOUSE_SMS_AUTHORIZATION',
  'HENHOUSE_SMS_URL',
  'HENHOUSE_SMTP_URL',
  'HENHOUSE_SOCIAL_URLS',
  'HENHOUSE_TRUST_PROXY',
  'HENHOUSE_TWILIO_ACCOUNT_SID',
  'HENHOUSE_TWILIO_AUTH_TOKEN',
  'HENHOUSE_TWILIO_FROM',
] as const
export type Name =
  | (typeof NAMES)[number]
  | 'DATABASE_URL'
  | 'AWS_ACCESS_KEY_ID'
  | 'AWS_SECRET_ACCESS_KEY'
  | 'AWS_SESSION_TOKEN'
  | 'INIT_CWD'
  | 'LOG_LEVEL'
  | 'NODE_ENV'
  | 'UV_THREADPOOL_SIZE'

/** What Kubernetes sets for a Service whose name begins with `henhouse`. */
const OF_KUBERNETES = /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/
const ADDRESS_OF_KUBERNETES = /^(tcp|udp|sctp):\/\//

/** The variables of no meaning that begin as ours do, each with the nearest that has one. */
export const unknownNames = (variables: Readonly<Record<string, string | undefined>>) =>
  Object.entries(variables)
    .filter(
      ([name, value]) =>
        name.startsWith('HENHOUSE_') &&
        !(NAMES as readonly string[]).includes(name) &&
        !OF_KUBERNETES.test(name) &&
        !ADDRESS_OF_KUBERNETES.test(value ?? ''),
    )
    .map(([name]) => ({ name, nearest: nearestTo(name) }))

const nearestTo = (name: string) =>
  NAMES.map((known) => ({ known, distance: distance(name, known) })).reduce((best, one) =>
    one.distance < best.distance ? one : best,
  ).known

/** How many letters have to be put in, taken out, changed, or swapped with the next (Damerau-Levenshtein). */
function distance(from: string, to: string) {
  const rows = [Array.from({ length: to.length + 1 }, (_, column) => column)]
  for (let line = 1; line <= from.length; line++) {
    const row = [line],
      above = rows[line - 1]!
    for (let column = 1; column <= to.length; column++) {
      const swapped = from[line - 1] === to[column - 2] && from[line - 2] === to[column - 1]
      row.push(
        Math.min(
          above[column]! + 1,
          row[column - 1]! + 1,
          above[column - 1]! + (from[line - 1] === to[column - 1] ? 0 : 1),
          swapped && line > 1 && column > 1 ? rows[line - 2]![column - 2]! + 1 : Infinity,
        ),
      )
    }
    rows.push(row)
  }
  return rows[from.length]![to.length]!
}
