import { describe, expect, test } from 'vitest'
import { EMULATOR, emulatorConfig, productionConfig, type ConfigError } from './config.ts'

const good = {
  DATABASE_URL: 'postgres://u:p@db/henhouse',
  HENHOUSE_PUBLIC_URL: 'https://id.example.com',
  HENHOUSE_ENCRYPTION_KEY: 'rT8v+Qm3ZkWn5yLxB0aJ7cUdEfGhPiSo2XqVbN1MtYw=',
}
const faultsOf = (read: () => unknown) => {
  try {
    read()
    return []
  } catch (error) {
    return (error as ConfigError).faults
  }
}
const faults = (changes: Record<string, string | undefined>) =>
  faultsOf(() => productionConfig({ ...good, ...changes }))

describe('the configuration of production', () => {
  test('needs a database, an address and a key, and has a default for everything else', () => {
    const { config, secrets } = productionConfig(good)
    expect(config).toMatchObject({
      host: '0.0.0.0',
      port: 3100,
      allowedOrigins: [],
      trustProxy: false,
      rateLimits: true,
      logLevel: 'info',
      passwords: { memoryCost: 19_456, timeCost: 2, parallelism: 1 },
    })
    expect(secrets).toEqual({
      databaseUrl: good.DATABASE_URL,
      encryptionKey: good.HENHOUSE_ENCRYPTION_KEY,
      smtpUrl: undefined,
      aws: undefined,
      metricsToken: undefined,
    })
    expect(config.drainSeconds).toBe(5)
  })

  test('knows no other variable that begins as ours do, but for those of Kubernetes, and says which was meant', () => {
    expect(
      faults({ HENHOUSE_TRUSTED_PROXY: '10.0.0.0/8', HENHOUSE_SMPT_URL: 'smtp://mail', HENHOUSE_COLOUR: '' }),
    ).toEqual([
      'HENHOUSE_TRUSTED_PROXY is unknown: did you mean HENHOUSE_TRUST_PROXY?',
      'HENHOUSE_SMPT_URL is unknown: did you mean HENHOUSE_SMTP_URL?',
      expect.stringMatching(/^HENHOUSE_COLOUR is unknown: did you mean HENHOUSE_/),
    ])
    expect(
      faults({
        // the emulator's, in the same shell
        HENHOUSE_CLIENT_ID: 'x',
        HENHOUSE_PORT: '3100',
        HENHOUSE_SERVICE_HOST: '10.0.0.1',
        HENHOUSE_SERVICE_PORT_HTTP: '3100',
        HENHOUSE_PORT_3100_TCP_ADDR: '10.0.0.1',
        HENHOUSE_MAIL_PORT: 'tcp://10.0.0.1:25',
      }),
    ).toEqual([])
  })

  test('needs a host name in the public URL, as environments have their names before it', () => {
    for (const address of ['http://127.0.0.1:3100', 'https://[::1]', 'https://10.1.2.3', 'https://0x7f.1'])
      for (const found of [
        faults({ HENHOUSE_PUBLIC_URL: address }),
        faultsOf(() => emulatorConfig({ HENHOUSE_PUBLIC_URL: address })),
      ])
        expect(found).toEqual([expect.stringMatching(/^HENHOUSE_PUBLIC_URL must have a host name, .* localhost/)])
    expect(faults({ HENHOUSE_PUBLIC_URL: 'http://localhost:3100' })).toEqual([])
  })

  test('opens metrics with a token that cannot be guessed', () => {
    expect(faults({ HENHOUSE_METRICS_TOKEN: 'short' })).toEqual([expect.stringContaining('16 characters')])
    expect(productionConfig({ ...good, HENHOUSE_METRICS_TOKEN: '0123456789abcdef' }).secrets.metricsToken).toBe(
      '0123456789abcdef',
    )
  })

  test('reports every fault at once, each with its variable and none with a secret', () => {
    const found = faultsOf(() =>
      productionConfig({
        DATABASE_URL: 'mysql://u:hush@db/x',
        HENHOUSE_ENCRYPTION_KEY: 'hush',
        HENHOUSE_PORT: '70000',
        HENHOUSE_ALLOWED_ORIGINS: 'https://a.example, b.example',
        HENHOUSE_TRUST_PROXY: 'yes',
        HENHOUSE_SMTP_URL: 'http://u:hush@mail',
        HENHOUSE_ARGON2_MEMORY: '1024',
        LOG_LEVEL: 'loud',
        AWS_ACCESS_KEY_ID: 'id',
        HENHOUSE_MAIL_FROM: 'nobody',
      }),
    )
    const names = [
      'DATABASE_URL',
      'HENHOUSE_PUBLIC_URL',
      'HENHOUSE_ENCRYPTION_KEY',
      'HENHOUSE_PORT',
      'HENHOUSE_ALLOWED_ORIGINS',
      'HENHOUSE_TRUST_PROXY',
      'HENHOUSE_SMTP_URL',
      'HENHOUSE_ARGON2_MEMORY',
      'LOG_LEVEL',
      'AWS_SECRET_ACCESS_KEY',
      'HENHOUSE_MAIL_FROM',
    ]
    expect(found.map((fault) => fault.split(' ')[0]).sort()).toEqual(names.sort())
    expect(found.join()).not.toContain('hush')
  })

  test('keeps secrets out of what is logged', () => {
    const { config } = productionConfig({
      ...good,
      HENHOUSE_SMTP_URL: 'smtp://u:hush@mail.example',
      AWS_ACCESS_KEY_ID: 'id',
      AWS_SECRET_ACCESS_KEY: 'hush',
    })
    for (const secret of ['hush', good.HENHOUSE_ENCRYPTION_KEY, good.DATABASE_URL])
      expect(JSON.stringify(config)).not.toContain(secret)
  })

  test('lets Twilio or any gateway carry text messages, and says what is missing for that without a secret', () => {
    const account = { HENHOUSE_TWILIO_ACCOUNT_SID: `AC${'0'.repeat(32)}`, HENHOUSE_TWILIO_AUTH_TOKEN: 'hush' }
    const carrier = (changes: Record<string, string>) => productionConfig({ ...good, ...changes }).secrets.sms
    expect([
      carrier({}),
      carrier({ HENHOUSE_SMS_URL: 'https://sms.example/send', HENHOUSE_SMS_AUTHORIZATION: 'Bearer hush' }),
      carrier({ ...account, HENHOUSE_TWILIO_FROM: 'Acme' }),
      carrier({ ...account, HENHOUSE_TWILIO_FROM: `MG${'0'.repeat(32)}` }),
    ]).toEqual([
      undefined,
      { kind: 'http', url: 'https://sms.example/send', headers: { authorization: 'Bearer hush' } },
      { kind: 'twilio', accountSid: account.HENHOUSE_TWILIO_ACCOUNT_SID, authToken: 'hush', from: 'Acme' },
      {
        kind: 'twilio',
        accountSid: account.HENHOUSE_TWILIO_ACCOUNT_SID,
        authToken: 'hush',
        messagingServiceSid: `MG${'0'.repeat(32)}`,
      },
    ])
    expect(faults({ HENHOUSE_SMS_URL: 'ftp://hush' })).toEqual([
      'HENHOUSE_SMS_URL cannot be used: http: the base address is not an http(s) address',
    ])
    expect(faults(account)).toEqual([
      'HENHOUSE_TWILIO_ACCOUNT_SID cannot be used: HENHOUSE_TWILIO_AUTH_TOKEN and HENHOUSE_TWILIO_FROM are needed as well',
    ])
    expect(faults({ ...account, HENHOUSE_TWILIO_FROM: 'hush, hush' })).toEqual([
      'HENHOUSE_TWILIO_ACCOUNT_SID cannot be used: twilio: the sender is malformed',
    ])
  })

  test.each([
    'short',
    'a'.repeat(40),
    'abcd'.repeat(10),
    '0123456789abcdef0123456789abcdef',
    'abcdefghijklmnopqrstuvwxyz0123456789',
    'changeme-changeme-0123-changeme-x9',
    'MyVerySecretKeyThatIsLongEnough!!',
    '1'.repeat(31) + '2',
    'correct-password-battery-staple-9Z',
  ])('refuses the weak key %s', (key) => {
    expect(faults({ HENHOUSE_ENCRYPTION_KEY: key })).toEqual([
      expect.stringMatching(/^HENHOUSE_ENCRYPTION_KEY .*openssl rand/),
    ])
  })

  test.each([
    '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    'rT8v+Qm3ZkWn5yLxB0aJ7cUdEfGhPiSo2XqVbN1MtYw=',
    'x7Kp!mQz2vRw9sLt4uYb6nHc8jDf3gAe',
  ])('takes the random key %s', (key) => {
    expect(faults({ HENHOUSE_ENCRYPTION_KEY: key })).toEqual([])
  })

  test('takes any of the parameters that OWASP holds equal, and nothing below', () => {
    const parameters = (memory: string, iterations: string) =>
      faults({ HENHOUSE_ARGON2_MEMORY: memory, HENHOUSE_ARGON2_ITERATIONS: iterations })
    expect([parameters('7168', '5'), parameters('47104', '1'), parameters('65536', '3')]).toEqual([[], [], []])
    for (const weak of [parameters('7168', '4'), parameters('19456', '1'), parameters('7167', '64')])
      expect(weak).toHaveLength(1)
  })

  test('takes proxies as addresses, networks and names', () => {
    expect(productionConfig({ ...good, HENHOUSE_TRUST_PROXY: '10.0.0.0/8, loopback,::1' }).config.trustProxy).toBe(
      '10.0.0.0/8,loopback,::1',
    )
    expect(productionConfig({ ...good, HENHOUSE_TRUST_PROXY: 'true' }).config.trustProxy).toBe(true)
    for (const bad of ['10.0.0.0/33', 'proxy.example', '1', '::1/200'])
      expect(faults({ HENHOUSE_TRUST_PROXY: bad })).toHaveLength(1)
  })

  test('calls public addresses only, and networks that are named', () => {
    const { config } = productionConfig({ ...good, HENHOUSE_PRIVATE_NETWORKS: '10.1.0.0/16, 127.0.0.1,fd00::/8' })
    expect(config.privateNetworks).toEqual(['10.1.0.0/16', '127.0.0.1', 'fd00::/8'])
    expect(productionConfig(good).config.privateNetworks).toEqual([])
    for (const bad of ['10.0.0.0/33', 'internal.example', 'loopback', 'on'])
      expect(faults({ HENHOUSE_PRIVATE_NETWORKS: bad })).toHaveLength(1)
  })

  test('takes an origin for its address, and no wildcard and no path', () => {
    expect(
      productionConfig({ ...good, HENHOUSE_ALLOWED_ORIGINS: 'https://App.example.com/, http://localhost:3000' }).config
        .allowedOrigins,
    ).toEqual(['https://app.example.com', 'http://localhost:3000'])
    for (const bad of ['*', 'https://a.example/path', 'a.example'])
      expect(faults({ HENHOUSE_ALLOWED_ORIGINS: bad })).toHaveLength(1)
    expect(faults({ HENHOUSE_PUBLIC_URL: 'https://id.example.com/base' })).toHaveLength(1)
  })

  test('takes hashes of Android apps as origins, and nothing else', () => {
    const origin = `android:apk-key-hash:${'a'.repeat(43)}`
    expect(
      productionConfig({ ...good, HENHOUSE_ANDROID_ORIGINS: `${origin}, ${origin}` }).config.androidOrigins,
    ).toEqual([origin, origin])
    for (const bad of ['https://app.example.com', 'android:apk-key-hash:short', '*'])
      expect(faults({ HENHOUSE_ANDROID_ORIGINS: bad })).toHaveLength(1)
  })

  test('knows the variable that Kubernetes sets for a Service of the same name', () => {
    expect(faults({ HENHOUSE_PORT: 'tcp://10.0.0.1:3100' })).toEqual([expect.stringContaining('enableServiceLinks')])
  })
})

describe('the configuration of the emulator', () => {
  test('needs nothing', () => {
    expect(emulatorConfig({})).toMatchObject({
      host: 'localhost',
      port: 3100,
      clientId: EMULATOR.clientId,
      apiKey: EMULATOR.apiKey,
      data: '.henhouse',
      databaseUrl: undefined,
      rateLimits: false,
    })
  })

  test('refuses too many requests only where rate limits are on', () => {
    expect(emulatorConfig({ HENHOUSE_RATE_LIMITS: 'on' }).rateLimits).toBe(true)
    expect(productionConfig({ ...good, HENHOUSE_RATE_LIMITS: 'off' }).config.rateLimits).toBe(false)
    expect(faults({ HENHOUSE_RATE_LIMITS: 'yes' })).toEqual(['HENHOUSE_RATE_LIMITS must be one of on, off'])
  })

  test('takes empty variables for absent ones', () => {
    expect(emulatorConfig({ HENHOUSE_PORT: '', DATABASE_URL: ' ' })).toMatchObject({
      port: 3100,
      databaseUrl: undefined,
    })
  })

  test('refuses production, beside every other fault', () => {
    expect(
      faultsOf(() =>
        emulatorConfig({ NODE_ENV: 'production', HENHOUSE_CLIENT_ID: 'me', HENHOUSE_API_KEY: 'two words' }),
      ).map((fault) => fault.split(' ')[0]),
    ).toEqual(['NODE_ENV', 'HENHOUSE_CLIENT_ID', 'HENHOUSE_API_KEY'])
  })
})
