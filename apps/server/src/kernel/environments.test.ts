import { expect, test } from 'vitest'
import { deps, newEnvironment, server, UNKNOWN_ID, unique } from '../../test/environment.ts'
import { environmentDirectory } from './environments.ts'
import { memoryFor } from './memory.ts'

/** The directory of another replica, which hears of no change and has a time of its own. */
function replica() {
  const time = { ms: 1, now: () => time.ms },
    memory = memoryFor({ subscribe() {}, pending: () => false }, time)
  return {
    directory: environmentDirectory(deps.database, memory, time),
    wait: (ms: number) => {
      time.ms += ms
    },
  }
}
const change = (id: string, data: { name?: string; host?: string }) =>
  deps.database.prisma.vendor.update({ where: { id }, data })

test.concurrent(
  'an environment that another replica changes is remembered as it was for five seconds, and no longer',
  async () => {
    const env = await newEnvironment(),
      { directory, wait } = replica(),
      name = unique('renamed')
    expect(await directory.byId(env.id)).toMatchObject({ name: env.name })
    await change(env.id, { name })
    wait(5000)
    expect(await directory.byId(env.id)).toMatchObject({ name: env.name })
    wait(2)
    expect(await directory.byId(env.id)).toMatchObject({ name })
  },
)

test.concurrent(
  'its old name, host or key leads to it for five seconds, however often it is asked for meanwhile',
  async () => {
    const env = await newEnvironment(),
      { directory, wait } = replica(),
      host = `${unique('host')}.example`
    await change(env.id, { host })
    const { prisma } = deps.database
    const key = await prisma.signingKey.findFirstOrThrow({ where: { vendorId: env.id } })
    const found = () =>
      Promise.all([directory.byName(env.name), directory.byHost(host), directory.byKey(key.id)]).then((all) =>
        all.map((environment) => environment?.id),
      )
    expect(await found()).toEqual([env.id, env.id, env.id])
    await change(env.id, { name: unique('renamed'), host: `${unique('host')}.example` })
    await prisma.signingKey.delete({ where: { id: key.id } })
    for (let second = 1; second <= 4; second++) {
      wait(1000)
      expect(await found()).toEqual([env.id, env.id, env.id])
    }
    wait(1002)
    expect(await found()).toEqual([undefined, undefined, undefined])
  },
)

test.concurrent('an unknown one is looked up again after five seconds, where no change is heard of', async () => {
  const { directory, wait } = replica(),
    host = `${unique('host')}.example`
  expect([await directory.byId(UNKNOWN_ID), await directory.byId('no id'), await directory.byHost(host)]).toEqual([
    undefined,
    undefined,
    undefined,
  ])
  const env = await newEnvironment()
  await change(env.id, { host })
  expect(await directory.byHost(host)).toBeUndefined()
  wait(5001)
  expect(await directory.byHost(host)).toMatchObject({ id: env.id })
})

test.concurrent('an unknown one is found as soon as it is there', async () => {
  const env = await newEnvironment(),
    host = `${unique('host')}.example`
  expect(await server.environments.byHost(host)).toBeUndefined()
  await change(env.id, { host })
  expect(await server.environments.byHost(host)).toMatchObject({ id: env.id })
})

test.concurrent("a change by any of the replica's own connections is seen at once", async () => {
  const env = await newEnvironment(),
    { environments } = server,
    { prisma, pool } = deps.database,
    [name, host] = [unique('renamed'), `${unique('host')}.example`]
  expect(await environments.byId(env.id.toUpperCase())).toMatchObject({ id: env.id, name: env.name })
  await change(env.id, { name, host })
  expect(await environments.byId(env.id)).toMatchObject({ name })
  expect([await environments.byName(env.name), await environments.byHost(host)]).toMatchObject([undefined, { name }])
  const [key] = (await environments.byId(env.id))!.keys
  await prisma.signingKey.update({ where: { id: key!.id }, data: { retiredAt: new Date() } })
  expect(await environments.byId(env.id)).toMatchObject({ keys: [] })
  await pool.query('update "Vendor" set host = null where id = $1', [env.id])
  expect(await environments.byHost(host)).toBeUndefined()
  await prisma.vendor.delete({ where: { id: env.id } })
  expect(await environments.byId(env.id)).toBeUndefined()
})
