import { describe, expect, test } from 'vitest'
import { newEnvironment, UNKNOWN_ID } from '../../../test/environment.ts'

const url = '/identity/resources/permissions/v1'
type Row = { id: string, key: string, name: string, fePermission: boolean, categoryId: string }

describe.concurrent('permissions', () => {
  test('the built-in ones are there, in categories, and cannot be changed', async () => {
    const env = await newEnvironment()
    const all: Row[] = (await env.vendor('GET', url)).body
    const one = all.find((p) => p.key === 'fe.secure.read.users')!
    expect(one).toMatchObject({ fePermission: true })
    const categories: { id: string, name: string, feCategory: boolean }[] = (await env.vendor('GET', `${url}/categories`)).body
    expect(categories.find((c) => c.id === one.categoryId)).toMatchObject({ name: 'Secure access', feCategory: true })
    expect((await env.vendor('PATCH', `${url}/${one.id}`, { name: 'Mine' })).status).toBe(400)
    expect((await env.vendor('DELETE', `${url}/${one.id}`)).status).toBe(400)
    expect((await env.vendor('DELETE', `${url}/categories/${categories[0]!.id}`)).status).toBe(400)
    expect((await env.vendor('GET', url)).body).toEqual(all)
  })

  test('are made in the order sent, changed and deleted', async () => {
    const env = await newEnvironment()
    const category = (await env.vendor('POST', `${url}/categories`, { name: 'Chickens', description: 'All about them' })).body
    const made = await env.vendor('POST', url, [{ key: 'b', name: 'B', categoryId: category.id }, { key: 'a', name: 'A', description: 'first letter', assignmentType: 'NEVER' }])
    expect(made).toMatchObject({ status: 201, body: [{ key: 'b', categoryId: category.id, roleIds: [], fePermission: false }, { key: 'a', categoryId: null, description: 'first letter' }] })
    const path = `${url}/${made.body[0].id}`
    expect(await env.vendor('PATCH', path, { name: 'Bee' })).toMatchObject({ status: 200, body: { name: 'Bee', key: 'b' } })
    expect((await env.vendor('PATCH', path, { key: 'a' }))).toMatchObject({ status: 409, body: { errors: [expect.stringContaining('already exist')] } })
    expect(await env.vendor('DELETE', path)).toMatchObject({ status: 204, body: null })
    expect((await env.vendor('DELETE', path)).status).toBe(404)
    expect((await env.vendor('POST', url, [{ key: 'c', name: 'C', categoryId: UNKNOWN_ID }])).status).toBe(404)
  })

  test('are added to roles, which keep what they have', async () => {
    const env = await newEnvironment()
    const [p] = (await env.vendor('POST', url, [{ key: 'p', name: 'P' }])).body
    const roles = (await env.vendor('GET', '/identity/resources/roles/v1')).body
    const ids = roles.map((r: Row) => r.id)
    const answer = await env.vendor('PUT', `${url}/${p.id}/roles`, { roleIds: ids })
    expect(answer.status).toBe(200)
    expect(answer.body.roleIds.toSorted()).toEqual(ids.toSorted())
    expect((await env.vendor('PUT', `${url}/${p.id}/roles`, { roleIds: [ids[0]] })).body.roleIds).toHaveLength(2)
    expect((await env.vendor('PUT', `${url}/${p.id}/roles`, { roleIds: [UNKNOWN_ID] })).status).toBe(404)
    const member = await env.user({ permissions: ['fe.secure.write.roles'] })
    expect((await member('PUT', `${url}/${p.id}/roles`, { roleIds: ids })).status).toBe(403)
  })

  test('those classified as NEVER cannot be used by a tenant in its own roles', async () => {
    const env = await newEnvironment()
    const [p] = (await env.vendor('POST', url, [{ key: 'secret', name: 'S' }])).body
    expect((await env.vendor('PUT', `${url}/classification`, { permissionIds: [p.id], type: 'NEVER' }))).toMatchObject({ status: 200, body: [{ id: p.id }] })
    const manager = await env.user({ permissions: ['fe.secure.write.roles'] })
    const [role] = (await manager('POST', '/identity/resources/roles/v1', [{ key: 'own', name: 'Own', level: 0 }])).body
    expect((await manager('PUT', `/identity/resources/roles/v1/${role.id}/permissions`, { permissionIds: [p.id] })).status).toBe(403)
    expect((await manager('PUT', `${url}/${p.id}/roles`, { roleIds: [role.id] })).status).toBe(403)
    expect((await env.vendor('PUT', `${url}/classification`, { permissionIds: [p.id, UNKNOWN_ID], type: 'ALWAYS' })).status).toBe(404)
    expect((await manager('PUT', `/identity/resources/roles/v1/${role.id}/permissions`, { permissionIds: [p.id] })).status).toBe(403)
  })

  test('a category that goes leaves its permissions without one', async () => {
    const env = await newEnvironment()
    const category = (await env.vendor('POST', `${url}/categories`, { name: 'Short-lived' })).body
    expect((await env.vendor('POST', `${url}/categories`, { name: 'Short-lived' }))).toMatchObject({ status: 409, body: { errors: [expect.stringContaining('already exist')] } })
    const [p] = (await env.vendor('POST', url, [{ key: 'p', name: 'P', categoryId: category.id }])).body
    expect(await env.vendor('PATCH', `${url}/categories/${category.id}`, { description: 'new' })).toMatchObject({ status: 200, body: null })
    expect(await env.vendor('DELETE', `${url}/categories/${category.id}`)).toMatchObject({ status: 200, body: null })
    expect((await env.vendor('GET', url)).body.find((r: Row) => r.id === p.id).categoryId).toBeNull()
    expect((await env.vendor('DELETE', `${url}/categories/${category.id}`)).status).toBe(404)
  })
})
