import { describe, expect, it } from 'vitest'
import { httpDouble, type Received, type Reply } from '../../outbound/test/http-double.ts'
import { acceptedInjections, mail, refusalOf } from '../test/mails.ts'
import { verified } from '../test/sigv4.ts'
import { sesRole } from './index.ts'

const source = { accessKeyId: 'AKIDSOURCE', secretAccessKey: 'source-secret+/=' }
const role = { roleArn: 'arn:aws:iam::123456789012:role/mail/Sender', region: 'us-east-1', source }
const start = Date.parse('2026-03-01T12:00:00Z')
const minutes = (count: number) => count * 60_000

/** STS and SES on one clock; STS gives out credentials for an hour, numbered. */
async function aws({
  sts,
  ses,
}: { sts?: (request: Received) => Reply | undefined; ses?: (request: Received) => Reply | undefined } = {}) {
  let now = start,
    issued = 0
  const time = () => new Date(now)
  const secrets: Record<string, string> = { [source.accessKeyId]: source.secretAccessKey }
  const stsDouble = await httpDouble((request) => {
    verified(request, secrets, time())
    const other = sts?.(request)
    if (other) return other
    issued += 1
    secrets[`ASIA${issued}`] = `temporary-secret-${issued}`
    return { status: 200, headers: { 'content-type': 'text/xml' }, body: assumed(issued, new Date(now + minutes(60))) }
  })
  const sesDouble = await httpDouble((request) => {
    verified(request, secrets, time())
    return ses?.(request) ?? { status: 200, body: '{"MessageId":"m"}' }
  })
  const settings = { ...role, stsEndpoint: stsDouble.url, endpoint: sesDouble.url, now: time }
  const by = () => sesDouble.received.map((request) => verified(request, secrets, time()).accessKeyId)
  return {
    provider: sesRole(settings),
    settings,
    sts: stsDouble.received,
    ses: sesDouble.received,
    by,
    pass: (ms: number) => {
      now += ms
    },
  }
}

const assumed = (
  number: number,
  expiration: Date,
) => `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleResult>
    <AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/Sender/henhouse</Arn><AssumedRoleId>AROA:henhouse</AssumedRoleId></AssumedRoleUser>
    <Credentials>
      <AccessKeyId>ASIA${number}</AccessKeyId>
      <SecretAccessKey>temporary-secret-${number}</SecretAccessKey>
      <SessionToken>token&amp;+/=${number}</SessionToken>
      <Expiration>${expiration.toISOString()}</Expiration>
    </Credentials>
  </AssumeRoleResult>
  <ResponseMetadata><RequestId>c6104cbe</RequestId></ResponseMetadata>
</AssumeRoleResponse>`

const fault = (code: string, message: string) => `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>x</RequestId></ErrorResponse>`

describe('sesRole', () => {
  it("assumes the role and sends with the role's credentials", async () => {
    const { provider, sts, ses, by } = await aws()
    expect(provider.name).toBe('ses-role')
    expect(await provider.send(mail)).toEqual({ providerMessageId: 'm' })
    expect(sts[0]).toMatchObject({
      method: 'POST',
      target: '/',
      headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
    })
    expect(sts[0]?.headers.authorization).toContain('Credential=AKIDSOURCE/20260301/us-east-1/sts/aws4_request')
    expect(Object.fromEntries(new URLSearchParams(String(sts[0]?.body)))).toEqual({
      Action: 'AssumeRole',
      Version: '2011-06-15',
      RoleArn: role.roleArn,
      RoleSessionName: 'henhouse',
    })
    expect(ses[0]).toMatchObject({
      target: '/v2/email/outbound-emails',
      headers: { 'x-amz-security-token': 'token&+/=1' },
    })
    expect(ses[0]?.headers.authorization).toContain('SignedHeaders=content-type;host;x-amz-date;x-amz-security-token,')
    expect(by()).toEqual(['ASIA1'])
  })

  it("passes on the external id, and the source's own session token", async () => {
    const { settings, sts } = await aws()
    await sesRole({ ...settings, externalId: 'ext=1&x', source: { ...source, sessionToken: 'mine' } }).send(mail)
    expect(new URLSearchParams(String(sts[0]?.body)).get('ExternalId')).toBe('ext=1&x')
    expect(sts[0]?.headers['x-amz-security-token']).toBe('mine')
  })

  it('keeps the credentials until shortly before they expire', async () => {
    const { provider, sts, ses, pass } = await aws()
    await provider.send(mail)
    pass(minutes(54))
    await provider.send(mail)
    expect(sts).toHaveLength(1)
    pass(minutes(1))
    await provider.send(mail)
    expect(sts).toHaveLength(2)
    expect(ses.map(({ headers }) => headers['x-amz-security-token'])).toEqual([
      'token&+/=1',
      'token&+/=1',
      'token&+/=2',
    ])
  })

  it('asks once for mails that come together, first and again at the renewal', async () => {
    const { provider, sts, pass } = await aws()
    await Promise.all(Array.from({ length: 5 }, () => provider.send(mail)))
    expect(sts).toHaveLength(1)
    pass(minutes(58))
    await Promise.all(Array.from({ length: 5 }, () => provider.send(mail)))
    expect(sts).toHaveLength(2)
  })

  it.each([
    [403, 'AccessDenied', false],
    [400, 'Throttling', true],
    [403, 'ExpiredToken', true],
    [403, 'RegionDisabledException', false],
    [503, 'ServiceUnavailable', true],
  ])('reports that the role was not assumed: %i %s', async (status, code, retryable) => {
    const { provider, ses } = await aws({
      sts: () => ({ status, body: fault(code, `is not authorized &amp; ${source.secretAccessKey}`) }),
    })
    expect(await refusalOf(provider.send(mail))).toMatchObject({
      status,
      retryable,
      message: `ses-role answered ${status}: the role was not assumed: ${code} is not authorized & ***`,
    })
    expect(ses).toEqual([])
  })

  it('asks again after a failure, and after a reply without credentials', async () => {
    const faults: Reply[] = [
      { status: 500, body: '' },
      { status: 200, body: '<html>' },
    ]
    const { provider, sts } = await aws({ sts: () => faults.shift() })
    expect(await refusalOf(provider.send(mail))).toMatchObject({ retryable: true, status: 500 })
    expect(await refusalOf(provider.send(mail))).toMatchObject({ retryable: true, status: 200 })
    expect(await provider.send(mail)).toEqual({ providerMessageId: 'm' })
    expect(sts).toHaveLength(3)
  })

  it('throws credentials away that SES refuses, and shows neither secret nor token', async () => {
    let refusing = true
    const { provider, sts } = await aws({
      ses: () =>
        refusing
          ? {
              status: 403,
              headers: { 'x-amzn-errortype': 'ExpiredTokenException' },
              body: '{"message":"token&+/=1 of temporary-secret-1 is expired"}',
            }
          : undefined,
    })
    expect(await refusalOf(provider.send(mail))).toMatchObject({
      retryable: true,
      message: 'ses-role answered 403: ExpiredTokenException: *** of *** is expired',
    })
    refusing = false
    await provider.send(mail)
    expect(sts).toHaveLength(2)
  })

  it('refuses malformed mails without asking anybody', async () => {
    const { provider, sts, ses } = await aws()
    expect(await acceptedInjections(provider)).toEqual([])
    expect([...sts, ...ses]).toEqual([])
  })

  it('refuses what is no role', async () => {
    const { settings } = await aws()
    for (const roleArn of ['', 'Sender', 'arn:aws:iam::123456789012:user/Sender', 'arn:aws:iam::1:role/Sender'])
      expect(() => sesRole({ ...settings, roleArn })).toThrow(TypeError)
  })
})
