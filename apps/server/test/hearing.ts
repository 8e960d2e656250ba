import type { TestEnvironment } from './environment.ts'

/** Makes a webhook, and hands back what it will be told, the oldest first: of the account, or of the environment. */
export async function hearing(env: TestEnvironment, eventKeys: readonly string[], tenantId?: string) {
  const { status, body: hook } = await env.as(tenantId)('POST', '/webhook/custom', {
    url: 'http://127.0.0.1:9/',
    eventKeys,
    isActive: true,
  })
  if (status >= 300) throw new Error(`no webhook: ${JSON.stringify(hook)}`)
  return async () => {
    const rows = await (
      await env.context()
    ).db.webhookDelivery.findMany({
      where: { webhookId: hook._id },
      orderBy: { sequence: 'asc' },
    })
    return rows.map(({ body }) => JSON.parse(body) as Told)
  }
}
interface Told {
  eventKey: string
  eventContext: { tenantId?: string; userId?: string }
  user?: {
    id: string
    email: string
    tenantId: string
    tenantIds: string[]
    roles: { id: string }[]
    permissions: { key: string }[]
  }
  tenant?: { id: string }
}
