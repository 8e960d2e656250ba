import { Type, type Static } from 'typebox'
import { Id, Name } from '../../../kernel/validation.ts'

/* What prehooks are asked about users, and what they change of them. */

const profile = {
  name: Type.Optional(Name),
  // an object, or the text of one
  metadata: Type.Optional(Type.Union([Type.String(), Type.Object({}, { additionalProperties: true })])),
}
export const ProfileChanges = Type.Object({ user: Type.Optional(Type.Object(profile)) })
const newcomer = { ...profile, roleIds: Type.Optional(Type.Array(Id, { maxItems: 100 })) }
export const NewcomerChanges = Type.Object({ user: Type.Optional(Type.Object(newcomer)) })
/** Of somebody who signs up; the tenant is one that they join, in place of their own. */
export const SignUpChanges = Type.Object({
  user: Type.Optional(Type.Object({ ...newcomer, allowSubaccountAccess: Type.Optional(Type.Boolean()) })),
  tenant: Type.Optional(Type.Object({ id: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })) })),
})
/** It only lets pass or refuses. */
export const NoChanges = Type.Object({})

type Profile = NonNullable<Static<typeof ProfileChanges>['user']>
/** What of the changes is about the profile, with the metadata as the wire has it. */
export const profileIn = ({ name, metadata }: Profile = {}) => ({
  ...(name !== undefined && { name }),
  ...(metadata !== undefined && { metadata: typeof metadata === 'string' ? metadata : JSON.stringify(metadata) }),
})

type Field = 'id' | 'email' | 'username' | 'phoneNumber' | 'name' | 'provider' | 'metadata' | 'ipAddress'
/** A user as prehooks see them: nothing that nobody should see. */
export const shown = (user: { readonly [F in Field]?: unknown }) => ({
  user: {
    ...(user.id !== undefined && { id: user.id }),
    email: user.email ?? null,
    username: user.username ?? null,
    phoneNumber: user.phoneNumber ?? null,
    name: user.name ?? null,
    provider: user.provider ?? 'local',
    metadata: user.metadata ?? '{}',
    ...(user.ipAddress !== undefined && { ipAddress: user.ipAddress }),
  },
})
