import { isIP } from 'node:net'
import { issue, redeem, type ChallengeKind } from '../../../kernel/challenges.ts'
import { MINUTE } from '../../../kernel/clock.ts'
import { baseUrl } from '../../../kernel/environments.ts'
import type { Ctx, HttpCtx } from '../../../kernel/operation.ts'
import * as mfaPolicy from '../../policies/mfa-policy/mfa-policy.service.ts'
import { mfaErrors } from './mfa.errors.ts'
import type { Assertion, DeviceType, NewCredential } from './mfa.schemas.ts'

/** Loaded by the first ceremony: with its parsers of certificates it takes as much memory as a tenth of the server. */
const webauthn = () => import('@simplewebauthn/server')

/** The time for a user to find and touch the device; the browser gives up earlier. */
const LIFETIME_MS = 5 * MINUTE
/** EdDSA, ES256 and RS256 (RFC 9053). */
const ALGORITHMS = [-8, -7, -257]

/** The purpose and user of a ceremony. Its challenge works for nothing else. */
export interface Ceremony {
  readonly kind: ChallengeKind
  readonly userId: string | undefined
  readonly about: string
}
interface Started {
  origin: string
  rpId: string
  about: string
}

/** A stored credential: base64url, the key in COSE. */
export interface Credential {
  readonly credentialId: string
  readonly publicKey: string
  readonly counter: bigint
  readonly transports: string[]
}

/** Credentials belong to the domain of the page that asks for them (WebAuthn §5.1.2); without a page, to the environment's. */
function partyOf({ http, deps, environment }: HttpCtx) {
  const own = new URL(baseUrl(deps.publicUrl, environment)).origin,
    page = http.origin !== undefined && /^https?:/.test(http.origin) ? http.origin : own,
    rpId = new URL(page).hostname
  // browsers refuse it with words that explain nothing
  if (isIP(rpId.replace(/^\[|\]$/g, ''))) throw mfaErrors.ipAddress(rpId)
  return { origin: page, rpId }
}

/** Of a ceremony only the challenge is stored, as a hash. The client that sends it back may finish, once. */
async function open(ctx: HttpCtx, { kind, userId, about }: Ceremony) {
  const challenge = ctx.random.token(),
    party = partyOf(ctx)
  await issue(ctx, kind, {
    secret: challenge,
    lifetimeMs: LIFETIME_MS,
    ...(userId !== undefined && { userId }),
    data: { ...party, about } satisfies Started,
  })
  return { challenge, bytes: new Uint8Array(Buffer.from(challenge, 'base64url')), ...party }
}

async function close(ctx: Ctx, { kind, userId, about }: Ceremony, challenge: string) {
  const found = await redeem(ctx, kind, challenge)
  const started = found.state === 'ok' ? (found.challenge.data as unknown as Started) : undefined
  if (found.state !== 'ok' || !started || started.about !== about || found.challenge.userId !== (userId ?? null))
    throw mfaErrors.badWebauthnToken()
  return {
    expectedChallenge: challenge,
    expectedOrigin: [started.origin, ...(ctx.deps.androidOrigins ?? [])],
    expectedRPID: started.rpId,
  }
}

interface Registration {
  user: { id: string; email: string | null; name: string }
  /** the credentials that the user has already */
  known: readonly Pick<Credential, 'credentialId'>[]
  /** restricts the kind of device */
  deviceType?: DeviceType | undefined
  /** a passkey logs in alone, so it must store the user handle and verify the user */
  asPasskey?: boolean
}

/** The options for a browser to make a credential. Their challenge finishes the ceremony. */
export async function startRegistration(
  ctx: HttpCtx,
  ceremony: Ceremony,
  { user, known, deviceType, asPasskey = false }: Registration,
) {
  const { bytes, rpId } = await open(ctx, ceremony)
  const { serviceName } = await mfaPolicy.configuration(ctx)
  const options = await (
    await webauthn()
  ).generateRegistrationOptions({
    rpName: serviceName,
    rpID: rpId,
    challenge: bytes,
    timeout: LIFETIME_MS / 5,
    attestationType: 'none',
    supportedAlgorithmIDs: ALGORITHMS,
    userID: new Uint8Array(Buffer.from(user.id)),
    userName: user.email ?? user.name,
    userDisplayName: user.name,
    excludeCredentials: known.map(({ credentialId }) => ({ id: credentialId })),
    authenticatorSelection: {
      residentKey: asPasskey ? 'preferred' : 'discouraged',
      userVerification: asPasskey ? 'required' : 'preferred',
      ...(deviceType && {
        authenticatorAttachment: deviceType === 'Platform' ? ('platform' as const) : ('cross-platform' as const),
      }),
    },
  })
  return { ...options, rp: { name: serviceName, id: rpId } }
}

/** The credential that a browser made. @throws 401 when it does not match the options, or the ceremony is no longer open */
export async function finishRegistration(
  ctx: Ctx,
  ceremony: Ceremony,
  challenge: string,
  { id, response }: NewCredential,
  { asPasskey = false } = {},
): Promise<Credential & { rpId: string }> {
  const expected = await close(ctx, ceremony, challenge),
    credentialId = base64url(id)
  const { verified, registrationInfo } = await (
    await webauthn()
  )
    .verifyRegistrationResponse({
      ...expected,
      requireUserVerification: asPasskey,
      supportedAlgorithmIDs: ALGORITHMS,
      response: {
        id: credentialId,
        rawId: credentialId,
        type: 'public-key',
        clientExtensionResults: {},
        response: {
          clientDataJSON: base64url(response.clientDataJSON),
          attestationObject: base64url(response.attestationObject),
        },
      },
    })
    .catch(unfit)
  if (!verified) throw mfaErrors.wrongDevice()
  const { credential } = registrationInfo
  return {
    credentialId: credential.id,
    publicKey: Buffer.from(credential.publicKey).toString('base64url'),
    counter: BigInt(credential.counter),
    transports: response.transports ?? [],
    rpId: expected.expectedRPID,
  }
}

/** The options for a browser to sign with one of these credentials or, when the list is empty, with any it has. */
export async function startAssertion(
  ctx: HttpCtx,
  ceremony: Ceremony,
  credentials: readonly Pick<Credential, 'credentialId' | 'transports'>[],
  { asPasskey = false } = {},
) {
  const { bytes, rpId } = await open(ctx, ceremony)
  return (await webauthn()).generateAuthenticationOptions({
    rpID: rpId,
    challenge: bytes,
    timeout: LIFETIME_MS / 5,
    userVerification: asPasskey ? 'required' : 'preferred',
    allowCredentials: credentials.map(({ credentialId, transports }) => ({
      id: credentialId,
      ...(transports.length && { transports }),
    })),
  })
}

/**
 * The new counter of a credential that signed. The caller must update the counter only if it still has the old value, and
 * refuse the login otherwise: a changed value means that a copy of the device exists (WebAuthn §6.1.1).
 * @throws 401
 */
export async function finishAssertion(
  ctx: Ctx,
  ceremony: Ceremony,
  challenge: string,
  { id, response }: Assertion,
  credential: Credential,
  { asPasskey = false } = {},
) {
  const expected = await close(ctx, ceremony, challenge)
  if (base64url(id) !== credential.credentialId) throw mfaErrors.wrongDevice()
  const { verified, authenticationInfo } = await (
    await webauthn()
  )
    .verifyAuthenticationResponse({
      ...expected,
      requireUserVerification: asPasskey,
      credential: {
        id: credential.credentialId,
        publicKey: new Uint8Array(Buffer.from(credential.publicKey, 'base64url')),
        counter: Number(credential.counter),
      },
      response: {
        id: credential.credentialId,
        rawId: credential.credentialId,
        type: 'public-key',
        clientExtensionResults: {},
        response: {
          clientDataJSON: base64url(response.clientDataJSON),
          authenticatorData: base64url(response.authenticatorData),
          signature: base64url(response.signature),
        },
      },
    })
    .catch(unfit)
  if (!verified) throw mfaErrors.wrongDevice()
  return BigInt(authenticationInfo.newCounter)
}

/** The challenge that a browser signed, which names the ceremony; undefined for anything else. */
export function challengeIn(clientDataJSON: string) {
  try {
    const { challenge } = JSON.parse(Buffer.from(base64url(clientDataJSON), 'base64url').toString()) as {
      challenge?: unknown
    }
    return typeof challenge === 'string' ? challenge : undefined
  } catch {
    return undefined
  }
}

const unfit = (): never => {
  throw mfaErrors.wrongDevice()
}

/** Clients send base64 in either alphabet. */
export const base64url = (text: string) => text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
