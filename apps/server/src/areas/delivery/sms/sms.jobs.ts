import { delivery } from '../../../kernel/outbox.ts'
import { smsErrors } from './sms.errors.ts'
import { carrierOf } from './sms.providers.ts'
import { masked } from './sms.schemas.ts'

export const deliverSms = delivery('deliver-sms', async (ctx) => {
  const { name, provider, isHeld } = await carrierOf(ctx)
  if (isHeld) return { name }
  return {
    name,
    async send({ id, recipient, text }) {
      // the carrier was removed after the message was queued
      if (!provider) throw smsErrors.notSent(masked(recipient))
      await provider.send({ id, to: recipient, text })
    },
  }
})

export const smsJobs = [deliverSms]
