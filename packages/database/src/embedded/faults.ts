import { unsupported } from './binaries.ts'

export interface Failure {
  /** what was tried, as in `could not …` */
  doing: string
  code: number | null
  log: string
  dataDir: string
  port?: number | undefined
}

/** Turns what Postgres said when it failed into advice. */
export function explain({ doing, code, log, dataDir, port }: Failure): Error {
  const last = log.trim().split('\n').slice(-6).join('\n')
  if (isDiskFull(log)) return diskFull(dataDir, last)
  if (isPortTaken(log)) {
    return new Error(
      `Port ${port ?? ''} of 127.0.0.1 is taken by another program: choose another, or none to get a free one.\n${last}`,
    )
  }
  if (
    code === 126 ||
    code === 127 ||
    /GLIBC_[\d.]+' not found|error while loading shared libraries|symbol not found/.test(log)
  ) {
    return unsupported(
      `${isMusl() ? 'this system has musl instead of glibc (Alpine, for one)' : 'its binaries do not run on this system'} (${last})`,
    )
  }
  return new Error(
    `The embedded Postgres could not ${doing} in ${dataDir}: ${last || `it ended with ${code === null ? 'a signal' : `code ${code}`}`}`,
  )
}

export const isPortTaken = (log: string): boolean => /could not bind .*address|Address already in use/i.test(log)

/** Processes of a crashed server still hold its memory; they end by themselves. */
export const isMemoryHeld = (log: string): boolean => /shared memory block .* still in use/.test(log)

const isDiskFull = (log: string): boolean =>
  /No space left on device|Disk quota exceeded|wrote only \d+ of \d+ bytes|Check free disk space/.test(log)

const diskFull = (dataDir: string, details: string) =>
  new Error(`The disk that holds ${dataDir} is full: make room, or choose another data folder.\n${details}`)

/** The same for what went wrong while this process itself prepared the folder. */
export function explainFileError(error: unknown, dataDir: string): unknown {
  if (!(error instanceof Error)) return error
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ENOSPC' || code === 'EDQUOT') return diskFull(dataDir, error.message)
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new Error(
      `The data folder ${dataDir} cannot be used by this account (${error.message}). If it was made by another one, run as that, or choose another data folder.`,
      { cause: error },
    )
  }
  return error
}

function isMusl(): boolean {
  if (process.platform !== 'linux') return false
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } }
  return report.header?.glibcVersionRuntime === undefined
}
