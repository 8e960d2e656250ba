import { parseArgs } from 'node:util'
import { createEnvironment } from '../areas/environments/environments.service.ts'
import { productionConfig } from '../config/config.ts'
import { productionDeps } from './production-deps.ts'
import type { ServerDeps } from '../kernel/deps.ts'
import { baseUrl } from '../kernel/environments.ts'
import { logger } from '../kernel/log.ts'
import { giveUp, StartFailure } from './start.ts'

const USAGE = `Usage: npm run environment:create -- --name <name> [--host <host name>] [--default]

Makes an environment in the database of DATABASE_URL and prints its client id and its API key. The key is shown this
once: only a hash of it is stored.

  --name      a label of lower-case letters, digits and dashes; below HENHOUSE_PUBLIC_URL's host it names the environment
  --host      the environment's own host name, if it has one: id.example.com
  --default   use it for requests that name no environment; the first environment is always the default
  --help`

async function main() {
  const wanted = readArguments()
  const { config, secrets } = productionConfig()
  const deps = await productionDeps(config, secrets, logger({ level: 'warn', pretty: true }))
  try {
    const { environment, apiKey } = await create(deps, wanted)
    process.stdout.write(
      [
        `Environment ${environment.name}${environment.isDefault ? ' (the default one)' : ''}`,
        `  Base URL   ${baseUrl(deps.publicUrl, environment)}`,
        `  Client id  ${environment.id}`,
        `  API key    ${apiKey}`,
        'The API key is not stored and cannot be shown again.',
        '',
      ].join('\n'),
    )
  } finally {
    await deps.database.close()
  }
}

interface Wanted {
  name: string
  host: string | undefined
  isDefault: boolean
}

async function create(deps: ServerDeps, { name, host, isDefault }: Wanted) {
  const { vendor } = deps.database.prisma
  for (let attempt = 1; ; attempt++) {
    const first = !(await vendor.findFirst({ where: { isDefault: true }, select: { id: true } }))
    try {
      return await createEnvironment(deps, { name, ...(host !== undefined && { host }), isDefault: isDefault || first })
    } catch (error) {
      if ((error as { code?: string }).code !== 'P2002') throw error
      if (await vendor.findUnique({ where: { name }, select: { id: true } }))
        throw new StartFailure(`There is an environment called ${name} already`)
      if (host !== undefined && (await vendor.findUnique({ where: { host }, select: { id: true } })))
        throw new StartFailure(`There is an environment with the host ${host} already`)
      // another one became the default a moment ago
      if (attempt === 3) throw error
    }
  }
}

function readArguments(): Wanted {
  const fail = (message: string) => new StartFailure(`${message}\n\n${USAGE}`)
  let values
  try {
    ;({ values } = parseArgs({
      options: {
        name: { type: 'string' },
        host: { type: 'string' },
        default: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    }))
  } catch (error) {
    throw fail((error as Error).message)
  }
  if (values.help) {
    process.stdout.write(`${USAGE}\n`)
    process.exit(0)
  }
  const name = values.name,
    host = values.host?.toLowerCase()
  if (!name) throw fail('--name is missing')
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name))
    throw fail(`--name must be a label of lower-case letters, digits and dashes: ${name} is not one`)
  if (host !== undefined && !/^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/.test(host))
    throw fail(`--host must be a host name without scheme, port and path: ${host} is not one`)
  return { name, host, isDefault: values.default ?? false }
}

main().catch(giveUp)
