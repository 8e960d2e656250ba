import { lstat, realpath, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/** The account that Postgres runs under when this process is root, which Postgres refuses to run as. */
export interface Account {
  uid: number
  gid: number
}

// "nobody" on Linux; nothing but its number matters, so it need not be in /etc/passwd
const NOBODY: Account = { uid: 65534, gid: 65534 }

/**
 * The account to run Postgres as: this process's own (undefined) unless it is root; then the owner of the data folder,
 * so that one `sudo` does not take a folder away from its user, and else an account without any rights.
 */
export async function serviceAccount(...folders: string[]): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined
  for (const folder of folders) {
    const owner = await stat(folder).catch(() => undefined)
    if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid }
  }
  return NOBODY
}

/** Whether the account may pass through every folder down to `path` and read what is there. Knows mode bits, not ACLs. */
export async function canReach(path: string, account: Account): Promise<boolean> {
  for (let at = await realpath(path); ; at = dirname(at)) {
    const { uid, gid, mode } = await lstat(at)
    const rights = uid === account.uid ? mode >> 6 : gid === account.gid ? mode >> 3 : mode
    if ((rights & 1) === 0) return false
    if (dirname(at) === at) return true
  }
}
