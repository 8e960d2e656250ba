import { baseUrl } from '../kernel/environments.ts'
import type { SeedEnvironment } from './seed.schemas.ts'

type Shown = SeedEnvironment & { clientId: string; apiKey: string }

/** What people need right after starting the emulator. */
export function banner(environments: readonly Shown[], url: URL, where: string) {
  const base = url.href.replace(/\/$/, '')
  const [first, ...others] = [...environments].sort(
    (a, b) => Number(b.default ?? false) - Number(a.default ?? false),
  ) as [Shown, ...Shown[]]
  const users = (first.users ?? []).filter((user) => user.password !== undefined)
  return [
    '',
    'Henhouse emulator is ready',
    '',
    `  Base URL   ${base}`,
    `  Client id  ${first.clientId}`,
    `  API key    ${first.apiKey}`,
    ...users
      .slice(0, 5)
      .map(
        (user, index) =>
          `  ${index === 0 ? 'Users    ' : '         '}  ${user.email} / ${user.password}${rolesOf(user)}`,
      ),
    ...(users.length > 5 ? [`             and ${users.length - 5} more`] : []),
    `  Outbox     ${base}/_emulator/messages`,
    `  Data       ${where}`,
    ...others.flatMap(({ name, host, clientId, apiKey }) => [
      '',
      `  ${name}: ${baseUrl(url, { name, host: host ?? null, isDefault: false })}  client id ${clientId}  API key ${apiKey}`,
    ]),
    '',
    users[0] ? `Log in as ${users[0].email}:` : 'Get an environment token:',
    '',
    `  ${users[0] ? curl(`${base}/identity/resources/auth/v1/user`, { email: users[0].email, password: users[0].password }) : curl(`${base}/auth/vendor`, { clientId: first.clientId, secret: first.apiKey })}`,
    '',
    'Ctrl-C ends it.',
    '',
    '',
  ].join('\n')
}

function rolesOf({ tenants = [] }: NonNullable<SeedEnvironment['users']>[number]) {
  const shown = tenants.map(({ tenant, roles }) =>
    roles?.length ? `${roles.join(', ')} of ${tenant}` : `member of ${tenant}`,
  )
  return shown.length ? `  (${shown.join('; ')})` : ''
}

/** A command to paste into a POSIX shell. */
const curl = (url: string, body: object) =>
  `curl -s ${url} -H 'content-type: application/json' -d '${JSON.stringify(body).replaceAll("'", "'\\''")}'`
