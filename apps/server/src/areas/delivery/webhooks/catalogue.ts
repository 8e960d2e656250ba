import type { Ctx } from '../../../kernel/operation.ts'

/** The events that webhooks can be told of, as the public documents of the API list them. */
const catalogue: readonly { readonly name: string; readonly prefix: string; readonly events: string }[] = [
  {
    name: 'Authentication',
    prefix: 'frontegg.user.',
    events: 'authenticated authenticatedWithSAML authenticatedWithSSO failedAuthentication enrolledMFA disabledMFA',
  },
  {
    name: 'Users',
    prefix: 'frontegg.user.',
    events: `created signedUp activated deleted updated invitedToTenant removedFromTenant joinedTenantUsingInvitationLink
      changedPassword forgotPassword temporary.access.given temporary.access.edited temporary.access.temporary.to.permanentd
      app.assigned app.unassigned plan.assigned plan.unassigned`,
  },
  { name: 'API tokens', prefix: 'frontegg.userApiToken.', events: 'created deleted' },
  { name: 'Account API tokens', prefix: 'frontegg.tenantApiToken.', events: 'created deleted' },
  {
    name: 'Accounts',
    prefix: 'frontegg.tenant.',
    events: 'created updated deleted locked unlocked app.assigned app.unassigned plan.assigned plan.unassigned',
  },
  {
    name: 'Groups',
    prefix: 'frontegg.group.',
    events: 'created updated deleted users.added users.removed roles.updated',
  },
  { name: 'SCIM users', prefix: 'frontegg.scim.user.', events: 'created updated deleted' },
  { name: 'SCIM groups', prefix: 'frontegg.scim.group.', events: 'created updated deleted' },
  { name: 'Security', prefix: 'frontegg.account.security.', events: 'domain.restricted' },
]

/** They are part of this server: this is when they came into it. */
const SINCE = '2026-11-30T00:00:00.000Z'

/** `frontegg.user.invitedToTenant` → `User invited to tenant` */
function titleOf(key: string) {
  const words = key
    .replace(/^frontegg\./, '')
    .replaceAll('.', ' ')
    .replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ')
    .split(' ')
    .map((word) => (/^[A-Z]{2,}$/.test(word) ? word : word.toLowerCase()))
    .join(' ')
  return `${words.slice(0, 1).toUpperCase()}${words.slice(1)}`
}

/** The same in every environment. They have no ids but their names and keys. */
export const categories = ({ vendorId }: Ctx) =>
  catalogue.map(({ name, prefix, events }) => {
    const id = name.toLowerCase().replaceAll(' ', '-'),
      common = { vendorId, createdAt: SINCE, updatedAt: SINCE }
    return {
      id,
      name,
      ...common,
      events: events.split(/\s+/).map((end) => {
        const key = `${prefix}${end}`
        return { id: key, key, displayName: titleOf(key), description: '', categoryId: id, ...common }
      }),
    }
  })

export const events = (ctx: Ctx) =>
  categories(ctx).flatMap(({ events: all, ...category }) => all.map((event) => ({ ...event, category })))
