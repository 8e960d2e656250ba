import type { ApprovalExecution, Prisma } from '@henhouse/database'
import { rowOf, type ChallengeKind } from '../../../kernel/challenges.ts'
import type { JobRow } from '../../../kernel/jobs.ts'
import type { Caller, Ctx } from '../../../kernel/operation.ts'
import * as sendings from '../../access/codes/sendings.service.ts'
import { linkTo } from '../../delivery/mail/links.ts'
import * as mail from '../../delivery/mail/mail.service.ts'
import { mailDataOf, ownerIn, type Person } from '../../delivery/mail/person.ts'
import * as sms from '../../delivery/sms/sms.service.ts'
import type { Step } from './approval-flows.schemas.ts'
import type { Chosen } from './approvers.service.ts'

/** The link of one approver to one decision. */
export const approval: ChallengeKind = { purpose: 'approval' }

export type Asking = Pick<
  ApprovalExecution,
  'id' | 'tenantId' | 'requesterId' | 'name' | 'description' | 'endsAt' | 'byManagement'
>
type Recipient = Pick<Chosen, 'person' | 'email' | 'phoneNumber'>

/** What the messages of a request say, whoever gets them. */
export interface Subject {
  readonly requester: Person | null
  readonly tenant: { name: string; logo: string | null; logoUrl: string | null } | null
}

export async function subjectOf(ctx: Ctx, { tenantId, requesterId }: Asking): Promise<Subject> {
  const [requester, tenant] = await Promise.all([
    ctx.db.user.findUnique({ where: { id: requesterId } }),
    ctx.db.tenant.findFirst({ where: { id: tenantId }, select: { name: true, logo: true, logoUrl: true } }),
  ])
  return { requester, tenant }
}

/** Who has the messages sent, as far as their number is limited. */
export const sender = ({ byManagement }: Pick<Asking, 'byManagement'>): Pick<Caller, 'kind'> => ({
  kind: byManagement ? 'vendor' : 'person',
})

/** Counts what is to be sent to these. Not in a transaction. @throws 429 */
export const countFor = (ctx: Ctx, by: Pick<Caller, 'kind'>, approvers: readonly Recipient[]) =>
  sendings.countFor(
    ctx,
    by,
    approvers.flatMap(({ email, phoneNumber }) => [email, phoneNumber]),
  )

/** Asks all approvers of a step, each by a link of their own. Their messages are counted. */
export async function ask(tx: Ctx, asking: Asking, subject: Subject, step: Step, approvers: readonly Chosen[]) {
  const lifetimeMs = asking.endsAt.getTime() - tx.clock.now().getTime()
  const made = approvers.map((approver) => {
    const token = tx.random.token(),
      about = { ...ownerIn(approver.person), tenantId: asking.tenantId }
    return {
      approver,
      token,
      challenge: rowOf(tx, approval, {
        secret: token,
        lifetimeMs,
        ...about,
        data: { executionId: asking.id, stepId: step.id },
      }),
    }
  })
  await tx.db.challenge.createMany({ data: made.map(({ challenge }) => challenge) })
  await tx.db.approvalApprover.createMany({
    data: made.map(({ challenge, token, approver: { email, phoneNumber, asMember, byRole } }) => ({
      id: challenge.id,
      executionId: asking.id,
      stepId: step.id,
      userId: challenge.userId,
      email,
      phoneNumber,
      asMember,
      byRole,
      token: tx.deps.secrets.seal(token),
    })),
  })
  await notify(
    tx,
    asking,
    subject,
    step,
    made.map(({ approver, token }) => ({ ...approver, token })),
  )
}

/** Sends each approver their link. */
export async function notify(
  tx: Ctx,
  asking: Asking,
  subject: Subject,
  step: Pick<Step, 'id'>,
  approvers: readonly (Recipient & { token: string })[],
) {
  const letters: Letter[] = []
  for (const approver of approvers) letters.push(...(await lettersTo(tx, asking, subject, step, approver)))
  await tx.db.message.createMany({ data: letters.flatMap(({ message }) => message ?? []) })
  await tx.db.job.createMany({ data: letters.flatMap(({ job }) => job ?? []) })
}

/**
 * Mails the requester what an approver has decided, at an address that is proven to be theirs.
 * @param approverId a user; null for an address of nobody
 */
export async function mailDecision(
  tx: Ctx,
  { tenantId, requesterId, name }: Pick<Asking, 'tenantId' | 'requesterId' | 'name'>,
  approverId: string | null,
  decision: { readonly isApproved: boolean; readonly isOver: boolean },
) {
  const people = await tx.db.user.findMany({
      where: { id: { in: [requesterId, ...(approverId ? [approverId] : [])] } },
    }),
    requester = people.find(({ id }) => id === requesterId)
  if (!requester?.verified || requester.email === null) return
  await mail.send(tx, {
    template: 'ApprovalFlowDecision',
    to: requester.email,
    ...{ userId: requesterId, tenantId },
    data: {
      ...mailDataOf(requester, { issuer: people.find(({ id }) => id === approverId) }),
      approvalFlowName: name,
      ...decision,
    },
  })
}

interface Letter {
  readonly message?: Prisma.MessageCreateManyInput
  readonly job?: JobRow
}

async function lettersTo(
  ctx: Ctx,
  { id, tenantId, name, description }: Asking,
  { requester, tenant }: Subject,
  step: Pick<Step, 'id'>,
  { person, email, phoneNumber, token }: Recipient & { token: string },
): Promise<Letter[]> {
  const link = await linkTo(ctx, 'ApprovalFlowApprove', {
      approvalFlowExecutionId: id,
      approverId: token,
      approvalFlowStepId: step.id,
    }),
    about = { ...ownerIn(person), tenantId }
  const letters: Letter[] = []
  if (email !== null) {
    const data = {
      ...mailDataOf({ ...person, email }, { issuer: requester }),
      approvalFlowName: name,
      approvalFlowDescription: description ?? undefined,
      redirectURL: link,
    }
    letters.push(await mail.write(ctx, { template: 'ApprovalFlowApprove', to: email, ...about, data }, tenant))
  }
  if (phoneNumber !== null) {
    const text = `A request is waiting for your approval: ${link}`
    letters.push(await sms.write(ctx, { template: 'ApprovalFlowApprove', to: phoneNumber, ...about, text, link }))
  }
  return letters
}
