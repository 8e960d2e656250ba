import { startTestDatabase } from '@henhouse/database'
import { generateKeyPair, type KeyPair } from '@henhouse/jwt'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    databaseUrl: string
    keyPairs: KeyPair[]
  }
}

/** One database for a run; every test makes its own environment in it. They share a few key pairs, as making one is slow. */
export default async function setup(project: TestProject) {
  const [database, ...keyPairs] = await Promise.all([
    startTestDatabase(),
    ...Array.from({ length: 4 }, generateKeyPair),
  ])
  project.provide('databaseUrl', database.url)
  project.provide('keyPairs', keyPairs)
  return () => database.stop()
}
