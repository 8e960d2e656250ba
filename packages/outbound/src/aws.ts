import { AwsV4Signer } from 'aws4fetch'
import { post, type Answer, type Request } from './http.ts'
import type { Confidential } from './refusal.ts'

export interface AwsCredentials {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string | undefined
}

interface SignedRequest extends Request {
  body: string
  service: 'ses' | 'sts' | 'cognito-idp'
  region: string
  credentials: AwsCredentials
  /** AWS refuses signatures that are more than five minutes off */
  now: Date
}

/** Posts a request signed with AWS Signature Version 4 (AWS IAM User Guide, "AWS Signature Version 4 for API requests"). */
export async function postSigned(
  provider: string,
  request: SignedRequest,
  confidential: Confidential,
): Promise<Answer> {
  const {
    credentials: { accessKeyId, secretAccessKey, sessionToken },
    service,
    region,
    now,
  } = request
  const signer = new AwsV4Signer({
    method: 'POST',
    url: request.url,
    headers: request.headers,
    body: request.body,
    service,
    region,
    accessKeyId,
    secretAccessKey,
    ...(sessionToken === undefined ? {} : { sessionToken }),
    datetime: now.toISOString().replace(/[:-]|\.\d{3}/g, ''),
    // the content type as well, which this signer leaves out otherwise
    allHeaders: true,
  })
  const { headers } = await signer.sign()
  const secrets = [...confidential.secrets, ...secretsOf(request.credentials)]
  return post(provider, { ...request, headers: Object.fromEntries(headers) }, { ...confidential, secrets })
}

export const secretsOf = ({ secretAccessKey, sessionToken }: AwsCredentials) => [secretAccessKey, sessionToken ?? '']

/** The region, which becomes part of a host's name. Throws a TypeError for anything but a region's code. */
export function checkedRegion(provider: string, region: string): string {
  if (!/^[a-z]{2,4}(-[a-z]+)+-\d{1,2}$/.test(region)) throw new TypeError(`${provider}: the region is malformed`)
  return region
}

/** AWS answers some passing faults with 400: the error's code tells (AWS APIs' common errors; SES v2 SendEmail; STS AssumeRole). */
export const isPassingFault = (code: string) =>
  /^(Throttl|TooManyRequests|LimitExceeded|RequestTimeout|RequestExpired|ExpiredToken|ServiceUnavailable|InternalFailure)/.test(
    code,
  )
