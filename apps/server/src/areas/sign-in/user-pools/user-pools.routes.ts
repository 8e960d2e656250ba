import { Type, type TSchema } from 'typebox'
import { Empty, operation } from '../../../kernel/operation.ts'
import { Page } from '../../../kernel/paging.ts'
import { Id } from '../../../kernel/validation.ts'
import { tenantErrors } from '../../accounts/tenants/tenants.errors.ts'
import { applicationErrors } from '../../applications/applications/applications.errors.ts'
import { userPoolErrors } from './user-pools.errors.ts'
import {
  Assignment,
  configurations,
  CountedSource,
  MadeSource,
  newSource,
  sourceChange,
  SourceUser,
  SourceUsersQuery,
  UserSource,
  type NewSource,
  type SourceChange,
  type SourceType,
} from './user-pools.schemas.ts'
import * as userPools from './user-pools.service.ts'

const sources = '/identity/resources/user-sources/v1'
const params = Type.Object({ id: Id })
const shared = { tag: 'User Pools', auth: 'vendor' } as const

/** The two operations that each type of source has. */
const kindOf = (type: SourceType, path: `/${string}`, name: string, what: string) => {
  const configuration: TSchema = configurations[type]
  return [
    operation({
      ...shared,
      id: `create${name}UserSourceV1`,
      method: 'POST',
      path: `${sources}${path}`,
      summary: `Add ${what} as a source of users`,
      body: newSource(configuration),
      audit: 'userSource.created',
      returns: { 201: MadeSource },
      errors: [userPoolErrors.tooMany, tenantErrors.notFound, applicationErrors.notFound],
      handler: (ctx, { body }) => userPools.create(ctx, type, body as NewSource),
    }),
    operation({
      ...shared,
      id: `update${name}UserSourceV1`,
      method: 'PUT',
      path: `${sources}${path}/{id}`,
      summary: `Change a source of users that is ${what}; what is not given stays`,
      params,
      body: sourceChange(configuration),
      audit: 'userSource.updated',
      returns: { 200: Empty },
      errors: [userPoolErrors.notFound, tenantErrors.notFound],
      handler: (ctx, { params: { id }, body }) => userPools.update(ctx, type, id, body as SourceChange),
    }),
  ]
}

export const userPoolsRoutes = [
  operation({
    ...shared,
    id: 'listUserSourcesV1',
    method: 'GET',
    path: sources,
    summary: 'List the sources of users, in the order in which logins ask them',
    returns: { 200: Type.Array(CountedSource) },
    handler: (ctx) => userPools.list(ctx),
  }),
  operation({
    ...shared,
    id: 'getUserSourceV1',
    method: 'GET',
    path: `${sources}/{id}`,
    summary: 'Get a source of users, without its secrets',
    params,
    returns: { 200: UserSource },
    errors: [userPoolErrors.notFound],
    handler: (ctx, { params: { id } }) => userPools.get(ctx, id),
  }),
  operation({
    ...shared,
    id: 'deleteUserSourceV1',
    method: 'DELETE',
    path: `${sources}/{id}`,
    summary: 'Delete a source of users; its users stay',
    params,
    audit: 'userSource.deleted',
    returns: { 200: Empty },
    errors: [userPoolErrors.notFound],
    handler: (ctx, { params: { id } }) => userPools.remove(ctx, id),
  }),
  ...kindOf('auth0', '/external/auth0', 'Auth0', 'an Auth0 tenant'),
  ...kindOf('cognito', '/external/cognito', 'Cognito', 'a user pool of Amazon Cognito'),
  ...kindOf('firebase', '/external/firebase', 'Firebase', 'a Firebase project'),
  ...kindOf('custom-code', '/external/custom-code', 'CustomCode', 'a script'),
  ...kindOf('federation', '/federation', 'Federation', 'an OAuth 2 server'),
  operation({
    ...shared,
    id: 'assignUserSourceV1',
    method: 'POST',
    path: `${sources}/assign`,
    summary: 'Let logins to applications ask a source of users',
    body: Assignment,
    audit: 'userSource.assigned',
    returns: { 201: Empty },
    errors: [userPoolErrors.notFound, userPoolErrors.tooMany, applicationErrors.notFound],
    handler: (ctx, { body }) => userPools.assign(ctx, body),
  }),
  operation({
    ...shared,
    id: 'unassignUserSourceV1',
    method: 'POST',
    path: `${sources}/unassign`,
    summary: 'Keep logins to applications from asking a source of users',
    body: Assignment,
    audit: 'userSource.unassigned',
    returns: { 201: Empty },
    errors: [userPoolErrors.notFound],
    handler: (ctx, { body }) => userPools.unassign(ctx, body),
  }),
  operation({
    ...shared,
    id: 'listUserSourceUsersV1',
    method: 'GET',
    path: `${sources}/{id}/users`,
    summary: 'List the users who came from a source',
    params,
    query: SourceUsersQuery,
    returns: { 200: Page(SourceUser) },
    errors: [userPoolErrors.notFound],
    handler: (ctx, { params: { id }, query }) => userPools.users(ctx, id, query),
  }),
]
