import { expect, test } from 'vitest'
import { clockDuration } from './duration.ts'

test.each([
  ['15m', 900],
  ['1h30m', 5400],
  ['2d', 172_800],
  ['1h 30m', 5400],
  ['1.5s', 1.5],
  ['250ms', 0.25],
  [60, 60],
  ['P1DT12H', 'P1DT12H'],
])('%j is %j for the clock', (text, expected) => {
  expect(clockDuration(text)).toBe(expected)
})

test.each(['', '15', 'm', '15 minutes', '1h,30m', '-5m', 'soon'])('%j is no duration', (text) => {
  expect(() => clockDuration(text)).toThrow('is no duration')
})
