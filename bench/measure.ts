import type { Case } from './cases.ts'
import { cpuOf, postgresCpu } from './usage.ts'

export type Turn = (turn: number) => Promise<void>

/** What a load has shown. The CPU is that of the whole measurement, in milliseconds. */
export interface Measured {
  requests: number
  seconds: number
  /** of every request, in milliseconds */
  latencies: number[]
  serverCpu: number | undefined
  postgresCpu: number | undefined
}

/** Each of the turns is taken over and over, the next when the last is done. */
export async function load(turns: readonly Turn[], seconds: number) {
  const latencies: number[] = [],
    begin = performance.now(),
    end = begin + seconds * 1000
  await Promise.all(
    turns.map(async (turn) => {
      for (let number = 0, at = performance.now(); at < end; number++) {
        await turn(number)
        const now = performance.now()
        latencies.push(now - at)
        at = now
      }
    }),
  )
  return { requests: latencies.length, seconds: (performance.now() - begin) / 1000, latencies }
}

/** A load, and the CPU that it takes. @param pids of the servers @param postmaster of their Postgres */
export async function measure(
  turns: readonly Turn[],
  seconds: number,
  pids: readonly number[],
  postmaster: number | undefined,
): Promise<Measured> {
  const used = () => ({
    servers: pids.reduce<number | undefined>((sum, pid) => added(sum, cpuOf(pid)), 0),
    postgres: postmaster === undefined ? undefined : postgresCpu(postmaster),
  })
  const before = used(),
    found = await load(turns, seconds),
    after = used()
  return {
    ...found,
    serverCpu: difference(after.servers, before.servers),
    postgresCpu: difference(after.postgres, before.postgres),
  }
}

const added = (a: number | undefined, b: number | undefined) => (a === undefined || b === undefined ? undefined : a + b)
const difference = (a: number | undefined, b: number | undefined) =>
  a === undefined || b === undefined ? undefined : a - b

/** The value that this part of the values does not exceed: 0.5 is the median. */
function quantile(values: readonly number[], part: number) {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!
}

export const median = (values: readonly number[]) => quantile(values, 0.5)

export interface Result {
  perSecond: number
  medianMs: number
  p99Ms: number
  /** milliseconds a request */
  serverCpuMs: number | undefined
  postgresCpuMs: number | undefined
}

/** Several measurements as one: throughput of the one in the middle, latencies and CPU of all. */
export function summary(rounds: readonly Measured[]): Result {
  const latencies = rounds.flatMap((one) => one.latencies),
    each = (of: (one: Measured) => number | undefined) => {
      const total = rounds.reduce<number | undefined>((sum, one) => added(sum, of(one)), 0)
      return total === undefined ? undefined : total / latencies.length
    }
  return {
    perSecond: median(rounds.map((one) => one.requests / one.seconds)),
    medianMs: median(latencies),
    p99Ms: quantile(latencies, 0.99),
    serverCpuMs: each((one) => one.serverCpu),
    postgresCpuMs: each((one) => one.postgresCpu),
  }
}

export const option = (name: string) =>
  process.argv.find((argument) => argument.startsWith(`--${name}=`))?.slice(name.length + 3)

/** Those whose names contain the option `only`. */
export const chosen = (cases: readonly Case[]) => cases.filter(({ name }) => name.includes(option('only') ?? ''))

/** Digits that matter, right-aligned. */
export const cell = (value: number | undefined, width: number, digits?: number) =>
  (value === undefined ? '-' : value.toFixed(digits ?? (value < 10 ? 2 : value < 100 ? 1 : 0))).padStart(width)
