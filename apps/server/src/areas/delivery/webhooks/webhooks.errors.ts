import { failure } from '../../../kernel/errors.ts'

export const webhookErrors = {
  notFound: failure(404, 'ER-00004', 'Webhook not found'),
  noSuchCall: failure(404, 'ER-00004', 'Webhook log not found'),
  keyTaken: failure(409, 'computed', 'Webhook key already exists'),
  tooMany: failure(400, 'computed', 'There are as many webhooks as there may be'),
  notAnAddress: failure(400, 'computed', 'url must be an http or https address'),
  maskedSecret: failure(400, 'computed', 'secret must be the whole secret'),
  isOff: failure(409, 'computed', 'The webhook is switched off'),
}
