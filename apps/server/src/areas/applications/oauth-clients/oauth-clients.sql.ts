import { statement } from '../../../kernel/sql.ts'

/** The hash of the environment's own API key, which is its secret as a client. */
export const environmentKey = statement<{ apiKeyHash: string }>(
  'oauth-clients.environmentKey',
  `select v."apiKeyHash" from "Vendor" v where v."id" = $1`,
)
