import type { UserSource as Row } from '@henhouse/database'
import { Type, type Static, type TSchema } from 'typebox'
import { pageQuery } from '../../../kernel/paging.ts'
import { DateTime, FilledKey, Id, Name, OneOf, Text } from '../../../kernel/validation.ts'
import { Auth0Source } from '../../onboarding/imports/imports.schemas.ts'

const StaticTenant = Type.Object({ tenantResolverType: Type.Literal('static'), tenantId: FilledKey })
const NewTenant = Type.Object({ tenantResolverType: Type.Literal('new') })
const DynamicTenant = Type.Object({ tenantResolverType: Type.Literal('dynamic'), tenantIdFieldName: FilledKey })
const TenantFromSource = Type.Object({ tenantResolverType: Type.Literal('from-source') })
const byType = { discriminator: { propertyName: 'tenantResolverType' } }
const AnyTenant = Type.Union([StaticTenant, DynamicTenant, NewTenant], byType)
export type TenantConfig = Static<typeof AnyTenant> | Static<typeof TenantFromSource>

const Secret = Type.String({ minLength: 1, maxLength: 1024 })
/** A script of its own may be as long as a page of code. */
const Code = Type.String({ minLength: 1, maxLength: 32_768, maxBytes: 32_768 })
/** A password is sent there. */
const Url = Type.String({ format: 'uri', maxLength: 4095, pattern: '^https?://', message: 'must be a URL address' })
const AWS = { maxLength: 128, minLength: 1, pattern: '^[\\w+=,.@-]+$' }

const onLogin = { syncOnLogin: Type.Boolean() },
  external = { ...onLogin, isMigrated: Type.Boolean() }

const Auth0 = Type.Object({
  ...external,
  domain: Auth0Source.properties.domain,
  clientId: FilledKey,
  secret: Secret,
  tenantConfig: AnyTenant,
})
const Cognito = Type.Object({
  ...external,
  region: Type.String({
    maxLength: 32,
    pattern: '^[a-z]{2,4}(-[a-z]+)+-\\d{1,2}$',
    message: 'configuration.region must be a region of AWS',
    examples: ['eu-west-1'],
  }),
  clientId: Type.String(AWS),
  userPoolId: Type.String(AWS),
  accessKeyId: Type.String(AWS),
  secretAccessKey: Secret,
  clientSecret: Type.Optional(Secret),
  tenantConfig: AnyTenant,
})
const Firebase = Type.Object({
  ...external,
  apiKey: Secret,
  serviceAccount: Type.Object({
    type: FilledKey,
    project_id: FilledKey,
    private_key_id: FilledKey,
    private_key: Type.String({ minLength: 1, maxLength: 8192 }),
    client_email: FilledKey,
    client_id: FilledKey,
    auth_uri: Text,
    token_uri: Text,
    auth_provider_x509_cert_url: Text,
    client_x509_cert_url: Text,
    universe_domain: FilledKey,
  }),
  tenantConfig: Type.Union([StaticTenant, NewTenant], byType),
})
const CustomCode = Type.Object({
  ...external,
  codePayload: Code,
  getUserCodePayload: Type.Optional(Code),
  tenantConfig: Type.Union([NewTenant, TenantFromSource], byType),
})
const Federation = Type.Object({
  ...onLogin,
  wellknownUrl: Type.Optional(Url),
  oauth2Config: Type.Optional(
    Type.Object({
      authorizationUrl: Url,
      tokenUrl: Url,
      userInfoUrl: Url,
      scopes: Type.Optional(Type.Array(FilledKey, { maxItems: 50 })),
      grantTypes: Type.Optional(Type.Array(FilledKey, { maxItems: 20 })),
    }),
  ),
  clientId: FilledKey,
  secret: Secret,
  tenantConfig: AnyTenant,
})

/** What a source of each type is configured by. */
export const configurations = {
  auth0: Auth0,
  cognito: Cognito,
  firebase: Firebase,
  'custom-code': CustomCode,
  federation: Federation,
}
export type SourceType = keyof typeof configurations
export type Configurations = { [T in SourceType]: Static<(typeof configurations)[T]> }
export type Configuration = Configurations[SourceType]

const fields = <S extends TSchema>(configuration: S) => ({
  name: Name,
  configuration,
  index: Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1 }),
  description: Type.Optional(Text),
})
const AppIds = Type.Array(Id, { maxItems: 200 })

export const newSource = <S extends TSchema>(configuration: S) =>
  Type.Object({ ...fields(configuration), appIds: Type.Optional(AppIds) })
export const sourceChange = <S extends TSchema>(configuration: S) => Type.Partial(Type.Object(fields(configuration)))
export interface SourceChange<C = Configuration> {
  name?: string
  configuration?: C
  index?: number
  description?: string
}
export interface NewSource<C = Configuration> extends SourceChange<C> {
  name: string
  configuration: C
  index: number
  appIds?: string[]
}

export const Assignment = Type.Object({ appIds: AppIds, userSourceId: Id })
export type Assignment = Static<typeof Assignment>

const made = {
  id: Id,
  name: Type.String(),
  type: OneOf(Object.keys(configurations) as SourceType[]),
  description: Type.String(),
  appIds: Type.Array(Type.String()),
  index: Type.Integer(),
}
export const MadeSource = Type.Object(made)
export const UserSource = Type.Object({
  ...made,
  configuration: Type.Object({}, { additionalProperties: true }),
})
export const CountedSource = Type.Object({ ...UserSource.properties, usersCount: Type.Integer() })

export type Source = Pick<Row, 'id' | 'name' | 'type' | 'description' | 'index' | 'configuration'> & {
  apps: readonly { applicationId: string }[]
}
export const toMadeSource = ({ id, name, type, description, index, apps }: Source) => ({
  ...{ id, name, type: type as SourceType, description, index },
  appIds: apps.map(({ applicationId }) => applicationId),
})

export const SourceUsersQuery = Type.Object(pageQuery)
export type SourceUsersQuery = Static<typeof SourceUsersQuery>
export const SourceUser = Type.Object({ email: Type.String(), lastLogin: DateTime })
