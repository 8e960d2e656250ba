// npm run fuzz -- [--seed=1] [--requests=20000]
// Sends requests that are changed at random (apps/server/test/fuzz.test.ts). What fails names its seed: the same seed sends
// the same requests.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const option = (name, fallback) =>
  process.argv.find((argument) => argument.startsWith(`--${name}=`))?.slice(name.length + 3) ?? fallback
const { status } = spawnSync('npx', ['vitest', 'run', '--project', 'server', 'apps/server/test/fuzz.test.ts'], {
  cwd: fileURLToPath(new URL('..', import.meta.url)),
  stdio: 'inherit',
  env: {
    ...process.env,
    FUZZ_SEED: option('seed', String(Date.now() % 1e9)),
    FUZZ_REQUESTS: option('requests', '20000'),
  },
})
process.exit(status ?? 1)
