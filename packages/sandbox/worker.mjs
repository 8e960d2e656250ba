// A thread that runs scripts of others in QuickJS, one at a time. This file is JavaScript, as a thread starts from a file and the
// programs are bundled: `src/index.ts` finds it beside its own folder.
import { parentPort } from 'node:worker_threads'
import { newQuickJSWASMModuleFromVariant, newVariant, shouldInterruptAfterDeadline } from 'quickjs-emscripten-core'
import variant from '@jitl/quickjs-wasmfile-release-sync'

const STACK_BYTES = 256 * 1024,
  LONGEST_REASON = 300,
  JOBS_AT_ONCE = 1000,
  PAGE_BYTES = 64 * 1024,
  /** what the engine begins with, and has around what a script asks for */
  ENGINE_BYTES = 32 * 1024 * 1024,
  FIRST_PAGES = 256

/** Calls what the script has defined. It may have replaced every built-in: that changes nothing but its own result. */
const CALL = `(input) => {
  const own = typeof onEvent === 'function' ? onEvent : module.exports
  if (typeof own !== 'function') throw new TypeError('the script has no function onEvent')
  return Promise.resolve(own(JSON.parse(input))).then((value) => JSON.stringify(value ?? null))
}`

class Fault extends Error {
  constructor(kind, message) {
    super(message)
    this.kind = kind
  }
}

// one that a script has crashed, or grown, is never used again: each run has an instance, and so a memory, of its own
async function run({ script, input, limits }) {
  // the engine's own limit leaves out some of what buffers take, so the memory that it lives in ends, too
  const wasmMemory = new globalThis.WebAssembly.Memory({
    initial: FIRST_PAGES,
    maximum: Math.ceil((limits.memoryBytes + ENGINE_BYTES) / PAGE_BYTES),
  })
  const quickjs = await newQuickJSWASMModuleFromVariant(newVariant(variant, { wasmMemory })),
    runtime = quickjs.newRuntime(),
    deadline = Date.now() + limits.timeMs
  runtime.setMemoryLimit(limits.memoryBytes)
  runtime.setMaxStackSize(STACK_BYTES)
  runtime.setInterruptHandler(shouldInterruptAfterDeadline(deadline))
  const vm = runtime.newContext()
  /** The value of a result, or the fault that it says. */
  const valueOf = (result) => {
    if (!result.error) return result.value
    throw faultOf(result.error)
  }
  const faultOf = (error) => {
    if (Date.now() >= deadline) return new Fault('time', 'it ran too long')
    const message = textOf(vm.typeof(error) === 'object' ? vm.getProp(error, 'message') : error, LONGEST_REASON)
    return message === 'out of memory' || message === 'stack overflow' || message === 'Maximum call stack size exceeded'
      ? new Fault('memory', 'it needed too much memory')
      : new Fault('error', message ?? 'it threw something that is no error')
  }
  /** A text, cut; undefined for what is none. */
  const textOf = (handle, most) => {
    if (vm.typeof(handle) !== 'string') return undefined
    // a copy of a text of megabytes would be made before it can be cut
    return vm.getNumber(vm.getProp(handle, 'length')) > 100 * most
      ? 'a very long text'
      : vm.getString(handle).slice(0, most)
  }
  valueOf(vm.evalCode('globalThis.module = { exports: {} }; globalThis.exports = module.exports'))
  valueOf(vm.evalCode(script, 'script.js', { type: 'global' }))
  const call = valueOf(vm.evalCode(CALL)),
    promise = valueOf(vm.callFunction(call, vm.undefined, vm.newString(input)))
  while (runtime.hasPendingJob()) {
    valueOf(runtime.executePendingJobs(JOBS_AT_ONCE))
    if (Date.now() >= deadline) throw new Fault('time', 'it ran too long')
  }
  const state = vm.getPromiseState(promise)
  if (state.type === 'pending') throw new Fault('error', 'it waits for something that never comes')
  if (state.type === 'rejected') throw faultOf(state.error)
  if (vm.typeof(state.value) !== 'string') throw new Fault('result', 'its result is no JSON')
  if (vm.getNumber(vm.getProp(state.value, 'length')) > limits.resultLength)
    throw new Fault('result', 'its result is too long')
  return vm.getString(state.value)
}

parentPort.on('message', async (task) => {
  try {
    parentPort.postMessage({ result: await run(task) })
  } catch (error) {
    // the rest is QuickJS itself: what it runs in was used up
    parentPort.postMessage(
      error instanceof Fault
        ? { kind: error.kind, message: error.message }
        : { kind: 'memory', message: 'it needed too much memory' },
    )
  }
})
