import { errors } from '../../../kernel/errors.ts'
import { operation } from '../../../kernel/operation.ts'
import { loginErrors } from '../../sign-in/login/login.errors.ts'
import { membershipErrors } from '../../people/memberships/memberships.errors.ts'
import { needs } from '../../rights/permissions/permissions.keys.ts'
import { roleErrors } from '../../rights/roles/roles.errors.ts'
import { tenantErrors } from '../../accounts/tenants/tenants.errors.ts'
import * as reminders from './reminders.service.ts'
import { NewUser, NewVendorUser } from './user-creation.schemas.ts'
import { bringIn } from './user-creation.service.ts'
import { userErrors } from '../../people/users/users.errors.ts'
import { CreatedUser, toCreatedUser, toUser, User } from '../../people/users/users.schemas.ts'
import * as users from '../../people/users/users.service.ts'

const tag = 'User Management'
const invite = {
  tag,
  auth: 'both',
  permission: needs.users.invite,
  tenant: 'required',
  findsTenant: true,
  body: NewUser,
  returns: { 201: CreatedUser },
  errors: [
    userErrors.passwordForbidden,
    membershipErrors.alreadyMember,
    userErrors.usernameTaken,
    userErrors.phoneNumberTaken,
    roleErrors.tooStrong,
    loginErrors.locked,
    errors.tooMany,
  ],
} as const

export const userCreationRoutes = [
  operation({
    ...invite,
    id: 'createUserV1',
    method: 'POST',
    path: '/identity/resources/users/v1',
    summary: 'Invite a user to an account',
    deprecated: true,
    handler: async (ctx, { body }) =>
      toCreatedUser(
        await bringIn(ctx, ctx.caller, ctx.tenant.id, { ...body, applicationId: ctx.http.applicationId }),
        ctx.caller,
      ),
  }),
  operation({
    ...invite,
    id: 'createUserV2',
    method: 'POST',
    path: '/identity/resources/users/v2',
    summary: 'Invite a user to an account',
    handler: async (ctx, { body }) => {
      const { email, provider, ...more } = body
      // the browser client resends an invitation this way
      const reminded =
        email !== undefined && provider !== undefined && !Object.keys(more).length
          ? await reminders.remind(ctx, ctx.caller, ctx.tenant, email)
          : undefined
      const user =
        reminded === undefined
          ? await bringIn(ctx, ctx.caller, ctx.tenant.id, { ...body, applicationId: ctx.http.applicationId })
          : await users.read(ctx, { id: reminded }, ctx.tenant.id)
      return toCreatedUser(user, ctx.caller)
    },
  }),
  operation({
    id: 'createVendorUserV1',
    method: 'POST',
    path: '/identity/resources/vendor-only/users/v1',
    summary: 'Create a user, verified and without any mail',
    tag: 'Users',
    auth: 'vendor',
    body: NewVendorUser,
    returns: { 201: User },
    errors: [
      tenantErrors.notFound,
      membershipErrors.alreadyMember,
      userErrors.usernameTaken,
      userErrors.phoneNumberTaken,
    ],
    handler: async (ctx, { body: { tenantId, ...newcomer } }) => {
      const user = await bringIn(ctx, ctx.caller, tenantId, {
        ...newcomer,
        skipInviteEmail: true,
        applicationId: ctx.http.applicationId,
      })
      return toUser(user, ctx.caller)
    },
  }),
]
