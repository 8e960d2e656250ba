/** What there must be none of once all jobs have run. */
export const INVARIANTS: Readonly<Record<string, string>> = {
  'users without a tenant': `
    select u.id from "User" u where not exists (select from "Membership" m where m."userId" = u.id)`,
  'users active where they are no members': `
    select u.id from "User" u
    where not exists (select from "Membership" m where m."userId" = u.id and m."tenantId" = u."activeTenantId")`,
  'users whose address is not among their addresses': `
    select u.id from "User" u where not exists (
      select from "UserEmail" e where e."userId" = u.id and e.email = u.email and e.verified = u.verified)`,
  'users who cannot verify their address': `
    select u.id from "User" u where not u.verified and not exists (
      select from "Challenge" c where c."userId" = u.id and c.purpose = 'activation' and c."consumedAt" is null)`,
  'verified users with an open activation link': `
    select u.id from "User" u join "Challenge" c on c."userId" = u.id
    where u.verified and c.purpose = 'activation' and c."consumedAt" is null`,
  'tenants without a member': `
    select t.id from "Tenant" t where not exists (select from "Membership" m where m."tenantId" = t.id)`,
  'tenants outside of their own path': `
    select t.id from "Tenant" t where t.path[array_length(t.path, 1)] is distinct from t.id`,
  'members without a role': `
    select m."userId", m."tenantId" from "Membership" m where not exists (
      select from "MembershipRole" r where r."userId" = m."userId" and r."tenantId" = m."tenantId")`,
  'invitations that nobody can accept': `
    select m."userId", m."tenantId" from "Membership" m where m."acceptedAt" is null and not exists (
      select from "Challenge" c where c."userId" = m."userId" and c."tenantId" = m."tenantId"
        and c.purpose = 'invitation' and c."consumedAt" is null)`,
  'sessions without exactly one unused refresh token': `
    select s.id from "Session" s
    where (select count(*) from "RefreshToken" t where t."sessionId" = s.id and t."usedAt" is null) <> 1`,
  'messages that are not sent': `
    select m.id, m.status, m.error from "Message" m where m.status <> 'sent'`,
  'jobs that are not done': `
    select j.id, j.name, j.state, j.error from "Job" j where j.state <> 'done'`,
}
