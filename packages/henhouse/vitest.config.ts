import { defineConfig } from 'vitest/config'

/** Tests of the package as it is installed: `npm run test:package` packs it first. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['test/**/*.installed.ts'],
    testTimeout: 120_000,
    hookTimeout: 180_000,
  },
})
