import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { serviceAccount } from './account.ts'
import { findBinaries } from './binaries.ts'
import { placeOf } from './data-folder.ts'
import { startEmbeddedPostgres, type EmbeddedPostgres, type EmbeddedPostgresOptions } from './start.ts'
import { startTemporaryPostgres } from './temporary.ts'

const UNIX = process.platform !== 'win32'

let folder: string
// one for all but a few tests, because the first start takes the longest
let dataDir: string
const running: { stop: () => Promise<void> }[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hen-test-'))
  dataDir = join(folder, 'postgres')
})

afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.stop()))
})

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

const start = async (options: Partial<EmbeddedPostgresOptions> = {}): Promise<EmbeddedPostgres> => {
  const server = await startEmbeddedPostgres({ dataDir, settings: { fsync: 'off' }, ...options })
  running.push(server)
  return server
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows
  } finally {
    await client.end()
  }
}

const answers = (url: string): Promise<boolean> =>
  query(url, 'select 1').then(
    () => true,
    () => false,
  )

/** Another process that starts a server on the folder and says so, then lives until it is ended. */
async function startElsewhere(
  dataDir: string,
  options: Partial<EmbeddedPostgresOptions> = {},
): Promise<{ owner: ChildProcess; url: string; error: string }> {
  const script = `
    import { startEmbeddedPostgres } from ${JSON.stringify(new URL('./start.ts', import.meta.url).href)}
    process.on('SIGINT', () => {})
    try {
      const server = await startEmbeddedPostgres(${JSON.stringify({ dataDir, settings: { fsync: 'off' }, ...options })})
      console.log(JSON.stringify({ url: server.url }))
      setInterval(() => {}, 1000)
    } catch (error) {
      console.log(JSON.stringify({ error: error.message }))
    }`
  const owner = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  running.push({ stop: () => kill(owner) })
  const [line] = (await once(owner.stdout.setEncoding('utf8'), 'data')) as [string]
  return { owner, url: '', error: '', ...(JSON.parse(line) as { url: string } | { error: string }) }
}

async function kill(owner: ChildProcess): Promise<void> {
  if (owner.exitCode !== null || owner.signalCode !== null) return
  const gone = once(owner, 'exit')
  owner.kill('SIGKILL')
  await gone
}

const postmaster = async (): Promise<number> =>
  Number.parseInt(await readFile(join(dataDir, 'data/postmaster.pid'), 'utf8'), 10)

describe('an embedded Postgres', () => {
  it('keeps its data from one start to the next', async () => {
    const first = await start()
    await query(first.url, 'create table nests as select 3 as number')
    await first.stop()
    expect(await first.ended).toBeUndefined()
    const second = await start()
    expect(await query(second.url, 'select * from nests')).toEqual([{ number: 3 }])
  })

  it('lets nobody in without the password', async () => {
    const { url } = await start()
    const wrong = new URL(url)
    wrong.password = 'wrong'
    await expect(query(wrong.toString(), 'select 1')).rejects.toThrow(/password authentication failed/)
    if (UNIX) expect((await stat(dataDir)).mode & 0o077).toBe(0)
  })

  it('folds the case of all letters', async () => {
    const { url } = await start()
    expect(await query(url, `select 'ÅSA' ilike 'åsa' as same`)).toEqual([{ same: true }])
  })

  it('counts the rows of a new table within seconds, so that plans of its first moments do not last', async () => {
    const { url } = await start()
    await query(url, 'create table feathers as select generate_series(1, 1000) as number')
    const counted = () => query(url, `select reltuples from pg_class where relname = 'feathers' and reltuples = 1000`)
    await vi.waitUntil(async () => (await counted()).length, { timeout: 40_000, interval: 250 })
  }, 60_000)

  it('ends when its owner is killed, and starts again on the same folder at once', async () => {
    const { owner, url } = await startElsewhere(dataDir)
    await query(url, 'create table eggs as select 12 as number')
    const pid = await postmaster()
    await kill(owner)
    const next = await start()
    expect(await postmaster()).not.toBe(pid)
    expect(await query(next.url, 'select * from eggs')).toEqual([{ number: 12 }])
    expect(await answers(url)).toBe(false)
  })

  it('leaves no process behind when its owner is killed', async () => {
    const { owner, url } = await startElsewhere(dataDir)
    await kill(owner)
    await vi.waitUntil(async () => !(await answers(url)), { timeout: 10_000, interval: 20 })
    await vi.waitUntil(
      () =>
        stat(join(dataDir, 'data/postmaster.pid')).then(
          () => false,
          () => true,
        ),
      { timeout: 10_000, interval: 20 },
    )
  })

  it('refuses a folder that a living process uses, and leaves that one alone', async () => {
    const { owner, url } = await startElsewhere(dataDir)
    await expect(start()).rejects.toThrow(`is in use by another Henhouse (process ${owner.pid})`)
    expect(await answers(url)).toBe(true)
  })

  it('refuses a folder that this process uses already', async () => {
    const { url } = await start()
    await expect(start()).rejects.toThrow('in use by this process')
    expect(await answers(url)).toBe(true)
  })

  it('goes to one of several that start on a new folder at once', async () => {
    const all = await Promise.all([1, 2, 3, 4].map(() => startElsewhere(join(folder, 'new'))))
    const winners = all.filter(({ url }) => url)
    expect(winners).toHaveLength(1)
    expect(await answers(winners[0]?.url ?? '')).toBe(true)
    for (const { error } of all.filter(({ url }) => !url)) expect(error).toMatch(/in use by another Henhouse/)
  })

  it.runIf(UNIX)('outlives an interrupt from the terminal, so that its owner can finish', async () => {
    const { owner, url } = await startElsewhere(dataDir)
    process.kill(-(owner.pid ?? 0), 'SIGINT')
    const pid = await postmaster()
    await query(url, 'select pg_sleep(0.2)')
    expect(await postmaster()).toBe(pid)
  })

  it.runIf(UNIX)('ends an orphan that holds its folder', async () => {
    const first = await start()
    await first.stop()
    const account = await serviceAccount(dataDir)
    const { directory, cwd } = await placeOf(join(dataDir, 'data'), account)
    const { postgres } = await findBinaries(account)
    const orphan = spawn(postgres, ['-D', directory, '-c', 'listen_addresses=', '-c', 'unix_socket_directories=.'], {
      ...account,
      cwd,
      stdio: 'ignore',
      detached: true,
    })
    const gone = once(orphan, 'exit')
    await vi.waitUntil(
      () =>
        stat(join(dataDir, 'data/postmaster.pid')).then(
          () => true,
          () => false,
        ),
      { timeout: 10_000, interval: 20 },
    )
    await start()
    await gone
    expect(await postmaster()).not.toBe(orphan.pid)
  })

  it('is not misled by a stale process id that another program has now', async () => {
    const first = await start()
    await first.stop()
    await writeFile(join(dataDir, 'data/postmaster.pid'), `${process.ppid}\n${dataDir}\n1\n5432\n\n127.0.0.1\n`)
    expect(await answers((await start()).url)).toBe(true)
  })

  it('tells why it ended when it ended by itself', async () => {
    const server = await start()
    process.kill(await postmaster(), 'SIGQUIT')
    expect(String(await server.ended)).toMatch(/could not go on.*immediate shutdown/s)
    await server.stop()
    await start()
  })

  it('says which port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    await expect(start({ port })).rejects.toThrow(`Port ${port} of 127.0.0.1 is taken`)
    other.close()
    await start({ port })
  })

  it('refuses the data of another major version', async () => {
    const old = join(folder, 'old')
    await mkdir(join(old, 'data'), { recursive: true })
    await writeFile(join(old, 'data/PG_VERSION'), '12\n')
    await expect(start({ dataDir: old })).rejects.toThrow(/written by Postgres 12, and this is Postgres 18/)
  })

  it('leaves no folder behind when it is temporary', async () => {
    const server = await start({ dataDir: join(folder, 'temporary'), temporary: true })
    expect(await answers(server.url)).toBe(true)
    await server.stop()
    await expect(stat(join(folder, 'temporary'))).rejects.toThrow('ENOENT')
  })

  it('leaves no folder behind when it is temporary and its owner is killed', async () => {
    const temporary = await mkdtemp(join(tmpdir(), 'hen-test-'))
    const { owner } = await startElsewhere(temporary, { temporary: true })
    await kill(owner)
    await vi.waitUntil(
      () =>
        stat(temporary).then(
          () => false,
          () => true,
        ),
      { timeout: 10_000, interval: 20 },
    )
  })

  it('can be started twice at once in folders of their own', async () => {
    const [one, other] = await Promise.all([startTemporaryPostgres(), startTemporaryPostgres()])
    running.push(one, other)
    expect(await Promise.all([answers(one.url), answers(other.url)])).toEqual([true, true])
  })
})
