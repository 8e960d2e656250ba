import { Type, type Static } from 'typebox'
import type { ServerDeps } from '../kernel/deps.ts'
import { environmentClock } from '../kernel/clock.ts'
import { invalid } from '../kernel/errors.ts'
import { DateTime } from '../kernel/validation.ts'

export const Steering = Type.Object({
  /** seconds, or an ISO 8601 duration */
  advance: Type.Optional(Type.Union([Type.Number({ minimum: 0 }), Type.String()])),
  set: Type.Optional(DateTime),
  freeze: Type.Optional(Type.Boolean()),
  reset: Type.Optional(Type.Boolean()),
})
export type Steering = Static<typeof Steering>

/** Dates outside these have no four-digit year, which readers of tokens and databases do not expect. */
const EARLIEST = Date.UTC(1970),
  LATEST = Date.UTC(9999, 11, 31)

/**
 * Moves an environment's clock: `reset` to the real time, then `set`, then `advance`. `freeze` stops it or lets it go
 * on; without `freeze` that stays as it was. Simultaneous calls all take effect.
 */
export async function steer(
  { database: { prisma }, systemClock }: ServerDeps,
  id: string,
  { advance, set, freeze, reset }: Steering,
) {
  const setting = await prisma.$transaction(async (tx) => {
    await tx.$queryRaw`select from "Vendor" where id = ${id}::uuid for update`
    const stored = await tx.vendor.findUniqueOrThrow({
      where: { id },
      select: { clockOffsetMs: true, clockFrozenAt: true },
    })
    const before = reset ? { clockOffsetMs: 0n, clockFrozenAt: null } : stored
    const real = systemClock.now()
    const from = set === undefined ? environmentClock({ now: () => real }, before).now() : new Date(set)
    const to = advance === undefined ? from : after(from, advance)
    if (!(to.getTime() >= EARLIEST && to.getTime() <= LATEST))
      throw invalid('the clock can show the years 1970 to 9999 only')
    const frozen = freeze ?? before.clockFrozenAt !== null
    const data =
      reset && set === undefined && advance === undefined && !frozen
        ? before
        : { clockOffsetMs: BigInt(to.getTime() - real.getTime()), clockFrozenAt: frozen ? to : null }
    await tx.vendor.update({ where: { id }, data })
    return data
  })
  return { now: environmentClock(systemClock, setting).now().toISOString(), frozen: setting.clockFrozenAt !== null }
}

const DURATION =
  /^P(?!$)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/

/** Months and years are the calendar's; a day that the month does not have becomes its last. */
function after(from: Date, advance: number | string): Date {
  if (typeof advance === 'number') return new Date(from.getTime() + advance * 1000)
  const parts = DURATION.exec(advance)
  if (!parts) throw invalid('advance must be a number of seconds, or an ISO 8601 duration such as P1DT12H')
  const [years, months, weeks, days, hours, minutes, seconds] = parts.slice(1).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const to = new Date(from)
  to.setUTCMonth(to.getUTCMonth() + 12 * years + months)
  if (to.getUTCDate() !== from.getUTCDate()) to.setUTCDate(0)
  return new Date(to.getTime() + ((((weeks * 7 + days) * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000)
}
