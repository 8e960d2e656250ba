import { expect } from 'vitest'
import { unique, type Client, type TestEnvironment } from './environment.ts'

export const approvalFlows = '/identity/resources/approval-flows/v1'

/** A flow of one step that asks these. */
export const flowOf = (approverSelectors: object, configuration: object = {}, minApprovals = 1) => ({
  name: unique('Flow'),
  channels: { email: true, sms: false },
  configuration,
  steps: [{ approverSelectors, configuration: { minApprovals }, stepOrder: 1 }],
})

/** Makes the flow and executes it, for this user. @returns the id of the execution */
export async function executed(
  env: TestEnvironment,
  flow: object,
  { id, tenantId }: { id: string; tenantId: string },
  execution: object = {},
): Promise<string> {
  const { body: made } = await env.vendor('POST', approvalFlows, flow),
    { status, body } = await env.as(tenantId, id)('POST', `${approvalFlows}/${made.id}/execute`, execution)
  expect(status, JSON.stringify([made, body])).toBe(200)
  return body.approvalFlowExecutionId
}

/** What an approver's last link holds. */
export async function linkOf(env: TestEnvironment, to: string) {
  const message = (await env.messages({ to })).at(-1)!
  return Object.fromEntries(new URL(message.link!).searchParams) as Record<
    'approvalFlowExecutionId' | 'approverId' | 'approvalFlowStepId',
    string
  >
}

export const decide = (client: Client, link: object, approved = true) =>
  client('POST', `${approvalFlows}/approver-action`, { ...link, approved })
export const look = (client: Client, link: Record<string, string>) =>
  client('GET', `${approvalFlows}/execution-data?${new URLSearchParams(link)}`)
