export { accept, isForeign, verify } from './stored.ts'
export { fromKeycloak, type KeycloakCredential } from './keycloak.ts'
export type { ForeignPassword } from './password.ts'
