import { describe, expect, test } from 'vitest'
import { memoryFor } from './memory.ts'

const kind = { name: 'colours', models: ['Colour', 'Shade'] },
  other = { name: 'shapes', models: ['Shape'] }

/** A memory with a clock, to which changes are told by hand. */
function newMemory(most?: number) {
  const time = { ms: 0, now: () => time.ms },
    open = new Set<string>()
  let tell = (_: string) => {}
  const memory = memoryFor(
    { subscribe: (hear) => (tell = hear), pending: (text) => open.has(text) },
    time,
    ...(most === undefined ? [] : [most]),
  )
  let number = 0
  const reads: string[] = []
  return {
    memory,
    time,
    open,
    tell: (text: string) => tell(text),
    reads,
    /** what is known of the environment's colours */
    colours: (id = 'a') => memory.recall(id, kind, async () => (reads.push(id), { number: ++number })),
    within: (id = 'a') => memory.recallWithin(id, kind, async () => (reads.push(id), { number: ++number })),
    shapes: (id = 'a') => memory.recall(id, other, async () => (reads.push(id), { number: ++number })),
  }
}

/** A reading that ends when it is told to. */
function slow() {
  let end = (_: object) => {}
  const found = new Promise<object>((resolve) => (end = resolve))
  return { load: () => found, end: (value: object) => end(value) }
}

describe('the memory', () => {
  test('reads once, for requests at the same time too', async () => {
    const { colours, reads } = newMemory()
    const [one, other] = await Promise.all([colours(), colours()])
    expect(one).toBe(other)
    expect(await colours()).toBe(one)
    expect(reads).toEqual(['a'])
  })

  test('forgets what a change is about, in its environment only', async () => {
    const { colours, shapes, reads, tell } = newMemory()
    await Promise.all([colours('a'), shapes('a'), colours('b')])
    reads.length = 0
    tell('Shade a')
    await Promise.all([colours('a'), shapes('a'), colours('b')])
    expect(reads).toEqual(['a'])
    tell('Square a')
    tell('Shape c')
    await Promise.all([colours('a'), shapes('a'), colours('b')])
    expect(reads).toEqual(['a'])
  })

  test('does not keep what a reading finds that began before a change, nor give it to later requests', async () => {
    const { memory, tell } = newMemory(),
      [before, after] = [slow(), slow()]
    const early = memory.recall('a', kind, before.load)
    tell('Colour a')
    const late = memory.recall('a', kind, after.load)
    after.end({ is: 'new' })
    expect(await late).toEqual({ is: 'new' })
    before.end({ is: 'old' })
    expect(await early).toEqual({ is: 'old' })
    expect(await memory.recall('a', kind, () => Promise.reject(new Error('read again')))).toEqual({ is: 'new' })
  })

  test('reads again after a failure, and after finding nothing', async () => {
    const { memory } = newMemory()
    await expect(memory.recall('a', kind, () => Promise.reject(new Error('away')))).rejects.toThrow('away')
    expect(await memory.recall('a', kind, async () => undefined)).toBeUndefined()
    expect(await memory.recall('a', kind, async () => ({ is: 'there' }))).toEqual({ is: 'there' })
  })

  test('looks again after five seconds in which nothing was heard', async () => {
    const { colours, time, memory, reads } = newMemory()
    await colours()
    time.ms = 5000
    await colours()
    expect(reads).toHaveLength(1)
    memory.caughtUp(4000)
    time.ms = 9000
    await colours()
    expect(reads).toHaveLength(1)
    time.ms = 9001
    await colours()
    expect(reads).toHaveLength(2)
    memory.forgetAll()
    await colours()
    expect(reads).toHaveLength(3)
  })

  test('lets a transaction that changes something read it by itself, and keeps nothing of that', async () => {
    const { colours, within, reads, open, tell } = newMemory()
    const first = await colours()
    expect(await within()).toBe(first)
    open.add('Shade a')
    const own = await within()
    expect(own).not.toBe(first)
    expect(await within()).not.toBe(own)
    // nobody else sees it yet
    expect(await colours()).toBe(first)
    open.clear()
    tell('Shade a')
    expect([first, own]).not.toContain(await within())
    expect(reads).toHaveLength(4)
    expect(await colours()).toBe(await within())
    expect(reads).toHaveLength(4)
  })

  test('does not share what a transaction is reading, and keeps it only if it did not change it meanwhile', async () => {
    const { memory, colours, open } = newMemory(),
      { load, end } = slow()
    const inside = memory.recallWithin('a', kind, load)
    const outside = await colours()
    open.add('Colour a')
    end({ is: 'own' })
    expect(await inside).toEqual({ is: 'own' })
    open.clear()
    expect(await colours()).toBe(outside)
  })

  test('keeps the environments that were asked for last', async () => {
    const { colours, reads } = newMemory(2)
    for (const id of ['a', 'b', 'a', 'c', 'a']) await colours(id)
    expect(reads).toEqual(['a', 'b', 'c'])
    await colours('b')
    expect(reads).toEqual(['a', 'b', 'c', 'b'])
  })

  test('gives out what nobody can change', async () => {
    const { memory } = newMemory()
    const value = await memory.recall('a', kind, async () => ({
      list: [{ deep: { number: 1 } }],
      map: new Map([['key', { list: [1] }]]),
    }))
    const changes = [
      () => value.list.push({ deep: { number: 2 } }),
      () => (value.list[0]!.deep.number = 2),
      () => value.map.get('key')!.list.push(2),
    ]
    for (const change of changes) expect(change).toThrow(TypeError)
  })
})
