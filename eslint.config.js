import js from '@eslint/js'
import ts from 'typescript-eslint'
import { layering } from './eslint.layers.js'

const time = 'take the time from ctx.clock (kernel/clock.ts)',
  chance = 'take chance from ctx.random (kernel/random.ts)'
const globals = [
  { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: time },
  { selector: "CallExpression[callee.object.name='Date'][callee.property.name='now']", message: time },
  { selector: "CallExpression[callee.object.name='Math'][callee.property.name='random']", message: chance },
]
const environment = {
  selector: "MemberExpression[object.name='process'][property.name='env']",
  message: 'only config/ reads the environment',
}
const keys = {
  selector: 'Literal[value=/^fe\\./]',
  message: 'name what a user must hold in areas/rights/permissions/permissions.keys.ts',
}
const entropy = { name: 'node:crypto', importNames: ['randomUUID', 'randomBytes', 'randomInt'], message: chance }
const tests = ['**/*.test.ts', '**/test/**']

export default ts.config(
  { ignores: ['**/dist/**', '**/generated/**', '**/node_modules/**', '.henhouse/**', '.turbo/**'] },
  js.configs.recommended,
  ...ts.configs.recommended,
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: ts.configs.recommendedTypeCheckedOnly,
    languageOptions: {
      parserOptions: { project: ['tsconfig.json', 'apps/login/tsconfig.json'], tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allow: ['URL', 'URLSearchParams'], allowNumber: true },
      ],
      // failures come through the promise, also where nothing is awaited
      '@typescript-eslint/require-await': 'off',
      // nothing of ours has a method that needs its `this`
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        URL: 'readonly',
        URLSearchParams: 'readonly',
        setTimeout: 'readonly',
        setInterval: 'readonly',
        clearTimeout: 'readonly',
        clearInterval: 'readonly',
        fetch: 'readonly',
        Buffer: 'readonly',
      },
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'inline-type-imports', prefer: 'type-imports', disallowTypeAnnotations: false },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'no-control-regex': 'off',
      'max-lines-per-function': ['error', { max: 50, skipBlankLines: true, skipComments: true }],
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: [...tests, 'bench/**', 'soak/**'],
    rules: {
      // answers are read as they come
      '@typescript-eslint/no-explicit-any': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: false }],
      'max-lines-per-function': 'off',
      'max-lines': 'off',
    },
  },
  {
    files: ['**/*.routes.ts'],
    rules: { 'max-lines': ['error', { max: 350, skipBlankLines: true, skipComments: true }] },
  },
  {
    files: ['apps/server/src/**/*.ts'],
    ignores: [
      ...tests,
      'apps/server/src/kernel/clock.ts',
      'apps/server/src/kernel/random.ts',
      'apps/server/src/kernel/secrets.ts',
    ],
    rules: {
      'no-restricted-syntax': ['error', ...globals, environment],
      'no-restricted-imports': ['error', { paths: [entropy] }],
    },
  },
  {
    files: ['apps/server/src/areas/**/*.ts'],
    ignores: [
      ...tests,
      'apps/server/src/areas/environments/built-in.ts',
      'apps/server/src/areas/rights/permissions/permissions.keys.ts',
    ],
    rules: { 'no-restricted-syntax': ['error', ...globals, environment, keys] },
  },
  { files: ['apps/server/src/config/*.ts'], rules: { 'no-restricted-syntax': ['error', ...globals] } },
  {
    files: ['packages/*/src/**/*.ts'],
    rules: {
      'no-restricted-imports': ['error', { paths: [{ name: '@henhouse/server', message: 'a package knows no app' }] }],
    },
  },
  {
    files: ['apps/login/src/**/*.{ts,tsx}'],
    rules: {
      'no-restricted-syntax': ['error', ...globals, environment],
      'no-restricted-imports': [
        'error',
        {
          patterns: [{ group: ['@henhouse/*', 'fastify'], message: 'the login page asks the API, as any client does' }],
        },
      ],
    },
  },
  {
    files: ['apps/login/src/*.js'],
    languageOptions: {
      globals: {
        document: 'readonly',
        navigator: 'readonly',
        addEventListener: 'readonly',
        atob: 'readonly',
        btoa: 'readonly',
      },
    },
  },
  {
    files: ['examples/portal-page/*.js'],
    languageOptions: { globals: { document: 'readonly', window: 'readonly' } },
  },
  ...layering.map((rules) => ({ ...rules, ignores: tests })),
  {
    files: ['apps/server/src/areas/**/*.ts'],
    ignores: tests,
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          paths: [entropy],
          patterns: [
            {
              group: ['fastify', '@fastify/*'],
              message: "areas declare operations; the web framework is the kernel's",
            },
            {
              group: ['@henhouse/database', '@prisma/*', '**/generated/**'],
              allowTypeImports: true,
              message: 'areas reach the database through ctx.db',
            },
          ],
        },
      ],
    },
  },
)
