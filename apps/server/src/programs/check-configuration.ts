import { ConfigError, productionConfig } from '../config/config.ts'

/** Says what is wrong with production's configuration before the server is built, which takes longer. */
try {
  productionConfig()
} catch (error) {
  if (!(error instanceof ConfigError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}
