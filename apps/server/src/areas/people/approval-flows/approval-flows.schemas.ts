import type { ApprovalFlow as Row, Prisma } from '@henhouse/database'
import { Type, type Static } from 'typebox'
import { DateTime, FilledToken, Id, Key, Metadata, Name, Text } from '../../../kernel/validation.ts'
import { Email, PhoneNumber } from '../users/users.schemas.ts'

const MOST_MINUTES = 10_080

const Channels = Type.Object({ email: Type.Boolean(), sms: Type.Boolean() })
export type Channels = Static<typeof Channels>

const Configuration = Type.Object({
  autoApproveInMinutes: Type.Optional(Type.Integer({ minimum: 1, maximum: MOST_MINUTES })),
  reminderIntervalMinutes: Type.Optional(Type.Integer({ minimum: 60, maximum: MOST_MINUTES })),
  notifyOnDecisions: Type.Optional(Type.Boolean()),
  timeoutMinutes: Type.Optional(Type.Integer({ minimum: 5, maximum: MOST_MINUTES })),
  webhookUrl: Type.Optional(Text),
})
export type Configuration = Static<typeof Configuration>

const Selectors = Type.Object({
  roleKeys: Type.Optional(Type.Array(Key, { maxItems: 50 })),
  emails: Type.Optional(Type.Array(Email, { maxItems: 50 })),
  phoneNumbers: Type.Optional(Type.Array(PhoneNumber, { maxItems: 50 })),
})

const NewStep = Type.Object({
  approverSelectors: Selectors,
  configuration: Type.Object({ minApprovals: Type.Integer({ minimum: 1, maximum: 100 }) }),
  stepOrder: Type.Integer({ minimum: 1, maximum: 1000 }),
})
export type NewStep = Static<typeof NewStep>

export const NewApprovalFlow = Type.Object({
  name: Name,
  description: Type.Optional(Text),
  isActive: Type.Optional(Type.Boolean()),
  channels: Channels,
  configuration: Configuration,
  steps: Type.Array(NewStep, { minItems: 1, maxItems: 20 }),
})
export type NewApprovalFlow = Static<typeof NewApprovalFlow>

/** What is given replaces what was there; running requests go on as they began. */
export const ApprovalFlowChange = Type.Partial(NewApprovalFlow)
export type ApprovalFlowChange = Static<typeof ApprovalFlowChange>

const Step = Type.Object({
  id: Id,
  stepOrder: Type.Integer(),
  approverSelectors: Type.Object({
    roleKeys: Type.Array(Type.String()),
    emails: Type.Array(Type.String()),
    phoneNumbers: Type.Array(Type.String()),
  }),
  configuration: Type.Object({ minApprovals: Type.Integer() }),
  createdAt: DateTime,
  updatedAt: DateTime,
})
export type Step = Static<typeof Step>

export const ApprovalFlow = Type.Object({
  id: Id,
  vendorId: Id,
  tenantId: Type.Optional(Type.String()),
  name: Type.String(),
  description: Type.Optional(Type.String()),
  isActive: Type.Boolean(),
  channels: Channels,
  /** `logging`: decisions are always written down, in the audit trail */
  configuration: Type.Object({ ...Configuration.properties, logging: Type.Boolean() }),
  steps: Type.Array(Step),
  createdAt: DateTime,
  updatedAt: DateTime,
})
export const ApprovalFlows = Type.Object({ items: Type.Array(ApprovalFlow), total: Type.Integer() })

/** What is kept as JSON, as it was checked when it came. */
export const planOf = ({ channels, configuration, steps }: Record<keyof Plan, Prisma.JsonValue>) =>
  ({ channels, configuration, steps }) as unknown as Plan
export interface Plan {
  readonly channels: Channels
  readonly configuration: Configuration
  /** in their order */
  readonly steps: readonly Step[]
}

export const toApprovalFlow = (row: Row): Static<typeof ApprovalFlow> => ({
  id: row.id,
  vendorId: row.vendorId,
  ...(row.tenantId !== null && { tenantId: row.tenantId }),
  name: row.name,
  ...(row.description !== null && { description: row.description }),
  isActive: row.isActive,
  ...planOf(row),
  configuration: { ...planOf(row).configuration, logging: true },
  steps: [...planOf(row).steps],
  createdAt: row.createdAt.toISOString(),
  updatedAt: row.updatedAt.toISOString(),
})

export const Execution = Type.Object({
  executionData: Type.Optional(Metadata),
  webhookUrl: Type.Optional(Text),
})
export type Execution = Static<typeof Execution>
export const ExecutionBegun = Type.Object({ approvalFlowExecutionId: Id })

/** What an approver's link says. `approverId` is its secret: it is known to whom it was sent, and tells who acts. */
export const ApproverLink = Type.Object({
  approvalFlowExecutionId: Id,
  approverId: FilledToken,
  approvalFlowStepId: Id,
})
export type ApproverLink = Static<typeof ApproverLink>
export const ApproverAction = Type.Object({ ...ApproverLink.properties, approved: Type.Boolean() })
export type ApproverAction = Static<typeof ApproverAction>
export const ActionTaken = Type.Object({ success: Type.Boolean() })

export const ExecutionData = Type.Object({
  approvalFlowName: Type.String(),
  approvalFlowDescription: Type.Optional(Type.String()),
  requester: Type.String(),
  approvalFlowRequestDate: DateTime,
  executionData: Type.Optional(Type.Object({}, { additionalProperties: true })),
})
