// Bundles a TypeScript program and this repository's sources that it uses into one JavaScript file. The bundle starts in a quarter
// of the time that loading the sources one by one takes. It is rebuilt when a source has changed.
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const CACHE = join(root, 'node_modules/.cache/henhouse')
// TypeBox comes in 700 files
const BUNDLED = /^(@henhouse\/|typebox(\/|$))/
/** Old bundles are deleted only after this time, as a program that is just starting still needs its file. */
const OLD_MS = 60_000

/** Returns the path of a program's bundle. */
export async function bundle(entry) {
  const source = resolve(entry),
    name = basename(entry).replace(/\.\w+$/, ''),
    id = `${name}-${hash(source)}`
  const manifest = join(CACHE, `${id}.json`)
  const known = read(manifest)
  if (known && isFresh(known)) return known.file
  const folder = freshFolder(id),
    file = join(folder, `${name}.mjs`)
  const inputs = await build([source], folder, '.mjs')
  const state = { file, stamps: Object.fromEntries([...inputs, ...others()].map((path) => [path, stamp(path)])) }
  try {
    // a program that starts at the same time reads either the old or the new manifest
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify(state))
    renameSync(join(folder, 'manifest.json'), manifest)
    removeOlder(id, folder)
  } catch {
    // in a read-only folder the bundle is made again next time
  }
  return file
}

const hash = (text) => createHash('sha256').update(text).digest('hex').slice(0, 12)

function read(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}

const isFresh = ({ file, stamps }) =>
  stamp(file) !== null && Object.entries(stamps).every(([path, known]) => stamp(path) === known)

function stamp(path) {
  const found = statSync(path, { throwIfNoEntry: false })
  return found ? `${found.mtimeMs} ${found.size}` : null
}

/** Files that affect a bundle without being part of it: how it is built, and how names resolve. */
function others() {
  const folders = ['apps', 'packages'].flatMap((folder) =>
    readdirSync(join(root, folder)).map((name) => join(root, folder, name)),
  )
  return [
    fileURLToPath(import.meta.url),
    join(root, 'package-lock.json'),
    join(root, 'node_modules/.package-lock.json'),
    ...folders.map((folder) => join(folder, 'package.json')),
  ]
}

function freshFolder(id) {
  try {
    mkdirSync(CACHE, { recursive: true })
    return mkdtempSync(join(CACHE, `${id}.`))
  } catch {
    return mkdtempSync(join(tmpdir(), `henhouse-${id}.`))
  }
}

function removeOlder(id, current) {
  for (const name of readdirSync(CACHE)) {
    const path = join(CACHE, name)
    if (
      name.startsWith(`${id}.`) &&
      name !== `${id}.json` &&
      path !== current &&
      Date.now() - statSync(path).mtimeMs > OLD_MS
    )
      rmSync(path, { recursive: true, force: true })
  }
}

/**
 * Bundles programs into a folder, with what several of them use in files of its own.
 * @returns the sources
 */
export async function build(entries, folder, extension) {
  const esbuild = createRequire(import.meta.url)('esbuild')
  const { metafile, errors } = await esbuild
    .build({
      entryPoints: entries,
      outdir: folder,
      outExtension: { '.js': extension },
      absWorkingDir: root,
      bundle: true,
      splitting: entries.length > 1,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      conditions: ['development'],
      metafile: true,
      sourcemap: 'linked',
      sourcesContent: false,
      logLevel: 'error',
      legalComments: 'none',
      plugins: [packagesStayOutside(folder), filesKnowWhereTheyAre((path) => from(folder, path))],
    })
    .catch((error) => ({ errors: error.errors ?? [error] }))
  await esbuild.stop()
  // esbuild has printed them already
  if (errors.length) process.exit(1)
  return Object.keys(metafile.inputs)
    .filter((path) => !path.includes('node_modules'))
    .map((path) => resolve(root, path))
}

/** Seen from the bundle, so that a built server can be moved with its packages. */
const from = (folder, path) => `./${relative(folder, path).split(sep).join('/')}`

/** Other packages are loaded as usual, from where the importing file finds them. */
const packagesStayOutside = (folder) => ({
  name: 'packages stay outside',
  setup(build) {
    build.onResolve({ filter: /^[^./]/ }, async ({ path, kind, importer, resolveDir, pluginData }) => {
      if (
        pluginData === 'asked' ||
        kind === 'entry-point' ||
        path.startsWith('node:') ||
        BUNDLED.test(path) ||
        importer.includes('node_modules')
      )
        return undefined
      const found = await build.resolve(path, { kind, importer, resolveDir, pluginData: 'asked' })
      if (found.errors.length || found.external) return found
      return { path: from(folder, found.path), external: true }
    })
  },
})

/** @param place where a source is, seen from the bundle */
export const filesKnowWhereTheyAre = (place) => ({
  name: 'files know where they are',
  setup(build) {
    build.onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8')
      if (!text.includes('import.meta.url') || path.includes('node_modules')) return undefined
      const own = `new URL(${JSON.stringify(place(path))}, import.meta.url).href`
      return { contents: text.replaceAll('import.meta.url', own), loader: 'ts' }
    })
  },
})
