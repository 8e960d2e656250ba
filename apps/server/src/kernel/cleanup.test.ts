import { expect, test } from 'vitest'
import { deps, newEnvironment } from '../../test/environment.ts'
import { rubbish } from '../jobs.ts'
import { cleanUp } from './cleanup.ts'

const DAY = 86_400_000

test.concurrent("what has long expired on its environment's clock goes, and nothing else", async () => {
  const old = await newEnvironment(),
    young = await newEnvironment()
  for (const env of [old, young]) {
    const ctx = await env.context(),
      now = ctx.clock.now(),
      later = new Date(now.getTime() + DAY),
      user = await env.newUser()
    await ctx.db.challenge.create({
      data: { id: ctx.random.uuid(), purpose: 'p', secretHash: 'h', maxAttempts: 1, createdAt: now, expiresAt: later },
    })
    await ctx.db.session.create({
      data: {
        id: ctx.random.uuid(),
        userId: user.id,
        tenantId: user.tenantId,
        createdAt: now,
        lastActiveAt: now,
        expiresAt: later,
        tokens: { create: { id: ctx.random.token(), createdAt: now, expiresAt: later } },
      },
    })
    await ctx.db.job.create({
      data: {
        id: ctx.random.uuid(),
        name: 'done',
        payload: {},
        state: 'done',
        maxAttempts: 1,
        runAt: now,
        createdAt: now,
        finishedAt: now,
      },
    })
    await ctx.db.job.create({
      data: {
        id: ctx.random.uuid(),
        name: 'waits',
        payload: {},
        state: 'queued',
        maxAttempts: 1,
        runAt: now,
        createdAt: now,
      },
    })
  }
  const counts = async (env: typeof old) => {
    const { db } = await env.context()
    return {
      challenges: await db.challenge.count(),
      sessions: await db.session.count(),
      tokens: await db.refreshToken.count(),
      jobs: await db.job.count(),
    }
  }
  await old.clock.advance(40 * DAY)
  await cleanUp(deps, rubbish)
  expect(await counts(old)).toEqual({ challenges: 0, sessions: 0, tokens: 0, jobs: 1 })
  expect(await counts(young)).toEqual({ challenges: 1, sessions: 1, tokens: 1, jobs: 2 })
})

test.concurrent("counts whose window is over go, on the machine's clock", async () => {
  const env = await newEnvironment(),
    now = Date.now(),
    { tally } = deps.database.prisma
  await tally.createMany({
    data: [
      ['over', -1000],
      ['goes on', 60_000],
    ].map(([key, ms]) => ({ key: `${env.id} ${key}`, scope: env.id, count: 1, expiresAt: new Date(now + Number(ms)) })),
  })
  await env.clock.advance(DAY)
  await cleanUp(deps, rubbish)
  expect(await tally.findMany({ where: { scope: env.id }, select: { key: true } })).toEqual([
    { key: `${env.id} goes on` },
  ])
})
