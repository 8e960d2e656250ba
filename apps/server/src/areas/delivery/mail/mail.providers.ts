import { mailgun, sendgrid, ses, sesRole, type MailProvider } from '@henhouse/mail'
import { LRUCache } from 'lru-cache'
import type { Deps } from '../../../kernel/deps.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import type { MailPayload } from './mail.schemas.ts'

/** @throws TypeError for a malformed domain, region or role, or a role when this server has no identity at AWS to assume it with */
export function providerFor({ aws, mail, mailEndpoints = {}, systemClock }: Deps, payload: MailPayload): MailProvider {
  // AWS compares signatures with the real time
  const now = () => systemClock.now(),
    { secret } = payload
  switch (payload.provider) {
    case 'sendgrid':
      return sendgrid({ apiKey: secret, baseUrl: mailEndpoints.sendgrid })
    case 'mailgun':
      return mailgun({
        apiKey: secret,
        domain: payload.domain,
        region: payload.region === 'eu' ? 'EU' : 'US',
        baseUrl: mailEndpoints.mailgun,
      })
    case 'ses':
      return ses({
        accessKeyId: payload.id,
        secretAccessKey: secret,
        region: payload.region,
        now,
        endpoint: mailEndpoints.ses,
      })
    case 'ses-role': {
      if (!aws && mail !== 'hold') throw new TypeError('ses-role: this server has no AWS credentials of its own')
      return sesRole({
        roleArn: secret,
        region: payload.region,
        now,
        source: aws?.source ?? { accessKeyId: '', secretAccessKey: '' },
        externalId: aws?.externalId,
        endpoint: mailEndpoints.ses,
        stsEndpoint: mailEndpoints.sts,
      })
    }
  }
}

/** The name of the carrier; `none` when mail is held and no provider is configured. */
export const carrierName = ({ mail }: Deps, payload: MailPayload | null) =>
  payload?.provider ?? (mail === 'hold' ? 'none' : mail.name)

interface Kept {
  sealed: string
  provider: MailProvider
}
const kept = new WeakMap<Deps, LRUCache<string, Kept>>()

/**
 * The provider that the environment has configured. It is kept, because an assumed role and open connections outlive
 * one mail.
 */
export function configuredProvider({ deps, vendorId }: Ctx, payload: MailPayload): MailProvider {
  let cache = kept.get(deps)
  if (!cache)
    kept.set(
      deps,
      (cache = new LRUCache<string, Kept>({
        max: 1000,
        dispose: ({ provider }) => {
          void provider.close?.()
        },
      })),
    )
  // sealing draws a new nonce, so the sealed secret also tells two saved configurations apart
  const sealed = payload.secret,
    known = cache.get(vendorId)
  if (known?.sealed === sealed) return known.provider
  const provider = providerFor(deps, { ...payload, secret: deps.secrets.open(sealed) })
  cache.set(vendorId, { sealed, provider })
  return provider
}
