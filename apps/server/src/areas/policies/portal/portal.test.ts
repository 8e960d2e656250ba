import { describe, expect, test } from 'vitest'
import { newEnvironment } from '../../../../test/environment.ts'

const path = '/metadata'

describe.concurrent('what the login box and the portal look like', () => {
  test('the pages that work are shown to those who may see them, and the others are hidden, until something is stored', async () => {
    const env = await newEnvironment()
    const { status, body } = await env.anonymous('GET', `${path}?entityName=adminBox`)
    expect(status).toBe(200)
    expect(body.rows).toHaveLength(1)
    expect(body.rows[0]).toMatchObject({
      entityName: 'adminBox',
      vendorId: env.id,
      configuration: {
        navigation: {
          users: { visibility: 'byPermissions' },
          roles: { visibility: 'byPermissions', featureFlag: '' },
          subscriptions: { visibility: 'hidden' },
        },
      },
    })
  })

  test('a stored document replaces the old one whole, and everybody reads it', async () => {
    const env = await newEnvironment(),
      looks = { navigation: { users: { visibility: 'always' } }, themeV2: { loginBox: { themeName: 'dark' } } }
    const first = await env.vendor('POST', path, { entityName: 'adminBox', configuration: { navigation: {} } })
    expect(first).toMatchObject({ status: 201, body: { id: expect.any(String), configuration: { navigation: {} } } })
    // as infrastructure tools name it
    expect((await env.vendor('POST', `${path}?entityName=adminBox`, { configuration: looks })).body).toMatchObject({
      id: first.body.id,
      configuration: looks,
    })
    const { body } = await env.anonymous('GET', `${path}?entityName=adminBox`)
    expect(body.rows).toMatchObject([{ configuration: looks }])
    expect(body.rows[0].configuration).toEqual(looks)
    expect(
      (await (await newEnvironment()).anonymous('GET', `${path}?entityName=adminBox`)).body.rows[0].configuration,
    ).not.toEqual(looks)
  })

  test('SAML has one row with the address for assertions and the id of this server', async () => {
    const env = await newEnvironment()
    const { body } = await env.anonymous('GET', `${path}?entityName=saml`)
    const { acsUrl, spEntityId } = body.rows[0].configuration
    expect(body.rows).toHaveLength(1)
    expect(acsUrl).toBe(`${spEntityId}/auth/saml/callback`)
    const own = { acsUrl: 'https://app.example.com/acs', spEntityId: 'app' }
    await env.vendor('POST', `${path}?entityName=saml`, { configuration: own, isActive: true })
    expect((await env.anonymous('GET', `${path}?entityName=saml`)).body.rows).toMatchObject([
      { configuration: own, isActive: true },
    ])
  })

  test('the table of the audit trail has its columns; an unknown name has no row', async () => {
    const env = await newEnvironment()
    const { body } = await env.anonymous('GET', `${path}?entityName=audits`)
    expect(body.rows[0].properties).toContainEqual({
      name: 'createdAt',
      displayName: 'Time',
      type: 'Timestamp',
      sortable: true,
      filterable: true,
      showInTable: true,
    })
    expect((await env.anonymous('GET', `${path}?entityName=toString`)).body).toEqual({ rows: [] })
    expect((await env.anonymous('GET', `${path}?entityName=notifications`)).body).toEqual({ rows: [] })
  })

  test('only management writes, under a known name, and not more than it should', async () => {
    const env = await newEnvironment(),
      user = await env.user({ permissions: ['fe.secure.*'] })
    expect((await user('POST', `${path}?entityName=adminBox`, { configuration: {} })).status).toBe(401)
    expect((await env.vendor('POST', path, { configuration: {} })).status).toBe(400)
    expect((await env.vendor('POST', `${path}?entityName=other`, { configuration: {} })).status).toBe(400)
    const heavy = { configuration: { x: 'x'.repeat(300_000) } }
    expect((await env.vendor('POST', `${path}?entityName=adminBox`, heavy)).status).toBe(400)
    expect((await env.anonymous('GET', `${path}?entityName=adminBox`)).body.rows[0].id).toBeUndefined()
  })
})
