import { defineConfig } from 'vitest/config'

/** Unmodified clients of the vendor in a browser: `npm run test:examples`. They are installed in a temporary folder. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['*.browser.ts'],
    testTimeout: 60_000,
    hookTimeout: 240_000,
  },
})
