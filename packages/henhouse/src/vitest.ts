import { test as base, type TestAPI } from 'vitest'
import { connectHenhouse, type Environment, type Henhouse, type Seed } from './testing.ts'

export interface Fixtures {
  henhouse: Henhouse
  /** the seed of `env`; override it with `test.extend({ seed })` or `test.override` */
  seed: Seed
  /** an environment for this one test */
  env: Environment
}

/** `test` of vitest, with an environment for each test that asks for one. */
export const test: TestAPI<Fixtures> = base.extend<Fixtures>({
  // eslint-disable-next-line no-empty-pattern -- vitest reads off the pattern what a fixture needs
  henhouse: async ({}, use) => use(connectHenhouse()),
  // eslint-disable-next-line no-empty-pattern
  seed: async ({}, use) => use({}),
  env: async ({ henhouse, seed }, use) => {
    const env = await henhouse.environment({ seed })
    await use(env)
    await env.end()
  },
})
