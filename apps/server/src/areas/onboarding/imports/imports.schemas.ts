import { Type, type Static, type TSchema } from 'typebox'
import {
  FilledKey,
  Id,
  Key,
  Keys,
  MetadataText,
  NameOrNone,
  Nullable,
  OneOf,
  Text,
} from '../../../kernel/validation.ts'
import { Email, PictureUrl, Provider, Username } from '../../people/users/users.schemas.ts'

export const HashType = OneOf(['bcrypt', 'scrypt', 'firebase-scrypt', 'pbkdf2', 'argon2', 'sha256', 'sha1'])

const user = {
  tenantId: FilledKey,
  name: Type.Optional(NameOrNone),
  profilePictureUrl: Type.Optional(PictureUrl),
  passwordHash: Type.Optional(Text),
  passwordHashType: Type.Optional(HashType),
  passwordHashConfig: Type.Optional(Text),
  /** base32, or an address of the scheme `otpauth:` */
  authenticatorAppMfaSecret: Type.Optional(Type.String({ maxLength: 1024 })),
  phoneNumber: Type.Optional(Key),
  /** `auth`: to log in with; `mfa`: a second factor */
  phoneNumberType: Type.Optional(OneOf(['auth', 'mfa'])),
  provider: Type.Optional(Provider),
  metadata: Type.Optional(MetadataText),
  vendorMetadata: Type.Optional(MetadataText),
  /** ids or keys */
  roleIds: Type.Optional(Keys),
  externalId: Type.Optional(Key),
  username: Type.Optional(Username),
  email: Type.Optional(Email),
  verifyUser: Type.Optional(Type.Boolean()),
}
export const MigratedUser = Type.Object(user)
export const MigratedUserV2 = Type.Object({
  ...user,
  emails: Type.Optional(
    Type.Array(Type.Object({ email: Email, primary: Type.Boolean(), verified: Type.Boolean() }), { maxItems: 100 }),
  ),
})
export type MigratedUser = Static<typeof MigratedUserV2>

/** Larger than any bound of the texts above. */
const LOOSE_LENGTH = 32_768
/**
 * The types of these fields, without what is checked of each row by itself: one bad row must not stop the others. What the
 * task refuses then is told by the status.
 */
function loose(schema: TSchema): TSchema {
  const {
    type,
    enum: values,
    items,
    properties,
    maxItems,
  } = schema as {
    type?: string
    enum?: unknown[]
    items?: TSchema
    properties?: Record<string, TSchema>
    maxItems?: number
  }
  if (values || type === 'string') return Type.String({ maxLength: LOOSE_LENGTH })
  if (items) return Type.Array(loose(items), { maxItems: maxItems! })
  if (properties)
    return Type.Object(
      Object.fromEntries(Object.entries(properties).map(([name, part]) => [name, Type.Optional(loose(part))])),
    )
  return schema
}

const MOST_USERS = 1000
const many = (schema: TSchema) =>
  Type.Object({ users: Type.Array(loose(schema), { minItems: 1, maxItems: MOST_USERS }) })
export const MigratedUsers = many(MigratedUser)
export const MigratedUsersV2 = many(MigratedUserV2)

export const MigrationContext = Type.Object({ migrationId: Id })

/** A row is named by its place in the request, or in the file after its first line. */
export const MigrationFault = Type.Object({
  index: Nullable(Type.Integer()),
  field: Nullable(Type.String()),
  email: Nullable(Type.String()),
  message: Type.String(),
})
export const MigrationStatus = Type.Object({
  migrationId: Id,
  state: OneOf(['pending', 'in_progress', 'completed', 'failed']),
  total: Type.Integer(),
  migrated: Type.Integer(),
  /** the first thousand */
  errors: Type.Array(MigrationFault),
})
export type MigrationFault = Static<typeof MigrationFault>
export type MigrationStatus = Static<typeof MigrationStatus>

/** What is read of an upload. Its parts may come in any order. */
export const CsvForm = Type.Object({
  csv: Type.String({ format: 'binary', description: 'its first line names the columns' }),
  fieldsMapper: Type.Optional(
    Type.String({ description: 'JSON: the field that each column holds. Absent: columns have the names of fields' }),
  ),
  hashingConfig: Type.Optional(
    Type.String({ description: 'JSON: passwordHashType and passwordHashConfig of rows without their own' }),
  ),
})

export const Auth0Source = Type.Object({
  domain: Type.String({
    maxLength: 255,
    pattern: '^(https://)?[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?/?$',
    message: 'domain must be the domain of an Auth0 tenant',
  }),
  clientId: FilledKey,
  secret: Type.String({ minLength: 1, maxLength: 1024 }),
  tenantIdFieldName: FilledKey,
  isTenantIdOnUserMetadata: Type.Optional(Type.Boolean()),
})
export type Auth0Source = Static<typeof Auth0Source>
