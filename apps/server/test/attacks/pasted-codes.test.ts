import { describe, expect, test } from 'vitest'
import { hashOf, plainCode } from '../../src/kernel/challenges.ts'
import { recoveryHash } from '../../src/areas/sign-in/mfa/mfa-devices.service.ts'
import { newEnvironment } from '../environment.ts'

/** How people paste a code. That every operation takes them so is tested for each kind of code in secrets-matrix.test.ts. */
const PASTED: readonly (readonly [string, (code: string) => string])[] = [
  ['a blank in the middle', (code) => `${code.slice(0, 3)} ${code.slice(3)}`],
  ['blanks around it', (code) => `  ${code}\t`],
  ['a line break behind it', (code) => `${code}\r\n`],
  ['a dash in the middle', (code) => `${code.slice(0, 3)}-${code.slice(3)}`],
  ['a long dash in the middle', (code) => `${code.slice(0, 3)}–${code.slice(3)}`],
  ['a no-break blank', (code) => `${code.slice(0, 3)}\u00a0${code.slice(3)}`],
  ['what cannot be seen', (code) => `\u200b${code}\ufeff`],
  ['digits of full width', (code) => code.replace(/\d/g, (digit) => String.fromCharCode(0xff10 + Number(digit)))],
]
/** Recovery codes have letters, and dashes of their own. */
const RECOVERY: typeof PASTED = [
  ...PASTED,
  ['capitals', (code) => code.toUpperCase()],
  ['no dashes', (code) => code.replaceAll('-', '')],
  ['blanks for dashes', (code) => code.replaceAll('-', ' ')],
  ['broken into lines', (code) => code.replaceAll('-', '-\n')],
]

describe.concurrent('a code that is pasted', () => {
  test.for(PASTED)('with %s is the same code', async ([, paste]) => {
    expect(plainCode(paste('123456'))).toBe('123456')
    const ctx = await (await newEnvironment()).context(),
      kind = { purpose: 'any', typed: true }
    expect(hashOf(ctx, kind, paste('123456'), 'salt')).toBe(hashOf(ctx, kind, '123456', 'salt'))
  })

  test.for(RECOVERY)('as a recovery code, with %s, is the same code', ([, paste]) => {
    const code = '0b0e5f0e-7a0e-4c55-9d0e-2222abcdef22'
    expect(recoveryHash(paste(code))).toBe(recoveryHash(code))
    expect(recoveryHash(paste(code))).not.toBe(recoveryHash(code.replace('b', 'c')))
  })
})
