import { permissionsRoutes } from './areas/permissions/permissions.routes.ts'
import { rolesRoutes } from './areas/roles/roles.routes.ts'
import type { Operation } from './kernel/operation.ts'

/** The table of contents: everything that the server can be asked. */
export const operations: readonly Operation[] = [
  ...permissionsRoutes,
  ...rolesRoutes,
]
