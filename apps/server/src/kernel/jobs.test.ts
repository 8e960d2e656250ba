import { Type } from 'typebox'
import { describe, expect, test, vi } from 'vitest'
import { deps, newEnvironment, server, unique } from '../../test/environment.ts'
import { add, Hopeless, job, runDue, startWorker, type Job, type WorkerParts } from './jobs.ts'

const workerWith = (...jobs: Job[]): WorkerParts => ({ ...server.worker, jobs })
/** A worker that leaves the jobs of other environments alone. */
const ofOne = (parts: WorkerParts, vendorId: string): WorkerParts => {
  const { pool } = parts.deps.database
  const query = (text: string, values: unknown[]) =>
    pool.query(text, text.includes('skip locked') ? values.with(2, vendorId) : values)
  const database = Object.create(parts.deps.database, { pool: { value: { query } } }) as typeof parts.deps.database
  return { ...parts, deps: { ...parts.deps, database } }
}
const Payload = Type.Object({ text: Type.String() })

describe.concurrent('jobs', () => {
  test("run once when due on the environment's clock, however many workers look", async () => {
    const env = await newEnvironment(),
      ran: string[] = []
    const kind = job({
      name: unique('job'),
      payload: Payload,
      run: async (_ctx, { text }) => {
        ran.push(text)
      },
    })
    const ctx = await env.context()
    await add(ctx, kind, { text: 'now' })
    await add(ctx, kind, { text: 'later' }, new Date(ctx.clock.now().getTime() + 3_600_000))
    await Promise.all(Array.from({ length: 4 }, () => runDue(workerWith(kind), env.id)))
    expect(ran).toEqual(['now'])
    await env.clock.advance(3_600_000)
    await runDue(workerWith(kind), env.id)
    expect(ran).toEqual(['now', 'later'])
    expect(await ctx.db.job.count()).toBe(0)
  })

  test('are rolled back with what they are about', async () => {
    const env = await newEnvironment(),
      ctx = await env.context()
    const kind = job({ name: unique('job'), payload: Payload, run: async () => {} })
    await expect(
      ctx.atomically(async (tx) => {
        await add(tx, kind, { text: 'x' })
        throw new Error('changed my mind')
      }),
    ).rejects.toThrow('changed my mind')
    expect(await ctx.db.job.count()).toBe(0)
  })

  test('are tried again with growing waits, then given up, and say why', async () => {
    const env = await newEnvironment(),
      ctx = await env.context(),
      told: string[] = []
    let tries = 0
    const kind = job({
      name: unique('job'),
      payload: Payload,
      maxAttempts: 3,
      run: async () => {
        tries++
        throw new Error('no luck')
      },
      failed: async (_ctx, _payload, reason) => {
        told.push(reason)
      },
    })
    await add(ctx, kind, { text: 'x' })
    await runDue(workerWith(kind), env.id)
    expect(tries).toBe(1)
    await env.clock.advance(14_000)
    expect(await runDue(workerWith(kind), env.id)).toBe(0)
    await env.clock.advance(2_000)
    await runDue(workerWith(kind), env.id)
    await env.clock.advance(31_000)
    await runDue(workerWith(kind), env.id)
    expect(tries).toBe(3)
    expect(told).toEqual(['no luck'])
    await env.clock.advance(86_400_000)
    expect(await runDue(workerWith(kind), env.id)).toBe(0)
    expect(await ctx.db.job.findFirst()).toMatchObject({ state: 'failed', error: 'no luck', attempts: 3 })
  })

  test('that no repetition will help are given up at once', async () => {
    const env = await newEnvironment(),
      ctx = await env.context()
    const kind = job({
      name: unique('job'),
      payload: Payload,
      run: async () => {
        throw new Hopeless('refused')
      },
    })
    await add(ctx, kind, { text: 'x' })
    await runDue(workerWith(kind), env.id)
    expect(await ctx.db.job.findFirst()).toMatchObject({ state: 'failed', error: 'refused', attempts: 1 })
  })

  test('of a worker that died are taken over when its lease is over, with the progress it had made', async () => {
    const env = await newEnvironment(),
      ctx = await env.context()
    const kind = job({
      name: unique('job'),
      payload: Payload,
      keep: true,
      run: async (_ctx, _payload, { progress }) => {
        await progress({ done: 1 })
      },
    })
    const id = await add(ctx, kind, { text: 'x' })
    // what a crash leaves behind: taken, and never settled
    await ctx.db.job.update({
      where: { id },
      data: { attempts: 1, leaseUntil: new Date(deps.systemClock.now().getTime() + 30_000) },
    })
    expect(await runDue(workerWith(kind), env.id)).toBe(0)
    await ctx.db.job.update({ where: { id }, data: { leaseUntil: new Date(deps.systemClock.now().getTime() - 1) } })
    expect(await runDue(workerWith(kind), env.id)).toBe(1)
    expect(await ctx.db.job.findUnique({ where: { id } })).toMatchObject({
      state: 'done',
      attempts: 2,
      progress: { done: 1 },
    })
  })

  test('whose worker lives stay its own, however long they take', async () => {
    const env = await newEnvironment(),
      ctx = await env.context(),
      leaseMs = 300
    const leaseOf = async (id: string) => (await ctx.db.job.findUniqueOrThrow({ where: { id } })).leaseUntil!.getTime()
    let tries = 0
    const kind = job({
      name: unique('job'),
      payload: Payload,
      run: async (_ctx, _payload, { id }) => {
        tries++
        const first = await leaseOf(id)
        await vi.waitFor(async () => expect(await leaseOf(id)).toBeGreaterThan(first + leaseMs), { timeout: 10_000 })
      },
    })
    await add(ctx, kind, { text: 'x' })
    const parts = { ...workerWith(kind), leaseMs }
    expect(await runDue(parts, env.id)).toBe(1)
    expect([tries, await ctx.db.job.count()]).toEqual([1, 0])
  })

  test('go on while a slow one takes its time', async () => {
    const env = await newEnvironment(),
      ctx = await env.context(),
      ended: string[] = []
    let release = () => {}
    const slow = new Promise<void>((resolve) => (release = resolve))
    const kind = job({
      name: unique('job'),
      payload: Payload,
      run: async (_ctx, { text }) => {
        if (text === 'slow') await slow
        ended.push(text)
      },
    })
    await add(ctx, kind, { text: 'slow' })
    const worker = startWorker(ofOne(workerWith(kind), env.id), 20)
    try {
      await vi.waitFor(async () => expect(await ctx.db.job.count({ where: { attempts: 1 } })).toBe(1))
      for (let i = 0; i < 25; i++) await add(ctx, kind, { text: `quick ${i}` })
      await vi.waitFor(() => expect(ended).toHaveLength(25), { timeout: 5000 })
      expect(ended).not.toContain('slow')
    } finally {
      release()
      await worker.stop()
    }
    expect(ended).toHaveLength(26)
    expect(await ctx.db.job.count()).toBe(0)
  })

  test('of a kind with places of its own take none of the others, and are no more than those', async () => {
    const env = await newEnvironment(),
      ctx = await env.context(),
      ended: string[] = []
    let release = () => {},
      [running, most] = [0, 0]
    const wait = new Promise<void>((resolve) => (release = resolve))
    const calling = job({
      name: unique('job'),
      payload: Payload,
      atOnce: 12,
      run: async () => {
        most = Math.max(most, ++running)
        await wait
        running--
      },
    })
    const usual = job({
      name: unique('job'),
      payload: Payload,
      run: async (_ctx, { text }) => {
        ended.push(text)
      },
    })
    for (let i = 0; i < 20; i++) await add(ctx, calling, { text: `${i}` })
    const worker = startWorker(ofOne(workerWith(calling, usual), env.id), 20)
    try {
      await vi.waitFor(() => expect(running).toBe(12), { timeout: 5000 })
      for (let i = 0; i < 15; i++) await add(ctx, usual, { text: `${i}` })
      await vi.waitFor(() => expect(ended).toHaveLength(15), { timeout: 5000 })
      expect(running).toBe(12)
    } finally {
      release()
      await vi.waitFor(async () => expect(await ctx.db.job.count()).toBe(0), { timeout: 5000 })
      await worker.stop()
    }
    expect(most).toBe(12)
  })

  test('that kill every worker that takes them are given up, too', async () => {
    const env = await newEnvironment(),
      ctx = await env.context()
    const kind = job({ name: unique('job'), payload: Payload, maxAttempts: 2, run: async () => {} })
    const id = await add(ctx, kind, { text: 'x' })
    await ctx.db.job.update({
      where: { id },
      data: { attempts: 2, leaseUntil: new Date(deps.systemClock.now().getTime() - 1) },
    })
    await runDue(workerWith(kind), env.id)
    expect(await ctx.db.job.findUnique({ where: { id } })).toMatchObject({
      state: 'failed',
      error: 'the job never finished',
    })
  })

  test("whose worker was taken for dead are the next worker's alone to settle", async () => {
    const env = await newEnvironment(),
      ctx = await env.context()
    let second: Promise<number> | undefined
    const kind = job({
      name: unique('job'),
      payload: Payload,
      keep: true,
      run: async (inside, _payload, { id, attempt }) => {
        if (attempt > 1) return
        // as if this worker had slept through its lease
        await inside.db.job.update({
          where: { id },
          data: { leaseUntil: new Date(deps.systemClock.now().getTime() - 1) },
        })
        second = runDue(workerWith(kind), env.id)
        await second
        throw new Error('woke up too late')
      },
    })
    const id = await add(ctx, kind, { text: 'x' })
    await runDue(workerWith(kind), env.id)
    expect(await second).toBe(1)
    expect(await ctx.db.job.findUnique({ where: { id } })).toMatchObject({ state: 'done', error: null, attempts: 2 })
  })
})
