/** The only source of the time. */
export interface Clock {
  now(): Date
}

export const systemClock: Clock = { now: () => new Date() }

export interface ClockSetting {
  clockOffsetMs: bigint
  clockFrozenAt: Date | null
}

/** An environment's clock: the machine's, moved by an offset or stopped at a moment. */
export const environmentClock = (system: Clock, { clockOffsetMs, clockFrozenAt }: ClockSetting): Clock => ({
  now: () => new Date(clockFrozenAt?.getTime() ?? system.now().getTime() + Number(clockOffsetMs)),
})

export const SECOND = 1000,
  MINUTE = 60 * SECOND,
  HOUR = 60 * MINUTE,
  DAY = 24 * HOUR

/** `after(clock.now(), 3600 * SECOND)`; negative for before. */
export const after = (moment: Date, ms: number) => new Date(moment.getTime() + ms)
/** Seconds since the epoch, as JWTs count them. */
export const epoch = (moment: Date) => Math.floor(moment.getTime() / SECOND)
