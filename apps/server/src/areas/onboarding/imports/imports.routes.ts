import { Type } from 'typebox'
import { errors } from '../../../kernel/errors.ts'
import { operation } from '../../../kernel/operation.ts'
import { Id } from '../../../kernel/validation.ts'
import { tenantErrors } from '../../accounts/tenants/tenants.errors.ts'
import { userErrors } from '../../people/users/users.errors.ts'
import { toUser, User } from '../../people/users/users.schemas.ts'
import * as auth0 from './auth0.service.ts'
import * as csv from './csv.service.ts'
import { importErrors } from './imports.errors.ts'
import {
  Auth0Source,
  CsvForm,
  MigratedUser,
  MigratedUsers,
  MigratedUsersV2,
  MigrationContext,
  MigrationStatus,
} from './imports.schemas.ts'
import * as imports from './imports.service.ts'

const path = '/identity/resources/migrations',
  tag = 'Data Migration'

export const importsRoutes = [
  operation({
    id: 'migrateUserV1',
    method: 'POST',
    path: `${path}/v1/local`,
    summary: 'Bring a user over from another system',
    tag,
    auth: 'vendor',
    body: MigratedUser,
    returns: { 201: User },
    errors: [tenantErrors.notFound, userErrors.usernameTaken, userErrors.phoneNumberTaken],
    handler: async (ctx, { body }) => toUser(await imports.importOne(ctx, body), ctx.caller),
  }),
  operation({
    id: 'migrateUsersV1',
    method: 'POST',
    path: `${path}/v1/local/bulk`,
    summary: 'Bring many users over from another system, in the background',
    tag,
    auth: 'vendor',
    audit: 'import.started',
    body: MigratedUsers,
    returns: { 202: MigrationContext },
    handler: (ctx, { body }) => imports.start(ctx, 'v1', body.users as object[]),
  }),
  operation({
    id: 'migrateUsersV2',
    method: 'POST',
    path: `${path}/v2/local/bulk`,
    summary: 'Bring many users with several addresses over from another system, in the background',
    tag,
    auth: 'vendor',
    audit: 'import.started',
    body: MigratedUsersV2,
    returns: { 202: MigrationContext },
    handler: (ctx, { body }) => imports.start(ctx, 'v2', body.users as object[]),
  }),
  operation({
    id: 'migrateUsersFromCsvV1',
    method: 'POST',
    path: `${path}/v1/local/bulk/csv`,
    summary: 'Bring the users of a CSV file over from another system, in the background',
    tag,
    auth: 'vendor',
    form: CsvForm,
    returns: { 202: MigrationContext },
    errors: [errors.tooLarge, errors.unsupported],
    handler: (ctx) => csv.upload(ctx),
  }),
  operation({
    id: 'getMigrationV1',
    method: 'GET',
    path: `${path}/v1/local/bulk/status/{migrationId}`,
    summary: 'Read how far a migration of users is',
    tag,
    auth: 'vendor',
    params: Type.Object({ migrationId: Id }),
    returns: { 200: MigrationStatus },
    errors: [importErrors.notFound],
    handler: (ctx, { params }) => imports.status(ctx, params.migrationId),
  }),
  operation({
    id: 'migrateUsersFromAuth0V1',
    method: 'POST',
    path: `${path}/v1/auth0`,
    summary: 'Bring the users of an Auth0 tenant over, in the background',
    tag,
    auth: 'vendor',
    body: Auth0Source,
    audit: 'import.started',
    returns: { 201: MigrationContext },
    handler: (ctx, { body }) => auth0.start(ctx, body),
  }),
]
