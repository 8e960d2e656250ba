import { expect, test } from 'vitest'
import { unserved } from '../src/unserved.ts'
import { newEnvironment, operations } from './environment.ts'

/**
 * What servers' SDKs, mobile apps and infrastructure tools call, and no specification lists. Each is served, or answers 501
 * because it stands in the table of what is not.
 */
const called = `
GET /vendors
PUT /vendors
GET /vendors/base-url
GET /vendors/custom-domains/v2
POST /vendors/custom-domains/v2/verify
DELETE /vendors/custom-domains/v2/{id}
GET /oauth/resources/configurations/v1
POST /oauth/resources/configurations/v1
GET /oauth/resources/configurations/v1/redirect-uri
POST /oauth/resources/configurations/v1/redirect-uri
DELETE /oauth/resources/configurations/v1/redirect-uri/{id}
POST /oauth/resources/configurations/v1/activate
POST /oauth/resources/configurations/v1/deactivate
GET /identity/resources/sso/v2
POST /identity/resources/sso/v2
GET /identity/resources/sso/v2/{provider}
POST /identity/resources/sso/v2/{provider}
POST /identity/resources/sso/v2/{provider}/activate
POST /identity/resources/sso/v2/{provider}/deactivate
GET /metadata
POST /metadata
POST /identity/resources/auth/v1/api-token
POST /identity/resources/auth/v1/api-token/token/refresh
GET /identity/resources/users/v1
GET /tenants/resources/tenants/v1
POST /identity/resources/applications/v1/{appId}/users
GET /identity/resources/mail/v1/configs/emails
POST /identity/resources/mail/v1/configs/emails
POST /oauth/token
POST /oauth/authorize/silent
POST /oauth/logout/token
GET /identity/resources/vendor-only/tenants/access-tokens/v1/active
GET /identity/resources/vendor-only/users/access-tokens/v1/active
POST /audits
GET /audits
GET /audits/stats
POST /event/resources/triggers/v3
GET /event/resources/triggers/v3/{id}/statuses
GET /event/resources/configurations/v1
POST /event/resources/configurations/v1
DELETE /event/resources/configurations/v1/{id}
GET /entitlements/api/v1/vendor-entitlements-snapshot-offset
GET /entitlements/api/v1/vendor-entitlements
GET /entitlements/api/v2/user-entitlements
GET /.well-known/jwks.json
GET /.well-known/openid-configuration
GET /.well-known/assetlinks.json
GET /.well-known/apple-app-site-association
GET /identity/resources/auth/v1/feature-flags
GET /identity/resources/auth/v1/sso/config
POST /identity/resources/migrations/v1/local/bulk/csv
GET /team/resources/sso/v1/configurations
POST /team/resources/sso/v1/configurations
GET /team/resources/sso/v1/configurations/multiple-sso-per-domain
PUT /team/resources/sso/v1/configurations/domains
GET /team/resources/sso/v1/oidc/configurations
POST /team/resources/sso/v1/oidc/configurations
GET /directory/resources/v1/configurations/scim2
POST /directory/resources/v1/configurations/scim2
GET /entitlements/resources/features/v1
POST /entitlements/resources/plans/v1
GET /security-engines/resources/policies/v1/country-restriction
PATCH /security-engines/resources/policies/v1/country-restriction
GET /vendors/resources/associated-domains/v1/android
POST /vendors/resources/associated-domains/v1/android
DELETE /vendors/resources/associated-domains/v1/android/{id}
GET /vendors/resources/associated-domains/v1/ios
POST /vendors/resources/associated-domains/v1/ios
DELETE /vendors/resources/associated-domains/v1/ios/{id}
GET /prehooks/resources/configurations/v1
POST /applications/resources/applications/tenant-assignments/v1/{appId}
GET /identity/resources/user-sources/v1
`
  .trim()
  .split('\n')
  .map((line) => line.split(' ') as ['GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', string])

const shapeOf = (path: string) => path.replaceAll(/\{\w+\}/g, '{}')
const inTable = (path: string) =>
  unserved.some(({ paths }) =>
    paths.some((one) => (one.endsWith('*') ? path.startsWith(one.slice(0, -1)) : shapeOf(one) === shapeOf(path))),
  )

test('every route that tools call is served, or stands in the table of what is not', async () => {
  const env = await newEnvironment(),
    served = new Set(operations.map(({ method, path }) => `${method} ${shapeOf(path)}`))
  expect(
    called
      .filter(([method, path]) => !served.has(`${method} ${shapeOf(path)}`) && !inTable(path))
      .map((one) => one.join(' ')),
  ).toEqual([])
  for (const [method, path] of called) {
    const url = path.replaceAll(/\{\w+\}/g, '11111111-1111-4111-8111-111111111111'),
      { status, body } = await env.vendor(method, url, method === 'GET' ? undefined : {})
    if (served.has(`${method} ${shapeOf(path)}`))
      expect(body?.errors?.[0] ?? '', `${method} ${path}`).not.toBe('Route not found')
    else expect(status, `${method} ${path}`).toBe(501)
  }
})
