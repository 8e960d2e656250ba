import { operation } from '../../../kernel/operation.ts'
import { needs } from '../../rights/permissions/permissions.keys.ts'
import { tenantErrors } from '../tenants/tenants.errors.ts'
import * as tenants from '../tenants/tenants.service.ts'
import {
  AccountSettings,
  AccountSettingsChange,
  Named,
  PublicAccountSettings,
  toAccountSettings,
} from './account-settings.schemas.ts'
import * as accountSettings from './account-settings.service.ts'

const path = '/tenants/resources/account-settings/v1',
  tag = 'Account Settings'

export const accountSettingsRoutes = [
  operation({
    id: 'getAccountSettingsV1',
    method: 'GET',
    path,
    summary: 'Read the settings of the account',
    tag,
    auth: 'both',
    permission: needs.account.read,
    tenant: 'required',
    returns: { 200: AccountSettings },
    errors: [tenantErrors.notFound],
    handler: async (ctx) => toAccountSettings(await accountSettings.of(ctx, ctx.tenant.id)),
  }),
  operation({
    id: 'updateAccountSettingsV1',
    method: 'PUT',
    path,
    summary: 'Change settings of the account; what is not given stays',
    tag,
    auth: 'both',
    permission: needs.account.write,
    tenant: 'required',
    body: AccountSettingsChange,
    returns: { 200: AccountSettings },
    errors: [tenantErrors.notFound, tenantErrors.nothingToChange],
    handler: async (ctx, { body }) => toAccountSettings(await tenants.update(ctx, ctx.tenant.id, body)),
  }),
  operation({
    id: 'getPublicAccountSettingsV1',
    method: 'GET',
    path: `${path}/public`,
    summary: 'Read what a login box may know about the account',
    tag,
    auth: 'public',
    tenant: 'optional',
    query: Named,
    returns: { 200: PublicAccountSettings },
    errors: [tenantErrors.notFound],
    handler: async (ctx, { query }) =>
      toAccountSettings(await accountSettings.meant(ctx, ctx.tenant, query.organization)),
  }),
]
