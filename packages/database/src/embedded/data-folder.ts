import { randomBytes } from 'node:crypto'
import { chmod, lchown, lstat, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { canReach, type Account } from './account.ts'
import type { Binaries } from './binaries.ts'
import { explain } from './faults.ts'
import { spawnGuarded } from './guard.ts'

/*
 * <dataDir>/data       what Postgres calls its data directory
 *          /password   of the user postgres, for this account only
 *          /owner.*    see owner.ts
 */
export interface DataFolder {
  dataDir: string
  data: string
  account: Account | undefined
  /** deleted when the server ends */
  temporary: boolean
}

export const dataOf = (dataDir: string): string => join(dataDir, 'data')

/** Makes the folder itself, so that it can be owned. */
export async function makeFolder(dataDir: string, account: Account | undefined): Promise<void> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  if (!account) return
  const data = dataOf(dataDir)
  // root's, when somebody restored the folder from a copy
  const restored = (await lstat(data).catch(absent))?.uid === 0 ? await readdir(data, { recursive: true }) : []
  for (const path of [dataDir, join(dataDir, 'password'), data, ...restored.map((name) => join(data, name))])
    await give(path, account)
}

/**
 * Makes a new database cluster unless there is one, and returns its password.
 *
 * @throws when the cluster is of another major version, when its password is lost, or when the disk is full
 */
export async function prepareData(folder: DataFolder, binaries: Binaries, onNew: () => void): Promise<string> {
  const version = await readFile(join(folder.data, 'PG_VERSION'), 'utf8').catch(absent)
  if (version === undefined) {
    onNew()
    return await makeCluster(folder, binaries)
  }
  if (version.trim() !== binaries.major) {
    throw new Error(
      `The data in ${folder.dataDir} was written by Postgres ${version.trim()}, and this is Postgres ${binaries.major}. ` +
        'Take it over with pg_dump and psql of both versions, or delete the folder to start empty.',
    )
  }
  const password = await readFile(join(folder.dataDir, 'password'), 'utf8').catch(absent)
  if (password === undefined)
    throw new Error(
      `The database's password (${join(folder.dataDir, 'password')}) is lost: restore it, or delete the folder to start empty`,
    )
  return password
}

const UNFINISHED = 'data.new-'

async function removeUnfinished(dataDir: string): Promise<void> {
  const names = (await readdir(dataDir)).filter((name) => name.startsWith(UNFINISHED))
  await Promise.all(names.map((name) => rm(join(dataDir, name), { recursive: true, force: true }).catch(() => {})))
}

async function makeCluster(folder: DataFolder, binaries: Binaries): Promise<string> {
  const { dataDir, account } = folder
  // made under another name, so that a folder called data is complete; each run its own, as one that was killed may
  // still be clearing up
  await removeUnfinished(dataDir)
  const unfinished = await mkdtemp(join(dataDir, UNFINISHED))

  const password = randomBytes(24).toString('base64url')
  const passwordFile = join(dataDir, 'password')
  await writeFile(passwordFile, password, { mode: 0o600 })
  // an older one keeps its mode
  await chmod(passwordFile, 0o600)
  if (account) await Promise.all([give(unfinished, account), give(passwordFile, account)])

  const { directory, cwd } = await placeOf(unfinished, account)
  const initdb = spawnGuarded(binaries.initdb, initdbArguments(directory, folder.temporary), {
    cwd,
    account,
    ...(folder.temporary ? { remove: { folder: dataDir, when: 'failure' as const } } : {}),
  })
  const code = await initdb.exited
  if (code !== 0) {
    await rm(unfinished, { recursive: true, force: true }).catch(() => {})
    throw explain({ doing: 'make a database', code, log: initdb.log(), dataDir })
  }
  await rename(unfinished, folder.data)
  return password
}

function initdbArguments(directory: string, temporary: boolean): string[] {
  return [
    '-D',
    directory,
    '-U',
    'postgres',
    '-A',
    'scram-sha-256',
    '--pwfile',
    `${directory}/../password`,
    '-E',
    'UTF8',
    // upper and lower case of all languages, the same on every system, with no library of the system's
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    // the password is random and long: nothing is gained by making it slow to try
    '-c',
    'scram_iterations=1',
    '--no-instructions',
    ...(temporary ? ['--no-sync'] : []),
  ]
}

/**
 * The name of a folder for Postgres. An account that may not pass through the folders above it (`/root`) can still work
 * in it as its current directory. Postgres wants an absolute path, and Linux has one for that.
 */
export async function placeOf(
  folder: string,
  account: Account | undefined,
): Promise<{ directory: string; cwd: string }> {
  if (!account || (await canReach(folder, account))) return { directory: folder, cwd: folder }
  if (process.platform === 'linux' && (await lstat('/proc/self/cwd').catch(() => undefined)))
    return { directory: '/proc/self/cwd', cwd: folder }
  throw new Error(
    `The account ${account.uid}, which runs Postgres because root may not, cannot reach ${folder}: choose a data folder elsewhere`,
  )
}

async function give(path: string, account: Account): Promise<void> {
  if ((await lstat(path).catch(absent))?.uid !== 0) return
  await lchown(path, account.uid, account.gid).catch((error: unknown) => {
    throw new Error(
      `Postgres may not run as root, and this root may not hand ${path} to another account: run as a normal user, or set DATABASE_URL`,
      { cause: error },
    )
  })
}

const absent = (error: unknown): undefined => {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
  throw error
}
