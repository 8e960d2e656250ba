import { approvalJobs, approvalRubbish } from './areas/people/approval-flows/executions.service.ts'
import { auth0Jobs } from './areas/onboarding/imports/auth0.jobs.ts'
import { importJobs } from './areas/onboarding/imports/imports.jobs.ts'
import { importRubbish } from './areas/onboarding/imports/imports.service.ts'
import { invitationJobs } from './areas/onboarding/invitations/invitations.service.ts'
import { mailJobs } from './areas/delivery/mail/mail.jobs.ts'
import { membershipJobs } from './areas/people/memberships/memberships.service.ts'
import { forgottenJobs } from './areas/sign-in/passwords/forgotten.service.ts'
import { passwordJobs } from './areas/sign-in/passwords/breached.service.ts'
import { roleJobs } from './areas/rights/roles/roles.service.ts'
import { smsJobs } from './areas/delivery/sms/sms.jobs.ts'
import { webhookJobs } from './areas/delivery/webhooks/webhooks.jobs.ts'
import { webhookRubbish } from './areas/delivery/webhooks/webhooks.service.ts'
import { tenantMigrationJobs } from './areas/accounts/tenant-migrations/tenant-migrations.jobs.ts'
import { tenantJobs } from './areas/accounts/tenants/deletion.service.ts'
import { movingJobs } from './areas/onboarding/user-bulk/moving.service.ts'
import { userBulkJobs } from './areas/onboarding/user-bulk/user-bulk.jobs.ts'
import { apiRefreshTokenRubbish } from './areas/machines/api-tokens/exchange.service.ts'
import { refreshTokenRubbish } from './areas/access/tokens/refresh-tokens.service.ts'
import { sessionRubbish } from './areas/access/sessions/sessions.service.ts'
import { rememberedDeviceRubbish } from './areas/sign-in/mfa/remembered-devices.service.ts'
import type { Rubbish } from './kernel/cleanup.ts'
import type { Job } from './kernel/jobs.ts'

/** Everything that the server does later. */
export const jobs: readonly Job[] = [
  ...approvalJobs,
  ...auth0Jobs,
  ...forgottenJobs,
  ...importJobs,
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
  ...webhookJobs,
]

/** Everything that it deletes once it is no longer needed. */
export const rubbish: readonly Rubbish[] = [
  apiRefreshTokenRubbish,
  approvalRubbish,
  importRubbish,
  refreshTokenRubbish,
  rememberedDeviceRubbish,
  sessionRubbish,
  webhookRubbish,
]
