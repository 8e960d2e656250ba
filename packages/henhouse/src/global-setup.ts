import { globalSetup } from './testing.ts'

/* One emulator for the whole test run: `globalSetup: 'henhouse/global-setup'` in vitest and jest, and in Playwright its resolved path. */
export default globalSetup()
