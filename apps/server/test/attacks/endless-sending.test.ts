import { describe, expect, test } from 'vitest'
import { countFor } from '../../src/areas/access/codes/sendings.service.ts'
import * as mail from '../../src/areas/delivery/mail/mail.service.ts'
import * as sms from '../../src/areas/delivery/sms/sms.service.ts'
import { contextFor } from '../../src/kernel/context.ts'
import { ANYBODY } from '../../src/kernel/limits.ts'
import { approvalFlows, flowOf } from '../approvals.ts'
import { deps, newEnvironment, newServer, operations, type Client, type TestEnvironment } from '../environment.ts'
import { logIn, PASSWORD } from '../second-factors.ts'

const users = '/identity/resources/users',
  members = '/team/resources/members/v1',
  belowUs = '/identity/resources/sub-tenants/users'
const MOST = 10
/** These send codes to addresses and numbers of the user's own: see endless-guessing.test.ts and mfa-codes.test.ts. */
const CODES = [
  'changeOwnEmailV1',
  'changePhoneNumberV1',
  'createPhoneNumberV1',
  'createUserEmailV1',
  'createVendorUserEmailV1',
  'deletePhoneNumberV1',
  'preverifyPhoneNumberV1',
  'startDisableSmsV1',
  'startMfaByEmailV1',
  'startMfaBySmsV1',
  'startSmsAtLoginV1',
  'startSmsV1',
]
/** These take codes, and too many wrong ones are refused: nothing is sent. */
const TYPED = [
  'disableAuthenticatorV1',
  'disableMfaV1',
  'disableSmsV1',
  'enrolAuthenticatorAtLoginV1',
  'enrolAuthenticatorV1',
  'enrolMfaV1',
  'enrolSmsAtLoginV1',
  'enrolSmsV1',
  'enrolWebauthnAtLoginV1',
  'logInWithCodeV1',
  'logInWithSmsV1',
  'recoverMfaV1',
  'verifyAuthenticatorAtLoginV1',
  'verifyMfaAtLoginV1',
  'verifyMfaByEmailV1',
  'verifyMfaBySmsV1',
  'verifyMfaByWebauthnV1',
  'verifyOwnEmailChangeV1',
  'verifyPhoneNumberChangeV1',
  'verifyPhoneNumberDeletionV1',
  'verifyPhoneNumberResetV1',
  'verifyPhoneNumberV1',
  'verifyUserEmailV1',
]
const production = await newServer({ rateLimits: true })

interface Scene {
  env: TestEnvironment
  admin: Client & { tenantId: string }
  /** a member who has not accepted, or not verified their address */
  waiting: { id: string; email: string }
}

/** What an administrator who signed themselves up can have sent to somebody, by operation: each is called again and again. */
const SENDING: Readonly<Record<string, (scene: Scene) => Promise<number>>> = {
  createUserV1: ({ admin, waiting }) => inviteAgain(admin, (email) => admin('POST', `${users}/v1`, { email }), waiting),
  createUserV2: async ({ admin, waiting }) =>
    (await admin('POST', `${users}/v2`, { email: waiting.email.toUpperCase(), provider: 'local' })).status,
  addMemberV1: ({ admin, waiting }) => inviteAgain(admin, (email) => admin('POST', members, { email }), waiting),
  resendMemberMailV1: async ({ admin, waiting }) =>
    (await admin('POST', `${members}/${waiting.id}/resendActivationEmail`)).status,
  resendAllInvitationsV1: async ({ admin, waiting }) =>
    (await admin('POST', `${users}/v1/invitation/reset/all`, { email: waiting.email })).status,
  addUserToSubAccountsV1: ({ admin, waiting }) =>
    inviteAgain(
      admin,
      (email) =>
        admin('POST', `${belowUs}/v1`, { user: { email, name: 'x' }, subTenants: [{ tenantId: admin.tenantId }] }),
      waiting,
    ),
  addUsersToSubAccountV2: ({ admin, waiting }) =>
    inviteAgain(
      admin,
      (email) => admin('POST', `${belowUs}/v2`, { users: [{ email, name: 'x' }], tenantId: admin.tenantId }),
      waiting,
    ),
  createUserInviteV1: ({ env, waiting }) => mailedLink(env, waiting, 'v1'),
  createUserInviteV2: ({ env, waiting }) => mailedLink(env, waiting, 'v2'),
  createInviteV1: async ({ env, waiting }) =>
    (
      await env.vendor('POST', '/identity/resources/tenants/invites/v1', {
        tenantId: await env.newTenant(),
        userId: waiting.id,
        shouldSendEmail: true,
      })
    ).status,
  addUserToTenantV1: async ({ env, waiting }) =>
    (await env.vendor('POST', `${users}/v1/${waiting.id}/tenant`, { tenantId: await env.newTenant() })).status,
  executeApprovalFlowV1: async ({ env, admin, waiting }) => {
    const { body } = await env.vendor('POST', approvalFlows, flowOf({ emails: [waiting.email] }))
    return (await admin('POST', `${approvalFlows}/${body.id}/execute`, {})).status
  },
  executeStepUpApprovalFlowV1: async ({ env, admin, waiting }) => {
    const { db, clock } = await env.context()
    await db.user.update({ where: { id: waiting.id }, data: { verified: true } })
    await db.membership.updateMany({ where: { userId: waiting.id }, data: { acceptedAt: clock.now() } })
    return (await env.as(admin.tenantId, waiting.id)('POST', `${approvalFlows}/step-up/execute`, {})).status
  },
  setUserEmailV1: async ({ env, waiting }) => {
    await (await env.context()).db.user.update({ where: { id: waiting.id }, data: { email: 'other@example.com' } })
    return (await env.vendor('PUT', `${users}/v1/${waiting.id}/email`, { email: waiting.email })).status
  },
}
/** An environment's own servers call these: they have ten times as many sent. */
const OF_SERVERS = new Set([
  'addUserToTenantV1',
  'createInviteV1',
  'createUserInviteV1',
  'createUserInviteV2',
  'executeStepUpApprovalFlowV1',
  'setUserEmailV1',
])

async function inviteAgain(
  admin: Client,
  invite: (email: string) => ReturnType<Client>,
  { id, email }: Scene['waiting'],
) {
  await admin('DELETE', `${users}/v1/${id}`)
  return (await invite(email)).status
}
async function mailedLink(env: TestEnvironment, { id }: Scene['waiting'], version: string) {
  const tenantId = await env.newTenant()
  return (
    await env.as(tenantId, id)('POST', `/identity/resources/tenants/invites/${version}/user`, { shouldSendEmail: true })
  ).status
}

async function scene(): Promise<Scene> {
  const env = await newEnvironment(production),
    admin = await env.user({ roleKeys: ['Admin'] })
  const waiting = await env.newUser({ tenantId: admin.tenantId, verified: false })
  await (await env.context()).db.membership.updateMany({ where: { userId: waiting.id }, data: { acceptedAt: null } })
  return { env, admin, waiting }
}

describe.concurrent('having mails sent to somebody', () => {
  test.for(Object.entries(SENDING))('ends after so many, by %s', async ([id, call]) => {
    const all = await scene(),
      { env, waiting } = all
    // all but one of those that may go
    const ctx = await env.context(),
      own = contextFor({ ...deps, rateLimits: true }, ctx.environment, deps.log),
      by = OF_SERVERS.has(id) ? 'vendor' : 'person'
    for (let left = by === 'vendor' ? 10 * MOST : MOST; left > 1; left--)
      await countFor(own, { kind: by }, [waiting.email.toUpperCase()])
    expect(await call(all)).toBeLessThan(300)
    expect(await call(all)).toBe(429)
    expect(await env.messages({ to: waiting.email })).toHaveLength(1)
  })

  test('is asked of every operation that is refused when it is too often, or it has a limit, or takes a code', () => {
    const refused = operations.filter(
      (op) => op.errors?.some(({ status }) => status === 429) && !op.limits?.some(({ sends }) => sends),
    )
    const known = [...Object.keys(SENDING), ...CODES, ...TYPED]
    expect(refused.map((op) => op.id).toSorted()).toEqual(known.toSorted())
  })

  test('by logging in as a user whose address is not verified leaves them out after so many', async () => {
    const { env } = await scene(),
      user = await env.newUser({ password: PASSWORD, verified: false })
    for (let round = 0; round < 13; round++) expect((await logIn(env, user)).status).toBe(401)
    expect(await env.messages({ to: user.email, template: 'ActivateUser' })).toHaveLength(MOST)
  })

  test('counts all callers together, and each address on its own', async () => {
    const { env, admin, waiting } = await scene(),
      other = await env.user({ roleKeys: ['Admin'], tenantId: admin.tenantId }),
      bystander = await env.newUser({ tenantId: admin.tenantId, verified: false })
    const resend = (as: Client, { id }: { id: string }) => as('POST', `${members}/${id}/resendActivationEmail`)
    const answers = await Promise.all(
      Array.from({ length: 16 }, (_, index) => resend(index % 2 ? admin : other, waiting)),
    )
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(MOST)
    expect(answers.find(({ status }) => status === 429)!.headers['retry-after']).toBeDefined()
    expect((await resend(admin, bystander)).status).toBe(201)
  })

  test('cannot be forgotten: a message without a count fails outside production', async () => {
    const env = await newEnvironment(),
      user = await env.newUser()
    const message = { template: 'InviteToTenant', to: user.email, userId: user.id, data: {} } as const,
      text = { template: 'SignIn', to: '+12025550100', data: { code: '1' } } as const
    const ctx = await env.context()
    ctx.counted.clear()
    await expect(mail.send(ctx, message)).rejects.toThrow('not counted')
    await expect(sms.send(ctx, text)).rejects.toThrow('not counted')
    await mail.send(ctx, { ...message, template: 'MFAEnroll' })
    await countFor(ctx, { kind: 'person' }, [user.email])
    await mail.send(ctx, message)
    const lenient = contextFor({ ...deps, strict: false }, ctx.environment, deps.log)
    await mail.send(lenient, message)
    ctx.counted.add(ANYBODY)
    await sms.send(ctx, text)
  })
})
