import { eventRubbish, recordChange, recordRefusal } from './areas/rights/events/events.service.ts'
import { sessionOf } from './areas/access/sessions/living.sql.ts'
import { machineOf } from './areas/machines/callers/callers.service.ts'
import * as delegation from './areas/machines/delegation/delegation.service.ts'
import * as impersonation from './areas/machines/delegation/impersonation.service.ts'
import { keysOf } from './areas/rights/held/held.service.ts'
import { reaches } from './areas/rights/held/sub-account-access.service.ts'
import { jobs, rubbish } from './jobs.ts'
import { buildApp, type Watch } from './kernel/app.ts'
import type { ServerDeps } from './kernel/deps.ts'
import { addLoginPages } from './login-pages.ts'
import { operations } from './operations.ts'
import { unserved } from './unserved.ts'

/** The one app: production, the emulator and the tests differ in `deps` only. */
export async function buildServer(deps: ServerDeps, watch?: Watch) {
  const server = await buildApp({
    deps,
    operations,
    unserved,
    jobs,
    rubbish: [...rubbish, eventRubbish(deps.auditDays)],
    record: { change: recordChange, refusal: recordRefusal },
    watch,
    lookups: {
      sessionOf,
      machineOf,
      permissionsOf: async (ctx, userId, tenantId) => (await keysOf(ctx, userId, tenantId)).permissions,
      reaches,
      allowsActing: (ctx, way) => (way === 'impersonation' ? impersonation.isOn(ctx) : delegation.isOn(ctx)),
    },
  })
  addLoginPages(server.http)
  return server
}
