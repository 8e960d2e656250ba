import { createHash, createHmac } from 'node:crypto'
import type { Received } from '../../outbound/test/http-double.ts'

const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex')
const hmac = (key: string | Buffer, data: string) => createHmac('sha256', key).update(data).digest()
const encode = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)

/**
 * Verifies a request as AWS does, from the steps in AWS's documentation ("Create a signed AWS API request"):
 * returns what it says about itself, and throws when a check fails.
 */
export function verified(request: Received, secrets: Record<string, string>, now: Date) {
  const authorization =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/
  const [, accessKeyId = '', day = '', region = '', service = '', signedHeaders = '', signature] =
    authorization.exec(request.headers.authorization ?? '') ?? []
  const time = String(request.headers['x-amz-date'])
  const [path = '', query = ''] = request.target.split('?')
  const names = signedHeaders.split(';')
  const canonicalQuery = [...new URLSearchParams(query)]
    .map(([key, value]) => `${encode(key)}=${encode(value)}`)
    .sort()
    .join('&')
  const canonicalHeaders = names
    .map((name) => `${name}:${String(request.headers[name]).trim().replace(/ +/g, ' ')}\n`)
    .join('')
  const canonical = [request.method, path, canonicalQuery, canonicalHeaders, signedHeaders, sha256(request.body)].join(
    '\n',
  )
  const toSign = ['AWS4-HMAC-SHA256', time, `${day}/${region}/${service}/aws4_request`, sha256(canonical)].join('\n')
  const key = [day, region, service, 'aws4_request'].reduce<string | Buffer>(
    (previous, part) => hmac(previous, part),
    `AWS4${secrets[accessKeyId]}`,
  )
  const expected = hmac(key, toSign).toString('hex')

  const at = Date.parse(time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
  if (!time.startsWith(day) || !(Math.abs(at - now.getTime()) <= 5 * 60_000))
    throw new Error('the signature is not of this time')
  const mustBeSigned = Object.keys(request.headers).filter(
    (name) => name === 'host' || name === 'content-type' || name.startsWith('x-amz-'),
  )
  if (!mustBeSigned.every((name) => names.includes(name))) throw new Error('a header is not signed')
  if (signature !== expected) throw new Error(`the signature is wrong for\n${canonical}`)
  return { accessKeyId, region, service, signature }
}
