import { defineConfig } from 'vitest/config'

// workspace packages are taken from their sources: no build is needed to test
const conditions = ['development']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
})
