import { fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createDatabase, dropDatabase, startEmbeddedPostgres } from '@henhouse/database'
import { Pool, type Dispatcher } from 'undici'

const RUN = fileURLToPath(new URL('../scripts/run.mjs', import.meta.url))

/** A Postgres for one run: that of DATABASE_URL, else an embedded one. Databases made on it are dropped at the end. */
export async function postgres() {
  const given = process.env['DATABASE_URL'],
    made: string[] = []
  const folder = mkdtempSync(join(tmpdir(), 'henhouse-bench-'))
  const server = given
    ? { url: given, stop: async () => {} }
    : await startEmbeddedPostgres({ dataDir: folder, temporary: true })
  return {
    create(name: string) {
      made.push(`henhouse_${name}_${process.pid}`)
      return createDatabase(server.url, made.at(-1)!)
    },
    async stop() {
      if (given) for (const name of made) await dropDatabase(server.url, name)
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Starts a server in its own process, as in production (see docker/Dockerfile). */
export async function start(file: string, fixture: object, port: number, connections: number) {
  const child = fork(RUN, [`bench/${file}`], {
    env: {
      ...process.env,
      BENCH_FIXTURE: JSON.stringify(fixture),
      BENCH_PORT: String(port),
      NODE_ENV: 'production',
      NODE_OPTIONS: '--max-semi-space-size=8',
      MALLOC_ARENA_MAX: '2',
    },
  })
  await new Promise<void>((resolve, reject) =>
    child.once('message', () => resolve()).once('exit', (code) => reject(new Error(`${file} ended with ${code}`))),
  )
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections })
  return {
    pool,
    pid: child.pid!,
    stop: async () => {
      await pool.close()
      child.kill('SIGKILL')
    },
  }
}

export type Call = (
  method: Dispatcher.HttpMethod,
  path: string,
  expected: number,
  body?: object,
  headers?: Record<string, string>,
) => Promise<{ body: Record<string, string>; cookie: string }>

/** Calls the server, and fails on an answer that is not the expected one. */
export const caller =
  (pool: Pool): Call =>
  async (method, path, expected, body, headers) => {
    const response = await pool.request({
      method,
      path,
      // otherwise undici closes the connection after a HEAD
      reset: false,
      headers: { ...(body && { 'content-type': 'application/json' }), ...headers },
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await response.body.text()
    if (response.statusCode !== expected)
      throw new Error(`${method} ${path} answered ${response.statusCode}: ${text.slice(0, 300)}`)
    return {
      body: text ? JSON.parse(text) : null,
      cookie: [response.headers['set-cookie'] ?? []]
        .flat()
        .map((c) => c.split(';')[0])
        .join('; '),
    }
  }
