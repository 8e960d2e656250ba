import { createHmac } from 'node:crypto'
import { jsonObject, postSigned } from '@henhouse/outbound'
import type { Ctx, HttpCtx } from '../../../../kernel/operation.ts'
import type { Configurations } from '../user-pools.schemas.ts'
import { failed, TIMEOUT, type Answer } from './call.ts'
import { profileOf, type Credentials } from './profile.ts'

const source = 'Cognito'

/** Errors of AdminInitiateAuth for a wrong password and for users who cannot log in with it. */
const NO = [
  'NotAuthorizedException',
  'UserNotFoundException',
  'UserNotConfirmedException',
  'PasswordResetRequiredException',
]

/** AdminInitiateAuth, and AdminGetUser for what the user pool says of the user. */
export async function askCognito(
  ctx: HttpCtx,
  configuration: Configurations['cognito'],
  { name, password }: Credentials,
) {
  const { clientId, userPoolId, clientSecret, secretAccessKey } = configuration,
    secrets = [secretAccessKey, clientSecret ?? '', password]
  const answer = await post(ctx, configuration, secrets, 'AdminInitiateAuth', {
    UserPoolId: userPoolId,
    ClientId: clientId,
    AuthFlow: 'ADMIN_USER_PASSWORD_AUTH',
    AuthParameters: {
      USERNAME: name,
      PASSWORD: password,
      ...(clientSecret !== undefined && { SECRET_HASH: hashOf(name, clientId, clientSecret) }),
    },
  })
  if (isNo(answer)) return null
  if (answer.status !== 200) throw failed(source, answer, secrets)
  // instead of tokens, a challenge: a second factor, or a new password, which nobody here can ask for
  if (!answer.json['AuthenticationResult']) return null
  return read(ctx, configuration, secrets, name)
}

/** The user with an address, if the user pool has one. */
export const findInCognito = (ctx: Ctx, configuration: Configurations['cognito'], email: string) =>
  read(ctx, configuration, [configuration.secretAccessKey], email)

async function read(ctx: Ctx, configuration: Configurations['cognito'], secrets: readonly string[], name: string) {
  const found = await post(ctx, configuration, secrets, 'AdminGetUser', {
    UserPoolId: configuration.userPoolId,
    Username: name,
  })
  if (isNo(found)) return null
  const { UserAttributes: list, Username: username, Enabled: enabled } = found.json
  if (found.status !== 200 || !Array.isArray(list)) throw failed(source, found, secrets)
  if (enabled === false) return null
  const attributes = Object.fromEntries(
    (list as { Name?: unknown; Value?: unknown }[]).map((one) => [String(one?.Name), one?.Value]),
  )
  return profileOf({
    subject: attributes['sub'],
    email: attributes['email'],
    verified: attributes['email_verified'],
    username,
    name: attributes['name'],
    profilePictureUrl: attributes['picture'],
    attributes,
  })
}

/** A wrong secret of the application has the same name as a wrong password. */
const isNo = ({ json }: Answer) =>
  NO.includes(String(json['__type']).split('#').at(-1)!) && !String(json['message']).includes('secret hash')

/** Amazon Cognito, "Computing secret hash values". */
const hashOf = (name: string, clientId: string, clientSecret: string) =>
  createHmac('sha256', clientSecret).update(`${name}${clientId}`).digest('base64')

async function post(
  ctx: Ctx,
  { region, accessKeyId, secretAccessKey }: Configurations['cognito'],
  secrets: readonly string[],
  action: string,
  content: object,
): Promise<Answer> {
  const { status, text } = await postSigned(
    source,
    {
      url: ctx.deps.userPoolEndpoints?.cognito ?? `https://cognito-idp.${region}.amazonaws.com/`,
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': `AWSCognitoIdentityProviderService.${action}`,
      },
      body: JSON.stringify(content),
      timeoutMs: TIMEOUT,
      service: 'cognito-idp',
      region,
      credentials: { accessKeyId, secretAccessKey },
      now: ctx.deps.systemClock.now(),
    },
    { secrets },
  )
  return { status, json: jsonObject(text) }
}
