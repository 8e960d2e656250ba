import type { Job } from './kernel/jobs.ts'

/** Everything that the server does later. */
export const jobs: readonly Job[] = []
