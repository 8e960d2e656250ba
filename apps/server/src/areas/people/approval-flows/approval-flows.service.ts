import { isWebAddress } from '@henhouse/outbound'
import { invalid, onUnknownReference } from '../../../kernel/errors.ts'
import { queueAt } from '../../../kernel/limits.ts'
import type { Caller, Ctx, TenantScope } from '../../../kernel/operation.ts'
import { tenantErrors } from '../../accounts/tenants/tenants.errors.ts'
import { approvalErrors } from './approval-flows.errors.ts'
import {
  type ApprovalFlowChange,
  type Configuration,
  type NewApprovalFlow,
  type NewStep,
  type Step,
} from './approval-flows.schemas.ts'
import { calledOff } from './executions.service.ts'

/** A tenant sees its own flows and the environment's; management without a tenant sees all of them. */
const visibleTo = (tenant: TenantScope | undefined) =>
  tenant ? { OR: [{ tenantId: null }, { tenantId: tenant.id }] } : {}

/** How many an environment may have of its own, and each tenant: a list shows all of them. */
const MOST = 200

/** The oldest first. */
export const list = (ctx: Ctx, tenant: TenantScope | undefined) =>
  ctx.db.approvalFlow.findMany({ where: visibleTo(tenant), orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] })

/** @throws 404 */
export async function get(ctx: Ctx, tenant: TenantScope | undefined, id: string) {
  const found = await ctx.db.approvalFlow.findFirst({ where: { id, ...visibleTo(tenant) } })
  if (!found) throw approvalErrors.flowNotFound()
  return found
}

/** @throws 400 for what contradicts itself, and for one too many */
export async function create(ctx: Ctx, tenant: TenantScope | undefined, { steps, ...flow }: NewApprovalFlow) {
  mustMakeSense({ ...flow, steps })
  const now = ctx.clock.now(),
    tenantId = tenant?.id ?? null
  return ctx
    .atomically(async (tx) => {
      await queueAt(tx, 'approval flows', tenantId ?? '')
      if ((await tx.db.approvalFlow.count({ where: { tenantId } })) >= MOST) throw approvalErrors.tooManyFlows()
      return tx.db.approvalFlow.create({
        data: { ...flow, id: ctx.random.uuid(), tenantId, steps: stepsOf(ctx, steps), createdAt: now, updatedAt: now },
      })
    })
    .catch(onUnknownReference(tenantErrors.notFound()))
}

/** Changes what is given. @throws as `create`, 404, 403 when users change one of the environment's */
export async function update(
  ctx: Ctx,
  caller: Caller,
  tenant: TenantScope | undefined,
  id: string,
  { steps, ...change }: ApprovalFlowChange,
) {
  await mustBeEditable(ctx, caller, tenant, id)
  mustMakeSense({ ...change, steps })
  const { count } = await ctx.db.approvalFlow.updateMany({
    where: { id },
    data: { ...change, ...(steps && { steps: stepsOf(ctx, steps) }), updatedAt: ctx.clock.now() },
  })
  if (!count) throw approvalErrors.flowNotFound()
  return get(ctx, tenant, id)
}

/** What is being asked by it is rejected. @throws as `update` */
export async function remove(ctx: Ctx, caller: Caller, tenant: TenantScope | undefined, id: string) {
  await mustBeEditable(ctx, caller, tenant, id)
  await ctx.atomically(async (tx) => {
    // who begins another one by it waits, and then finds no flow
    const { count } = await tx.db.approvalFlow.updateMany({ where: { id }, data: { isActive: false } })
    if (!count) throw approvalErrors.flowNotFound()
    await calledOff(tx, id)
    await tx.db.approvalFlow.deleteMany({ where: { id } })
  })
}

async function mustBeEditable(ctx: Ctx, caller: Caller, tenant: TenantScope | undefined, id: string) {
  const { tenantId } = await get(ctx, tenant, id)
  if (caller.kind !== 'vendor' && tenantId === null) throw approvalErrors.ofEnvironment()
}

/** The steps as they are kept: in their order, each with an id. */
function stepsOf(ctx: Ctx, steps: readonly NewStep[]): Step[] {
  const at = ctx.clock.now().toISOString()
  return steps
    .toSorted((a, b) => a.stepOrder - b.stepOrder)
    .map(({ approverSelectors: { roleKeys = [], emails = [], phoneNumbers = [] }, configuration, stepOrder }) => ({
      id: ctx.random.uuid(),
      stepOrder,
      approverSelectors: { roleKeys, emails, phoneNumbers },
      configuration,
      createdAt: at,
      updatedAt: at,
    }))
}

interface Checked {
  channels?: NewApprovalFlow['channels'] | undefined
  configuration?: Configuration | undefined
  steps?: readonly NewStep[] | undefined
}
/** @throws 400 */
function mustMakeSense({ channels, configuration, steps = [] }: Checked) {
  const url = configuration?.webhookUrl
  const faults = [
    ...(channels && !channels.email && !channels.sms ? ['channels must have at least one that is true'] : []),
    ...(url === undefined || isWebAddress(url) ? [] : ['configuration.webhookUrl must be an http or https address']),
    ...(new Set(steps.map(({ stepOrder }) => stepOrder)).size < steps.length
      ? ['steps must have a stepOrder of their own each']
      : []),
    ...steps.flatMap(({ approverSelectors: { roleKeys = [], emails = [], phoneNumbers = [] } }, at) =>
      roleKeys.length + emails.length + phoneNumbers.length
        ? []
        : [`steps.${at}.approverSelectors must select somebody`],
    ),
  ]
  const [first, ...others] = faults
  if (first !== undefined) throw invalid(first, ...others)
}
