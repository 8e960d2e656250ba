import { Type } from 'typebox'
import { MINUTE } from '../../../kernel/clock.ts'
import { errors } from '../../../kernel/errors.ts'
import { perIp } from '../../../kernel/limits.ts'
import { Empty, operation } from '../../../kernel/operation.ts'
import { FilledToken, Id } from '../../../kernel/validation.ts'
import { needs } from '../../rights/permissions/permissions.keys.ts'
import { roleErrors } from '../../rights/roles/roles.errors.ts'
import { tenantErrors } from '../../accounts/tenants/tenants.errors.ts'
import { userErrors } from '../../people/users/users.errors.ts'
import { invitationErrors } from './invitations.errors.ts'
import { Invite, InviteConfiguration, InviteTerms, NewInvite, NewUserInviteWithRoles } from './invitations.schemas.ts'
import * as invites from './invites.service.ts'

const path = '/identity/resources/tenants/invites'
const tag = 'Account Invitations',
  management = 'Account Invitations Settings'
/** The link that a user hands out for the account; or management's link for a user who is not in it yet. */
const own = { tag, auth: 'both', tenant: 'required', user: 'required' } as const
const making = [
  invitationErrors.switchedOff,
  invitationErrors.linkToLockedTenant,
  roleErrors.unknownRoles,
  roleErrors.tooStrong,
  tenantErrors.notFound,
  userErrors.notFound,
  errors.tooMany,
]

export const invitesRoutes = [
  operation({
    ...own,
    id: 'getUserInviteV1',
    method: 'GET',
    path: `${path}/v1/user`,
    summary: "Get a user's invitation link to an account",
    returns: { 200: Invite },
    errors: [invitationErrors.inviteNotFound],
    handler: (ctx) => invites.get(ctx, ctx.user, ctx.tenant),
  }),
  operation({
    ...own,
    id: 'createUserInviteV1',
    method: 'POST',
    path: `${path}/v1/user`,
    summary: "Make a user's invitation link to an account",
    permission: needs.invites.write,
    body: InviteTerms,
    returns: { 201: Invite },
    errors: making,
    handler: (ctx, { body }) =>
      invites.create(ctx, ctx.caller, { ...body, tenantId: ctx.tenant.id, userId: ctx.user.id }),
  }),
  operation({
    ...own,
    id: 'createUserInviteV2',
    method: 'POST',
    path: `${path}/v2/user`,
    summary: "Make a user's invitation link to an account, with roles for those who come",
    permission: needs.invites.write,
    body: NewUserInviteWithRoles,
    returns: { 201: Invite },
    errors: making,
    handler: (ctx, { body }) =>
      invites.create(ctx, ctx.caller, { ...body, tenantId: ctx.tenant.id, userId: ctx.user.id }),
  }),
  operation({
    ...own,
    id: 'updateUserInviteV1',
    method: 'PATCH',
    path: `${path}/v1/user`,
    summary: "Prolong a user's invitation link",
    permission: needs.invites.write,
    body: InviteTerms,
    audit: 'invite.updated',
    returns: { 200: Invite },
    errors: [invitationErrors.inviteNotFound, invitationErrors.switchedOff],
    handler: (ctx, { body }) => invites.update(ctx, ctx.user, ctx.tenant, body),
  }),
  operation({
    ...own,
    id: 'deleteUserInviteV1',
    method: 'DELETE',
    path: `${path}/v1/user`,
    summary: "Have a user's invitation link work no more",
    permission: needs.invites.delete,
    audit: 'invite.deleted',
    returns: { 200: Empty },
    errors: [invitationErrors.inviteNotFound],
    handler: (ctx) => invites.removeOf(ctx, ctx.user, ctx.tenant),
  }),
  operation({
    id: 'verifyInviteV1',
    method: 'POST',
    path: `${path}/v1/verify`,
    summary: 'Look up where an invitation link leads',
    tag,
    auth: 'public',
    body: Type.Object({ token: FilledToken }),
    limits: [perIp(100, MINUTE)],
    returns: { 200: Invite },
    errors: [invitationErrors.inviteNotFound, invitationErrors.switchedOff, invitationErrors.tenantLocked],
    handler: (ctx, { body }) => invites.verify(ctx, body.token),
  }),
  operation({
    id: 'getInviteConfigurationV1',
    method: 'GET',
    path: `${path}/v1/configuration`,
    summary: 'Read whether there may be invitation links, and mails about them',
    tag,
    auth: 'both',
    returns: { 200: InviteConfiguration },
    handler: (ctx) => invites.configuration(ctx),
  }),
  operation({
    id: 'createInviteV1',
    method: 'POST',
    path: `${path}/v1`,
    summary: 'Make an invitation link to an account',
    tag: management,
    auth: 'vendor',
    body: NewInvite,
    returns: { 201: Invite },
    errors: making,
    handler: (ctx, { body }) => invites.create(ctx, ctx.caller, body),
  }),
  operation({
    id: 'listInvitesV1',
    method: 'GET',
    path: `${path}/v1/all`,
    summary: 'List all invitation links',
    tag: management,
    auth: 'vendor',
    returns: { 200: Type.Array(Invite) },
    handler: (ctx) => invites.list(ctx),
  }),
  operation({
    id: 'deleteInviteV1',
    method: 'DELETE',
    path: `${path}/v1/token/{inviteId}`,
    summary: 'Have an invitation link work no more',
    tag: management,
    auth: 'vendor',
    audit: 'invite.deleted',
    params: Type.Object({ inviteId: Id }),
    returns: { 200: Empty },
    errors: [invitationErrors.inviteNotFound],
    handler: (ctx, { params }) => invites.remove(ctx, { id: params.inviteId }),
  }),
]
