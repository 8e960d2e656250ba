import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Failure } from './failure.ts'

const SEED = `# What Henhouse starts with: henhouse start --seed henhouse.seed.yaml
# Every field is optional. A field that it does not know is a fault, and it names the line.

settings:
  # seconds that an access token lasts
  defaultTokenExpiration: 3600
  allowSignups: true

permissions:
  - key: invoices.read
  - key: invoices.write

roles:
  # beside Admin and ReadOnly, which are always there
  - key: accountant
    name: Accountant
    permissions: [invoices.read, invoices.write]

tenants:
  # an id that never changes, so that fixtures can name it
  - id: acme
    name: Acme

users:
  - email: ada@example.com
    name: Ada
    password: Henhouse-1!
    tenants:
      - tenant: acme
        roles: [Admin]
  - email: grace@example.com
    name: Grace
    password: Henhouse-1!
    tenants:
      - tenant: acme
        roles: [accountant]
`

const compose = (version: string) => `# docker compose -f compose.henhouse.yaml up
services:
  henhouse:
    image: node:22-slim
    working_dir: /henhouse
    # Henhouse is not published yet, and its name on npm is another program's: put the tarball into this folder
    command: npx --yes --package /henhouse/\${HENHOUSE_TARBALL:-henhouse-${version}.tgz} henhouse start --seed henhouse.seed.yaml
    volumes:
      - .:/henhouse:ro
      - henhouse:/data
    environment:
      # lets other containers in; there is no password
      HENHOUSE_HOST: 0.0.0.0
      HENHOUSE_PUBLIC_URL: http://localhost:3100
      HENHOUSE_DATA: /data
    ports:
      - 127.0.0.1:3100:3100
    healthcheck:
      test: [CMD, node, -e, "fetch('http://127.0.0.1:3100/health/ready').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
      interval: 2s
      start_period: 60s
volumes:
  henhouse:
`

const WORKFLOW = `# Tests against Henhouse, with GitHub Actions. It expects henhouse among the devDependencies, as its tarball.
name: test
on: [push, pull_request]
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-node@v4
        with: { node-version: 22, cache: npm }
      - run: npm ci
      # it returns when everybody of the seed can log in; tests that use henhouse/testing do not need it
      - run: node_modules/.bin/henhouse start --ephemeral --detach --seed henhouse.seed.yaml
      - run: npm test
        env:
          FRONTEGG_API_GATEWAY_URL: http://localhost:3100
          FRONTEGG_CLIENT_ID: 11111111-1111-4111-8111-111111111111
          FRONTEGG_API_KEY: 22222222-2222-4222-8222-222222222222
`

const files = (version: string) => ({
  'henhouse.seed.yaml': SEED,
  'compose.henhouse.yaml': compose(version),
  '.github/workflows/henhouse.yml': WORKFLOW,
})

/** Writes files to begin with. What is there already stays as it is. */
export async function init(version: string) {
  const kept: string[] = []
  for (const [path, text] of Object.entries(files(version))) {
    await mkdir(dirname(path), { recursive: true })
    const written = await writeFile(path, text, { flag: 'wx' }).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'EEXIST') return false
        throw new Failure(`${path} cannot be written: ${error.message}`)
      },
    )
    if (written) process.stdout.write(`Wrote ${path}\n`)
    else kept.push(path)
  }
  if (kept.length) throw new Failure(`Left as they are: ${kept.join(', ')}`)
  process.stdout.write('\nhenhouse start --seed henhouse.seed.yaml\n')
}
