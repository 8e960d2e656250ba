const UNITS = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 } as const

/**
 * What the emulator's clock takes: seconds, or an ISO 8601 duration as it is. `15m` is 900.
 * @throws when it is neither
 */
export function clockDuration(text: number | string): number | string {
  if (typeof text === 'number' || text.startsWith('P')) return text
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?) ?(ms|[smhdw]) ?/gy)]
  if (!parts.length || parts.map(([part]) => part).join('') !== text)
    throw new TypeError(
      `${JSON.stringify(text)} is no duration: give seconds, or a text such as 15m, 1h30m, 2d or PT15M`,
    )
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * UNITS[unit as keyof typeof UNITS], 0)
}
