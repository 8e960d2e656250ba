import { statement } from './sql.ts'

export const tenantById = statement<{ id: string }, [id: string]>(
  'authorize.tenant',
  `select t.id from "Tenant" t where t."vendorId" = $1 and t.id = $2`,
)
export const userById = statement<{ id: string }, [id: string]>(
  'authorize.user',
  `select u.id from "User" u where u."vendorId" = $1 and u.id = $2`,
)
