import { describe, expect, test } from 'vitest'
import { browser, mailed, received, useBrowsers } from './browser.ts'
import { newEnvironment, unique, type TestEnvironment } from './environment.ts'

/** Drives the browser client's own package through the portal's management; each answer must have the type that the client declares. */
useBrowsers()
const address = (name = 'ada') => `${unique(name)}@example.com`
const hierarchy = [
  'read.subAccount',
  'write.subAccount',
  'write.subAccountAccess',
  'write.subAccountManagement',
  'delete.subAccount',
].map((key) => `fe.account-hierarchy.${key}`)

/** An administrator with a browser, in an account of their own. */
async function administrator(env: TestEnvironment, who: Parameters<TestEnvironment['newUser']>[0] = {}) {
  const user = await env.newUser({
      permissions: ['fe.secure.*', 'fe.account-settings.read.app', ...hierarchy],
      ...who,
    }),
    at = browser(env)
  at.holdToken(await tokenOf(env, user))
  return { ...at, user }
}
async function tokenOf(env: TestEnvironment, user: { id: string; tenantId: string }) {
  return env.userToken(user, { permissions: ['fe.secure.*', 'fe.account-settings.read.app', ...hierarchy] })
}
const refused = (statusCode: number) => ({ statusCode })

describe.concurrent('the browser client manages', () => {
  test('access tokens of the account and of the administrator', async () => {
    const env = await newEnvironment(),
      { api, user } = await administrator(env)
    await expect(
      api['auth'].createTenantAccessToken({ description: 'T', expiresInMinutes: null, roleIds: [] }),
    ).rejects.toMatchObject({ ...refused(403), message: 'Api tokens are disabled' })
    await env.vendor('POST', '/identity/resources/configurations/v1', { machineToMachineAuthStrategy: 'AccessToken' })
    const roles = (await api['teams'].loadAvailableRoles()).items as { id: string; key: string }[],
      role = roles.find(({ key }) => key.startsWith('role-'))!
    const ofAccount = await api['auth'].createTenantAccessToken({
        description: 'Night jobs',
        expiresInMinutes: null,
        roleIds: [role.id],
      }),
      ofMember = await api['auth'].createUserAccessToken({ description: 'My script', expiresInMinutes: 60 })
    expect([ofAccount.secret, ofMember.secret]).toEqual([expect.stringMatching(/^ey/), expect.stringMatching(/^ey/)])
    expect(await api['auth'].getTenantAccessTokensData()).toMatchObject({
      accessTokens: [{ id: ofAccount.id, description: 'Night jobs', roleIds: [role.id], createdByUserId: user.id }],
    })
    expect(await api['auth'].getUserAccessTokensData()).toMatchObject({
      accessTokens: [{ id: ofMember.id, description: 'My script', expires: expect.any(String) }],
    })
    await api['auth'].deleteTenantAccessToken({ id: ofAccount.id })
    await api['auth'].deleteUserAccessToken({ id: ofMember.id })
    expect(await api['auth'].getTenantAccessTokensData()).toEqual({ accessTokens: [] })
    expect(await api['auth'].getUserAccessTokensData()).toEqual({ accessTokens: [] })
  })

  test('members: invited, changed, disabled, made temporary, removed', async () => {
    const env = await newEnvironment(),
      { api, user } = await administrator(env),
      email = address('new')
    await env.vendor('PUT', '/identity/resources/users/temporary/v1/configuration', { enabled: true })
    const {
      items: [role],
    } = await api['teams'].loadAvailableRoles()
    expect((await api['teams'].loadAvailablePermissions()).map((p: { key: string }) => p.key)).toContain(
      'fe.secure.read.users',
    )
    const { id } = await api['teams'].addUser({ email, name: 'New', roleIds: [role.id] })
    const { items, totalPages } = await api['teams'].loadUsers({
      pageOffset: 0,
      pageSize: 10,
      sort: [{ id: 'createdAt', desc: true }],
      filter: [{ id: 'searchFilter', value: 'new' }],
    })
    expect({ totalPages, items }).toMatchObject({
      totalPages: 1,
      items: [
        {
          id,
          email,
          name: 'New',
          roleIds: [role.id],
          roles: [{ key: role.key }],
          tenantId: user.tenantId,
          vendorId: env.id,
          activatedForTenant: false,
        },
      ],
    })
    // without a size the client sends the text `undefined`
    expect((await api['teams'].loadUsers({ pageOffset: 0 })).items).toHaveLength(2)
    expect(await api['teams'].loadStats()).toEqual({ totalItems: 2, addedThisWeek: 2, superAdmins: 0 })
    await api['teams'].resendActivationLink({ userId: id })
    await api['teams'].resendInvitationLink({ email })
    await api['teams'].resendInvitationLinkToAllTenants({ email })
    expect((await received(env, email)).map((m) => m.template)).toEqual([
      'ActivateUser',
      'ActivateUser',
      'ActivateUser',
    ])
    expect(await api['teams'].updateUser({ id, name: 'Renamed', roleIds: [] })).toMatchObject({
      id,
      name: 'Renamed',
      roleIds: [],
    })
    expect(await api['teams'].getTemporaryUserConfiguration()).toEqual({ enabled: true })
    await api['teams'].updateUserExpirationTime({ userId: id, expirationInSeconds: 600 })
    expect(
      (await api['teams'].loadUsers({ pageOffset: 0, filter: [{ id: 'searchFilter', value: 'Renamed' }] })).items[0]
        .temporaryExpirationDate,
    ).toEqual(expect.any(String))
    await api['teams'].setPermanentUser(id)
    await api['teams'].disableUser(id)
    expect(
      (await api['teams'].loadUsers({ pageOffset: 0, sort: [{ id: 'name' }] })).items.filter(
        (m: { isDisabled: boolean }) => m.isDisabled,
      ),
    ).toMatchObject([{ id, temporaryExpirationDate: null }])
    await api['teams'].enableUser(id)
    expect(await api['teams'].deleteUser({ userId: id })).toMatchObject({ id, isDisabled: false })
    await expect(api['teams'].deleteUser({ userId: id })).rejects.toMatchObject(refused(404))
  })

  test("the user's own profile and picture", async () => {
    const env = await newEnvironment(),
      { api } = await administrator(env),
      form = new FormData(),
      image = Buffer.from('R0lGODlhAwACAIAAAAAAAP///yH5BAEAAAAALAAAAAADAAIAAAIChF8AOw==', 'base64')
    form.append('image', new Blob([new Uint8Array(image)], { type: 'image/gif' }), 'me.gif')
    const url = await api['teams'].updateProfileImage(form)
    expect(url).toMatch(/^http.*\/team\/resources\/profile\/images\/v1\//)
    expect(await api['teams'].updateProfile({ name: 'Ada', profilePictureUrl: url })).toMatchObject({
      name: 'Ada',
      profilePictureUrl: url,
    })
    expect(await api['teams'].getProfile()).toMatchObject({ profilePictureUrl: url, permissions: expect.any(Array) })
  })

  test('users: lists of them, their roles, groups and tenants', async () => {
    const env = await newEnvironment(),
      { api, user } = await administrator(env),
      other = await env.newUser({ tenantId: user.tenantId, roleKeys: ['ReadOnly'] })
    const group = await api['groups'].createGroup({ name: 'Friends' })
    await api['groups'].addUsersToGroup(group.id, { userIds: [other.id] })
    for (const method of ['getUsersV2', 'getUsersV3']) {
      const { items, _metadata } = await api['users'][method]({
        _limit: 1,
        _offset: 1,
        _sortBy: 'createdAt',
        _order: 'ASC',
      })
      expect({ items, _metadata }).toMatchObject({
        items: [{ id: other.id, tenants: [{ tenantId: user.tenantId }] }],
        _metadata: { totalItems: 2, totalPages: 2 },
      })
    }
    const [{ roleIds }] = await api['users'].getUsersRoles({ ids: [other.id] })
    expect(roleIds).toHaveLength(1)
    expect(await api['users'].getUsersGroups({ ids: [other.id] })).toMatchObject([
      { userId: other.id, tenantId: user.tenantId, groupIds: [group.id] },
    ])
    for (const method of ['getCurrentUserTenantsV1', 'getCurrentUserTenantsV3'])
      expect(await api['users'][method]()).toMatchObject({
        activeTenant: { tenantId: user.tenantId },
        tenants: [{ tenantId: user.tenantId }],
      })
  })

  test('roles and permissions of the account', async () => {
    const env = await newEnvironment(),
      { api } = await administrator(env)
    const [{ id: categoryId }] = await api['roles'].getPermissionCategories()
    const own = (
      await env.vendor('POST', '/identity/resources/permissions/v1', [
        { key: 'books.read', name: 'Read books', description: 'd', categoryId },
      ])
    ).body[0]
    const [role] = (await api['roles'].addRole([
      { key: 'librarian', name: 'Librarian', description: 'Knows', isDefault: false, level: 3 },
    ])) as [{ id: string }]
    expect(await api['roles'].getRoles()).toContainEqual(
      expect.objectContaining({ id: role.id, key: 'librarian', level: 3 }),
    )
    expect(await api['roles'].updateRole({ roleId: role.id, name: 'Head librarian' })).toMatchObject({
      name: 'Head librarian',
    })
    expect(await api['roles'].attachPermissionsToRole({ roleId: role.id, permissionIds: [own.id] })).toMatchObject({
      permissions: [own.id],
    })
    expect((await api['roles'].getPermissions()).find((p: { id: string }) => p.id === own.id)).toMatchObject({
      key: 'books.read',
      fePermission: false,
    })
    expect((await api['roles'].getPermissionCategories()).length).toBeGreaterThan(3)
    const second = await api['roles'].addRoleV2({
      key: 'helper',
      name: 'Helper',
      description: 'Helps',
      isDefault: false,
      baseRoleId: role.id,
      permissionIds: [own.id],
    })
    expect(second).toMatchObject({ key: 'helper', level: 3, permissions: [own.id] })
    expect(
      await api['roles'].attachPermissionToRoles({ permissionId: own.id, roleIds: [role.id, second.id] }),
    ).toMatchObject({ id: own.id })
    await api['roles'].deleteRole({ roleId: second.id })
    await expect(api['roles'].deleteRole({ roleId: second.id })).rejects.toMatchObject(refused(404))
  })

  test('groups', async () => {
    const env = await newEnvironment(),
      { api, user } = await administrator(env),
      other = await env.newUser({ tenantId: user.tenantId })
    const role = (await api['roles'].getRoles())[0]
    const group = await api['groups'].createGroup({
      name: 'Friends',
      color: '#abcdef',
      description: 'd',
      metadata: '{"a":1}',
    })
    await api['groups'].addRolesToGroup(group.id, { roleIds: [role.id] })
    await api['groups'].addUsersToGroup(group.id, { userIds: [other.id] })
    expect(
      await api['groups'].getGroupById({ groupId: group.id }, { _groupsRelations: 'rolesAndUsers' }),
    ).toMatchObject({
      name: 'Friends',
      color: '#abcdef',
      roles: [{ id: role.id }],
      users: [{ id: other.id }],
      managedBy: 'frontegg',
    })
    expect(await api['groups'].getGroupsByIds({ groupsIds: [group.id] }, { _groupsRelations: 'users' })).toMatchObject({
      groups: [{ id: group.id }],
    })
    await api['groups'].updateGroup({ groupId: group.id, name: 'Best friends' })
    expect(await api['groups'].getGroups({})).toMatchObject({ groups: [{ name: 'Best friends' }] })
    await api['groups'].deleteRolesFromGroup(group.id, { roleIds: [role.id] })
    await api['groups'].deleteUsersFromGroup(group.id, { userIds: [other.id] })
    expect(
      await api['groups'].getGroupById({ groupId: group.id }, { _groupsRelations: 'rolesAndUsers' }),
    ).toMatchObject({ roles: [], users: [] })
    await api['groups'].deleteGroup(group.id)
    await expect(api['groups'].getGroupById({ groupId: group.id })).rejects.toMatchObject(refused(404))
    expect(await api['groups'].getGroupConfiguration()).toEqual({ enabled: true, rolesEnabled: true })
  })

  test('sub-accounts, their place in the hierarchy and their users', async () => {
    const env = await newEnvironment(),
      { api, user } = await administrator(env),
      top = user.tenantId,
      email = address('below')
    await env.vendor('PUT', `/identity/resources/sub-tenants/users/v1/${user.id}/access`, { allowAccess: true })
    await env.vendor('PUT', `/tenants/resources/tenants/v1/${top}`, { status: 'paying' })
    expect(
      await api['subTenants'].createSubTenant({
        tenantId: 'branch',
        name: 'Branch',
        parentTenantId: top,
        status: 'trial',
      }),
    ).toMatchObject({ tenantId: 'branch', name: 'Branch' })
    await api['subTenants'].createSubTenant({ tenantId: 'twig', name: 'Twig', parentTenantId: 'branch' })
    await api['subTenants'].updateSubTenant({ tenantId: 'branch' }, { name: 'Big branch' })
    await api['subTenants'].updateSubTenantManagement({ tenantId: 'branch' }, { isReseller: true })
    await api['subTenants'].updateSubTenantHierarchySettings(
      { tenantId: 'branch' },
      { subAccountAccessType: 'alwaysOn' },
    )

    expect(await api['tenants'].getSubTenants()).toMatchObject([
      { tenantId: 'branch', tenantName: 'Big branch', level: 1 },
      { tenantId: 'twig', level: 2 },
    ])
    expect(await api['tenants'].getSubTenantsAsTree()).toMatchObject({
      tenantId: top,
      children: [{ tenantId: 'branch', children: [{ tenantId: 'twig', children: [] }] }],
    })
    expect(await api['tenants'].getParentTenants()).toEqual([])
    expect(await api['tenants'].getParentTenantsById('twig')).toMatchObject([
      { tenantId: 'branch', level: 1 },
      { tenantId: top, level: 2 },
    ])
    expect((await api['tenants'].searchSubTenants({ _limit: 10, _offset: 0 })).items).toMatchObject([
      { tenantId: 'branch', metadata: { isParent: true }, isReseller: true, subAccountAccessType: 'alwaysOn' },
    ])
    expect(await api['tenants'].getHierarchyMetadata({ _tenantIds: [top, 'twig'] })).toEqual([
      { tenantId: top, totalSubTenants: 2, isParent: true },
      { tenantId: 'twig', totalSubTenants: 0, isParent: false },
    ])

    const [role, other] = await api['roles'].getRoles()
    await api['subTenants'].addUserToTenantAndSubTenants({
      user: { email, name: 'Below' },
      subTenants: [{ tenantId: 'branch', roleIds: [role.id] }, { tenantId: 'twig' }],
    })
    await mailed(env, email, 'ActivateUser')
    await api['subTenants'].addUsersToSubTenant({
      users: [{ email: address('more') }, { email: address('more') }],
      tenantId: 'twig',
      roleIds: [role.id],
      allowSubAccountAccess: false,
    })
    expect(
      await api['tenants'].getTenantsUsersCount({ tenantIds: [top, 'branch', 'twig'], excludeInvisibleUsers: true }),
    ).toEqual([
      { tenantId: top, totalUsers: 1, totalAccessAllowedUsers: 1 },
      { tenantId: 'branch', totalUsers: 1, totalAccessAllowedUsers: 1 },
      { tenantId: 'twig', totalUsers: 3, totalAccessAllowedUsers: 0 },
    ])
    const load = async () =>
      (
        await api['subTenants'].loadAllUsers({
          _offset: 0,
          _limit: 10,
          _filter: email,
          _sortBy: 'createdAt',
          _order: 'ASC',
        })
      ).items[0]
    const { id } = await load(),
      rolesIn = async (tenantId: string) =>
        (await load()).tenants
          .find((t: { tenantId: string }) => t.tenantId === tenantId)
          .roles.map((r: { id: string }) => r.id)
          .sort()
    await api['subTenants'].addUserRolesForSubTenants(id, {
      subTenantsRoles: [{ tenantId: 'branch', roleIds: [other.id] }],
    })
    expect(await rolesIn('branch')).toEqual([role.id, other.id].sort())
    await api['subTenants'].removeUserRolesFromSubTenants(id, {
      subTenantsRoles: [{ tenantId: 'branch', roleIds: [role.id] }],
    })
    expect(await rolesIn('branch')).toEqual([other.id])
    await api['subTenants'].setUserRolesForSubTenants(id, {
      subTenantsRoles: [
        { tenantId: 'branch', roleIds: [] },
        { tenantId: 'twig', roleIds: [other.id] },
      ],
    })
    expect([await rolesIn('branch'), await rolesIn('twig')]).toEqual([[], [other.id]])
    await api['subTenants'].updateSubAccountAccess(user.id, { allowAccess: true })
    await api['subTenants'].removeUserFromTenantAndSubTenants({
      userId: id,
      subTenants: [{ tenantId: 'branch' }, { tenantId: 'twig' }],
    })
    expect(await load()).toBeUndefined()
    await api['subTenants'].deleteSubTenant('branch')
    expect(await api['tenants'].getSubTenants()).toMatchObject([{ tenantId: 'twig', level: 1 }])
  })

  test('the settings of the account', async () => {
    const env = await newEnvironment(),
      { api, user } = await administrator(env)
    expect(
      await api['accountSettings'].updateSettings({
        name: 'Engines',
        address: 'London',
        timezone: 'UTC',
        dateFormat: 'd',
        timeFormat: 't',
        currency: 'GBP',
        logo: 'x',
      }),
    ).toMatchObject({ address: 'London', currency: 'GBP' })
    expect(await api['accountSettings'].getSettings()).toMatchObject({ tenantId: user.tenantId, address: 'London' })
    expect(await api['accountSettings'].getPublicSettings()).toMatchObject({ tenantId: user.tenantId })
  })

  test('the users of applications', async () => {
    const env = await newEnvironment(),
      { api, user } = await administrator(env),
      { tenantId } = user,
      url = '/applications/resources/applications'
    const app = (
      await env.vendor('POST', `${url}/v1`, {
        name: 'App',
        appURL: 'https://a.example',
        loginURL: 'https://a.example/login',
        accessType: 'MANAGED_ACCESS',
      })
    ).body
    await env.vendor('POST', `${url}/tenant-assignments/v1/${app.id}`, { tenantId })
    await api['applications'].assignUserToApplications({ userId: user.id, tenantId, appIds: [app.id] })
    expect(await api['applications'].getUserApplicationsId({ userId: user.id })).toEqual([app.id])
    expect(await api['applications'].getUsersApplicationsId({ userIds: [user.id] })).toEqual([
      { userId: user.id, appIds: [app.id] },
    ])
    expect(await api['applications'].getUsersOfApplications({ appIds: [app.id] })).toEqual([
      { appId: app.id, userIds: [user.id] },
    ])
    expect(await api['applications'].getTenantsApplications()).toEqual([{ tenantId, appIds: [app.id] }])
    expect(await api['applications'].getTenantsApplicationsV2()).toEqual([
      { tenantId, assignments: [{ appId: app.id, accessType: 'MANAGED_ACCESS' }] },
    ])
    expect(
      (await api['applications'].getApplicationsData({ appIds: [app.id], includeFreeAccess: false })).map(
        (a: { id: string }) => a.id,
      ),
    ).toEqual([app.id])
    expect(await api['applications'].getApplicationsData({ appIds: [app.id] })).toHaveLength(2)
    await api['applications'].unassignUserFromApplications({ userId: user.id, tenantId, appIds: [app.id] })
    expect(await api['applications'].getUserApplicationsId({ userId: user.id })).toEqual([])
  })

  test('nothing without a permission', async () => {
    const env = await newEnvironment(),
      nobody = await env.newUser(),
      at = browser(env)
    at.holdToken(await env.userToken(nobody, { permissions: [] }))
    for (const call of [
      () => at.api['teams'].loadUsers({ pageOffset: 0 }),
      () => at.api['roles'].getRoles(),
      () => at.api['subTenants'].loadAllUsers({ _limit: 1 }),
      () => at.api['tenants'].getSubTenants(),
      () => at.api['accountSettings'].getSettings(),
    ]) {
      await expect(call()).rejects.toMatchObject({ statusCode: 403, errorCode: 'ER-00008' })
    }
  })
})
