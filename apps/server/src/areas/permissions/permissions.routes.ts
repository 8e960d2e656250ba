import { Type } from 'typebox'
import { Empty, operation } from '../../kernel/operation.ts'
import { Id } from '../../kernel/validation.ts'
import { roleErrors } from '../roles/roles.errors.ts'
import { permissionErrors } from './permissions.errors.ts'
import { needs } from './permissions.keys.ts'
import { AssignmentType, Category, CategoryChange, NewCategory, NewPermission, Permission, PermissionChange, toCategory, toPermission } from './permissions.schemas.ts'
import * as permissions from './permissions.service.ts'

const PermissionId = Type.Object({ permissionId: Id })
const CategoryId = Type.Object({ categoryId: Id })

export const permissionsRoutes = [
  operation({
    id: 'listPermissionsV1', method: 'GET', path: '/identity/resources/permissions/v1', summary: 'List permissions', tag: 'Permissions',
    auth: 'both', permission: needs.permissions.read,
    returns: { 200: Type.Array(Permission) },
    handler: async (ctx) => (await permissions.list(ctx)).map(toPermission),
  }),
  operation({
    id: 'createPermissionsV1', method: 'POST', path: '/identity/resources/permissions/v1', summary: 'Create permissions', tag: 'Permissions',
    auth: 'vendor',
    body: Type.Array(NewPermission, { minItems: 1 }),
    returns: { 201: Type.Array(Permission) },
    errors: [permissionErrors.keyTaken, permissionErrors.categoryNotFound],
    handler: async (ctx, { body }) => (await permissions.create(ctx, body)).map(toPermission),
  }),
  operation({
    id: 'updatePermissionV1', method: 'PATCH', path: '/identity/resources/permissions/v1/{permissionId}', summary: 'Update a permission', tag: 'Permissions',
    auth: 'vendor',
    params: PermissionId, body: PermissionChange,
    returns: { 200: Permission },
    errors: [permissionErrors.notFound, permissionErrors.keyTaken, permissionErrors.categoryNotFound, permissionErrors.builtIn],
    handler: async (ctx, { params, body }) => toPermission(await permissions.update(ctx, params.permissionId, body)),
  }),
  operation({
    id: 'deletePermissionV1', method: 'DELETE', path: '/identity/resources/permissions/v1/{permissionId}', summary: 'Delete a permission', tag: 'Permissions',
    auth: 'vendor',
    params: PermissionId,
    returns: { 204: Empty },
    errors: [permissionErrors.notFound, permissionErrors.builtIn],
    handler: (ctx, { params }) => permissions.remove(ctx, params.permissionId),
  }),
  operation({
    id: 'addPermissionToRolesV1', method: 'PUT', path: '/identity/resources/permissions/v1/{permissionId}/roles', summary: 'Add a permission to roles', tag: 'Permissions',
    auth: 'both', permission: needs.roles.write, tenant: 'optional',
    params: PermissionId, body: Type.Object({ roleIds: Type.Array(Type.String()) }),
    returns: { 200: Permission },
    errors: [permissionErrors.notFound, roleErrors.notFound, roleErrors.ofEnvironment, roleErrors.tooStrong, roleErrors.notAssignable],
    handler: async (ctx, { params, body }) => toPermission(await permissions.addToRoles(ctx, ctx.caller, ctx.tenant, params.permissionId, body.roleIds)),
  }),
  operation({
    id: 'classifyPermissionsV1', method: 'PUT', path: '/identity/resources/permissions/v1/classification', summary: 'Say which permissions accounts may use in their own roles', tag: 'Permissions',
    auth: 'vendor',
    body: Type.Object({ permissionIds: Type.Array(Type.String(), { minItems: 1 }), type: AssignmentType }),
    returns: { 200: Type.Array(Permission) },
    errors: [permissionErrors.notFound],
    handler: async (ctx, { body }) => (await permissions.classify(ctx, body.permissionIds, body.type)).map(toPermission),
  }),
  operation({
    id: 'listPermissionCategoriesV1', method: 'GET', path: '/identity/resources/permissions/v1/categories', summary: 'List categories of permissions', tag: 'Permissions Categories',
    auth: 'both', permission: needs.permissions.read,
    returns: { 200: Type.Array(Category) },
    handler: async (ctx) => (await permissions.listCategories(ctx)).map(toCategory),
  }),
  operation({
    id: 'createPermissionCategoryV1', method: 'POST', path: '/identity/resources/permissions/v1/categories', summary: 'Create a category of permissions', tag: 'Permissions Categories',
    auth: 'vendor',
    body: NewCategory,
    returns: { 201: Category },
    errors: [permissionErrors.categoryTaken],
    handler: async (ctx, { body }) => toCategory(await permissions.createCategory(ctx, body)),
  }),
  operation({
    id: 'updatePermissionCategoryV1', method: 'PATCH', path: '/identity/resources/permissions/v1/categories/{categoryId}', summary: 'Update a category of permissions', tag: 'Permissions Categories',
    auth: 'vendor',
    params: CategoryId, body: CategoryChange,
    returns: { 200: Empty },
    errors: [permissionErrors.categoryNotFound, permissionErrors.categoryTaken, permissionErrors.categoryBuiltIn],
    handler: (ctx, { params, body }) => permissions.updateCategory(ctx, params.categoryId, body),
  }),
  operation({
    id: 'deletePermissionCategoryV1', method: 'DELETE', path: '/identity/resources/permissions/v1/categories/{categoryId}', summary: 'Delete a category of permissions', tag: 'Permissions Categories',
    auth: 'vendor',
    params: CategoryId,
    returns: { 200: Empty },
    errors: [permissionErrors.categoryNotFound, permissionErrors.categoryBuiltIn],
    handler: (ctx, { params }) => permissions.removeCategory(ctx, params.categoryId),
  }),
]
