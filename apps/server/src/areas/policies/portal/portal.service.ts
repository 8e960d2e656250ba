import { baseUrl } from '../../../kernel/environments.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import * as settings from '../../../kernel/settings.ts'
import { portalErrors } from './portal.errors.ts'
import { looks, type EntityName, type Looks } from './portal.schemas.ts'

/** Pages of the portal that work, for those who may see them, and those that lead to what is not served. */
const pages = [
  ...'profile privacy account users allUsers groups roles security audits webhooks apiTokens personalApiTokens allAccounts'
    .split(' ')
    .map((page) => [page, 'byPermissions'] as const),
  ...'sso provisioning subscriptions usage'.split(' ').map((page) => [page, 'hidden'] as const),
]

/** What holds until something is stored. */
const initial: Record<EntityName, (ctx: Ctx) => Looks | undefined> = {
  adminBox: () => ({
    configuration: {
      navigation: Object.fromEntries(
        // some versions of the portal hide this page behind a flag of their own
        pages.map(([page, visibility]) => [page, { visibility, ...(page === 'roles' && { featureFlag: '' }) }]),
      ),
    },
  }),
  // clients take a missing row for a failure, and ask three times
  saml: (ctx) => {
    const base = baseUrl(ctx.deps.publicUrl, ctx.environment)
    return { isActive: false, configuration: { acsUrl: `${base}/auth/saml/callback`, spEntityId: base } }
  },
  audits: () => ({ properties: columns, theme: null }),
  notifications: () => undefined,
}

/** Of the table of the audit trail. A column without `showInTable` is not drawn. */
const columns = [
  ['createdAt', 'Time', 'Timestamp'],
  ['action', 'Action', 'AlphaNumeric'],
  ['email', 'User', 'Email'],
  ['severity', 'Severity', 'Severity'],
  // of the type IpAddress, each row would ask where the address is, which is not served
  ['ip', 'IP address', 'AlphaNumeric'],
].map(([name, displayName, type]) => ({
  ...{ name, displayName, type },
  sortable: name === 'createdAt',
  filterable: true,
  showInTable: true,
}))

/** @returns one row, or none where nothing is known by this name */
export async function read(ctx: Ctx, entityName: string) {
  if (!isEntityName(entityName)) return []
  const stored = await settings.stored(ctx, looks(entityName)),
    value = stored?.value ?? initial[entityName](ctx)
  return value ? [rowOf(ctx, entityName, value, stored)] : []
}

const isEntityName = (name: string): name is EntityName => Object.hasOwn(initial, name)

/**
 * Stores the document. The page sends it whole.
 * @throws 400 without a name, in the query or in the body
 */
export async function write(ctx: Ctx, entityName: EntityName | undefined, value: Looks) {
  if (!entityName) throw portalErrors.noName()
  const stored = await settings.save(ctx, looks(entityName), value)
  return rowOf(ctx, entityName, value, stored)
}

const rowOf = (
  { vendorId }: Ctx,
  entityName: EntityName,
  value: Looks,
  stored: { id: string; createdAt: Date; updatedAt: Date } | null,
) => ({
  ...value,
  entityName,
  vendorId,
  ...(stored && {
    id: stored.id,
    createdAt: stored.createdAt.toISOString(),
    updatedAt: stored.updatedAt.toISOString(),
  }),
})
