import { describe, expect, test } from 'vitest'
import { operations } from './environment.ts'
import { database, names, served } from './in-vain.ts'
import { PASSWORD } from './second-factors.ts'
import { operationOf } from './valid-requests.ts'

/*
 * No operation that changes something is without a line in the audit trail. Each one is called once, with a request that
 * succeeds, and must have left at least one.
 */

const READS = 'it only reads',
  STARTS = 'it only begins something: the step that finishes it is written down',
  OFTEN =
    'programs and browsers do it all the time; what they do it with is written down when it is made, and when it ends'

/** What leaves no line, and why. */
const quiet: Record<string, string> = {
  getGroupsByIdsV1: READS,
  countUsersOfTenantsV1: READS,
  verifyInviteV1: READS,
  verifyIpV1: READS,
  verifyIpInAllowListV1: READS,
  validatePasswordResetV1: READS,
  verifyPasswordV1: READS,
  postUserInfo: READS,
  introspectToken: READS,
  testWebhook: 'it only tries an address',
  authorizeSilently: OFTEN,
  authorizeByForm: STARTS,
  'grantToken: for credentials': OFTEN,
  'grantToken: for a refresh token': OFTEN,
  'grantToken: for a code': OFTEN,
  finishHostedLogin: STARTS,
  answerConsent: STARTS,
  postSocialLoginV2: STARTS,
  preloginSsoV2: READS,
  preloginSamlV1: READS,
  authenticateEnvironment: OFTEN,
  authenticateApiTokenV1: OFTEN,
  authenticateApiTokenV2: OFTEN,
  refreshApiTokenV1: OFTEN,
  refreshApiTokenV2: OFTEN,
  refreshTokenV1: OFTEN,
  createTokenForTenantV3: OFTEN,
  resendActivationV1: STARTS,
  resendInvitationV1: STARTS,
  resendAllInvitationsV1: STARTS,
  resendMemberMailV1: STARTS,
  startAuthenticatorAtLoginV1: STARTS,
  startMfaV1: STARTS,
  startAuthenticatorV1: STARTS,
  startMfaByEmailV1: STARTS,
  startSmsAtLoginV1: STARTS,
  startMfaBySmsV1: STARTS,
  startSmsV1: STARTS,
  startDisableSmsV1: STARTS,
  startWebauthnAtLoginV1: STARTS,
  startMfaByWebauthnV1: STARTS,
  startWebauthnV1: STARTS,
  startDisableWebauthnV1: STARTS,
  startPasskeyLoginV1: STARTS,
  startPasskeyV1: STARTS,
  requestMagicLinkV1: STARTS,
  requestLoginCodeV1: STARTS,
  requestLoginSmsV1: STARTS,
  exchangePasswordResetCodeV2: STARTS,
  generateStepUpV1: STARTS,
  changePhoneNumberV1: STARTS,
  resetPhoneNumberV1: STARTS,
  verifyPhoneNumberResetV1: STARTS,
  preverifyPhoneNumberV1: STARTS,
  deletePhoneNumberV1: STARTS,
  changeOwnEmailV1: STARTS,
  'logInV1: of somebody with a second factor': STARTS,
}

const changes = new Set(operations.filter((op) => op.method !== 'GET').map(({ id }) => id)),
  changing = names.filter((name) => changes.has(operationOf(name)))

interface Row {
  key: string
}
const rowsOf = async (table: 'Event' | 'Message', vendorId: string) =>
  (await database.pool.query<Row>(`select * from "${table}" where "vendorId" = $1`, [vendorId])).rows
const look = async (vendorId: string) => ({
  lines: await rowsOf('Event', vendorId),
  messages: (await rowsOf('Message', vendorId)) as unknown as { code: string | null; link: string | null }[],
})
const isQuiet = (name: string) => name in quiet || (quiet[operationOf(name)] ?? STARTS) !== STARTS

/** What the requests of `valid-requests.ts` bring. */
const SENT = [PASSWORD, 'Another-Hen-3!', 'Third-Henhouse-4!', 'SG.a-secret', 'a-token', '$2y$10$wis']
/** Texts of a reply that stand where secrets do. */
function secretsIn(value: unknown, name = ''): string[] {
  if (typeof value === 'string')
    return /secret|token|code|password|link|cookie/i.test(name) && value.length > 5 ? [value] : []
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, part]) => secretsIn(part, Array.isArray(value) ? name : key))
}
/** The codes and tokens that were sent. */
const secretsSent = (messages: Awaited<ReturnType<typeof look>>['messages']) =>
  messages.flatMap(({ code, link }) => [
    ...(code === null ? [] : [code]),
    ...(link === null ? [] : new URL(link).searchParams.getAll('token')),
  ])

describe('what changes something', () => {
  test.each(changing)('%s leaves a line in the audit trail, or is known not to, and no secret there', async (name) => {
    const { before, after, body } = await served(name, look),
      known = new Set(before!.lines.map((line) => JSON.stringify(line))),
      added = after!.lines.filter((line) => !known.has(JSON.stringify(line)))
    if (isQuiet(name)) expect(added).toEqual([])
    else expect(added).not.toEqual([])
    const text = JSON.stringify(after!.lines)
    for (const secret of [...SENT, ...secretsIn(body), ...secretsSent(after!.messages)])
      expect(text).not.toContain(secret)
  })

  test('the list of those that leave none names only what is there', () => {
    expect(Object.keys(quiet).filter((name) => !changing.includes(name))).toEqual([])
  })
})
