import { mailJobs } from './areas/mail/mail.jobs.ts'
import { membershipJobs } from './areas/memberships/memberships.service.ts'
import { tenantMigrationJobs } from './areas/tenant-migrations/tenant-migrations.jobs.ts'
import { userBulkJobs } from './areas/user-bulk/user-bulk.jobs.ts'
import type { Job } from './kernel/jobs.ts'

/** Everything that the server does later. */
export const jobs: readonly Job[] = [
  ...mailJobs,
  ...membershipJobs,
  ...tenantMigrationJobs,
  ...userBulkJobs,
]
