import { describe, expect, test } from 'vitest'
import { newEnvironment, type Client, type TestEnvironment } from './environment.ts'

const settings = '/identity/resources/configurations/v1',
  restrictions = '/identity/resources/configurations/restrictions/v1'
type As = (env: TestEnvironment, tenantId: string) => Client
const management: As = (env) => env.vendor,
  account: As = (env, tenantId) => env.as(tenantId),
  anybody: As = (env) => env.anonymous
const OFF = { errorCode: 'ER-00004' }
const tests = { requireLowercase: true, requireNumbers: true, requireSpecialChars: true, requireUppercase: true }

/** The answers of an environment whose settings nobody has changed. */
const fresh: [who: As, path: string, status: number, body: unknown][] = [
  [
    anybody,
    `${settings}/public`,
    200,
    {
      allowSignups: true,
      allowNotVerifiedUsersLogin: false,
      apiTokensEnabled: true,
      forcePermissions: false,
      restrictEqualLevelRoleAssignment: false,
      authStrategy: 'EmailAndPassword',
      machineToMachineAuthStrategy: 'ClientCredentials',
    },
  ],
  [
    anybody,
    `${settings}/auth/strategies/public`,
    200,
    {
      mainAuthStrategies: [{ strategy: 'EmailAndPassword' }],
      secondaryAuthStrategies: expect.not.arrayContaining([expect.objectContaining({ isActive: true })]),
    },
  ],
  [
    anybody,
    `${settings}/sign-up/strategies`,
    200,
    expect.arrayContaining([{ strategy: 'email', isActive: true, isRequired: true }]),
  ],
  [
    management,
    `${settings}/password-recovery/strategies`,
    200,
    [
      { strategy: 'email', isActive: true },
      { strategy: 'sms', isActive: false },
    ],
  ],
  [management, `${settings}/sms`, 404, OFF],
  [management, '/identity/resources/mail/v1/configurations', 404, OFF],
  [management, `${settings}/mfa-policy`, 404, OFF],
  [account, `${settings}/mfa-policy`, 404, OFF],
  [account, `${settings}/mfa-policy/vendor`, 404, OFF],
  [management, `${settings}/lockout-policy`, 404, OFF],
  [account, `${settings}/lockout-policy`, 404, OFF],
  [account, `${settings}/lockout-policy/vendor`, 404, OFF],
  [management, `${settings}/password-history-policy`, 404, OFF],
  [account, `${settings}/password-history-policy`, 404, OFF],
  [account, `${settings}/password-history-policy/vendor`, 404, OFF],
  [management, `${settings}/password-rotation`, 404, OFF],
  [account, `${settings}/password-rotation`, 404, OFF],
  [account, `${settings}/password-rotation/vendor`, 404, OFF],
  [
    management,
    `${settings}/mfa`,
    200,
    {
      authenticationApp: { active: true, serviceName: 'Frontegg' },
      sms: { active: false, tokenLifetimeSeconds: 300 },
      email: { active: false, tokenLifetimeSeconds: 300, sender: '' },
    },
  ],
  [
    management,
    `${settings}/mfa/strategies`,
    200,
    {
      strategies: expect.arrayContaining([
        { strategy: 'AuthenticatorApp', isActive: true },
        { strategy: 'SMS', isActive: false },
        { strategy: 'EmailCode', isActive: false },
      ]),
    },
  ],
  [
    anybody,
    `${settings}/password`,
    200,
    {
      minLength: 6,
      maxLength: 128,
      minOptionalTestsToPass: 1,
      allowPassphrases: false,
      minPhraseLength: 20,
      blockPwnedPasswords: false,
      optionalTests: { ...tests, checkThreeRepeatedChars: false },
      requiredTests: {
        ...Object.fromEntries(Object.keys(tests).map((name) => [name, false])),
        checkThreeRepeatedChars: true,
      },
    },
  ],
  [management, '/identity/resources/configurations/sessions/v1', 200, {}],
  [account, '/identity/resources/configurations/sessions/v1', 200, {}],
  [management, `${settings}/captcha-policy`, 404, OFF],
  [anybody, `${settings}/captcha-policy/public`, 200, { enabled: false }],
  [management, `${settings}/activation/strategies`, 200, { strategy: 'link', codeExpiration: 3600 }],
  [management, `${settings}/invitation/strategies`, 200, { strategy: 'link', codeExpiration: 3600 }],
  [management, `${settings}/user-emails-policy`, 200, { allowEmailChange: false }],
  [
    account,
    `${restrictions}/email-domain/config`,
    200,
    { active: false, listType: 'ALLOW', blockPublicDomains: false },
  ],
  [account, `${settings}/restrictions/ip/config`, 200, { isActive: false, strategy: 'ALLOW' }],
  [
    account,
    '/identity/resources/tenants/invites/v1/configuration',
    200,
    { tenantInvitationsAllowed: true, emailsEnabled: true },
  ],
]

describe.concurrent('a fresh environment', () => {
  test.for(
    fresh.map(
      (row) =>
        [
          `${row[0] === management ? 'management' : row[0] === account ? 'an account' : 'anybody'} ${row[1]}`,
          row,
        ] as const,
    ),
  )('as %s has it', async ([, [who, path, status, body]]) => {
    const env = await newEnvironment(),
      answer = await who(env, await env.newTenant())('GET', path)
    expect({ status: answer.status, body: answer.body }).toMatchObject({ status, body })
  })
})
