import { isUuid } from '../../../kernel/environments.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import * as socialProviders from '../../policies/social-providers/social-providers.service.ts'
import type { Usable } from '../../policies/social-providers/social-providers.service.ts'
import * as userPools from '../user-pools/asking.service.ts'
import type { Source } from '../user-pools/user-pools.schemas.ts'
import { configurationOf } from '../user-pools/user-pools.service.ts'

/** Where users log in: at a provider, or at the federated server of a user source. */
export interface Service {
  readonly provider: Usable
  readonly source?: Source
}

/** The provider of this type, or the user source with this id. @throws 404 */
export async function serviceFor(ctx: Ctx, type: string): Promise<Service> {
  const source = isUuid(type) ? await userPools.federated(ctx, type) : undefined
  return source ? { provider: asProvider(ctx, source), source } : { provider: await socialProviders.usable(ctx, type) }
}

/** As long as a definition is kept, so is this: what was discovered goes with it. */
const kept = new WeakMap<Source, Usable>()

/** A federated server as a provider that is called by the id of its source. */
function asProvider(ctx: Ctx, source: Source): Usable {
  const known = kept.get(source)
  if (known) return known
  const { clientId, secret, wellknownUrl, oauth2Config: at } = configurationOf<'federation'>(ctx, source),
    since = new Date(0)
  const made: Usable = {
    ...{ id: source.id, type: source.id, vendorId: ctx.vendorId, custom: true, active: true, customised: true },
    ...{ clientId, secret: ctx.deps.secrets.seal(secret), options: {}, additionalScopes: [] },
    ...{ redirectUrl: null, ssoLogoUrl: null, displayName: source.name, createdAt: since, updatedAt: since },
    authorizationUrl: at?.authorizationUrl ?? null,
    tokenUrl: at?.tokenUrl ?? null,
    userInfoUrl: at?.userInfoUrl ?? null,
    scopes: (at?.scopes ?? ['openid', 'profile', 'email']).join(' '),
    federated: { discoveryUrl: at ? undefined : wellknownUrl },
  }
  kept.set(source, made)
  return made
}
