#!/usr/bin/env node
import module from 'node:module'
import { parseArgs, type ParseArgsConfig } from 'node:util'
import { doctor } from './doctor.ts'
import { Failure } from './failure.ts'
import { init } from './init.ts'
import { start } from './start.ts'
import { stop } from './stop.ts'

const USAGE = `Usage: henhouse <command> [options]

Henhouse is a stand-in for the Frontegg identity API. Everything in it is public: it is no place for real data.

  start                starts it on an embedded Postgres, with known credentials; Ctrl-C ends it
    --port <number>    the port to listen on (3100); 0 takes a free one
    --seed <file>      environments, tenants, users, roles, permissions and settings to start with, as YAML
    --ephemeral        keep nothing: a new database that is gone at the end
    --detach           start it in the background
    --database <url>   a Postgres to use in place of the embedded one
  stop                 ends the one that runs in the background
  init                 writes a seed, a compose file and a CI workflow to begin with
  doctor               says whether it can run here, and if not, why

  --help, --version

Data is kept in .henhouse, or in the folder of HENHOUSE_DATA. Other variables: HENHOUSE_PORT, HENHOUSE_HOST (0.0.0.0 lets
other machines in), HENHOUSE_PUBLIC_URL, HENHOUSE_CLIENT_ID, HENHOUSE_API_KEY, HENHOUSE_RATE_LIMITS, LOG_LEVEL.
DATABASE_URL is left to your own program.`

const flag = { type: 'boolean', default: false } as const,
  text = { type: 'string' } as const

const commands = {
  start: async (args: string[]) =>
    start(options(args, { port: text, seed: text, ephemeral: flag, detach: flag, database: text })),
  stop: async (args: string[]) => {
    options(args, {})
    await stop()
  },
  init: async (args: string[]) => {
    options(args, {})
    await init(await version())
  },
  doctor: async (args: string[]) => {
    options(args, {})
    await doctor()
  },
}

function options<T extends NonNullable<ParseArgsConfig['options']>>(args: string[], allowed: T) {
  try {
    return parseArgs({ args, options: allowed }).values
  } catch (error) {
    throw new Failure(`${(error as Error).message}\n\n${USAGE}`)
  }
}

async function main([command, ...args]: string[]) {
  if (command === undefined || command === 'help' || [command, ...args].some((arg) => arg === '--help' || arg === '-h'))
    return say(USAGE)
  if (command === '--version' || command === '-v') return say(await version())
  if (!Object.hasOwn(commands, command)) throw new Failure(`There is no command ${command}\n\n${USAGE}`)
  await commands[command as keyof typeof commands](args)
}

async function version() {
  const { default: manifest } = (await import(new URL('../package.json', import.meta.url).href, {
    with: { type: 'json' },
  })) as { default: { version: string } }
  return manifest.version
}

function say(line: string) {
  process.stdout.write(`${line}\n`)
}

// Node 22.8 and later compile the programs once only
;(module as { enableCompileCache?: () => void }).enableCompileCache?.()
main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Failure ? error.message : String((error as Error).stack ?? error)}\n`)
  process.exit(1)
})
