import type { Message } from '@henhouse/database'
import type { Mail } from '@henhouse/mail'
import { delivery } from '../../../kernel/outbox.ts'
import { effective } from '../../../kernel/settings.ts'
import { carrierName, configuredProvider } from './mail.providers.ts'
import { mailConfiguration } from './mail.schemas.ts'

export const deliverMessage = delivery('deliver-message', async (ctx) => {
  const { payload } = await effective(ctx, mailConfiguration)
  const { mail: fallback } = ctx.deps,
    name = carrierName(ctx.deps, payload)
  return fallback === 'hold'
    ? { name }
    : { name, send: async (message) => (payload ? configuredProvider(ctx, payload) : fallback).send(toMail(message)) }
})

export const mailJobs = [deliverMessage]

const toMail = ({ id, sender, senderName, recipient, subject, html, text, createdAt }: Message): Mail => ({
  id,
  from: { address: sender, ...(senderName !== null && { name: senderName }) },
  to: recipient,
  subject,
  html,
  text,
  sentAt: createdAt,
})
