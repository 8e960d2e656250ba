// npm run statements
// Writes smaller numbers of statements, and those of new operations, into apps/server/test/statements.json.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const { status } = spawnSync(
  'npx',
  ['vitest', 'run', '--project', 'server', 'apps/server/test/statement-budget.test.ts'],
  {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: 'inherit',
    env: { ...process.env, STATEMENTS: 'write' },
  },
)
process.exit(status ?? 1)
