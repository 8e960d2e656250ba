import { Type, type Static } from 'typebox'
import { Id, Key, Metadata, Text, Token } from '../../../kernel/validation.ts'
import { LinkToken, MailedCode } from '../../access/codes/codes.schemas.ts'
import { MembershipStatus } from '../../people/memberships/memberships.schemas.ts'
import { Email } from '../../people/users/users.schemas.ts'

const accepted = {
  // clients send an empty text for no password
  password: Type.Optional(Type.String({ maxLength: 4096 })),
  recaptchaToken: Type.Optional(Token),
  lastTermsCheck: Type.Optional(Text),
}
export const Activation = Type.Object({ ...LinkToken.properties, ...accepted })
export type Activation = Static<typeof Activation>
export const CodeActivation = Type.Object({ ...MailedCode.properties, ...accepted })
export type CodeActivation = Static<typeof CodeActivation>

export const ActivationStrategy = Type.Object({ shouldSetPassword: Type.Boolean() })
export const Renewal = Type.Object({
  email: Email,
  emailMetadata: Type.Optional(Metadata),
})
export type Renewal = Static<typeof Renewal>
export const ActivationLink = Type.Object({ link: Type.String(), token: Type.String(), userId: Id })

export const StatusQuery = Type.Object({
  userIds: Type.Array(Key, { maxItems: 200 }),
  userTenantStatuses: Type.Optional(Type.Array(MembershipStatus, { maxItems: 50 })),
})
export type StatusQuery = Static<typeof StatusQuery>
export const StatusesOfUser = Type.Object({
  userId: Id,
  tenantsStatuses: Type.Array(Type.Object({ tenantId: Type.String(), status: MembershipStatus })),
})
