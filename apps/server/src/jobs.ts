import { invitationJobs } from './areas/invitations/invitations.service.ts'
import { mailJobs } from './areas/mail/mail.jobs.ts'
import { membershipJobs } from './areas/memberships/memberships.service.ts'
import { passwordJobs } from './areas/passwords/breached.service.ts'
import { roleJobs } from './areas/roles/roles.service.ts'
import { smsJobs } from './areas/sms/sms.jobs.ts'
import { tenantMigrationJobs } from './areas/tenant-migrations/tenant-migrations.jobs.ts'
import { tenantJobs } from './areas/tenants/deletion.service.ts'
import { movingJobs } from './areas/user-bulk/moving.service.ts'
import { userBulkJobs } from './areas/user-bulk/user-bulk.jobs.ts'
import type { Job } from './kernel/jobs.ts'

/** Everything that the server does later. */
export const jobs: readonly Job[] = [
  ...invitationJobs,
  ...mailJobs,
  ...membershipJobs,
  ...movingJobs,
  ...passwordJobs,
  ...roleJobs,
  ...smsJobs,
  ...tenantJobs,
  ...tenantMigrationJobs,
  ...userBulkJobs,
]
