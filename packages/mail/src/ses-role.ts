import {
  type AwsCredentials,
  baseAddress,
  checkedRegion,
  isPassing,
  isPassingFault,
  postSigned,
  refusal,
  Refused,
  secretsOf,
  TIMEOUT,
} from '@henhouse/outbound'
import { prepared, type MailProvider } from './mail.ts'
import { sesSender, type SesTarget } from './ses.ts'

export interface SesRoleOptions extends SesTarget {
  /** `secret` of the API's ses-role configuration */
  roleArn: string
  externalId?: string | undefined
  /** this server's own credentials, which the role must trust */
  source: AwsCredentials
  /** default `https://sts.{region}.amazonaws.com` */
  stsEndpoint?: string | undefined
}

interface Session {
  credentials: AwsCredentials
  expires: Date
}

/** How long before they expire, in milliseconds, credentials are replaced; those of a role live an hour. */
const MARGIN = 5 * 60_000

/**
 * Amazon SES, with a role of another account that is assumed through AWS STS. The role's credentials are kept until
 * five minutes before they expire, and mails that need new ones at the same time ask once.
 * A signal ends only the sending. Other mails may be waiting for the credentials, and asking for them has its own
 * time-out.
 * Throws a TypeError for a malformed region, role or endpoint.
 */
export function sesRole(options: SesRoleOptions): MailProvider {
  const name = 'ses-role'
  const send = sesSender(name, options)
  const assume = roleAssumer(name, options)
  let kept: Session | undefined
  let asked: Promise<Session> | undefined

  async function session(): Promise<Session> {
    if (kept && kept.expires.getTime() - options.now().getTime() > MARGIN) return kept
    asked ??= assume()
      .then((fresh) => (kept = fresh))
      .finally(() => {
        asked = undefined
      })
    return asked
  }

  return {
    name,
    async send(unchecked, signal) {
      const mail = prepared(name, unchecked)
      const used = await session()
      return send(mail, used.credentials, signal).catch((error: unknown) => {
        // they may have been revoked, or the role's rights changed
        if (error instanceof Refused && error.status === 403 && kept === used) kept = undefined
        throw error
      })
    },
  }
}

/** STS `AssumeRole`, a query API with XML replies (AWS STS API Reference, version 2011-06-15). */
function roleAssumer(name: string, options: SesRoleOptions) {
  const { roleArn, externalId, source, timeoutMs = TIMEOUT } = options
  const region = checkedRegion(name, options.region)
  if (!/^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/.test(roleArn))
    throw new TypeError("ses-role: the role's ARN is malformed")
  const url = `${baseAddress(name, options.stsEndpoint ?? `https://sts.${region}.amazonaws.com`)}/`
  const body = new URLSearchParams({
    Action: 'AssumeRole',
    Version: '2011-06-15',
    RoleArn: roleArn,
    RoleSessionName: 'henhouse',
    ...(externalId ? { ExternalId: externalId } : {}),
  }).toString()

  return async (): Promise<Session> => {
    const confidential = { secrets: secretsOf(source) }
    const { status, text } = await postSigned(
      name,
      {
        url,
        region,
        body,
        timeoutMs,
        credentials: source,
        service: 'sts',
        now: options.now(),
        headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
      },
      confidential,
    )
    if (status < 200 || status > 299) {
      const code = element(text, 'Code') ?? ''
      const reason = `the role was not assumed: ${code} ${element(text, 'Message') ?? text}`
      throw refusal(name, { status, retryable: isPassing(status) || isPassingFault(code), reason }, confidential)
    }
    const accessKeyId = element(text, 'AccessKeyId'),
      secretAccessKey = element(text, 'SecretAccessKey')
    const sessionToken = element(text, 'SessionToken'),
      expires = new Date(element(text, 'Expiration') ?? '')
    if (!accessKeyId || !secretAccessKey || !sessionToken || Number.isNaN(expires.getTime())) {
      throw refusal(
        name,
        { status, retryable: true, reason: 'the reply to AssumeRole holds no credentials' },
        confidential,
      )
    }
    return { credentials: { accessKeyId, secretAccessKey, sessionToken }, expires }
  }
}

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

// Enough XML for these replies: elements are found by name, hold only text and have no attributes.
function element(xml: string, tag: string): string | undefined {
  const [, content] = new RegExp(`<${tag}>([^<]*)</${tag}>`).exec(xml) ?? []
  return content?.trim().replace(/&(amp|lt|gt|quot|apos);/g, (_, entity: string) => ENTITIES[entity] ?? '')
}
