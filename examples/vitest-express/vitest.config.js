import { defineConfig } from 'vitest/config'

export default defineConfig({
  // one emulator for the whole run; each test makes an environment in it
  test: { globalSetup: 'henhouse/global-setup' },
})
