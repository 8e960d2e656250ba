import { afterAll, describe, expect, test } from 'vitest'
import { operations } from './environment.ts'
import { database, names, served } from './in-vain.ts'
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

const linesOf = async (vendorId: string) =>
  (await database.pool.query<Record<string, unknown>>('select * from "Event" where "vendorId" = $1', [vendorId])).rows
const isQuiet = (name: string) => name in quiet || (quiet[operationOf(name)] ?? STARTS) !== STARTS

afterAll(() => database.close())

describe('what changes something', () => {
  test.each(changing)('%s leaves a line in the audit trail, or is known not to', async (name) => {
    const { before, after } = await served(name, linesOf),
      left = after!.length - before!.length
    if (isQuiet(name)) expect(left).toBe(0)
    else expect(left).toBeGreaterThan(0)
  })

  test('the list of those that leave none names only what is there', () => {
    expect(Object.keys(quiet).filter((name) => !changing.includes(name))).toEqual([])
  })
})
