import { Type } from 'typebox'
import { Empty, operation } from '../../../kernel/operation.ts'
import { Page, page, pageQuery } from '../../../kernel/paging.ts'
import { Id, Text } from '../../../kernel/validation.ts'
import { needs } from '../../rights/permissions/permissions.keys.ts'
import { ipErrors } from './ip-restrictions.errors.ts'
import {
  IpConfiguration,
  IpRestriction,
  NewIpRestriction,
  NewIpRestrictions,
  toIpRestriction,
  Verdict,
} from './ip-restrictions.schemas.ts'
import * as ips from './ip-restrictions.service.ts'

const path = '/identity/resources/configurations/v1/restrictions/ip'
const tag = 'IP Restrictions'

export const ipRestrictionsRoutes = [
  operation({
    id: 'listIpRestrictionsV1',
    method: 'GET',
    path,
    summary: 'List the addresses that members must, or must not, come from',
    tag,
    auth: 'both',
    permission: needs.ipRestrictions.read,
    tenant: 'required',
    query: Type.Object({ ...pageQuery, _filter: Type.Optional(Text) }),
    returns: { 200: Page(IpRestriction) },
    handler: async (ctx, { query }) => {
      const { items, total } = await ips.list(ctx, ctx.tenant, query)
      return page(items.map(toIpRestriction), total, query)
    },
  }),
  operation({
    id: 'putIpRestrictionV1',
    method: 'POST',
    path,
    summary: 'Put an address or a network on one of the two lists',
    tag,
    auth: 'both',
    audit: 'ipRestriction.updated',
    permission: needs.ipRestrictions.write,
    tenant: 'required',
    body: NewIpRestriction,
    returns: { 201: IpRestriction },
    errors: [ipErrors.invalid],
    handler: async (ctx, { body }) => toIpRestriction(await ips.put(ctx, ctx.tenant, body)),
  }),
  operation({
    id: 'createIpRestrictionsV1',
    method: 'POST',
    path: `${path}/bulk`,
    summary: 'Put several addresses or networks on the lists',
    tag,
    auth: 'both',
    audit: 'ipRestriction.created',
    permission: needs.ipRestrictions.write,
    tenant: 'required',
    body: NewIpRestrictions,
    returns: { 201: Empty },
    errors: [ipErrors.invalid],
    handler: (ctx, { body }) => ips.putAll(ctx, ctx.tenant, body),
  }),
  operation({
    id: 'deleteIpRestrictionV1',
    method: 'DELETE',
    path: `${path}/{id}`,
    summary: 'Take an address or a network off its list',
    tag,
    auth: 'both',
    audit: 'ipRestriction.deleted',
    permission: needs.ipRestrictions.delete,
    tenant: 'required',
    params: Type.Object({ id: Id }),
    returns: { 200: Empty },
    errors: [ipErrors.notFound],
    handler: (ctx, { params }) => ips.remove(ctx, ctx.tenant, params.id),
  }),
  operation({
    id: 'getIpConfigurationV1',
    method: 'GET',
    path: `${path}/config`,
    summary: 'Read which list of addresses counts, if any',
    tag,
    auth: 'both',
    permission: needs.ipRestrictions.read,
    tenant: 'required',
    returns: { 200: IpConfiguration },
    handler: (ctx) => ips.configuration(ctx, ctx.tenant),
  }),
  operation({
    id: 'setIpConfigurationV1',
    method: 'POST',
    path: `${path}/config`,
    summary: 'Set which list of addresses counts, if any',
    tag,
    auth: 'both',
    audit: 'ipRestriction.configured',
    permission: needs.ipRestrictions.write,
    tenant: 'required',
    body: Type.Partial(IpConfiguration),
    returns: { 201: IpConfiguration },
    errors: [ipErrors.ownNotAllowed, ipErrors.ownBlocked],
    handler: (ctx, { body }) => ips.configure(ctx, ctx.tenant, body, ctx.http.ip),
  }),
  operation({
    id: 'verifyIpV1',
    method: 'POST',
    path: `${path}/verify`,
    summary: "Tell whether the caller's address is allowed",
    tag,
    auth: 'both',
    permission: needs.ipRestrictions.read,
    tenant: 'required',
    returns: { 201: Verdict },
    handler: async (ctx) => ({ valid: await ips.isAllowed(ctx, ctx.tenant, ctx.http.ip) }),
  }),
  operation({
    id: 'verifyIpInAllowListV1',
    method: 'POST',
    path: `${path}/verify/allow`,
    summary: "Tell whether the caller's address is on the allow list",
    tag,
    auth: 'both',
    permission: needs.ipRestrictions.read,
    tenant: 'required',
    returns: { 201: Verdict },
    handler: async (ctx) => ({ valid: await ips.isListed(ctx, ctx.tenant, ctx.http.ip, 'ALLOW') }),
  }),
]
