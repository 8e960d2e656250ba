import { statement } from '../../../kernel/sql.ts'

/** Takes a role from the members, groups and tokens of all tenants but one. */
export const takingElsewhere = statement<object, [roleId: string, tenantId: string]>(
  'roles.takeElsewhere',
  `
  with of_members as (
    delete from "MembershipRole" r where r."vendorId" = $1 and r."roleId" = $2 and r."tenantId" <> $3),
  of_groups as (
    delete from "GroupRole" r where r."vendorId" = $1 and r."roleId" = $2 and r."tenantId" <> $3),
  of_programs as (
    delete from "ApiTokenRole" r using "ApiToken" a
    where r."vendorId" = $1 and r."roleId" = $2 and a."vendorId" = r."vendorId" and a.id = r."apiTokenId"
      and a."tenantId" <> $3)
  delete from "AccessTokenRole" r using "AccessToken" t
  where r."vendorId" = $1 and r."roleId" = $2 and t."vendorId" = r."vendorId" and t.id = r."tokenId" and t."tenantId" <> $3`,
)
