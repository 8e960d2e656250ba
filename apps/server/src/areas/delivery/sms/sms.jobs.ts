import { delivery } from '../../../kernel/outbox.ts'
import { smsErrors } from './sms.errors.ts'
import { masked } from './sms.schemas.ts'

export const deliverSms = delivery('deliver-sms', ({ deps: { sms } }) => {
  if (sms === 'hold') return { name: 'none' }
  return {
    name: sms?.name ?? 'none',
    async send({ id, recipient, text }) {
      // the carrier was removed after the message was queued
      if (!sms) throw smsErrors.notSent(masked(recipient))
      await sms.send({ id, to: recipient, text })
    },
  }
})

export const smsJobs = [deliverSms]
