import { Type, type Static } from 'typebox'
import { FilledKey, Id, Key, Name, OneOf } from '../../kernel/validation.ts'

const told = {
  country: Key,
  backendStack: Key,
  frontendStack: Key,
  openSaaSInstalled: Type.Boolean(),
  /** those of the pages that may call with cookies */
  allowedOrigins: Type.Array(FilledKey, { maxItems: 200 }),
}

export const Workspace = Type.Object({ id: Id, name: Type.String(), ...told, host: Type.String() })

/** Tools send all of it, or only what they look after. */
export const WorkspaceChange = Type.Partial(Type.Object({ name: Name, ...told, host: Key }))
export type WorkspaceChange = Static<typeof WorkspaceChange>

export const NewCustomDomain = Type.Object({ customDomain: FilledKey })

export const CustomDomain = Type.Object({
  id: Id,
  domain: Type.String(),
  status: OneOf(['Active', 'Pending']),
  /** what the DNS of the domain has to say */
  records: Type.Array(Type.Object({ type: Type.String(), name: Type.String(), value: Type.String() })),
})
export const CustomDomains = Type.Object({ customDomains: Type.Array(CustomDomain) })
