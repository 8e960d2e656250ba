import { delivery } from '../../kernel/outbox.ts'
import { providerOf } from './sms.providers.ts'

export const deliverSms = delivery('deliver-sms', (ctx) => {
  const provider = providerOf(ctx)
  return provider === 'hold' ? { name: 'none' } : { name: provider.name, send: ({ id, recipient, text }) => provider.send({ id, to: recipient, text }) }
})

export const smsJobs = [deliverSms]
