import { mailJobs } from './areas/mail/mail.jobs.ts'
import { membershipJobs } from './areas/memberships/memberships.service.ts'
import type { Job } from './kernel/jobs.ts'

/** Everything that the server does later. */
export const jobs: readonly Job[] = [
  ...mailJobs,
  ...membershipJobs,
]
