import { Type } from 'typebox'
import { Empty, operation } from '../../kernel/operation.ts'
import { Id } from '../../kernel/validation.ts'
import { workspaceErrors } from './workspace.errors.ts'
import { CustomDomain, CustomDomains, NewCustomDomain, Workspace, WorkspaceChange } from './workspace.schemas.ts'
import * as workspace from './workspace.service.ts'

const customDomains = '/vendors/custom-domains/v2'
// no specification lists these operations: Terraform's provider calls them
const common = { tag: 'Environments', auth: 'vendor' } as const

export const workspaceRoutes = [
  operation({
    ...common,
    id: 'getEnvironment',
    method: 'GET',
    path: '/vendors',
    summary: 'Read what is said of the environment, and whose pages may call it with cookies',
    returns: { 200: Workspace },
    handler: (ctx) => workspace.read(ctx),
  }),
  operation({
    ...common,
    id: 'updateEnvironment',
    method: 'PUT',
    path: '/vendors',
    summary: 'Say something of the environment, and whose pages may call it with cookies',
    body: WorkspaceChange,
    audit: 'environment.updated',
    returns: { 200: Workspace },
    errors: [workspaceErrors.fixedHost, workspaceErrors.badOrigin],
    handler: (ctx, { body }) => workspace.change(ctx, body),
  }),
  operation({
    ...common,
    id: 'listCustomDomainsV2',
    method: 'GET',
    path: customDomains,
    summary: "List the environment's own host names",
    returns: { 200: CustomDomains },
    handler: async (ctx) => ({ customDomains: await workspace.domains(ctx) }),
  }),
  operation({
    ...common,
    id: 'createCustomDomainV2',
    method: 'POST',
    path: customDomains,
    summary: 'Add a host name, and learn what its DNS has to say',
    body: NewCustomDomain,
    audit: 'customDomain.created',
    returns: { 201: CustomDomain },
    errors: [workspaceErrors.badDomain, workspaceErrors.tooManyDomains, workspaceErrors.domainTaken],
    handler: (ctx, { body }) => workspace.addDomain(ctx, body.customDomain),
  }),
  operation({
    ...common,
    id: 'verifyCustomDomainV2',
    method: 'POST',
    path: `${customDomains}/verify`,
    summary: 'Let a host name lead to the environment, as soon as its DNS points here',
    body: NewCustomDomain,
    returns: { 200: CustomDomain },
    errors: [
      workspaceErrors.badDomain,
      workspaceErrors.tooManyDomains,
      workspaceErrors.noAlias,
      workspaceErrors.domainTaken,
      workspaceErrors.domainNotFound,
    ],
    handler: (ctx, { body }) => workspace.verifyDomain(ctx, body.customDomain),
  }),
  operation({
    ...common,
    id: 'deleteCustomDomainV2',
    method: 'DELETE',
    path: `${customDomains}/{id}`,
    summary: 'Let a host name lead to the environment no more',
    params: Type.Object({ id: Id }),
    audit: 'customDomain.deleted',
    returns: { 200: Empty },
    errors: [workspaceErrors.domainNotFound],
    handler: (ctx, { params }) => workspace.removeDomain(ctx, params.id),
  }),
]
