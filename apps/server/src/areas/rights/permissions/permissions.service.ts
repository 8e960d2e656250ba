import { isUuid } from '../../../kernel/environments.ts'
import { onDuplicate, onMissing, onUnknownReference } from '../../../kernel/errors.ts'
import { inOrderOf } from '../../../kernel/paging.ts'
import type { Caller, Ctx, TenantScope } from '../../../kernel/operation.ts'
import * as roles from '../roles/roles.service.ts'
import { permissionErrors } from './permissions.errors.ts'
import {
  withPermissionIds,
  withRoleIds,
  type CategoryChange,
  type NewCategory,
  type NewPermission,
  type PermissionChange,
} from './permissions.schemas.ts'

/** The permissions, with the ids of the roles that have them: those that the tenant sees, or all. */
export function list(ctx: Ctx, tenant: TenantScope | undefined) {
  return ctx.db.permission.findMany({
    include: withRoleIds(roles.visibleTo(tenant)),
    orderBy: [{ createdAt: 'asc' }, { key: 'asc' }],
  })
}

export async function create(ctx: Ctx, permissions: NewPermission[]) {
  await mustBeCategories(ctx, permissions)
  const now = ctx.clock.now()
  const data = permissions.map((permission) => ({
    ...permission,
    id: ctx.random.uuid(),
    createdAt: now,
    updatedAt: now,
  }))
  await ctx.db.permission
    .createMany({ data })
    .catch(onDuplicate(permissionErrors.keyTaken(permissions.map((p) => p.key).join(', '))))
  const made = await ctx.db.permission.findMany({
    where: { id: { in: data.map((p) => p.id) } },
    include: withRoleIds(roles.visibleTo(undefined)),
  })
  return inOrderOf(
    data.map((permission) => permission.id),
    made,
  )
}

export async function update(ctx: Ctx, permissionId: string, change: PermissionChange) {
  await mustBeOwn(ctx, permissionId)
  await mustBeCategories(ctx, [change])
  return ctx.db.permission
    .update({
      where: { id: permissionId },
      data: { ...change, updatedAt: ctx.clock.now() },
      include: withRoleIds(roles.visibleTo(undefined)),
    })
    .catch(onDuplicate(permissionErrors.keyTaken(change.key ?? '')))
    .catch(onMissing(permissionErrors.notFound()))
}

export async function remove(ctx: Ctx, permissionId: string) {
  await mustBeOwn(ctx, permissionId)
  await ctx.db.permission.delete({ where: { id: permissionId } }).catch(onMissing(permissionErrors.notFound()))
}

/** Adds the permission to roles; those that have it keep it. Users reach only the roles of their own tenant. */
export async function addToRoles(
  ctx: Ctx,
  caller: Caller,
  tenant: TenantScope | undefined,
  permissionId: string,
  roleIds: string[],
) {
  const wanted = [...new Set(roleIds)]
  const permission = await get(ctx, permissionId, tenant)
  roles.mayPassOn(caller, permission)
  await roles.mustBeEditable(ctx, caller, tenant, wanted)
  await ctx.db.rolePermission
    .createMany({ data: wanted.map((roleId) => ({ roleId, permissionId })), skipDuplicates: true })
    .catch(onUnknownReference(permissionErrors.notFound()))
  return get(ctx, permissionId, tenant)
}

/** Sets for each of the permissions whether tenants may use it in their own roles. */
export async function classify(ctx: Ctx, permissionIds: string[], assignmentType: 'NEVER' | 'ALWAYS' | 'ASSIGNABLE') {
  const wanted = [...new Set(permissionIds)]
  if (wanted.some((id) => !isUuid(id))) throw permissionErrors.notFound()
  return ctx.atomically(async (tx) => {
    const { count } = await tx.db.permission.updateMany({
      where: { id: { in: wanted } },
      data: { assignmentType, updatedAt: tx.clock.now() },
    })
    if (count < wanted.length) throw permissionErrors.notFound()
    return tx.db.permission.findMany({
      where: { id: { in: wanted } },
      include: withRoleIds(roles.visibleTo(undefined)),
      orderBy: { key: 'asc' },
    })
  })
}

export function listCategories(ctx: Ctx) {
  return ctx.db.permissionCategory.findMany({
    include: withPermissionIds,
    orderBy: [{ createdAt: 'asc' }, { name: 'asc' }],
  })
}

export function createCategory(ctx: Ctx, category: NewCategory) {
  const now = ctx.clock.now()
  return ctx.db.permissionCategory
    .create({
      data: { ...category, id: category.id ?? ctx.random.uuid(), createdAt: now, updatedAt: now },
      include: withPermissionIds,
    })
    .catch(onDuplicate(permissionErrors.categoryTaken()))
}

export async function updateCategory(ctx: Ctx, categoryId: string, change: CategoryChange) {
  await mustBeOwnCategory(ctx, categoryId)
  await ctx.db.permissionCategory
    .update({ where: { id: categoryId }, data: { ...change, updatedAt: ctx.clock.now() } })
    .catch(onDuplicate(permissionErrors.categoryTaken()))
    .catch(onMissing(permissionErrors.categoryNotFound()))
}

/** Its permissions stay, without a category. */
export async function removeCategory(ctx: Ctx, categoryId: string) {
  await mustBeOwnCategory(ctx, categoryId)
  await ctx.atomically(async (tx) => {
    await tx.db.permission.updateMany({ where: { categoryId }, data: { categoryId: null } })
    await tx.db.permissionCategory
      .delete({ where: { id: categoryId } })
      .catch(onMissing(permissionErrors.categoryNotFound()))
  })
}

async function get(ctx: Ctx, permissionId: string, tenant: TenantScope | undefined) {
  const include = withRoleIds(roles.visibleTo(tenant)),
    found = await ctx.db.permission.findUnique({ where: { id: permissionId }, include })
  if (!found) throw permissionErrors.notFound()
  return found
}

async function mustBeOwn(ctx: Ctx, permissionId: string) {
  const found = await ctx.db.permission.findUnique({ where: { id: permissionId }, select: { fePermission: true } })
  if (!found) throw permissionErrors.notFound()
  if (found.fePermission) throw permissionErrors.builtIn()
}

async function mustBeOwnCategory(ctx: Ctx, categoryId: string) {
  const found = await ctx.db.permissionCategory.findUnique({ where: { id: categoryId }, select: { feCategory: true } })
  if (!found) throw permissionErrors.categoryNotFound()
  if (found.feCategory) throw permissionErrors.categoryBuiltIn()
}

async function mustBeCategories(ctx: Ctx, permissions: { categoryId?: string | undefined }[]) {
  const ids = [...new Set(permissions.flatMap((p) => p.categoryId ?? []))]
  if (ids.some((id) => !isUuid(id))) throw permissionErrors.categoryNotFound()
  if (ids.length && (await ctx.db.permissionCategory.count({ where: { id: { in: ids } } })) < ids.length)
    throw permissionErrors.categoryNotFound()
}
