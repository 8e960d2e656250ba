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

test.concurrent('each thing is kept for its time after it ended, to the millisecond', async () => {
  const env = await newEnvironment(),
    { id: userId, tenantId } = await env.newUser(),
    start = new Date()
  await env.clock.freeze(start)
  const { db, random } = await env.context(),
    never = new Date(start.getTime() + 1000 * DAY),
    times = { createdAt: start, expiresAt: start }
  await db.challenge.create({
    data: { id: random.uuid(), purpose: 'p', secretHash: 'h', maxAttempts: 1, ...times },
  })
  await db.rememberedDevice.create({ data: { id: random.token(), userId, ...times } })
  // the credentials themselves stay, so that people see that they have run out
  await db.apiToken.create({
    data: {
      id: random.uuid(),
      tenantId,
      secretHash: 'h',
      ...times,
      refreshes: {
        create: ['old', 'new'].map((name) => ({ id: random.token(), expiresAt: name === 'old' ? start : never })),
      },
    },
  })
  const session = { userId, tenantId, createdAt: start, lastActiveAt: start }
  const [expired, ended, living] = [random.uuid(), random.uuid(), random.uuid()]
  await db.session.create({ data: { id: expired, ...session, expiresAt: start } })
  await db.session.create({ data: { id: ended, ...session, expiresAt: never, endedAt: start } })
  await db.session.create({
    data: { id: living, ...session, expiresAt: never, tokens: { create: { id: random.token(), ...times } } },
  })
  for (const state of ['done', 'failed', 'queued'])
    await db.job.create({
      data: {
        id: random.uuid(),
        name: state,
        payload: {},
        state,
        maxAttempts: 1,
        runAt: start,
        createdAt: start,
        finishedAt: state === 'queued' ? null : start,
      },
    })
  const message = { channel: 'email', template: 'T', sender: 's', recipient: 'r', subject: 'S', html: '', text: '' }
  for (const status of ['sent', 'failed', 'held', 'pending'])
    await db.message.create({ data: { id: random.uuid(), ...message, status, createdAt: start } })

  const left = async (days: number, ms: number) => {
    await env.clock.freeze(new Date(start.getTime() + days * DAY + ms))
    await cleanUp(deps, rubbish)
    const [challenges, devices, credentials, refreshes, sessions, tokens, jobs, messages] = await Promise.all([
      db.challenge.count(),
      db.rememberedDevice.count(),
      db.apiToken.count(),
      db.apiRefreshToken.count(),
      db.session.count(),
      db.refreshToken.count(),
      db.job.count(),
      db.message.count(),
    ])
    return { challenges, devices, credentials, refreshes, sessions, tokens, jobs, messages }
  }
  const all = { devices: 1, credentials: 1, refreshes: 2, tokens: 1, challenges: 1, sessions: 3, jobs: 3, messages: 4 }
  expect(await left(0, 0)).toEqual(all)
  expect(await left(0, 1)).toEqual({ ...all, devices: 0 })
  expect(await left(1, 0)).toEqual({ ...all, devices: 0 })
  const afterADay = { ...all, devices: 0, refreshes: 1, tokens: 0 }
  expect(await left(1, 1)).toEqual(afterADay)
  expect(await left(7, 0)).toEqual(afterADay)
  const afterAWeek = { ...afterADay, challenges: 0 }
  expect(await left(7, 1)).toEqual(afterAWeek)
  expect(await left(30, 0)).toEqual(afterAWeek)
  const afterAMonth = { ...afterAWeek, sessions: 1, jobs: 1 }
  expect(await left(30, 1)).toEqual(afterAMonth)
  expect(await left(90, 0)).toEqual(afterAMonth)
  expect(await left(90, 1)).toEqual({ ...afterAMonth, messages: 1 })
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
