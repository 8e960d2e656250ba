import { Type, type Static, type TString } from 'typebox'
import { NewRedirectUri } from '../areas/applications/oauth-clients/oauth-clients.schemas.ts'
import { OwnId } from '../areas/accounts/tenants/tenants.schemas.ts'
import { NewUser } from '../areas/onboarding/user-creation/user-creation.schemas.ts'
import { Email, PhoneNumber, PictureUrl } from '../areas/people/users/users.schemas.ts'
import { NewPermission } from '../areas/rights/permissions/permissions.schemas.ts'
import { Level, NewRole } from '../areas/rights/roles/roles.schemas.ts'
import { IdentityConfiguration } from '../areas/policies/identity-settings/identity-settings.schemas.ts'
import { setting } from '../kernel/settings.ts'
import { Id, Name } from '../kernel/validation.ts'

/*
 * The parts are the API's own schemas: what the API would refuse is refused here, before anything is written.
 */

const Filled = Type.String({ minLength: 1 })
/** Faults of a seed begin with the path of the value: the API's own words for some would not. */
const withPath = ({ message: _, ...schema }: TString & { message?: string }) => schema
const Json = Type.Object({}, { additionalProperties: true })

const SeedPermission = Type.Object({
  key: NewPermission.properties.key,
  name: Type.Optional(Name),
  description: NewPermission.properties.description,
})

const SeedRole = Type.Object({
  key: NewRole.properties.key,
  name: Type.Optional(Name),
  description: NewRole.properties.description,
  /** 0…32767; the lower, the stronger */
  level: Type.Optional(Level),
  isDefault: Type.Optional(Type.Boolean()),
  firstUserRole: Type.Optional(Type.Boolean()),
  /** id or name of the tenant it belongs to; without one it belongs to the environment */
  tenant: Type.Optional(Filled),
  /** keys */
  permissions: Type.Optional(Type.Array(Filled)),
})

const SeedTenant = Type.Object({
  id: Type.Optional(withPath(OwnId)),
  name: Name,
  alias: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
  /** id or name */
  parent: Type.Optional(Filled),
  metadata: Type.Optional(Json),
})

const SeedUser = Type.Object({
  id: Type.Optional(Id),
  email: Email,
  name: Type.Optional(Name),
  password: NewUser.properties.password,
  verified: Type.Optional(Type.Boolean()),
  phoneNumber: Type.Optional(withPath(PhoneNumber)),
  profilePictureUrl: Type.Optional(PictureUrl),
  metadata: Type.Optional(Json),
  vendorMetadata: Type.Optional(Json),
  tenants: Type.Optional(
    Type.Array(
      Type.Object({
        /** id or name */
        tenant: Filled,
        /** keys; the default roles when absent */
        roles: Type.Optional(Type.Array(Filled)),
      }),
    ),
  ),
})

/** What an environment starts with, besides what is built in. */
export const Seed = Type.Object({
  settings: Type.Optional(Type.Partial(IdentityConfiguration)),
  permissions: Type.Optional(Type.Array(SeedPermission)),
  roles: Type.Optional(Type.Array(SeedRole)),
  tenants: Type.Optional(Type.Array(SeedTenant)),
  users: Type.Optional(Type.Array(SeedUser)),
  /** where browsers may be sent after a login or logout, of any application */
  redirectUris: Type.Optional(Type.Array(NewRedirectUri.properties.redirectUri)),
})
export type Seed = Static<typeof Seed>

export const Label = Type.String({ pattern: '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$' })

const SeedEnvironment = Type.Object({
  /** a label of its host name */
  name: Label,
  clientId: Type.Optional(Id),
  apiKey: Type.Optional(Filled),
  host: Type.Optional(Filled),
  /** the default, for requests that name no environment; the first one if none says so */
  default: Type.Optional(Type.Boolean()),
  ...Seed.properties,
})
export type SeedEnvironment = Static<typeof SeedEnvironment>

export const SeedFile = Type.Object({ environments: Type.Array(SeedEnvironment, { minItems: 1 }) })

/** What `reset` goes back to, kept with the environment. */
export const storedSeed = setting('emulator-seed', Seed, {})

/** The seed when there is no seed file, with the configuration's credentials. Documents and fixtures rely on it. */
export const demo: SeedEnvironment = {
  name: 'default',
  tenants: [{ id: '33333333-3333-4333-8333-333333333333', name: 'Acme' }],
  users: [
    { email: 'ada@example.com', name: 'Ada', password: 'Henhouse-1!', tenants: [{ tenant: 'Acme', roles: ['Admin'] }] },
    {
      email: 'bob@example.com',
      name: 'Bob',
      password: 'Henhouse-1!',
      tenants: [{ tenant: 'Acme', roles: ['ReadOnly'] }],
    },
  ],
  // an application on this machine, whatever its port (RFC 8252 §7.3)
  redirectUris: ['localhost', '127.0.0.1'].flatMap((host) =>
    ['', '/', '/oauth/callback', '/callback', '/account/logout'].map((path) => `http://${host}${path}`),
  ),
}
