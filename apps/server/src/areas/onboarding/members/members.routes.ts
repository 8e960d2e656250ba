import { Type } from 'typebox'
import { errors } from '../../../kernel/errors.ts'
import { Empty, operation } from '../../../kernel/operation.ts'
import { Id } from '../../../kernel/validation.ts'
import { loginErrors } from '../../sign-in/login/login.errors.ts'
import { membershipErrors } from '../../people/memberships/memberships.errors.ts'
import { needs } from '../../rights/permissions/permissions.keys.ts'
import { roleErrors } from '../../rights/roles/roles.errors.ts'
import * as reminders from '../user-creation/reminders.service.ts'
import { bringIn } from '../user-creation/user-creation.service.ts'
import { userErrors } from '../../people/users/users.errors.ts'
import * as users from '../../people/users/users.service.ts'
import { memberErrors } from './members.errors.ts'
import { Member, MemberChange, MemberQuery, Members, MemberStats, NewMember } from './members.schemas.ts'
import * as members from './members.service.ts'

const v1 = '/team/resources/members/v1'
const common = { tag: 'Team', auth: 'both', tenant: 'required' } as const
const UserId = Type.Object({ userId: Id })

/** The routes of the portal's members page: they do the same as those of identity, with other field names. */
export const membersRoutes = [
  operation({
    ...common,
    id: 'listMembersV1',
    method: 'GET',
    path: v1,
    summary: 'List the members of the account',
    permission: needs.users.read,
    query: MemberQuery,
    returns: { 200: Members },
    handler: (ctx, { query }) => members.list(ctx, ctx.caller, ctx.tenant, query),
  }),
  operation({
    ...common,
    id: 'addMemberV1',
    method: 'POST',
    path: v1,
    summary: 'Invite a user to the account',
    permission: needs.users.invite,
    body: NewMember,
    returns: { 201: Member },
    errors: [
      errors.tooMany,
      membershipErrors.alreadyMember,
      userErrors.usernameTaken,
      userErrors.phoneNumberTaken,
      roleErrors.unknownRoles,
      roleErrors.tooStrong,
    ],
    handler: async (ctx, { body: { phone, ...person } }) => {
      const { row } = await bringIn(ctx, ctx.caller, ctx.tenant.id, {
        ...person,
        ...(phone !== undefined && { phoneNumber: phone }),
        applicationId: ctx.http.applicationId,
      })
      return members.shown(ctx, ctx.caller, ctx.tenant, row)
    },
  }),
  operation({
    ...common,
    id: 'updateMemberV1',
    method: 'PUT',
    path: v1,
    summary: 'Change the name and the roles of a member',
    permission: needs.users.update,
    body: MemberChange,
    returns: { 200: Member },
    errors: [
      userErrors.notFound,
      memberErrors.notNamed,
      memberErrors.onlyInvited,
      roleErrors.unknownRoles,
      roleErrors.tooStrong,
      roleErrors.strongerUser,
    ],
    handler: (ctx, { body }) => members.update(ctx, ctx.caller, ctx.tenant, body),
  }),
  operation({
    ...common,
    id: 'removeMemberV1',
    method: 'DELETE',
    path: `${v1}/{userId}`,
    summary: 'Remove a user from the account',
    permission: needs.users.delete,
    params: UserId,
    returns: { 200: Member },
    errors: [userErrors.notFound, membershipErrors.notFound, roleErrors.strongerUser],
    handler: async (ctx, { params }) => {
      const removed = await members.get(ctx, ctx.caller, ctx.tenant, { id: params.userId })
      await users.remove(ctx, ctx.caller, params.userId, ctx.tenant)
      return removed
    },
  }),
  operation({
    ...common,
    id: 'resendMemberMailV1',
    method: 'POST',
    path: `${v1}/{userId}/resendActivationEmail`,
    summary: 'Have the mail that a member waits for sent once more',
    permission: needs.users.remind,
    params: UserId,
    returns: { 201: Empty },
    errors: [membershipErrors.notFound, memberErrors.alreadyActive, loginErrors.locked, errors.tooMany],
    handler: (ctx, { params }) => reminders.resendMail(ctx, ctx.caller, ctx.tenant, params.userId),
  }),
  operation({
    ...common,
    id: 'getMemberStatsV1',
    method: 'GET',
    path: '/team/resources/stats/v1/members',
    summary: 'Count the members of the account',
    permission: needs.users.read,
    returns: { 200: MemberStats },
    handler: (ctx) => members.stats(ctx, ctx.caller, ctx.tenant),
  }),
]
