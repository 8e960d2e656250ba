import { describe, expect, test } from 'vitest'
import { giveRoles } from '../../src/areas/people/memberships/memberships.sql.ts'
import { ApiError, callersFault, onDuplicate, pointsNowhere } from '../../src/kernel/errors.ts'
import { deps, newEnvironment, UNKNOWN_ID, type TestEnvironment } from '../environment.ts'
import { inTheWay } from '../in-the-way.ts'

const tenants = '/tenants/resources/tenants/v1'

/** Unique keys of what callers choose, and what becomes of a second one. The last resort is the kernel's: 409. */
const KEYS: Readonly<Record<string, string>> = {
  AccessTokenRole_pkey: 'each role once',
  ApiTokenPermission_pkey: 'skips duplicates',
  ApiTokenRole_pkey: 'skips duplicates',
  ApplicationActiveTenant_pkey: 'upsert',
  ApplicationTenant_pkey: 'skips duplicates',
  ApplicationUser_pkey: 'skips duplicates',
  CustomDomain_activeDomain_key: '409',
  CustomDomain_vendorId_domain_key: '409',
  DefaultApplication_vendorId_applicationId_key: 'upsert',
  DomainRestriction_vendorId_tenantId_type_domain_key: '409',
  GroupRole_pkey: 'skips duplicates',
  GroupUser_pkey: 'skips duplicates',
  Group_vendorId_id_tenantId_key: 'for foreign keys: the id is ours',
  Group_vendorId_tenantId_name_key: '409',
  IpRestriction_vendorId_tenantId_strategy_ip_key: '409',
  JwtTemplate_vendorId_key_key: '409',
  MailTemplate_vendorId_type_key: 'skips duplicates',
  MembershipRole_pkey: 'skips duplicates',
  Membership_pkey: '409',
  MobileApp_vendorId_platform_name_key: '409',
  MfaDevice_vendorId_userId_phoneNumber_key: '409',
  PermissionCategory_vendorId_name_key: '409',
  Permission_vendorId_key_key: '409',
  PhoneNumber_vendorId_phoneNumber_key: '409',
  RedirectUri_vendorId_applicationId_redirectUri_key: 'skips duplicates',
  PrehookEvent_pkey: '409',
  RolePermission_pkey: 'skips duplicates',
  Role_vendorId_key_tenantId_key: '409',
  Setting_vendorId_key_tenantId_key: '409, or read again',
  Tally_pkey: 'upsert',
  SocialIdentity_vendorId_providerId_subject_key: 'skips duplicates',
  SocialProvider_vendorId_type_key: '409, or skips duplicates',
  TenantInvite_vendorId_tenantId_userId_key: 'upsert',
  Tenant_vendorId_alias_key: '409',
  UserEmail_vendorId_email_key: '409',
  UserImportPart_pkey: 'the import and the number are ours',
  UserSourceApplication_pkey: 'skips duplicates',
  UserSourceUser_vendorId_userSourceId_subject_key: 'read again',
  User_vendorId_email_key: '409',
  User_vendorId_phoneNumber_key: '409',
  User_vendorId_username_key: '409',
  Vendor_host_key: '409 of the emulator',
  Vendor_isDefault_key: 'no caller of the API',
  Vendor_name_key: '409 of the emulator',
  Webhook_vendorId_key_key: '409',
}

/** Foreign keys whose error says something else than what they point at. */
const NAMED_OTHERWISE: Readonly<Record<string, string>> = {
  AccessTokenRole_vendorId_tokenId_fkey: 'Token',
  AccessToken_vendorId_userId_tenantId_fkey: 'User',
  ApiToken_vendorId_userId_tenantId_fkey: 'User',
  ApplicationActiveTenant_vendorId_userId_tenantId_fkey: 'User',
  ApplicationUser_vendorId_userId_tenantId_fkey: 'User',
  ApprovalApprover_vendorId_executionId_fkey: 'Execution',
  ApprovalExecution_vendorId_flowId_fkey: 'Flow',
  ApprovalExecution_vendorId_requesterId_fkey: 'Requester',
  GroupUser_vendorId_userId_tenantId_fkey: 'User',
  MembershipRole_vendorId_userId_tenantId_fkey: 'User',
  Permission_vendorId_categoryId_fkey: 'Category',
  SocialIdentity_vendorId_providerId_fkey: 'Provider',
  Tenant_vendorId_parentId_fkey: 'Parent',
  UserImportPart_vendorId_importId_fkey: 'Import',
  WebhookAttempt_vendorId_deliveryId_fkey: 'Delivery',
}

/** What the database's own code raises. */
const RAISING: Readonly<Record<string, string>> = {
  // 409: a tenant below itself
  place_tenant: 'check_violation',
  // no failure: it tells of a change
  tell_of_change: 'info',
  // no caller: a fault of ours
  vendor_id_required: 'exception',
  vendor_never_changes: 'exception',
}

describe.concurrent('what the database refuses', () => {
  test('a tenant that would be below its own descendant is there already', async () => {
    const env = await newEnvironment()
    await env.vendor('POST', tenants, { tenantId: 'top' })
    await env.vendor('POST', tenants, { tenantId: 'middle', parentTenantId: 'top' })
    await env.vendor('POST', tenants, { tenantId: 'low', parentTenantId: 'middle' })
    for (const parentTenantId of ['middle', 'low'])
      expect(await env.vendor('POST', tenants, { tenantId: 'top', parentTenantId })).toMatchObject({
        status: 409,
        body: { errors: ['Tenant already exists'] },
      })
  })

  const lock = (env: TestEnvironment, id: string) =>
    ['select from "Tenant" where "vendorId" = $1 and id = $2 for update', env.id, id] as const

  test('a setting of a tenant that is deleted and made again meanwhile is of none', async () => {
    const env = await newEnvironment(),
      id = await env.newTenant()
    const answer = await inTheWay(
      lock(env, id),
      () =>
        env.as(id)('POST', '/identity/resources/configurations/sessions/v1', {
          sessionIdleTimeoutConfiguration: { isActive: true, timeout: 600 },
        }),
      async (query) => {
        await query('delete from "Tenant" where "vendorId" = $1 and id = $2', [env.id, id])
        await query(
          'insert into "Tenant" ("vendorId", id, "rowId", name, "createdAt", "updatedAt") values ($1, $2, gen_random_uuid(), $2, now(), now())',
          [env.id, id],
        )
      },
    )
    expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(500)
    expect([201, 404, 409]).toContain(answer.status)
  })

  test('every unique key is one of those that an operation has words for, or that no caller chooses', async () => {
    const { rows } = await deps.database.pool.query<{ name: string; columns: string[]; kind: string }>(`
      select i.relname as name, array(select a.attname::text from pg_attribute a where a.attrelid = x.indrelid and a.attnum = any (x.indkey) order by a.attname) as columns,
        case when x.indisprimary then 'primary' else 'unique' end as kind
      from pg_index x join pg_class i on i.oid = x.indexrelid join pg_class t on t.oid = x.indrelid
      where x.indisunique and t.relnamespace = current_schema()::regnamespace and t.relname <> '_prisma_migrations'`)
    // ids and hashes of secrets that this server makes at random, and rows that are made by upsert or skip duplicates
    const ours = /^(id|rowId|userId|vendorId|sequence|secretHash|tokenHash|hash|kid|credentialId)$/
    const chosen = rows.filter(({ columns }) => !columns.every((column) => ours.test(column))).map(({ name }) => name)
    expect(chosen.toSorted()).toEqual(Object.keys(KEYS).toSorted())
  })

  test('every foreign key has an error that names what is not there', async () => {
    const { rows } = await deps.database.pool.query<{ name: string; target: string; columns: string[] }>(`
      select c.conname as name, t.relname as target,
        array(select a.attname::text from unnest(c.conkey) with ordinality k(attnum, n)
          join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.attnum order by n) as columns
      from pg_constraint c join pg_class t on t.oid = c.confrelid
      where c.contype = 'f' and c.connamespace = current_schema()::regnamespace`)
    expect(rows.length).toBeGreaterThan(40)
    const unnamed: string[] = [],
      others: Record<string, string> = {}
    for (const { name, target, columns } of rows) {
      const error = callersFault({ code: '23503', constraint: name })
      expect(error?.status, name).toBe(404)
      const word = / not found$/.exec(error!.message) ? error!.message.replace(' not found', '') : ''
      if (columns.join() === 'vendorId') unnamed.push(word)
      else if (word !== target) others[name] = word
    }
    // of an environment: only the emulator ends one, while it answers no more
    expect(new Set(unnamed)).toEqual(new Set(['Resource']))
    expect(others).toEqual(NAMED_OTHERWISE)
  })

  test('every check has an error, and no other code of the database raises what a caller can cause', async () => {
    const { rows: checks } = await deps.database.pool.query(
      `select conname from pg_constraint where contype not in ('p', 'u', 'f', 'n') and connamespace = current_schema()::regnamespace`,
    )
    expect(checks).toEqual([])
    const { rows } = await deps.database.pool.query<{ name: string; raises: string }>(
      `select proname as name, substring(prosrc from '(?i)raise[[:space:]]+([a-z_]+)') as raises from pg_proc
      where pronamespace = current_schema()::regnamespace and prosrc ~* 'raise[[:space:]]' order by 1`,
    )
    expect(Object.fromEntries(rows.map(({ name, raises }) => [name, raises.toLowerCase()]))).toEqual(RAISING)
    expect(callersFault({ code: '23514' })?.status).toBe(409)
  })

  test('is told from what the database really says, by either way to it, alone and in a transaction', async () => {
    const env = await newEnvironment(),
      { id: userId, tenantId } = await env.newUser(),
      ctx = await env.context()
    const { id: roleId } = (await ctx.db.role.findFirst())!,
      lost = { userId, tenantId, roleId: UNKNOWN_ID }
    const causes: Record<string, (c: typeof ctx) => Promise<unknown>> = {
      'Role not found': (c) => c.db.membershipRole.create({ data: lost }),
      'Tenant not found': (c) => c.db.membership.create({ data: { userId, tenantId: 'none', createdAt: new Date() } }),
      'User not found': (c) => giveRoles(c, UNKNOWN_ID, [{ tenantId, add: [roleId] }]),
    }
    for (const [message, cause] of Object.entries(causes))
      for (const attempt of [() => cause(ctx), () => ctx.atomically(cause)]) {
        const thrown = await attempt().then(
          () => undefined,
          (error: unknown) => error,
        )
        expect(pointsNowhere(thrown), message).toBe(true)
        expect(callersFault(thrown)).toMatchObject({ status: 404, message })
      }
    const taken = await ctx.db.membership.create({ data: { userId, tenantId, createdAt: new Date() } }).catch((e) => e)
    expect(() => onDuplicate((constraint) => new ApiError(409, undefined, [constraint]))(taken)).toThrow(
      'Membership_pkey',
    )
  })
})
