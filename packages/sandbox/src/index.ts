/*
 * Runs scripts that somebody else has written, in QuickJS compiled to WebAssembly, in a thread of its own.
 *
 * A script sees the language and its arguments, and nothing else: no network, files, timers, modules or objects of ours. What
 * goes in and comes out is the text of JSON. Each run has a fresh instance of the engine. It is stopped when its time or memory
 * is used up; a thread that does not stop by itself is ended from outside.
 */
import { Worker } from 'node:worker_threads'

export interface Limits {
  /** milliseconds */
  readonly timeMs: number
  readonly memoryBytes: number
  /** characters of the JSON that comes out */
  readonly resultLength: number
}
export const LIMITS: Limits = { timeMs: 2000, memoryBytes: 16 * 1024 * 1024, resultLength: 65_536 }

/**
 * `error`: the script threw, or is none; `time`, `memory`, `result`: it went beyond a limit; `busy`: too many others run.
 */
export type FaultKind = 'error' | 'time' | 'memory' | 'result' | 'busy'
export class Fault extends Error {
  override readonly name = 'Fault'
  readonly kind: FaultKind
  /** @param message by the script, for `error`: it may hold anything that the script was given */
  constructor(kind: FaultKind, message: string) {
    super(message)
    this.kind = kind
  }
}

/** Threads at once; a script may keep one of the machine's cores busy for the time of its limit. */
const MOST_THREADS = 2
/** An owner has one thread at most, so that its scripts do not hold up those of others. */
const MOST_WAITING = { ofOne: 32, ofAll: 128 }
/** How long a thread may take to start, and to notice that its time is over. */
const GRACE_MS = 2000

export interface Options {
  /** Whose script it is. */
  readonly owner?: string
  readonly limits?: Limits
}
interface Task {
  readonly owner: string
  readonly script: string
  readonly input: string
  readonly limits: Limits
  readonly done: (outcome: Outcome) => void
}
type Outcome = { readonly result: string } | { readonly kind: FaultKind; readonly message: string }

const idle: Worker[] = [],
  waiting: Task[] = [],
  running = new Set<string>()
let threads = 0

/**
 * The result of the script's function, a JSON value: that of the function `onEvent`, or of the one in `module.exports`. It is
 * called with `input`, and may be async.
 * @throws Fault
 */
export async function runScript(
  script: string,
  input: unknown,
  { owner = '', limits = LIMITS }: Options = {},
): Promise<unknown> {
  const outcome = await new Promise<Outcome>((done) => {
    const isFull =
      waiting.length >= MOST_WAITING.ofAll || waiting.filter((one) => one.owner === owner).length >= MOST_WAITING.ofOne
    if (isFull) return done({ kind: 'busy', message: 'too many scripts run at once' })
    waiting.push({ owner, script, input: JSON.stringify(input), limits, done })
    goOn()
  })
  if ('kind' in outcome) throw new Fault(outcome.kind, outcome.message)
  return parsed(outcome.result)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Fault('result', 'its result is no JSON')
  }
}

/** Begins the scripts that have waited longest, of owners that have none under way. */
function goOn() {
  while (idle.length || threads < MOST_THREADS) {
    const at = waiting.findIndex(({ owner }) => !running.has(owner))
    if (at < 0) return
    begin(idle.pop() ?? newThread(), waiting.splice(at, 1)[0]!)
  }
}

function newThread() {
  threads++
  const worker = new Worker(new URL('../worker.mjs', import.meta.url), {
    // no variables, flags or loaders of this process
    env: {},
    argv: [],
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 16 },
  })
  worker.unref()
  return worker
}

function begin(worker: Worker, { owner, script, input, limits, done }: Task) {
  running.add(owner)
  const timer = setTimeout(() => end({ kind: 'time', message: 'it ran too long' }, false), limits.timeMs + GRACE_MS)
  function end(outcome: Outcome, isGood: boolean) {
    clearTimeout(timer)
    worker.removeAllListeners()
    // an error of a thread that is being ended is nobody's
    worker.on('error', () => {})
    running.delete(owner)
    if (isGood) idle.push(worker)
    else {
      threads--
      void worker.terminate()
    }
    done(outcome)
    goOn()
  }
  worker.removeAllListeners()
  worker.once('message', (outcome: Outcome) => end(outcome, true))
  // it has used up what a thread may have
  worker.once('error', () => end({ kind: 'memory', message: 'it needed too much memory' }, false))
  worker.once('exit', () => end({ kind: 'memory', message: 'it needed too much memory' }, false))
  worker.postMessage({ script, input, limits })
}
