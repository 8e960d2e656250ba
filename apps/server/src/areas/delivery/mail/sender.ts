import { baseUrl } from '../../../kernel/environments.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import type { MailPayload } from './mail.schemas.ts'

/** What a template says of its sender. */
export interface Sender {
  readonly senderEmail: string | null
  readonly fromName: string | null
}

/**
 * Who a mail is from. The address that the operator has set for the server's own provider stands: the environments share
 * what receivers think of it.
 */
export function senderOf({ deps, environment }: Ctx, payload: MailPayload | null, own: Sender | undefined) {
  // Mailgun's domain is the one that passes the receivers' checks (SPF, DKIM)
  const domain =
    payload?.provider === 'mailgun' ? payload.domain : new URL(baseUrl(deps.publicUrl, environment)).hostname
  const operators = payload ? undefined : deps.mailFrom
  return {
    sender: operators ?? own?.senderEmail ?? payload?.senderEmail ?? `no-reply@${domain}`,
    senderName: own?.fromName ?? payload?.fromName ?? null,
  }
}
