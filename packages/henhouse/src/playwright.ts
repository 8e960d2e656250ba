import { test as base } from '@playwright/test'
import { connectHenhouse, type Environment, type Henhouse, type Seed } from './testing.ts'

export interface Fixtures {
  /** the seed of `env`: `test.use({ seed: … })` */
  seed: Seed
  /** an environment for this one test */
  env: Environment
}

/** `test` of Playwright, with an environment for each test that asks for one. */
export const test = base.extend<Fixtures, { henhouse: Henhouse }>({
  // eslint-disable-next-line no-empty-pattern -- Playwright reads off the pattern what a fixture needs
  henhouse: [async ({}, use) => use(connectHenhouse()), { scope: 'worker' }],
  seed: [{}, { option: true }],
  env: async ({ henhouse, seed }, use) => {
    const env = await henhouse.environment({ seed })
    await use(env)
    await env.end()
  },
})
