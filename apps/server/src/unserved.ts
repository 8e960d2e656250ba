import type { Unserved } from './kernel/operation.ts'

/**
 * What clients of the API call, and Henhouse does not have. It answers 501: a 404 means to clients that something has expired or
 * was deleted, and a page of HTML stops them. `*` stands for everything below.
 */
export const unserved: readonly Unserved[] = [
  { what: 'Subscriptions and billing', paths: ['/subscriptions/*'] },
  { what: 'Notifications by mail, SMS and Slack', paths: ['/integrations/*'] },
  { what: 'The bell of notifications', paths: ['/notification', '/notification/*'] },
  { what: 'Reports', paths: ['/reports/*'] },
  { what: 'Security insights and recommendations', paths: ['/security-center/*'] },
  { what: 'Rules of the security engines', paths: ['/security-engines/*'] },
  { what: 'Provisioning (SCIM)', paths: ['/directory/*'] },
  { what: 'Plans, features and feature flags', paths: ['/entitlements/*'] },
  {
    what: 'Single sign-on (SAML, OpenID Connect)',
    paths: [
      '/team/resources/sso/*',
      '/auth/saml/*',
      '/auth/oidc/*',
      '/identity/resources/auth/v1/user/saml/postlogin',
      '/identity/resources/auth/v1/user/oidc/postlogin',
      '/identity/resources/auth/v2/user/oidc/postlogin',
    ],
  },
  { what: 'The audit trail in other formats than CSV', paths: ['/audits/export/*'] },
  { what: 'The builder of login boxes', paths: ['/metadata/admin-box'] },
  {
    what: 'E-mail templates under an old address (/configs/templates has them)',
    paths: ['/identity/resources/mail/v1/configs/emails'],
  },
  { what: 'Where an IP address is', paths: ['/metadata/ip/{ip}', '/metadata/ipme'] },
]
