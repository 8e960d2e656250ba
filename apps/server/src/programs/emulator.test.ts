import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { freePort, start } from '../../test/program.ts'

const SLOW = 90_000

async function temporaryFolder() {
  const folder = await mkdtemp(join(tmpdir(), 'hen-emulator-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** @param atEnd where to leave the order to kill it */
async function emulator(
  args: readonly string[],
  variables: Record<string, string> = {},
  atEnd: (end: () => Promise<void>) => void = onTestFinished,
) {
  const port = await freePort(),
    program = start('emulator.ts', ['--port', String(port), ...args], variables)
  atEnd(async () => {
    program.process.kill('SIGKILL')
    await program.ended
  })
  await program.says('Ctrl-C ends it.')
  const url = `http://localhost:${port}`
  const post = async (path: string, body: object, headers: Record<string, string> = {}) => {
    const response = await fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
    return { status: response.status, body: (await response.json().catch(() => null)) as any }
  }
  return { ...program, url, post }
}

const isRunning = (pid: number) => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

describe('the emulator with its data folder', () => {
  const credentials = {
    clientId: '11111111-1111-4111-8111-111111111111',
    secret: '22222222-2222-4222-8222-222222222222',
  }
  const authorizationAt = async ({ post }: Awaited<ReturnType<typeof emulator>>) => {
    const { status, body } = await post('/auth/vendor', credentials)
    expect(status).toBe(200)
    return { authorization: `Bearer ${body.token}` }
  }
  let data: string
  beforeAll(async () => {
    data = await mkdtemp(join(tmpdir(), 'hen-emulator-'))
    // the first start makes the database, which takes longer than all that follows
    const first = await emulator([], { HENHOUSE_DATA: data }, () => {})
    first.process.kill('SIGTERM')
    expect(await first.ended).toBe(0)
  }, SLOW)
  afterAll(() => rm(data, { recursive: true, force: true }))

  test(
    'prints credentials that work, and leaves nothing running',
    async () => {
      const { url, output, process: child, ended, ...program } = await emulator([], { HENHOUSE_DATA: data })
      for (const printed of [
        url,
        ...Object.values(credentials),
        'ada@example.com / Henhouse-1!',
        'bob@example.com / Henhouse-1!',
        `${url}/_emulator/messages`,
      ])
        expect(output()).toContain(printed)

      const command = /curl .*/.exec(output())![0]
      const { stdout } = await promisify(execFile)('sh', ['-c', command])
      const claims = JSON.parse(Buffer.from(JSON.parse(stdout).accessToken.split('.')[1], 'base64url').toString())
      expect(claims).toMatchObject({
        email: 'ada@example.com',
        roles: ['Admin'],
        tenantId: '33333333-3333-4333-8333-333333333333',
        aud: expect.any(String),
        iss: url,
      })
      expect((await program.post('/auth/vendor', credentials)).status).toBe(200)
      expect((await fetch(`${url}/health/ready`)).status).toBe(200)

      const postmaster = Number((await readFile(join(data, 'postgres/data/postmaster.pid'), 'utf8')).split('\n')[0])
      expect(isRunning(postmaster)).toBe(true)
      child.kill('SIGINT')
      expect(await ended).toBe(0)
      expect(isRunning(postmaster)).toBe(false)
    },
    SLOW,
  )

  test(
    'keeps what was made until a reset',
    async () => {
      const roles = '/identity/resources/roles/v1',
        key = `kept-${randomUUID().slice(0, 8)}`
      const first = await emulator([], { HENHOUSE_DATA: data }),
        headers = await authorizationAt(first)
      expect((await first.post(roles, [{ key, name: 'Kept', level: 1 }], headers)).status).toBe(201)
      first.process.kill('SIGINT')
      expect(await first.ended).toBe(0)

      const second = await emulator([], { HENHOUSE_DATA: data })
      expect(second.output()).not.toContain('Making')
      const there = async () => (await fetch(second.url + roles, { headers })).text()
      expect(await there()).toContain(key)
      expect((await second.post('/_emulator/reset', {})).status).toBe(204)
      expect(await there()).not.toContain(key)
      second.process.kill('SIGTERM')
      expect(await second.ended).toBe(0)
    },
    SLOW,
  )
})

describe('the emulator', () => {
  test(
    'starts from a seed file, with other credentials, and keeps nothing with --ephemeral',
    async () => {
      const folder = await temporaryFolder(),
        file = join(folder, 'seed.yaml')
      await writeFile(
        file,
        'environments:\n  - name: other\n  - name: main\n    default: true\n    tenants: [{ name: Coop }]\n    users: [{ email: it\'s@example.com, password: "it\'s-Long-1!", tenants: [{ tenant: Coop, roles: [ReadOnly] }] }]\n',
      )
      const {
        output,
        post,
        process: child,
        ended,
      } = await emulator(['--ephemeral', '--seed', file], {
        HENHOUSE_DATA: folder,
        HENHOUSE_CLIENT_ID: 'AAAAAAAA-1111-4111-8111-111111111111',
        HENHOUSE_API_KEY: 'my-key',
      })
      const { stdout } = await promisify(execFile)('sh', ['-c', /curl .*/.exec(output())![0]])
      expect(JSON.parse(stdout)).toMatchObject({ accessToken: expect.any(String) })
      expect(
        (await post('/auth/vendor', { clientId: 'aaaaaaaa-1111-4111-8111-111111111111', secret: 'my-key' })).status,
      ).toBe(200)
      const [, clientId, secret] = /other: .*client id (\S+)\s+API key (\S+)/.exec(output())!
      expect((await post('/auth/vendor', { clientId, secret })).status).toBe(200)
      child.kill('SIGINT')
      expect(await ended).toBe(0)
      await expect(readFile(join(folder, 'postgres/password'))).rejects.toThrow('ENOENT')
    },
    SLOW,
  )

  test(
    'says what keeps it from starting',
    async () => {
      const folder = await temporaryFolder(),
        file = join(folder, 'seed.yaml')
      await writeFile(file, 'users:\n  - email: nobody\n  - { email: a@b.example, nam: x }\n')
      const taken = createServer().listen(0, 'localhost')
      onTestFinished(() => {
        taken.close()
      })
      await new Promise((resolve) => {
        taken.once('listening', resolve)
      })
      const { port } = taken.address() as AddressInfo
      const refusal = async (args: string[], variables: Record<string, string> = {}) => {
        const program = start('emulator.ts', args, { HENHOUSE_DATA: join(folder, 'none'), ...variables })
        expect(await program.ended).toBe(1)
        return program.output()
      }
      const [production, faults, occupied, misspelt] = await Promise.all([
        refusal([], { NODE_ENV: 'production', HENHOUSE_PORT: 'x' }),
        refusal(['--seed', file]),
        refusal(['--port', String(port), '--ephemeral']),
        refusal(['--prot', '1']),
      ])
      expect(production).toMatch(/NODE_ENV is production[^]*HENHOUSE_PORT must be/)
      expect(faults).toMatch(
        /seed\.yaml:3:32 users\.1\.nam is unknown[^]*seed\.yaml:2:12 users\.0\.email must be an email/,
      )
      expect(faults).not.toContain('Starting')
      expect(occupied).toContain(`Port ${port} is taken`)
      expect(misspelt).toMatch(/--prot[^]*Usage/)
    },
    SLOW,
  )
})
