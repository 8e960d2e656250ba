// node scripts/run.mjs [--watch] <file.ts> [arguments]
// Runs a TypeScript program of this repository: its bundle, which is rebuilt when a source has changed, or with --watch the
// sources themselves. Brings the Prisma client up to date first.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const require = createRequire(import.meta.url)

const watch = process.argv[2] === '--watch'
const [file, ...rest] = process.argv.slice(watch ? 3 : 2)
if (!file) stop('Usage: node scripts/run.mjs [--watch] <file.ts> [arguments]')
if (!existsSync(join(root, 'node_modules'))) stop('The dependencies are missing: run `npm ci` first')
if (!isClientFresh()) generateClient()
endWithNpm()
if (watch) follow()
else await run()

/** The generated client contains the text of the schema that it was made from. */
function isClientFresh() {
  try {
    const generated = readFileSync(join(root, 'packages/database/src/generated/internal/class.ts'), 'utf8')
    const [, version] = /"clientVersion": "(.*)"/.exec(generated)
    const schema = squeezed(JSON.parse(/"inlineSchema": (".*")/.exec(generated)[1]))
    const files = schemaFiles()
    return (
      version === require('prisma/package.json').version &&
      files.every((text) => schema.includes(text)) &&
      // catches a deleted file: the lengths differ then
      schema.length === files.reduce((sum, text) => sum + text.length, 0)
    )
  } catch {
    return false
  }
}

/** Removes whitespace, as Prisma aligns columns. */
function squeezed(text) {
  return text.replaceAll(/\s+/g, '')
}

function schemaFiles() {
  const folder = join(root, 'prisma')
  const names = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.prisma'))
  return names.map((name) => squeezed(readFileSync(join(folder, name), 'utf8')))
}

function generateClient() {
  const result = spawnSync(process.execPath, [require.resolve('prisma/build/index.js'), 'generate'], {
    cwd: root,
    encoding: 'utf8',
  })
  if (result.status !== 0) stop(`prisma generate failed:\n${result.stdout}${result.stderr}`)
}

/** A signal to npm ends the shell between npm and us, and the shell passes nothing on. So this checks whether the parent is gone. */
function endWithNpm() {
  const { ppid } = process
  if (!process.env.npm_lifecycle_event) return
  const timer = setInterval(() => {
    if (process.ppid === ppid) return
    clearInterval(timer)
    process.kill(process.pid, 'SIGTERM')
  }, 500).unref()
}

async function run() {
  const { bundle } = await import('./bundle.mjs')
  const program = await bundle(file)
  process.argv = [process.execPath, program, ...rest]
  process.setSourceMapsEnabled(true)
  await import(pathToFileURL(program).href)
}

/** Runs the sources, again whenever one of them changes. */
function follow() {
  const tsx = [
    join(require.resolve('tsx/package.json'), '../dist/cli.mjs'),
    'watch',
    '--clear-screen=false',
    '--conditions=development',
    // it says how JSX is compiled; nothing else needs a configuration here
    `--tsconfig=${join(root, 'apps/login/tsconfig.json')}`,
  ]
  const child = spawn(process.execPath, ['--import', followUs(), ...tsx, file, ...rest], {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
  })
  child.stdio[3].on('error', () => {}).unref()
  child.on('error', (error) => stop(error.message))
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))

  // Ctrl-C in a terminal reaches the child, too; a second signal could make it stop without cleaning up
  const atTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      if (signal === 'SIGTERM' || !atTerminal) child.kill(signal)
    })
  }
}

/** A module that ends the child when this process ends for any reason: the pipe at file descriptor 3 closes then. */
function followUs() {
  const script = `
    import { Socket } from 'node:net'
    import { isMainThread } from 'node:worker_threads'
    if (isMainThread && process.ppid === ${process.pid}) {
      const pipe = new Socket({ fd: 3 })
      pipe.on('end', () => process.kill(process.pid, 'SIGTERM')).on('error', () => {}).resume().unref()
    }`
  return `data:text/javascript,${encodeURIComponent(script)}`
}

function stop(message) {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}
