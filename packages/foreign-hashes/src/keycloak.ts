import { optionsOf } from './options.ts'
import { Fault, refuse, type ForeignPassword } from './password.ts'

/** A credential of type `password` in a realm's export. Both fields are JSON texts. */
export interface KeycloakCredential {
  secretData: string
  credentialData: string
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** @throws Fault */
function objectIn(text: unknown, name: string): Record<string, unknown> {
  try {
    const value: unknown = typeof text === 'string' ? JSON.parse(text) : text
    if (isObject(value)) return value
  } catch {
    // falls through
  }
  return refuse(`"${name}" of the Keycloak credential is no JSON object`)
}

const textIn = (object: Record<string, unknown>, name: string): string => {
  const value = object[name]
  return typeof value === 'string' ? value : refuse(`"${name}" of the Keycloak credential is missing`)
}

/** A password of Keycloak, with its hash in PHC form; or why it cannot be verified. */
export function fromKeycloak(credential: KeycloakCredential): ForeignPassword | { fault: string } {
  try {
    return inPhc(credential)
  } catch (error) {
    if (error instanceof Fault) return { fault: error.message }
    throw error
  }
}

/** @throws Fault for an algorithm that Keycloak itself does not have */
function inPhc(credential: KeycloakCredential): ForeignPassword {
  const secret = objectIn(credential.secretData, 'secretData'),
    data = objectIn(credential.credentialData, 'credentialData')
  const value = textIn(secret, 'value'),
    salt = textIn(secret, 'salt'),
    algorithm = textIn(data, 'algorithm'),
    rounds = Number(data['hashIterations'])
  if (/^pbkdf2(-sha\d+)?$/.test(algorithm))
    return { type: 'pbkdf2', hash: `$${algorithm}$i=${rounds}$${salt}$${value}` }
  if (algorithm !== 'argon2') return refuse('of Keycloak only pbkdf2 and argon2 can be verified')
  const more = isObject(data['additionalParameters']) ? data['additionalParameters'] : {}
  // each is a list of one text
  const of = (name: string) => String(([] as unknown[]).concat(more[name])[0])
  const version = { '1.0': 16, '1.3': 19 }[of('version')] ?? 0
  return {
    type: 'argon2',
    hash: `$argon2${of('type')}$v=${version}$m=${of('memory')},t=${rounds},p=${of('parallelism')}$${salt}$${value}`,
  }
}

/** Whether a hash is such a credential, as one JSON text. */
export const isKeycloakText = (hash: string) => /^\s*\{\s*"/.test(hash)

/** @throws Fault also when it is of another type than it was said to be */
export function fromKeycloakText(password: ForeignPassword): ForeignPassword {
  optionsOf(password, [])
  const phc = inPhc(objectIn(password.hash, 'hash') as unknown as KeycloakCredential)
  return phc.type === password.type ? phc : refuse(`the Keycloak credential is not ${password.type}`)
}
