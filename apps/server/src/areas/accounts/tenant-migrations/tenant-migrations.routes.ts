import { Type } from 'typebox'
import { operation } from '../../../kernel/operation.ts'
import { Id } from '../../../kernel/validation.ts'
import { tenantMigrationErrors } from './tenant-migrations.errors.ts'
import { Migration, MigrationStatus } from './tenant-migrations.schemas.ts'
import * as tenantMigrations from './tenant-migrations.service.ts'

const path = '/tenants/resources/migrations/v1/tenants',
  tag = 'Account Migration'

export const tenantMigrationsRoutes = [
  operation({
    id: 'migrateTenantsV1',
    method: 'POST',
    path,
    summary: 'Create accounts with given ids, in the background',
    tag,
    auth: 'vendor',
    audit: 'tenant.migrationStarted',
    body: Migration,
    returns: { 202: Type.Object({ migrationId: Id }) },
    handler: (ctx, { body }) => tenantMigrations.start(ctx, body.tenants),
  }),
  operation({
    id: 'getTenantMigrationV1',
    method: 'GET',
    path: `${path}/status/{migrationId}`,
    summary: 'Read how far a migration of accounts has come',
    tag,
    auth: 'vendor',
    params: Type.Object({ migrationId: Id }),
    returns: { 200: MigrationStatus },
    errors: [tenantMigrationErrors.notFound],
    handler: (ctx, { params }) => tenantMigrations.status(ctx, params.migrationId),
  }),
]
