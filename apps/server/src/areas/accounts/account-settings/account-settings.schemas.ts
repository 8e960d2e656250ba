import type { Tenant } from '@henhouse/database'
import { Type, type Static } from 'typebox'
import { Key, Nullable } from '../../../kernel/validation.ts'
import { TenantChange } from '../tenants/tenants.schemas.ts'

const { name, applicationUrl, loginUrl, address, timezone, dateFormat, timeFormat, currency, logo } =
  TenantChange.properties
export const AccountSettingsChange = Type.Object({
  name,
  applicationUrl,
  loginUrl,
  address,
  timezone,
  dateFormat,
  timeFormat,
  currency,
  logo,
})

const text = Nullable(Type.String())
/** What a login box may know before anybody logs in. */
export const PublicAccountSettings = Type.Object({ tenantId: Type.String(), applicationUrl: text, loginUrl: text })
export const AccountSettings = Type.Object({
  ...PublicAccountSettings.properties,
  name: Type.String(),
  address: text,
  timezone: text,
  dateFormat: text,
  timeFormat: text,
  currency: text,
  logo: text,
})

/** The settings are columns of the tenant; the public schema leaves out what is not public. */
export const toAccountSettings = (row: Tenant): Static<typeof AccountSettings> => ({ ...row, tenantId: row.id })

/** The login box of one account names it by its alias: in a header, or in the address. */
export const Named = Type.Object({ organization: Type.Optional(Key) })
