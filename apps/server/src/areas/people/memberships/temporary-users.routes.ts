import { Type } from 'typebox'
import { after, SECOND } from '../../../kernel/clock.ts'
import { type Caller, type Ctx, Empty, type TenantScope, operation } from '../../../kernel/operation.ts'
import * as settings from '../../../kernel/settings.ts'
import { Id } from '../../../kernel/validation.ts'
import { membershipErrors } from './memberships.errors.ts'
import { Expiration, temporaryUsers } from './memberships.schemas.ts'
import * as memberships from './memberships.service.ts'
import { needs } from '../../rights/permissions/permissions.keys.ts'
import { roleErrors } from '../../rights/roles/roles.errors.ts'
import * as roles from '../../rights/roles/roles.service.ts'
import { tenantIdsOf } from '../../rights/held/held.service.ts'

const UserId = Type.Object({ userId: Id })
const Lifetime = Type.Object({ expirationInSeconds: Expiration })
const base = '/identity/resources/users/temporary/v1'

/** null: for ever. @throws 404 for a user who is no member, 400 where temporary users are off, 403 for a user who is stronger than the caller */
async function setLifetime(ctx: Ctx, caller: Caller, userId: string, tenant: TenantScope, seconds: number | null) {
  const tenantId = tenant.id
  if (!(await tenantIdsOf(ctx, userId)).includes(tenantId)) throw membershipErrors.notFound()
  if (seconds !== null && !(await settings.effective(ctx, temporaryUsers)).enabled)
    throw membershipErrors.temporaryUsersOff()
  await roles.mayManage(ctx, caller, tenant, userId)
  await memberships.setExpiry(ctx, userId, tenantId, seconds === null ? null : after(ctx.clock.now(), seconds * SECOND))
}

export const temporaryUsersRoutes = [
  operation({
    id: 'getTemporaryUsersConfigurationV1',
    method: 'GET',
    path: `${base}/configuration`,
    summary: 'Tell whether users may be members for a while only',
    tag: 'User Management',
    auth: 'both',
    returns: { 200: temporaryUsers.schema },
    handler: (ctx) => settings.effective(ctx, temporaryUsers),
  }),
  operation({
    id: 'setTemporaryUsersConfigurationV1',
    method: 'PUT',
    path: `${base}/configuration`,
    summary: 'Say whether users may be members for a while only',
    tag: 'Users',
    auth: 'vendor',
    audit: 'identitySettings.temporaryUsersUpdated',
    body: temporaryUsers.schema,
    returns: { 200: temporaryUsers.schema },
    handler: async (ctx, { body }) => (await settings.save(ctx, temporaryUsers, body)).value,
  }),
  operation({
    id: 'makeUserTemporaryV1',
    method: 'PUT',
    path: `${base}/{userId}`,
    summary: 'Let a member stay for a while only',
    tag: 'User Management',
    auth: 'both',
    permission: needs.users.update,
    tenant: 'required',
    params: UserId,
    body: Lifetime,
    returns: { 201: Lifetime },
    errors: [membershipErrors.notFound, membershipErrors.temporaryUsersOff, roleErrors.strongerUser],
    handler: async (ctx, { params, body }) => {
      await setLifetime(ctx, ctx.caller, params.userId, ctx.tenant, body.expirationInSeconds)
      return body
    },
  }),
  operation({
    id: 'makeUserPermanentV1',
    method: 'DELETE',
    path: `${base}/{userId}`,
    summary: 'Let a temporary member stay',
    tag: 'User Management',
    auth: 'both',
    permission: needs.users.update,
    tenant: 'required',
    params: UserId,
    returns: { 200: Empty },
    errors: [membershipErrors.notFound, roleErrors.strongerUser],
    handler: (ctx, { params }) => setLifetime(ctx, ctx.caller, params.userId, ctx.tenant, null),
  }),
]
