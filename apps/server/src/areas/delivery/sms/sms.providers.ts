import { twilio, type SmsProvider, type TwilioOptions } from '@henhouse/sms'
import type { Ctx } from '../../../kernel/operation.ts'
import { stored } from '../../../kernel/settings.ts'
import { smsConfiguration, type SmsConfiguration } from './sms.schemas.ts'

/** What Twilio's client is made of. A messaging service picks the sender itself. */
export const twilioOptions = (
  { accountId, senderName, serviceId }: SmsConfiguration,
  authToken: string,
  baseUrl?: string,
): TwilioOptions => ({
  accountSid: accountId,
  authToken,
  baseUrl,
  ...(serviceId ? { messagingServiceSid: serviceId } : { from: senderName }),
})

interface Carrier {
  name: string
  /** absent: nobody carries text messages, or all are held */
  provider?: SmsProvider | undefined
  isHeld: boolean
}

/** Who carries the environment's text messages: its own account, else the server's provider. */
export async function carrierOf(ctx: Ctx): Promise<Carrier> {
  const { sms, secrets, smsEndpoints } = ctx.deps,
    own = await stored(ctx, smsConfiguration)
  if (sms === 'hold') return { name: own ? own.value.provider : 'none', isHeld: true }
  const provider = own ? twilio(twilioOptions(own.value, secrets.open(own.value.token), smsEndpoints?.twilio)) : sms
  return { name: provider?.name ?? 'none', provider, isHeld: false }
}
