import module from 'node:module'

/* The emulator as the child of a test run: it ends with its parent, however that ends. */

// Node 22.8 and later compile the program once only
;(module as { enableCompileCache?: () => void }).enableCompileCache?.()
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
// built beside this file
await import(new URL('./emulator.mjs', import.meta.url).href)
