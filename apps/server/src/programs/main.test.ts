import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { createDatabase, databaseUrl, dropDatabase, openDatabase } from '@henhouse/database'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { deps } from '../../test/environment.ts'
import { freePort, start } from '../../test/program.ts'
import { createEnvironment } from '../areas/environments/environments.service.ts'
import { EMULATOR } from '../config/config.ts'
import { fingerprint } from '../kernel/random.ts'
import { secretBox } from '../kernel/secrets.ts'
import { openMigrated } from './start.ts'

const SLOW = 90_000
const server = inject('databaseUrl')
const KEY = 'rT8v+Qm3ZkWn5yLxB0aJ7cUdEfGhPiSo2XqVbN1MtYw='

async function newDatabase() {
  const name = `henhouse_main_${randomUUID().slice(0, 8)}`
  onTestFinished(() => dropDatabase(server, name))
  return createDatabase(server, name)
}

describe('production', () => {
  const variablesFor = (url: string) => ({
    DATABASE_URL: url,
    HENHOUSE_ENCRYPTION_KEY: KEY,
    HENHOUSE_PUBLIC_URL: 'https://id.example.com',
    NODE_ENV: 'production',
  })

  test(
    'gets an environment of a name once, and keeps no API key',
    async () => {
      const url = await newDatabase(),
        making = start('create-environment.ts', ['--name', 'acme'], variablesFor(url))
      expect(await making.ended).toBe(0)
      expect(making.output()).toMatch(/acme \(the default one\)\n {2}Base URL {3}https:\/\/id\.example\.com\n/)
      const [, clientId, apiKey] = /Client id {2}(\S+)\n {2}API key {4}(\S+)\n/.exec(making.output())!
      const again = start('create-environment.ts', ['--name', 'acme'], variablesFor(url))
      expect(await again.ended).toBe(1)
      expect(again.output()).toContain('There is an environment called acme already')
      const { prisma, close } = openDatabase(url)
      expect(await prisma.vendor.findMany({ select: { id: true, apiKeyHash: true } })).toEqual([
        { id: clientId, apiKeyHash: fingerprint(apiKey!) },
      ])
      await close()
    },
    SLOW,
  )

  test(
    'migrates, serves its environment, and ends on a signal',
    async () => {
      const url = await newDatabase(),
        port = await freePort(),
        variables = variablesFor(url),
        secrets = secretBox(KEY)
      const program = start('main.ts', [], {
        ...variables,
        HENHOUSE_PORT: String(port),
        HENHOUSE_HOST: '127.0.0.1',
        HENHOUSE_DRAIN_SECONDS: '1',
      })
      onTestFinished(() => {
        program.process.kill('SIGKILL')
      })
      await program.says('Server listening')
      const database = openDatabase(url)
      const {
        environment: { id: clientId },
        apiKey: secret,
      } = await createEnvironment({ ...deps, database, secrets }, { name: 'acme', isDefault: true })
      await database.close()
      const base = `http://127.0.0.1:${port}`
      const login = await fetch(`${base}/auth/vendor`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ clientId, secret }),
      })
      expect(login.status).toBe(200)
      expect((await fetch(`${base}/health/ready`)).status).toBe(200)
      expect((await fetch(`${base}/_emulator/messages`)).status).toBe(404)

      program.process.kill('SIGTERM')
      await program.says('"ending"')
      // load balancers are to look elsewhere, and may take a moment to do so
      expect((await fetch(`${base}/health/ready`)).status).toBe(503)
      expect((await fetch(`${base}/health/live`)).status).toBe(200)
      expect(await program.ended).toBe(0)
      for (const hidden of [KEY, secret, new URL(url).password])
        if (hidden) expect(program.output()).not.toContain(hidden)
      for (const line of program.output().trim().split('\n'))
        expect(JSON.parse(line)).toMatchObject({ msg: expect.any(String) })
    },
    SLOW,
  )

  test(
    "refuses the emulator's credentials, and a configuration with faults",
    async () => {
      const url = await newDatabase(),
        secrets = secretBox(KEY)
      const database = await openMigrated(url, { secrets, connections: 2, otherKey: '' })
      await createEnvironment({ ...deps, database, secrets }, { name: 'x', apiKey: EMULATOR.apiKey })
      await database.close()
      const variables = {
        DATABASE_URL: url,
        HENHOUSE_ENCRYPTION_KEY: KEY,
        HENHOUSE_PUBLIC_URL: 'https://id.example.com',
      }
      const [program, faulty] = [start('main.ts', [], variables), start('main.ts', [], { HENHOUSE_PORT: 'x' })]
      expect([await program.ended, await faulty.ended]).toEqual([1, 1])
      expect(program.output()).toContain("emulator's client id or API key")
      for (const name of ['DATABASE_URL', 'HENHOUSE_PUBLIC_URL', 'HENHOUSE_ENCRYPTION_KEY', 'HENHOUSE_PORT'])
        expect(faulty.output()).toContain(name)
    },
    SLOW,
  )
})

describe('npm run start:production', () => {
  const root = new URL('../../../../', import.meta.url)
  const npm = (cwd: string | URL) => {
    const child = spawn('npm', ['run', '--silent', 'start:production'], {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(HENHOUSE_|DATABASE_URL)/.test(name))),
    })
    return { child, ended: once(child, 'exit') }
  }

  test(
    'says what is wrong with the configuration before it builds anything',
    async () => {
      const { child, ended } = npm(root)
      const [said] = await Promise.all([text(child.stderr), ended])
      expect(child.exitCode).toBe(1)
      for (const name of ['DATABASE_URL', 'HENHOUSE_PUBLIC_URL', 'HENHOUSE_ENCRYPTION_KEY'])
        expect(said).toContain(`${name} is missing`)
    },
    SLOW,
  )

  test(
    'ends the server when npm is told to end',
    async () => {
      // the script itself, with nothing to check, nothing to build and a server that only waits
      const folder = await mkdtemp(join(tmpdir(), 'hen-npm-'))
      onTestFinished(() => rm(folder, { recursive: true }))
      const { scripts } = JSON.parse(await readFile(new URL('package.json', root), 'utf8')) as {
        scripts: Record<string, string>
      }
      const files = {
        'package.json': JSON.stringify({ scripts: { 'start:production': scripts['start:production'] } }),
        'scripts/run.mjs': '',
        'node_modules/.bin/turbo': '#!/bin/sh\n',
        'apps/server/dist/programs/main.js': 'console.log(process.pid); setInterval(() => {}, 1000)',
      }
      for (const [name, content] of Object.entries(files)) {
        await mkdir(dirname(join(folder, name)), { recursive: true })
        await writeFile(join(folder, name), content, { mode: 0o755 })
      }
      const { child, ended } = npm(folder)
      const pid = Number(String((await once(child.stdout, 'data'))[0]))
      child.kill('SIGTERM')
      await ended
      await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false)
    },
    SLOW,
  )
})

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

describe('a database', () => {
  test('whose secrets were sealed with another key is refused, and one out of reach is named without its password', async () => {
    const needs = {
      connections: 2,
      otherKey: 'another key',
      secrets: secretBox('another key that is long enough for it'),
    }
    const url = await newDatabase()
    const first = await openMigrated(url, { ...needs, secrets: deps.secrets })
    await createEnvironment({ ...deps, database: first }, { name: 'x' })
    await first.close()
    await expect(openMigrated(url, needs)).rejects.toThrow('another key')
    const missing = new URL(databaseUrl(server, 'no_such_database'))
    await expect(openMigrated(missing.href, needs)).rejects.toThrow(
      /^The database no_such_database at \S+ cannot be used: /,
    )
    await expect(openMigrated('postgres://u:hush@127.0.0.1:1/db', needs)).rejects.toThrow(
      /^(?!.*hush).*127\.0\.0\.1:1 cannot be used: .*ECONNREFUSED/,
    )
  })
})
