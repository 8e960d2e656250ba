import { operation } from '../../../kernel/operation.ts'
import { toDocument } from '../../../kernel/settings.ts'
import { needs } from '../../rights/permissions/permissions.keys.ts'
import { lockoutErrors } from './lockout-policy.errors.ts'
import { LockoutPolicy, NewLockoutPolicy } from './lockout-policy.schemas.ts'
import * as lockout from './lockout-policy.service.ts'

const path = '/identity/resources/configurations/v1/lockout-policy'
const tag = 'Lockout Policy'

export const lockoutPolicyRoutes = [
  operation({
    id: 'getLockoutPolicyV1',
    method: 'GET',
    path,
    summary: 'Read when wrong passwords lock a user',
    tag,
    auth: 'both',
    permission: needs.securityPolicy.read,
    tenant: 'optional',
    returns: { 200: LockoutPolicy },
    errors: [lockoutErrors.notDefined],
    handler: async (ctx) => toDocument(await lockout.policy(ctx, ctx.tenant)),
  }),
  operation({
    id: 'getEnvironmentLockoutPolicyV1',
    method: 'GET',
    path: `${path}/vendor`,
    summary: 'Read when wrong passwords lock a user, as the environment has it',
    tag,
    auth: 'both',
    permission: needs.securityPolicy.read,
    returns: { 200: LockoutPolicy },
    errors: [lockoutErrors.notDefined],
    handler: async (ctx) => toDocument(await lockout.policy(ctx, undefined)),
  }),
  operation({
    id: 'createLockoutPolicyV1',
    method: 'POST',
    path,
    summary: 'Have wrong passwords lock a user',
    tag,
    auth: 'both',
    audit: 'lockoutPolicy.updated',
    permission: needs.securityPolicy.write,
    tenant: 'optional',
    body: NewLockoutPolicy,
    returns: { 201: LockoutPolicy },
    errors: [lockoutErrors.taken],
    handler: async (ctx, { body }) => toDocument(await lockout.createPolicy(ctx, ctx.tenant, body)),
  }),
  operation({
    id: 'updateLockoutPolicyV1',
    method: 'PATCH',
    path,
    summary: 'Change when wrong passwords lock a user',
    tag,
    auth: 'both',
    audit: 'lockoutPolicy.updated',
    permission: needs.securityPolicy.write,
    tenant: 'optional',
    body: NewLockoutPolicy,
    returns: { 200: LockoutPolicy },
    errors: [lockoutErrors.notDefined],
    handler: async (ctx, { body }) => toDocument(await lockout.updatePolicy(ctx, ctx.tenant, body)),
  }),
]
