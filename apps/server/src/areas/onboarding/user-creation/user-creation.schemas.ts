import { Type } from 'typebox'
import { Key, Keys, Metadata, MetadataText, NameOrNone } from '../../../kernel/validation.ts'
import { Expiration } from '../../people/memberships/memberships.schemas.ts'
import { Email, PhoneNumber, PictureUrl, Provider, Username } from '../../people/users/users.schemas.ts'

const identity = {
  email: Type.Optional(Email),
  username: Type.Optional(Username),
  name: Type.Optional(NameOrNone),
  /** the hasher takes no longer ones */
  password: Type.Optional(Type.String({ minLength: 1, maxLength: 4096 })),
  phoneNumber: Type.Optional(PhoneNumber),
  metadata: Type.Optional(MetadataText),
  roleIds: Type.Optional(Keys),
  expirationInSeconds: Type.Optional(Expiration),
}
export const NewUser = Type.Object({
  ...identity,
  profilePictureUrl: Type.Optional(PictureUrl),
  provider: Type.Optional(Provider),
  skipInviteEmail: Type.Optional(Type.Boolean()),
  emailMetadata: Type.Optional(Metadata),
})
export const NewVendorUser = Type.Object({
  ...identity,
  tenantId: Key,
  vendorMetadata: Type.Optional(MetadataText),
  mfaBypass: Type.Optional(Type.Boolean()),
  externalId: Type.Optional(Key),
})
