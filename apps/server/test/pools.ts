import { expect } from 'vitest'
import { httpDouble, type Received, type Reply } from '../../../packages/outbound/test/http-double.ts'
import type { TestEnvironment } from './environment.ts'

export const sources = '/identity/resources/user-sources/v1'
export const NEW_TENANT = { tenantResolverType: 'new' }

/** A configuration of each type of source, as its administrator would write it. */
export const configured = {
  auth0: {
    syncOnLogin: true,
    isMigrated: false,
    domain: 'coop.eu.auth0.com',
    clientId: 'client',
    secret: 'the-secret-of-the-auth0-client',
    tenantConfig: NEW_TENANT,
  },
  cognito: {
    syncOnLogin: true,
    isMigrated: false,
    region: 'eu-west-1',
    clientId: 'client',
    userPoolId: 'eu-west-1_abc',
    accessKeyId: 'AKIDEXAMPLE',
    secretAccessKey: 'the-secret-access-key',
    clientSecret: 'the-secret-of-the-cognito-client',
    tenantConfig: NEW_TENANT,
  },
  firebase: {
    syncOnLogin: true,
    isMigrated: false,
    apiKey: 'the-firebase-api-key',
    serviceAccount: {
      type: 'service_account',
      project_id: 'coop',
      private_key_id: 'k1',
      private_key: 'the-private-key-of-firebase',
      client_email: 'coop@coop.iam.gserviceaccount.com',
      client_id: '1',
      auth_uri: 'https://accounts.google.com/o/oauth2/auth',
      token_uri: 'https://oauth2.googleapis.com/token',
      auth_provider_x509_cert_url: 'https://www.googleapis.com/oauth2/v1/certs',
      client_x509_cert_url: 'https://www.googleapis.com/robot/v1/metadata/x509/coop',
      universe_domain: 'googleapis.com',
    },
    tenantConfig: NEW_TENANT,
  },
  'custom-code': {
    syncOnLogin: true,
    isMigrated: false,
    codePayload: 'function onEvent() {}',
    tenantConfig: NEW_TENANT,
  },
  federation: {
    syncOnLogin: true,
    wellknownUrl: 'https://id.example.com/.well-known/openid-configuration',
    clientId: 'client',
    secret: 'the-secret-of-the-federation',
    tenantConfig: NEW_TENANT,
  },
}
export type Type = keyof typeof configured
/** In the ids of their operations. */
export const sourceNames: Record<Type, string> = {
  auth0: 'Auth0',
  cognito: 'Cognito',
  firebase: 'Firebase',
  'custom-code': 'CustomCode',
  federation: 'Federation',
}
export const pathOf = (type: Type) => `${sources}/${type === 'federation' ? '' : 'external/'}${type}`

/** Adds a source that logins to the default application ask. @returns its id */
export async function addSource(env: TestEnvironment, type: Type, configuration: object = {}, more: object = {}) {
  const ctx = await env.context(),
    { applicationId } = await ctx.db.defaultApplication.findFirstOrThrow({ where: {} })
  const { status, body } = await env.vendor('POST', pathOf(type), {
    ...{ name: type, index: 0, appIds: [applicationId] },
    configuration: { ...configured[type], ...configuration },
    ...more,
  })
  expect(status, JSON.stringify(body)).toBe(201)
  return body.id as string
}

/** A script that knows these people by address or username and password. */
export const scriptOf = (people: readonly object[]) => `
  const people = ${JSON.stringify(people)}
  async function onEvent({ email, username, password }) {
    const found = people.find((one) => (email ? one.email === email : one.username === username) && one.password === password)
    if (!found) return null
    const { password: _, ...user } = found
    return user
  }`

export const json = (status: number, body: object): Reply => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
})
export const bodyOf = ({ body }: Received) => JSON.parse(body.toString()) as Record<string, any>

interface Auth0User {
  user_id: string
  email?: string
  email_verified?: boolean
  password: string
  name?: string
  picture?: string
  app_metadata?: object
  user_metadata?: object
}
/** The parts of Auth0's Authentication and Management APIs that a login needs. */
export function auth0Double(users: Auth0User[], changes: { token?: (request: Received) => Reply | undefined } = {}) {
  return httpDouble((request) => {
    const { method, target, headers } = request,
      bearer = headers.authorization?.replace('Bearer ', '')
    if (method === 'POST' && target === '/oauth/token') {
      const { grant_type, client_secret, username, password } = bodyOf(request)
      if (client_secret !== configured.auth0.secret)
        return json(401, { error: 'access_denied', error_description: 'Unauthorized' })
      if (grant_type === 'client_credentials') return json(200, { access_token: 'management', token_type: 'Bearer' })
      if (changes.token) return changes.token(request)
      const user = users.find((one) => one.email === username && one.password === password)
      return user
        ? json(200, { access_token: `of ${user.user_id}`, id_token: 'x', token_type: 'Bearer', expires_in: 86_400 })
        : json(403, { error: 'invalid_grant', error_description: 'Wrong email or password.' })
    }
    const known = ({ user_id: sub, email, email_verified, name, picture }: Auth0User) => ({
      sub,
      email,
      email_verified,
      name,
      picture,
    })
    const user = users.find((one) => bearer === `of ${one.user_id}`)
    if (target === '/userinfo') return user ? json(200, known(user)) : json(401, {})
    const asked = users.find((one) => target === `/api/v2/users/${encodeURIComponent(one.user_id)}`)
    return bearer === 'management' && asked
      ? json(200, { user_id: asked.user_id, app_metadata: asked.app_metadata, user_metadata: asked.user_metadata })
      : json(404, {})
  })
}

/** Logs in with a password. */
export const logInWith = (env: TestEnvironment, credentials: object, headers: Record<string, string> = {}) =>
  env.anonymous('POST', '/identity/resources/auth/v1/user', credentials, { headers })
