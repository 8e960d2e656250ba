import { describe, expect, test } from 'vitest'
import { deps, newEnvironment, type TestEnvironment } from '../environment.ts'
import { inTheWay } from '../in-the-way.ts'

const tenants = '/tenants/resources/tenants/v1'

/** Unique keys of what callers choose, and what becomes of a second one. The last resort is the kernel's: 409. */
const KEYS: Readonly<Record<string, string>> = {
  ApplicationActiveTenant_pkey: 'upsert',
  ApplicationTenant_pkey: 'skips duplicates',
  ApplicationUser_pkey: 'skips duplicates',
  DefaultApplication_vendorId_applicationId_key: 'upsert',
  DomainRestriction_vendorId_tenantId_type_domain_key: '409',
  GroupRole_pkey: 'skips duplicates',
  GroupUser_pkey: 'skips duplicates',
  Group_vendorId_id_tenantId_key: 'for foreign keys: the id is ours',
  Group_vendorId_tenantId_name_key: '409',
  IpRestriction_vendorId_tenantId_strategy_ip_key: '409',
  MembershipRole_pkey: 'skips duplicates',
  Membership_pkey: '409',
  MfaDevice_vendorId_userId_phoneNumber_key: '409',
  PermissionCategory_vendorId_name_key: '409',
  Permission_vendorId_key_key: '409',
  PhoneNumber_vendorId_phoneNumber_key: '409',
  RolePermission_pkey: 'skips duplicates',
  Role_vendorId_key_tenantId_key: '409',
  Setting_vendorId_key_tenantId_key: '409, or read again',
  Tally_pkey: 'upsert',
  TenantInvite_vendorId_tenantId_userId_key: 'upsert',
  Tenant_vendorId_alias_key: '409',
  UserEmail_vendorId_email_key: '409',
  User_vendorId_email_key: '409',
  User_vendorId_phoneNumber_key: '409',
  User_vendorId_username_key: '409',
  Vendor_host_key: '409 of the emulator',
  Vendor_isDefault_key: 'no caller of the API',
  Vendor_name_key: '409 of the emulator',
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
})
