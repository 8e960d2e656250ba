import { Type } from 'typebox'
import { MINUTE } from '../../../kernel/clock.ts'
import { errors } from '../../../kernel/errors.ts'
import { perIp } from '../../../kernel/limits.ts'
import { Empty, operation } from '../../../kernel/operation.ts'
import { Id } from '../../../kernel/validation.ts'
import { tenantErrors } from '../../accounts/tenants/tenants.errors.ts'
import { smsErrors } from '../../delivery/sms/sms.errors.ts'
import { needs } from '../../rights/permissions/permissions.keys.ts'
import { userErrors } from '../users/users.errors.ts'
import { approvalErrors } from './approval-flows.errors.ts'
import {
  ActionTaken,
  ApprovalFlow,
  ApprovalFlowChange,
  ApprovalFlows,
  ApproverAction,
  ApproverLink,
  Execution,
  ExecutionBegun,
  ExecutionData,
  NewApprovalFlow,
  toApprovalFlow,
} from './approval-flows.schemas.ts'
import * as flows from './approval-flows.service.ts'
import * as executions from './executions.service.ts'

const path = '/identity/resources/approval-flows/v1',
  tag = 'Approval Flows'
const params = Type.Object({ id: Id })
const notBegun = [
    approvalErrors.tooFewApprovers,
    approvalErrors.tooManyApprovers,
    userErrors.notFound,
    smsErrors.notSent,
    errors.tooMany,
  ],
  notOpen = [approvalErrors.notFound, approvalErrors.decided, approvalErrors.over]

export const approvalFlowsRoutes = [
  operation({
    id: 'listApprovalFlowsV1',
    method: 'GET',
    path,
    summary: 'List approval flows',
    tag,
    auth: 'both',
    permission: needs.securityPolicy.read,
    tenant: 'optional',
    returns: { 200: ApprovalFlows },
    handler: async (ctx) => {
      const items = (await flows.list(ctx, ctx.tenant)).map(toApprovalFlow)
      return { items, total: items.length }
    },
  }),
  operation({
    id: 'createApprovalFlowV1',
    method: 'POST',
    path,
    summary: 'Create an approval flow',
    tag,
    auth: 'both',
    permission: needs.securityPolicy.write,
    tenant: 'optional',
    body: NewApprovalFlow,
    audit: 'approvalFlow.created',
    returns: { 201: ApprovalFlow },
    errors: [approvalErrors.tooManyFlows, tenantErrors.notFound],
    handler: async (ctx, { body }) => toApprovalFlow(await flows.create(ctx, ctx.tenant, body)),
  }),
  operation({
    id: 'getApprovalFlowV1',
    method: 'GET',
    path: `${path}/{id}`,
    summary: 'Get an approval flow',
    tag,
    auth: 'both',
    permission: needs.securityPolicy.read,
    tenant: 'optional',
    params,
    returns: { 200: ApprovalFlow },
    errors: [approvalErrors.flowNotFound],
    handler: async (ctx, { params: { id } }) => toApprovalFlow(await flows.get(ctx, ctx.tenant, id)),
  }),
  operation({
    id: 'updateApprovalFlowV1',
    method: 'PATCH',
    path: `${path}/{id}`,
    summary: 'Change an approval flow; what is not given stays',
    tag,
    auth: 'both',
    permission: needs.securityPolicy.write,
    tenant: 'optional',
    params,
    body: ApprovalFlowChange,
    audit: 'approvalFlow.updated',
    returns: { 200: ApprovalFlow },
    errors: [approvalErrors.flowNotFound, approvalErrors.ofEnvironment],
    handler: async (ctx, { params: { id }, body }) =>
      toApprovalFlow(await flows.update(ctx, ctx.caller, ctx.tenant, id, body)),
  }),
  operation({
    id: 'deleteApprovalFlowV1',
    method: 'DELETE',
    path: `${path}/{id}`,
    summary: 'Delete an approval flow, and reject what is being asked by it',
    tag,
    auth: 'both',
    permission: needs.securityPolicy.write,
    tenant: 'optional',
    params,
    audit: 'approvalFlow.deleted',
    returns: { 204: Empty },
    errors: [approvalErrors.flowNotFound, approvalErrors.ofEnvironment],
    handler: (ctx, { params: { id } }) => flows.remove(ctx, ctx.caller, ctx.tenant, id),
  }),
  operation({
    id: 'executeApprovalFlowV1',
    method: 'POST',
    path: `${path}/{id}/execute`,
    summary: 'Ask the approvers of a flow, for a user',
    tag,
    auth: 'both',
    tenant: 'required',
    user: 'required',
    params,
    body: Execution,
    returns: { 200: ExecutionBegun },
    errors: [approvalErrors.flowNotFound, approvalErrors.inactive, errors.onlyPeople, ...notBegun],
    handler: async (ctx, { params: { id }, body }) =>
      executions.execute(ctx, ctx.caller, ctx, await flows.get(ctx, ctx.tenant, id), body),
  }),
  operation({
    id: 'executeStepUpApprovalFlowV1',
    method: 'POST',
    path: `${path}/step-up/execute`,
    summary: 'Ask a user to confirm by mail or phone what is done in their name',
    tag,
    auth: 'both',
    tenant: 'required',
    user: 'required',
    body: Execution,
    returns: { 200: ExecutionBegun },
    errors: notBegun,
    handler: (ctx, { body }) => executions.executeStepUp(ctx, ctx.caller, ctx, body),
  }),
  operation({
    id: 'getApprovalExecutionDataV1',
    method: 'GET',
    path: `${path}/execution-data`,
    summary: 'Show an approver what they are asked to approve',
    tag,
    auth: 'public',
    query: ApproverLink,
    limits: [perIp(100, MINUTE)],
    returns: { 200: ExecutionData },
    errors: notOpen,
    handler: (ctx, { query }) => executions.dataFor(ctx, query),
  }),
  operation({
    id: 'decideApprovalV1',
    method: 'POST',
    path: `${path}/approver-action`,
    summary: 'Approve or reject, with the link of an approver',
    tag,
    auth: 'public',
    body: ApproverAction,
    limits: [perIp(100, MINUTE)],
    returns: { 200: ActionTaken },
    errors: notOpen,
    handler: (ctx, { body }) => executions.decide(ctx, body),
  }),
]
