import { describe, expect, test } from 'vitest'
import { Fault, LIMITS, runScript } from './index.ts'

const faultOf = (script: string, input: unknown = {}, limits = LIMITS) =>
  runScript(script, input, { limits }).then(
    (value) => expect.fail(`no fault, but ${JSON.stringify(value)}`),
    (error: unknown) => {
      if (!(error instanceof Fault)) throw error
      return error
    },
  )
const body = (code: string) => `async function onEvent(input) { ${code} }`

describe('a script', () => {
  test.each([
    ['a function', 'function onEvent({ a }) { return { sum: a + 1 } }'],
    [
      'an async function',
      'async function onEvent({ a }) { await null; return { sum: (await Promise.resolve(a)) + 1 } }',
    ],
    ['a constant', 'const onEvent = ({ a }) => ({ sum: a + 1 })'],
    ['an exported function', 'module.exports = async ({ a }) => ({ sum: a + 1 })'],
  ])('answers by %s', async (_, script) => {
    expect(await runScript(script, { a: 41 })).toEqual({ sum: 42 })
  })

  test('that returns nothing answers null', async () => {
    expect(await runScript(body(''), {})).toBeNull()
  })

  test('says what went wrong in it', async () => {
    expect(await faultOf(body('throw new Error("no such user")'))).toMatchObject({
      kind: 'error',
      message: 'no such user',
    })
    expect(await faultOf('function (')).toMatchObject({ kind: 'error' })
    expect(await faultOf('1 + 1')).toMatchObject({ kind: 'error', message: 'the script has no function onEvent' })
    expect(await faultOf(body('throw { toString() { return "x" } }'))).toMatchObject({ kind: 'error' })
    expect(await faultOf(body('throw "x".repeat(1000)'))).toMatchObject({ kind: 'error', message: 'x'.repeat(300) })
    expect(await faultOf(body('throw "x".repeat(1000000)'))).toMatchObject({
      kind: 'error',
      message: 'a very long text',
    })
  })
})

describe('a script that tries to get out', () => {
  test('finds none of the host', async () => {
    const names = [
      ...[
        'process',
        'require',
        'Buffer',
        'fetch',
        'XMLHttpRequest',
        'WebSocket',
        'console',
        'setTimeout',
        'setInterval',
      ],
      ...[
        'queueMicrotask',
        'WebAssembly',
        'Worker',
        'postMessage',
        'parentPort',
        'std',
        'os',
        'print',
        'navigator',
        'global',
      ],
      ...['Deno', 'Bun', 'performance', 'crypto', '__dirname', 'structuredClone'],
    ]
    const found = await runScript(
      body(`return input.names.filter((name) => typeof globalThis[name] !== 'undefined')`),
      {
        names,
      },
    )
    expect(found).toEqual([])
  })

  test.each([
    '(() => {}).constructor',
    'input.constructor.constructor',
    'Object.getPrototypeOf(async () => {}).constructor',
    'input.list.at.constructor',
    'new Error().constructor.constructor',
    '(0, eval)("Function")',
  ])('makes no function of the host by %s', async (maker) => {
    expect(
      await runScript(body(`return await ${maker}('return typeof process + typeof require')()`), { list: [] }),
    ).toBe('undefinedundefined')
  })

  test('cannot call what such a function would need', async () => {
    for (const code of [
      `return input.constructor.constructor('return process.env')()`,
      `return (0, eval)('process.env')`,
      `return await import('node:fs')`,
      `return await import('std')`,
    ])
      expect(await faultOf(body(code)), code).toMatchObject({ kind: 'error' })
  })

  test('leaves nothing behind for the next', async () => {
    await runScript(
      `globalThis.secret = 1; Object.prototype.secret = 2; JSON.stringify = () => '"mine"'; function onEvent() {}`,
      {},
    )
    for (let i = 0; i < 4; i++)
      expect(await runScript(body('return [typeof globalThis.secret, typeof ({}).secret]'), {})).toEqual([
        'undefined',
        'undefined',
      ])
  })

  test('gives nothing but plain values', async () => {
    expect(
      await runScript(
        body(
          `return { f() {}, u: undefined, n: NaN, s: Symbol(), d: new Date(0), get g() { return 7 }, p: new Proxy({}, {}) }`,
        ),
        {},
      ),
    ).toEqual({ n: null, d: '1970-01-01T00:00:00.000Z', g: 7, p: {} })
    const poisoned = (await runScript(
      `JSON.stringify = () => '{"__proto__":{"isAdmin":true},"constructor":1}'; function onEvent() {}`,
      {},
    )) as Record<string, unknown>
    expect(Object.getPrototypeOf(poisoned)).toBe(Object.prototype)
    expect(poisoned['isAdmin']).toBeUndefined()
    expect(({} as Record<string, unknown>)['isAdmin']).toBeUndefined()
  })

  test.each([
    ['no text', `JSON.stringify = () => ({}); function onEvent() {}`],
    ['no JSON', `JSON.stringify = () => 'no json'; function onEvent() {}`],
    ['a loop', body(`const a = {}; a.a = a; return a`)],
    ['a big integer', body(`return 10n`)],
    [
      'a text that lies about its length',
      `JSON.stringify = () => Object.assign([], { length: 1 }); function onEvent() {}`,
    ],
  ])('fails when its result is %s', async (_, script) => {
    expect(['result', 'error']).toContain((await faultOf(script)).kind)
  })

  test('cannot make the outside wait by a promise of its own kind', async () => {
    for (const script of [
      body(`return new Promise(() => {})`),
      body(`return { then() {} }`),
      `Promise.resolve = () => ({ then: () => ({}) }); function onEvent() {}`,
      `Promise.prototype.then = () => 7; function onEvent() {}`,
    ])
      expect(['error', 'result', 'memory'], script).toContain((await faultOf(script)).kind)
  })
})

describe('a script that uses up what it has', () => {
  const quick = { ...LIMITS, timeMs: 150 }
  test.each([
    ['loops', body(`while (true);`)],
    ['loops before it is called', `for (;;);`],
    ['loops and catches', body(`while (true) try { while (true); } catch {} finally { while (true); }`)],
    ['never ends its jobs', body(`const again = () => Promise.resolve().then(again); await again()`)],
    ['goes on in a getter of its error', body(`throw { get message() { while (true); } }`)],
    ['goes on in its result', body(`return { toJSON() { while (true); } }`)],
    ['matches for ever', body(`return /^(a+)+$/.test('a'.repeat(40) + '!')`)],
    ['sorts for ever', body(`return [1, 2, 3].sort(() => { while (true); })`)],
    ['has a proxy for ever', body(`return Object.keys(new Proxy({}, { ownKeys() { while (true); } }))`)],
    ['goes on in a built-in', body(`return new Array(1e9).fill(0).map((x) => x + 1).length`)],
    ['counts very far', body(`return String(3n ** 3n ** 15n).length`)],
    ['waits', body(`Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1e9)`)],
  ])('is stopped when it %s', { timeout: 20_000 }, async (_, script) => {
    const began = performance.now()
    const { kind } = await faultOf(script, {}, quick)
    expect(['time', 'memory', 'error']).toContain(kind)
    // it may have to be ended from outside
    expect(performance.now() - began).toBeLessThan(6000)
    expect(await runScript(body('return 1'), {})).toBe(1)
  })

  test.each([
    ['fills lists', body(`const all = []; while (true) all.push(new Array(1000).fill(1.5))`)],
    ['grows a text', body(`let s = 'x'; while (true) s += s`)],
    ['asks for a huge text', body(`return 'x'.repeat(2 ** 29).length + 'y'.padStart(2 ** 29).length`)],
    ['asks for a huge buffer', body(`return new ArrayBuffer(2 ** 31 - 1).byteLength`)],
    ['calls itself', body(`const f = () => f() + 1; return f()`)],
    ['calls itself in a built-in', body(`const f = () => [1].map(f); return f()`)],
    ['nests its result', body(`let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return a`)],
    ['nests an expression', body(`return eval('('.repeat(1e5) + ')'.repeat(1e5))`)],
    ['nests a pattern', body(`return new RegExp('('.repeat(1e5) + ')'.repeat(1e5)).test('')`)],
    ['nests JSON', body(`return JSON.parse('['.repeat(1e5) + ']'.repeat(1e5))`)],
  ])('is stopped when it %s', { timeout: 20_000 }, async (_, script) => {
    expect(['memory', 'error', 'time', 'result']).toContain((await faultOf(script)).kind)
    expect(await runScript(body('return 1'), {})).toBe(1)
  })

  test('fails when its result is too long', async () => {
    expect(await faultOf(body(`return 'x'.repeat(LIMIT)`.replace('LIMIT', String(LIMITS.resultLength))))).toMatchObject(
      {
        kind: 'result',
        message: 'its result is too long',
      },
    )
  })

  test('holds up neither this thread nor, for long, the others', { timeout: 30_000 }, async () => {
    let ticks = 0
    const timer = setInterval(() => ticks++, 5)
    const all = await Promise.allSettled([
      ...Array.from({ length: 4 }, () => runScript(body('while (true);'), {}, { limits: quick })),
      runScript(body('return "late"'), {}),
    ])
    clearInterval(timer)
    expect(all.map(({ status }) => status)).toEqual([...Array.from({ length: 4 }, () => 'rejected'), 'fulfilled'])
    expect(ticks).toBeGreaterThan(20)
  })

  test('holds up nobody but its owner', { timeout: 30_000 }, async () => {
    const busy = Promise.allSettled(
      Array.from({ length: 5 }, () => runScript(body('while (true);'), {}, { owner: 'busy', limits: quick })),
    )
    let isOver = false
    void busy.then(() => (isOver = true))
    expect(await runScript(body('return "soon"'), {}, { owner: 'other' })).toBe('soon')
    expect(isOver).toBe(false)
    expect((await busy).every(({ status }) => status === 'rejected')).toBe(true)
  })

  test('gets no more memory by small steps, of whatever kind', { timeout: 60_000 }, async () => {
    const before = process.memoryUsage.rss()
    let most = 0
    const timer = setInterval(() => (most = Math.max(most, process.memoryUsage.rss() - before)), 5)
    for (const grow of [
      'new ArrayBuffer(1e6)',
      'new Uint8Array(1e5)',
      'new SharedArrayBuffer(1e6)',
      `'x'.repeat(1e6) + all.length`,
    ])
      expect((await faultOf(body(`const all = []; for (;;) all.push(${grow})`))).kind).toMatch(
        /^(?:memory|error|time)$/,
      )
    clearInterval(timer)
    expect(most).toBeLessThan(250e6)
  })

  test('is refused when very many are waiting', { timeout: 30_000 }, async () => {
    const all = await Promise.allSettled(Array.from({ length: 60 }, (_, i) => runScript(body('return input'), i)))
    const refused = all.filter(({ status }) => status === 'rejected')
    // one of them runs
    expect(refused.length).toBe(60 - 33)
    expect(refused.every((one) => ((one as PromiseRejectedResult).reason as Fault).kind === 'busy')).toBe(true)
    expect(await runScript(body('return input'), 'again')).toBe('again')
  })
})
