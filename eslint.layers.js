import boundaries from 'eslint-plugin-boundaries'

/*
 * Who may import what. Both lists run from the bottom to the top: an area or a file of the kernel imports only those
 * before it. So there are no import circles, and a new area or file needs a place first.
 */

const layers = {
  delivery: ['templates', 'mail', 'sms', 'webhooks', 'prehooks'],
  policies: [
    'jwt-templates',
    'identity-settings',
    'mfa-policy',
    'lockout-policy',
    'captcha-policy',
    'password-settings',
    'ip-restrictions',
    'domain-restrictions',
    'user-emails-policy',
    'strategies',
    'portal',
    'social-providers',
  ],
  rights: ['tree', 'held', 'roles', 'permissions', 'entitlements', 'events'],
  access: ['sessions', 'tokens', 'codes', 'guesses'],
  applications: ['applications', 'oauth-clients'],
  accounts: ['tenants', 'hierarchy', 'account-settings', 'tenant-migrations'],
  people: [
    'memberships',
    'users',
    'activation-mails',
    'user-emails',
    'phone-numbers',
    'usernames',
    'profile-pictures',
    'groups',
    'approval-flows',
  ],
  machines: ['access-tokens', 'api-tokens', 'callers', 'delegation'],
  onboarding: ['invitations', 'user-tenants', 'user-creation', 'members', 'sub-account-users', 'user-bulk', 'imports'],
  'sign-in': [
    'entry',
    'user-pools',
    'mfa',
    'passwords',
    'login',
    'activation',
    'passkeys',
    'signup',
    'passwordless',
    'social',
    'oauth',
    'sso',
  ],
  // a layer and an area at once
  environments: ['.'],
}

/** Before each come its statements, x.sql.ts, if it has any. */
const kernelFiles = [
  'addresses',
  'email-addresses',
  'clock',
  'random',
  'secrets',
  'log',
  'errors',
  'validation',
  'memory',
  'environments',
  'db',
  'deps',
  'sql',
  'operation',
  'definitions',
  'paging',
  'tokens',
  'holders',
  'authorize',
  'cookies',
  'forms',
  'context',
  'limits',
  'settings',
  'challenges',
  'discretion',
  'cleanup',
  'jobs',
  'outbox',
  'openapi',
  'health',
  'metrics',
  'edge',
  'bodies',
  'browsers',
  'app',
]

const src = 'apps/server/src'
const areas = Object.entries(layers).flatMap(([layer, names]) => names.map((name) => `${layer}/${name}`))
const kernel = kernelFiles.flatMap((name) => [`kernel/${name}.sql.ts`, `kernel/${name}.ts`])

/** A category for each place, so that every file is in one. Patterns are relative to the project. */
const places = [
  { category: 'package', pattern: 'packages/**' },
  ...['config', 'emulator', 'programs'].map((name) => ({ category: name, pattern: `${src}/${name}/**` })),
  { category: 'registry', pattern: `${src}/*.ts` },
  ...kernel.map((file) => ({ category: file, pattern: `${src}/${file}` })),
  ...areas.map((area) => ({ category: area, pattern: `${src}/areas/${area.replace('/.', '')}/**` })),
  { category: 'door', pattern: `${src}/areas/**/*.{routes,jobs}.ts` },
  { category: 'leaf', pattern: [`${src}/areas/**/*.errors.ts`, `${src}/areas/rights/permissions/permissions.keys.ts`] },
]

/** One pattern for all of them: each one that the plugin tries costs time. */
const oneOf = (categories) => ({
  file: { categories: categories.length > 1 ? `{${categories.join(',')}}` : categories[0] },
})
const never = (to, message) => (to.length ? [{ disallow: { to: oneOf(to) }, message }] : [])
const allow = (...to) => [{ allow: { to: oneOf(to) } }]

/** The last policy that fits an import decides. */
const rules = (files, ...policies) => ({
  files,
  plugins: { boundaries },
  settings: { 'boundaries/files': places, 'boundaries/elements': [] },
  rules: {
    'boundaries/dependencies': ['error', { default: 'allow', policies: policies.flat() }],
    'boundaries/no-unknown-files': 'error',
  },
})

const server = ['config', 'emulator', 'programs', 'registry']

const ofArea = (area, index) =>
  rules(
    [`${src}/areas/${area.replace('/.', '')}/**/*.ts`],
    never(
      areas.slice(index + 1),
      'an area imports only areas that stand before it in eslint.layers.js: move what both need down, or this up',
    ),
    allow('leaf'),
    never(['door'], "another area's service is its only door: not its routes or jobs"),
    allow(area),
    never(server, 'an area knows the kernel and other areas: what the process was started with is in ctx.deps'),
  )

const ofKernel = (file, index) =>
  rules(
    [`${src}/${file}`],
    never(
      kernel.slice(index + 1),
      'a file of the kernel imports only those that stand before it in eslint.layers.js: move what both need down',
    ),
    never(
      [...areas, ...server],
      'the kernel knows no area: take it as a parameter, as buildApp does, or move this to an area',
    ),
  )

export const layering = [
  // files that have no place yet
  rules([`${src}/**/*.ts`]),
  ...areas.map(ofArea),
  ...kernel.map(ofKernel),
  rules(
    [`${src}/config/*.ts`],
    never([...areas, ...kernel, ...server.slice(1)], 'configuration is plain data: programs/ builds from it'),
  ),
  rules(
    ['packages/*/src/**/*.ts'],
    never([...areas, ...kernel, ...server], 'a package knows no app: take what it needs as a parameter'),
  ),
  rules(
    [`${src}/*.ts`, `${src}/programs/!(emulator).ts`],
    never(['emulator'], 'only programs/emulator.ts knows the emulator'),
  ),
]
