import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Operation } from '../src/kernel/operation.ts'
import { newEnvironment } from './environment.ts'
import { begin, call, contents, flows, isGranted, isRight, learn, type Flow } from './flows.ts'
import { loggingServer, within } from './logged.ts'

const { server, lines } = await loggingServer()

/** Where people come in, and where what they come in with is handed out. */
const areas = /^areas\/(sign-in|onboarding|access|machines|people\/(user-emails|phone-numbers|usernames))\//
/** They neither hand out nor take a code, a link, a token or a session. This list may only shrink. */
const harmless = [
  'addRolesInSubAccountsV1',
  'assignUserSourceV1',
  'authorizeByForm',
  'changeUserRolesInBulkV1',
  'countUsersOfTenantsV1',
  'createAuth0UserSourceV1',
  'createCognitoUserSourceV1',
  'createCustomCodeUserSourceV1',
  'createFederationUserSourceV1',
  'createFirebaseUserSourceV1',
  'createVendorPhoneNumberV1',
  'createVendorUserEmailV1',
  'deleteInviteV1',
  'deletePasskeyV1',
  'deleteTenantAccessTokenV1',
  'deleteTenantApiTokenV1',
  'deleteUserAccessTokenV1',
  'deleteUserApiTokenV1',
  'deleteUserEmailV1',
  'deleteUserInviteV1',
  'deleteUserSourceV1',
  'deleteUsernameV1',
  'deleteVendorPhoneNumberV1',
  'deleteVendorUserEmailV1',
  'endOwnSessionV1',
  'endOwnSessionsV1',
  'getAuthorizationServerMetadata',
  'getOauthOpenidConfiguration',
  'getOpenidConfiguration',
  'getPublicSsoV2',
  'getStrictestPasswordPolicyV1',
  'migrateUserV1',
  'migrateUsersFromAuth0V1',
  'migrateUsersFromCsvV1',
  'migrateUsersV1',
  'migrateUsersV2',
  'moveUsersToTenantV1',
  'postUserInfo',
  'preloginSamlV1',
  'preloginSsoV2',
  'removeMemberV1',
  'removeRolesInSubAccountsV1',
  'removeUserFromSubAccountsV1',
  'revokeSessionsV1',
  'setDelegationV1',
  'setEnvironmentSessionConfigurationV1',
  'setImpersonationV1',
  'setRolesInSubAccountsV1',
  'setSessionConfigurationV1',
  'setSubAccountAccessV1',
  'setVendorPrimaryEmailV1',
  'unassignUserSourceV1',
  'unenrolUserV1',
  'updateAuth0UserSourceV1',
  'updateCognitoUserSourceV1',
  'updateCustomCodeUserSourceV1',
  'updateFederationUserSourceV1',
  'updateFirebaseUserSourceV1',
  'updateMemberV1',
  'updateTenantApiTokenV1',
  'verifyPasswordV1',
]

test('every operation that hands out or takes a code, a link or a token is in a flow', async () => {
  const root = new URL('../src/', import.meta.url),
    files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
      (name) => areas.test(name) && name.endsWith('.routes.ts'),
    )
  const lists = await Promise.all(files.map((name) => import(new URL(name, root).href) as Promise<object>))
  const found = lists
    .flatMap((exported) => Object.values(exported).flat() as Operation[])
    .filter((op) => op.method !== 'GET' || op.auth === 'public')
    .map((op) => op.id)
  const covered = new Set(flows.flatMap(({ steps }) => steps.map((step) => step.op)))
  expect(found.length).toBeGreaterThan(100)
  expect(found.filter((id) => !covered.has(id)).toSorted()).toEqual(harmless)
  const names = new Set(flows.map(({ name }) => name))
  expect(names.size).toBe(flows.length)
  expect(flows.filter(({ like }) => like !== undefined && !names.has(like))).toEqual([])
})

interface Secret {
  text: string
  /** the answers from this step on may have it: the caller has typed it */
  typedAt: number
}

/** The whole flow, without a fault: what was said, and what went out by mail and SMS. */
async function honestly(flow: Flow) {
  const env = await newEnvironment(server)
  await flow.settings?.(env)
  const run = await begin(env, flow),
    said: string[] = [],
    secrets: (Secret & { step: string; told: boolean })[] = []
  for (const [index, step] of flow.steps.entries()) {
    const body = await step.body?.(run.known),
      typed = JSON.stringify([body, step.query?.(run.known)]),
      known = (await env.messages()).length
    for (const secret of secrets) if (typed.includes(secret.text)) secret.typedAt = Math.min(secret.typedAt, index)
    const answer = await call(run, step, body),
      { status, body: reply, headers, cookies } = answer
    said.push(JSON.stringify([reply, headers, cookies]))
    expect(isRight(step, answer), `${step.op}: ${status} ${JSON.stringify(reply)}`).toBe(true)
    await learn(run, step, answer)
    const sent = (await env.messages()).slice(known).filter(({ code, link }) => code !== null || link !== null)
    expect(
      sent.map(({ recipient }) => recipient),
      step.op,
    ).toEqual(step.sends === undefined ? [] : [run.known[step.sends]])
    for (const message of sent) {
      const { code, token, invitationToken } = contents(message) as Record<string, string | undefined>,
        text = code ?? token ?? invitationToken
      expect(text, step.op).toMatch(/^(\d{6}|[\w-]{43})$/)
      secrets.push({ text: text!, typedAt: Infinity, step: step.op, told: step.told !== undefined })
    }
    if (index === flow.steps.length - 1) expect(isGranted(step, answer), JSON.stringify(reply)).toBe(true)
  }
  return { said, secrets }
}

describe.concurrent('what is sent to prove an address', () => {
  test.for(flows.map((flow) => [flow.name, flow] as const))('stands in the outbox only: %s', async ([, flow]) => {
    const { said, secrets } = await honestly(flow)
    for (const { text, typedAt, step, told } of secrets) {
      const sayings = said.slice(0, typedAt).filter((answer) => within(answer, text))
      expect(sayings.length > 0, `${step} tells what it sends`).toBe(told)
      expect(
        lines.some((line) => within(line, text)),
        `what ${step} sends is logged`,
      ).toBe(false)
    }
  })
})
