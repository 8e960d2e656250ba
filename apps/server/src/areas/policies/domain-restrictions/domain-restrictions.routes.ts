import { Type } from 'typebox'
import { Empty, operation } from '../../../kernel/operation.ts'
import { Id } from '../../../kernel/validation.ts'
import { needs } from '../../rights/permissions/permissions.keys.ts'
import { domainErrors } from './domain-restrictions.errors.ts'
import {
  DomainConfiguration,
  DomainConfigurationChange,
  DomainList,
  DomainRestriction,
  DomainRestrictions,
  NewDomainRestriction,
  toDomainRestrictions,
} from './domain-restrictions.schemas.ts'
import * as domains from './domain-restrictions.service.ts'

const path = '/identity/resources/configurations/restrictions/v1/email-domain'
const tag = 'Domain Restrictions'

export const domainRestrictionsRoutes = [
  operation({
    id: 'listDomainRestrictionsV1',
    method: 'GET',
    path,
    summary: 'List the domains that e-mail addresses must, or must not, have',
    tag,
    auth: 'both',
    permission: needs.domainRestrictions.read,
    tenant: 'optional',
    returns: { 200: DomainRestrictions },
    handler: async (ctx) => toDomainRestrictions(await domains.list(ctx, ctx.tenant)),
  }),
  operation({
    id: 'createDomainRestrictionV1',
    method: 'POST',
    path,
    summary: 'Put a domain on one of the two lists',
    tag,
    auth: 'both',
    audit: 'domainRestriction.created',
    permission: needs.domainRestrictions.write,
    tenant: 'optional',
    body: NewDomainRestriction,
    returns: { 201: DomainRestriction },
    errors: [domainErrors.taken],
    handler: (ctx, { body }) => domains.create(ctx, ctx.tenant, body),
  }),
  operation({
    id: 'deleteDomainRestrictionV1',
    method: 'DELETE',
    path: `${path}/{id}`,
    summary: 'Take a domain off its list',
    tag,
    auth: 'both',
    audit: 'domainRestriction.deleted',
    permission: needs.domainRestrictions.delete,
    tenant: 'optional',
    params: Type.Object({ id: Id }),
    returns: { 200: Empty },
    errors: [domainErrors.notFound],
    handler: (ctx, { params }) => domains.remove(ctx, ctx.tenant, params.id),
  }),
  operation({
    id: 'replaceDomainRestrictionsV1',
    method: 'POST',
    path: `${path}/replace-bulk`,
    summary: 'Replace one of the two lists',
    tag,
    auth: 'both',
    audit: 'domainRestriction.replaced',
    permission: needs.domainRestrictions.write,
    tenant: 'optional',
    body: DomainList,
    returns: { 201: Type.Array(DomainRestriction) },
    handler: (ctx, { body }) => domains.replace(ctx, ctx.tenant, body),
  }),
  operation({
    id: 'getDomainConfigurationV1',
    method: 'GET',
    path: `${path}/config`,
    summary: 'Read which list of domains counts, if any',
    tag,
    auth: 'both',
    permission: needs.domainRestrictions.read,
    tenant: 'optional',
    returns: { 200: DomainConfiguration },
    handler: (ctx) => domains.configuration(ctx, ctx.tenant),
  }),
  operation({
    id: 'setDomainConfigurationV1',
    method: 'POST',
    path: `${path}/config`,
    summary: 'Set which list of domains counts, if any',
    tag,
    auth: 'both',
    audit: 'domainRestriction.configured',
    permission: needs.domainRestrictions.write,
    tenant: 'optional',
    body: DomainConfigurationChange,
    returns: { 201: DomainConfiguration },
    handler: (ctx, { body }) => domains.configure(ctx, ctx.tenant, body),
  }),
]
