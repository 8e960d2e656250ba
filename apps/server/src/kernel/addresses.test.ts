import { describe, expect, test } from 'vitest'
import { canonical, isAmong } from './addresses.ts'

describe('addresses and networks', () => {
  test.for([
    ['192.0.2.1', '192.0.2.1'],
    [' 192.0.2.1 ', '192.0.2.1'],
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['192.0.2.1/32', '192.0.2.1'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:db8::ffff/32', '2001:db8::/32'],
    ['::1/128', '::1'],
    ['::/0', '::/0'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::ffff:10.0.0.0/104', '10.0.0.0/8'],
    ['::ffff:10.1.2.3/128', '10.1.2.3'],
  ] as const)('%s is %s', ([text, expected]) => expect(canonical(text)).toBe(expected))

  test.for([
    '',
    'x',
    '1',
    '127.1',
    '010.0.0.1',
    '0x7f.0.0.1',
    '256.0.0.1',
    '1.2.3.4.5',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '10.0.0.0/-1',
    '10.0.0.0/8.5',
    '::1/129',
    ':::',
    'fe80::1%eth0',
    '::ffff:10.0.0.0/8',
    'example.com',
  ])('%s is none', (text) => expect(canonical(text)).toBeUndefined())

  test('an address is among those it equals and in the networks around it, of its own kind only', () => {
    expect(isAmong('192.0.2.7', ['192.0.2.7'])).toBe(true)
    expect(isAmong('192.0.2.7', ['192.0.2.8', '10.0.0.0/8'])).toBe(false)
    expect(isAmong('10.255.0.1', ['192.0.2.8', '10.0.0.0/8'])).toBe(true)
    expect(isAmong('::ffff:10.255.0.1', ['10.0.0.0/8'])).toBe(true)
    expect(isAmong('2001:db8:1::5', ['2001:db8::/32'])).toBe(true)
    expect(isAmong('2001:db9::5', ['2001:db8::/32', '0.0.0.0/0'])).toBe(false)
    expect(isAmong('10.0.0.1', ['::/0'])).toBe(false)
    expect(isAmong('fe80::1%eth0', ['fe80::/10'])).toBe(true)
    expect(isAmong('nonsense', ['0.0.0.0/0', '::/0'])).toBe(false)
  })
})
