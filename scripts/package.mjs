// node scripts/package.mjs
// Builds the package `henhouse` into packages/henhouse/dist: the emulator with everything that it loads, the command line, and what
// test runners import. Only packages with binaries stay packages; so there is little to install, and nothing is built or downloaded
// at its user's.
import { execFileSync } from 'node:child_process'
import { cpSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import esbuild from 'esbuild'
import { filesKnowWhereTheyAre } from './bundle.mjs'

const root = fileURLToPath(new URL('..', import.meta.url)),
  home = join(root, 'packages/henhouse'),
  dist = join(home, 'dist'),
  require = createRequire(import.meta.url)
const { version, dependencies, optionalDependencies, peerDependencies } = read(join(home, 'package.json'))

/** A package that is loaded when it is first needed; it is part of the bundle, and still runs only then. */
const lateRequiresAreBundled = () => ({
  name: 'late requires are bundled',
  setup(build) {
    build.onLoad({ filter: /[\\/]kernel[\\/]log\.ts$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8'),
        contents = text.replace("createRequire(import.meta.url)('pino-pretty')", "require('pino-pretty')")
      if (contents === text) throw new Error(`${path} no longer loads pino-pretty as it did`)
      return { contents, loader: 'ts' }
    })
  },
})

/** As in this repository, below `dist`; the package's own sources are what `dist` is of. */
const placeInPackage = (path) =>
  `./${path.startsWith(home) ? basename(path) : relative(root, path).split(sep).join('/')}`

sameVersionsAsHere()
rmSync(dist, { recursive: true, force: true })
const inputs = await Promise.all([programs(), forTests('esm'), forTests('cjs'), sandboxThread()])
await esbuild.stop()
copyFiles()
writeFileSync(join(dist, 'THIRD-PARTY-LICENSES.txt'), licences(inputs.flat()))
execFileSync(process.execPath, [require.resolve('typescript/bin/tsc'), '-p', join(home, 'tsconfig.types.json')], {
  stdio: 'inherit',
})

function read(path) {
  return JSON.parse(readFileSync(path, 'utf8'))
}

/** What the package asks for is what the tests here have run with. */
function sameVersionsAsHere() {
  const { packages, version: current } = read(join(root, 'package-lock.json'))
  if (version !== current) throw new Error(`packages/henhouse is version ${version}, and this repository is ${current}`)
  for (const [name, version] of Object.entries({ ...dependencies, ...optionalDependencies })) {
    const locked = packages[`node_modules/${name}`]?.version
    if (locked !== version) throw new Error(`packages/henhouse asks for ${name} ${version}, and the lock has ${locked}`)
  }
}

async function build(options) {
  const { metafile } = await esbuild.build({
    outdir: dist,
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    target: 'node20',
    conditions: ['development'],
    minifySyntax: true,
    minifyWhitespace: true,
    // names stay, for stacks and error classes
    metafile: true,
    logLevel: 'error',
    legalComments: 'none',
    ...options,
  })
  return Object.keys(metafile.inputs)
}

/** In the package, the few files that are read at run time lie below `dist` as they lie in this repository. */
function programs() {
  return build({
    entryPoints: {
      cli: 'packages/henhouse/src/cli.ts',
      emulator: 'apps/server/src/programs/emulator.ts',
      child: 'packages/henhouse/src/child.ts',
    },
    format: 'esm',
    // no splitting: it loses the names that CommonJS packages export to `import()`
    outExtension: { '.js': '.mjs' },
    // what CommonJS packages expect
    banner: {
      js: `import{createRequire as __createRequire}from'node:module';import{fileURLToPath as __fileURLToPath}from'node:url';const require=__createRequire(import.meta.url),__filename=__fileURLToPath(import.meta.url),__dirname=__fileURLToPath(new URL('.',import.meta.url));`,
    },
    external: [...Object.keys({ ...dependencies, ...optionalDependencies }), 'pg-native'],
    plugins: [lateRequiresAreBundled(), filesKnowWhereTheyAre(placeInPackage)],
  })
}

function forTests(format) {
  const names = ['testing', 'client', 'global-setup', 'playwright', ...(format === 'esm' ? ['vitest'] : [])]
  return build({
    entryPoints: names.map((name) => `packages/henhouse/src/${name}.ts`),
    format,
    external: Object.keys(peerDependencies),
    splitting: format === 'esm',
    chunkNames: 'shared-[hash]',
    outExtension: { '.js': format === 'esm' ? '.mjs' : '.cjs' },
    ...(format === 'cjs' && {
      define: { 'import.meta.url': '__url' },
      banner: { js: `const __url=require('node:url').pathToFileURL(__filename).href;` },
    }),
  })
}

/** A thread starts from a file of its own, with the engine beside it. */
function sandboxThread() {
  return build({
    entryPoints: ['packages/sandbox/worker.mjs'],
    outdir: join(dist, 'packages/sandbox'),
    format: 'esm',
    outExtension: { '.js': '.mjs' },
  })
}

function copyFiles() {
  const copy = (from, to) => cpSync(join(root, from), join(dist, to ?? from), { recursive: true })
  copy('prisma/migrations')
  for (const name of ['style.css', 'script.js']) copy(`apps/login/src/${name}`)
  copy(
    'node_modules/@jitl/quickjs-wasmfile-release-sync/dist/emscripten-module.wasm',
    'packages/sandbox/emscripten-module.wasm',
  )
  copy('LICENSE')
}

/** The texts that those whose code is part of the bundles ask to go with it. */
function licences(paths) {
  const folders = new Set(
    paths.flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0] ?? []).sort(),
  )
  return [...folders]
    .map((folder) => {
      const { name, version, license } = read(join(root, folder, 'package.json'))
      const file = readdirSync(join(root, folder)).find((entry) => /^(licen[cs]e|copying)/i.test(entry))
      const text = file ? readFileSync(join(root, folder, file), 'utf8').trim() : `License: ${license}`
      return `${name} ${version}\n\n${text}\n`
    })
    .join(`\n${'-'.repeat(80)}\n\n`)
}
