import type { Ctx } from '../../../kernel/operation.ts'

/** What webhooks are told: until their area is there, nobody listens. */
export interface Told {
  readonly id: string
  readonly key: string
  readonly at: Date
  /** events of one subject keep their order */
  readonly subject: string
  readonly tenantId?: string | null
  readonly userId?: string | null
  readonly body: object
}

export async function isHeard(_ctx: Ctx, _key: string, _tenantId: string | null): Promise<boolean> {
  return false
}

export async function queueFor(_ctx: Ctx, _event: Told): Promise<void> {}
