import { describe, expect, test } from 'vitest'
import { parseSeedFile } from './seed-file.ts'

const faultsIn = (text: string) => {
  try {
    parseSeedFile(text, 'seed.yaml')
    return []
  } catch (error) {
    return (error as Error).message
      .split('\n')
      .slice(1)
      .map((line) => line.trim())
  }
}

describe('a seed file', () => {
  test('holds what the one environment starts with, or a list of environments', () => {
    expect(parseSeedFile('tenants:\n  - name: Acme\nusers:\n', 'seed.yaml')).toEqual([
      { name: 'default', tenants: [{ name: 'Acme' }] },
    ])
    expect(
      parseSeedFile(
        'environments:\n  - name: one\n  - { name: two, default: true, settings: { allowSignups: false } }\n',
        'seed.yaml',
      ),
    ).toMatchObject([{ name: 'one' }, { name: 'two', default: true }])
    expect(parseSeedFile('', 'seed.yaml')).toEqual([{ name: 'default' }])
  })

  test('names every wrong field at once, each with its place', () => {
    expect(
      faultsIn(
        'tenants:\n  - id: 3\n    name: Acme\nusers:\n  - email: nobody\n    pasword: x\n    tenants: [{ tenant: Acme, roles: Admin }]\nsettings:\n  defaultTokenExpiration: 0\n',
      ),
    ).toEqual([
      'seed.yaml:6:14 users.0.pasword is unknown: expected one of id, email, name, password, verified, phoneNumber, profilePictureUrl, metadata, vendorMetadata, tenants',
      'seed.yaml:9:27 settings.defaultTokenExpiration must not be less than 1',
      'seed.yaml:2:9 tenants.0.id must be a string',
      'seed.yaml:5:12 users.0.email must be an email',
      'seed.yaml:7:38 users.0.tenants.0.roles must be an array',
    ])
  })

  test('names redirect URIs that no client may have, and those that are there twice', () => {
    expect(
      faultsIn(
        `redirectUris: ['http://localhost/cb', 'javascript:x', '/cb', 'http://localhost/cb', 'https://a.example/#b']`,
      ).map((line) => line.replace(/^\S+ /, '')),
    ).toEqual([
      'redirectUris.3 http://localhost/cb already exists',
      'redirectUris.1 must be an absolute URI without a fragment, and no script',
      'redirectUris.2 must be an absolute URI without a fragment, and no script',
      'redirectUris.4 must be an absolute URI without a fragment, and no script',
    ])
  })

  test('names everything that does not fit together', () => {
    expect(
      faultsIn(`
permissions: [{ key: a }, { key: a }, { key: fe.secure.read.users }]
roles: [{ key: Admin }, { key: own, tenant: Acme, permissions: [a, b] }, { key: own }, { key: own, tenant: Nowhere }]
tenants: [{ name: Acme }, { name: Acme }, { id: x, name: X, parent: y }, { id: y, name: Y, parent: x }]
users:
  - { email: a@b.example, tenants: [{ tenant: X, roles: [Admin, own, other] }, { tenant: x }] }
  - { email: A@B.example, tenants: [{ tenant: Acme }, { tenant: gone }] }
`).map((line) => line.replace(/^\S+ /, '')),
    ).toEqual([
      'permissions.1.key a already exists',
      'permissions.2.key fe.secure.read.users already exists',
      'roles.0.key Admin already exists',
      'roles.1.tenant Acme is the name of several tenants: give the id',
      'roles.1.permissions.1 b is not one of the permissions',
      'roles.3.tenant Nowhere is not one of the tenants',
      'tenants.1.name Acme already exists',
      'tenants.2.parent y makes a circle',
      'tenants.3.parent x makes a circle',
      'users.1.email a@b.example already exists',
      'users.0.tenants.1.tenant x already exists',
      'users.0.tenants.0.roles.2 other is not one of the roles of this tenant',
      'users.1.tenants.0.tenant Acme is the name of several tenants: give the id',
      'users.1.tenants.1.tenant gone is not one of the tenants',
    ])
  })

  test("names environments that are in each other's way", () => {
    expect(
      faultsIn('environments:\n  - { name: a, default: true }\n  - { name: a, default: true }\n  - { name: A b }\n'),
    ).toEqual([expect.stringMatching(/^seed\.yaml:4:13 environments\.2\.name must match/)])
    expect(
      faultsIn('environments:\n  - { name: a, default: true }\n  - { name: a, default: true }\n').map((line) =>
        line.replace(/^\S+ /, ''),
      ),
    ).toEqual(['environments.1.name a already exists', 'environments.1.default true already exists'])
  })

  test('says where it is no YAML', () => {
    expect(faultsIn('users:\n  - { email: x\nroles: [')).not.toEqual([])
    expect(faultsIn('users:\n  - { email: x\nroles: [').every((fault) => /^seed\.yaml:\d+:\d+ /.test(fault))).toBe(true)
    expect(faultsIn('- a\n')).toEqual([expect.stringMatching(/^seed\.yaml:1:1 must be a map/)])
  })
})
