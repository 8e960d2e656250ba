import { createHash } from 'node:crypto'
import { readdir, rm } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

export interface Ownership {
  release: () => Promise<void>
}

/** Where the sockets of one folder's owners live: `<folder>/<prefix><generation>.sock`. */
interface Place {
  folder: string
  prefix: string
}

// sun_path holds 104 bytes on macOS, 108 on Linux; longer ones are cut off or refused
const LONGEST_SOCKET_PATH = 100
const NO_SOCKETS_HERE = new Set(['EPERM', 'EACCES', 'ENOTSUP', 'EOPNOTSUPP', 'EINVAL', 'ENAMETOOLONG'])
const GONE = new Set(['ECONNREFUSED', 'ENOENT', 'ENOTSOCK'])

/**
 * Makes this process the one owner of a data folder, until it releases it or ends.
 *
 * A listening socket stands for the owner, because the kernel closes it with the process, even after SIGKILL: no stale
 * lock, no reused process id, and it works between containers that share the folder. Sockets are numbered. A process
 * that finds the highest one dead tries to listen on the next, and only one can.
 *
 * @throws when a living process owns the folder; the message says which one
 */
export async function takeOwnership(dataDir: string): Promise<Ownership> {
  const hash = createHash('sha256').update(dataDir).digest('hex').slice(0, 16)
  if (process.platform === 'win32') return await takePipe(`\\\\.\\pipe\\henhouse-${hash}`, dataDir)
  const elsewhere = { folder: tmpdir(), prefix: `henhouse-${hash}.` }
  const inside = { folder: dataDir, prefix: 'owner.' }
  if (Buffer.byteLength(socketPath(inside, 100_000)) > LONGEST_SOCKET_PATH)
    return await takeGeneration(elsewhere, dataDir)
  try {
    return await takeGeneration(inside, dataDir)
  } catch (error) {
    // some mounted folders, such as a container's share with its macOS host, hold no sockets
    if (NO_SOCKETS_HERE.has(codeOf(error))) return await takeGeneration(elsewhere, dataDir)
    throw error
  }
}

async function takeGeneration(place: Place, dataDir: string): Promise<Ownership> {
  for (let attempt = 0; attempt < 20; attempt++) {
    const highest = Math.max(0, ...(await generations(place)))
    if (highest > 0) {
      const owner = await whoOwns(socketPath(place, highest))
      if (owner !== undefined) throw inUse(dataDir, owner)
    }
    const mine = highest + 1
    const server = await listen(socketPath(place, mine))
    if (!server) continue
    // a slow starter may have taken a number below that of an owner who came and cleaned up in between
    const all = await generations(place)
    if (Math.max(...all) !== mine) {
      await close(server)
      continue
    }
    await Promise.all(
      all.filter((one) => one < mine).map((one) => rm(socketPath(place, one), { force: true }).catch(() => {})),
    )
    return { release: () => close(server) }
  }
  throw new Error(`Could not take the data folder ${dataDir}: others keep starting on it`)
}

async function takePipe(pipe: string, dataDir: string): Promise<Ownership> {
  const server = await listen(pipe)
  if (!server) throw inUse(dataDir, (await whoOwns(pipe)) ?? '')
  return { release: () => close(server) }
}

const inUse = (dataDir: string, owner: string) =>
  new Error(
    `The data folder ${dataDir} is in use by ${owner === String(process.pid) ? 'this process' : `another Henhouse${owner && ` (process ${owner})`}`}. ` +
      'Stop that one first, or choose another data folder.',
  )

const socketPath = ({ folder, prefix }: Place, generation: number) => join(folder, `${prefix}${generation}.sock`)

async function generations({ folder, prefix }: Place): Promise<number[]> {
  const names = await readdir(folder)
  return names
    .filter((name) => name.startsWith(prefix) && name.endsWith('.sock'))
    .map((name) => Number.parseInt(name.slice(prefix.length), 10))
}

/** undefined when the path already exists */
function listen(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.end(String(process.pid))
    })
    server.once('error', (error) => (codeOf(error) === 'EADDRINUSE' ? resolve(undefined) : reject(error)))
    server.listen(path, () => {
      server.unref()
      resolve(server)
    })
  })
}

const close = (server: Server) => new Promise<void>((resolve) => server.close(() => resolve()))

/** The process id of the owner, '' when it lives but does not say, undefined when it is gone. */
async function whoOwns(path: string): Promise<string | undefined> {
  const answer = await ask(path)
  if (answer !== undefined) return answer
  // between its bind and its listen a starter looks dead
  await delay(50)
  return await ask(path)
}

function ask(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect(path)
    const timer = setTimeout(() => done(answer), 500)
    const done = (result: string | undefined) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(result)
    }
    socket.setEncoding('utf8')
    socket.on('data', (text: string) => (answer += text))
    socket.once('end', () => done(answer))
    socket.once('error', (error) => done(GONE.has(codeOf(error)) ? undefined : answer))
  })
}

const codeOf = (error: unknown): string => String((error as NodeJS.ErrnoException).code ?? '')
