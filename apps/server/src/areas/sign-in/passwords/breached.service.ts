import type { User } from '@henhouse/database'
import { Type } from 'typebox'
import { add, job } from '../../../kernel/jobs.ts'
import type { Ctx, TenantScope } from '../../../kernel/operation.ts'
import * as sendings from '../../access/codes/sendings.service.ts'
import * as mail from '../../delivery/mail/mail.service.ts'
import { live } from '../../rights/held/held.service.ts'
import * as settings from '../../policies/password-settings/password-settings.service.ts'
import { mailDataOf, type Person } from '../../delivery/mail/person.ts'
import * as users from '../../people/users/users.service.ts'
import * as userPools from '../user-pools/user-pools.service.ts'
import { makeLink, TOKEN_MS } from './reset.service.ts'

type Addressee = Person & Pick<User, 'activeTenantId'>

/**
 * Whether the policy blocks a right password because it is in a known breach. If so, mails the user a link to replace it, and
 * marks them for `resetAll`.
 * @param tenantIds all the user's tenants
 */
export async function isBlocked(ctx: Ctx, user: Addressee, password: string, tenantIds: readonly string[]) {
  if (!(await settings.strictestRules(ctx, tenantIds)).blockPwnedPasswords) return false
  const timesPwned = await settings.timesBreached(ctx, password)
  if (!timesPwned) return false
  await users.mark(ctx, { id: user.id }, { passwordLeakedAt: ctx.clock.now() })
  await sendMail(ctx, user, timesPwned)
  return true
}

async function sendMail(ctx: Ctx, user: Addressee, timesPwned?: number) {
  const to = user.email
  if (to === null || (await userPools.keepsUser(ctx, user.id)) || !(await sendings.mayGetOne(ctx, to))) return
  await ctx.atomically(async (tx) => {
    const isPwned = timesPwned !== undefined,
      { link } = await makeLink(tx, user, isPwned ? 'PwnedPassword' : undefined)
    await mail.send(tx, {
      template: isPwned ? 'PwnedPassword' : 'ResetPassword',
      to,
      userId: user.id,
      tenantId: user.activeTenantId ?? undefined,
      lifetimeMs: TOKEN_MS,
      data: { ...mailDataOf(user), redirectURL: link, timesPwned },
    })
  })
}

const PAGE = 100

/** Mails a link to every user with a breached password. A repeated run mails nobody twice. */
const resetLeaked = job({
  name: 'reset-leaked-passwords',
  payload: Type.Object({
    tenantId: Type.Optional(Type.String()),
    since: Type.String(),
    after: Type.Optional(Type.String()),
  }),
  async run(ctx, { tenantId, since, after }) {
    const rows = await ctx.db.user.findMany({
      where: {
        passwordLeakedAt: { lte: new Date(since) },
        provider: 'local',
        email: { not: null },
        ...(after !== undefined && { id: { gt: after } }),
        ...(tenantId !== undefined && { memberships: { some: { tenantId, isDisabled: false, ...live(ctx) } } }),
      },
      orderBy: { id: 'asc' },
      take: PAGE,
    })
    const sent = await ctx.db.challenge.findMany({
      where: {
        purpose: users.passwordResets[0].purpose,
        userId: { in: rows.map((user) => user.id) },
        createdAt: { gt: new Date(since) },
      },
      select: { userId: true },
    })
    const done = new Set(sent.map((row) => row.userId))
    // the password may have been replaced since
    const due = rows.filter(
      (user) =>
        !done.has(user.id) && (user.passwordChangedAt === null || user.passwordChangedAt <= user.passwordLeakedAt!),
    )
    for (const user of due) await sendMail(ctx, user)
    const last = rows.at(-1)
    if (last && rows.length === PAGE)
      await add(ctx, resetLeaked, { ...(tenantId !== undefined && { tenantId }), since, after: last.id })
  },
})

/** For one tenant's members, or for the whole environment. */
export async function resetAll(ctx: Ctx, tenant: TenantScope | undefined) {
  await add(ctx, resetLeaked, { ...(tenant && { tenantId: tenant.id }), since: ctx.clock.now().toISOString() })
}

export const passwordJobs = [resetLeaked]
