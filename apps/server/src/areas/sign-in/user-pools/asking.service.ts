import { Refused } from '@henhouse/outbound'
import { Fault } from '@henhouse/sandbox'
import type { Ctx, HttpCtx } from '../../../kernel/operation.ts'
import { requestedApplication } from '../../access/tokens/refresh-cookie.ts'
import { applicationOf } from '../../delivery/mail/applications.ts'
import { arrive } from './arriving.service.ts'
import { askAuth0, findInAuth0 } from './sources/auth0.ts'
import { askCognito, findInCognito } from './sources/cognito.ts'
import { askScript, findByScript } from './sources/custom-code.ts'
import { askFederation, profileIn } from './sources/federation.ts'
import { askFirebase, findInFirebase } from './sources/firebase.ts'
import type { Credentials, Profile } from './sources/profile.ts'
import type { Configuration, Configurations, Source, SourceType } from './user-pools.schemas.ts'
import { configurationOf, definedSources, handsOver } from './user-pools.service.ts'

/** What an account must tell of where its user came from. */
export interface Origin {
  readonly id: string
  readonly passwordHash: string | null
  readonly sourceId: string | null
  readonly subject: string | null
}
/** The sources that decide about a password; empty: nobody does, so that it is wrong. */
export interface InCharge {
  readonly sources: readonly Source[]
  /** whom the password must prove, where their name is known here */
  readonly user: Origin | null
}

/**
 * Who decides about a password in place of this server: for a name that is unknown here, the sources of the application that
 * the login is for, in their order; for a user who came from a source, that source, unless it hands its users over and the user
 * has a password here. Undefined: this server decides. Without sources, that costs no statement.
 */
export async function inCharge(ctx: HttpCtx, user: Origin | null): Promise<InCharge | undefined> {
  const all = await definedSources(ctx)
  if (!all.length || (user && user.sourceId === null)) return undefined
  const here = await assigned(ctx, all)
  if (!user) return here.length ? { sources: here, user } : undefined
  const own = all.find(({ id }) => id === user.sourceId)
  if (!own || (user.passwordHash !== null && handsOver(configurationOf(ctx, own)))) return undefined
  return { sources: here.includes(own) ? [own] : [], user }
}

/** Those that the application of the call asks. */
async function assigned(ctx: Ctx, all: readonly Source[]) {
  const application = await applicationOf(ctx)
  return all.filter(({ apps }) => apps.some(({ applicationId }) => applicationId === application?.id))
}

type Ask<T extends SourceType> = (
  ctx: HttpCtx,
  configuration: Configurations[T],
  credentials: Credentials,
) => Promise<Profile | null | undefined>
/** Each returns null for a wrong password, and undefined for a user whom it says nothing usable of. */
const asks: { [T in SourceType]: Ask<T> } = {
  auth0: askAuth0,
  cognito: askCognito,
  firebase: askFirebase,
  'custom-code': askScript,
  federation: askFederation,
}

/** `yes` with the user's id; `no`; or `unknown`, when no source said no and one could not be asked. */
export type Verdict = { readonly verdict: 'yes'; readonly userId: string } | { readonly verdict: 'no' | 'unknown' }

/**
 * Asks the sources for the user with this password, one after the other. The first one that knows them decides who they are, and
 * they are brought in if they are new. Call it outside of transactions.
 */
export async function ask(ctx: HttpCtx, { sources, user }: InCharge, credentials: Credentials): Promise<Verdict> {
  let isNo = !sources.length
  for (const source of sources) {
    const configuration = configurationOf(ctx, source),
      profile = await askOne(ctx, source, configuration, credentials)
    if (profile === null) isNo = true
    if (!profile) continue
    const userId = await arrive(
      ctx,
      { source, configuration, profile, user, applicationId: requestedApplication(ctx), ipAddress: ctx.http.ip },
      credentials.password,
    )
    return userId === null ? { verdict: 'no' } : { verdict: 'yes', userId }
  }
  return { verdict: isNo ? 'no' : 'unknown' }
}

/** Undefined when there is no answer: what cannot be asked lets nobody in. */
const askOne = (ctx: HttpCtx, source: Source, configuration: Configuration, credentials: Credentials) =>
  answered(ctx, source, () => (asks[source.type as SourceType] as Ask<SourceType>)(ctx, configuration, credentials))

async function answered(ctx: Ctx, source: Source, question: () => Promise<Profile | null | undefined>) {
  const about = { userSourceId: source.id, type: source.type }
  try {
    const profile = await question()
    if (profile === undefined) ctx.log.warn(about, 'a user source said nothing usable of a user')
    return profile
  } catch (error) {
    if (!(error instanceof Refused || error instanceof Fault)) throw error
    ctx.log.error({ ...about, reason: error.message }, 'a user source could not be asked')
    return undefined
  }
}

/** A federated server to whose page users go. Undefined: there is none with this id */
export const federated = async (ctx: Ctx, id: string) =>
  (await definedSources(ctx)).find((source) => source.id === id && source.type === 'federation')

/** Brings in who comes back from the page of a federated server, given what that tells of them. @returns undefined when they cannot be let in */
export async function bringBack(ctx: HttpCtx, source: Source, told: Readonly<Record<string, unknown>>) {
  const isAsked = (await assigned(ctx, [source])).length > 0,
    profile = isAsked ? profileIn(told) : undefined
  if (!profile) return undefined
  const isKnown = await ctx.db.userSourceUser.count({ where: { userSourceId: source.id, subject: profile.subject } })
  const userId = await arrive(ctx, {
    ...{ source, profile, user: null },
    configuration: configurationOf(ctx, source),
    applicationId: requestedApplication(ctx),
    ipAddress: ctx.http.ip,
  })
  return userId === null ? undefined : { userId, isNewUser: !isKnown }
}

type Find<T extends SourceType> = (
  ctx: Ctx,
  configuration: Configurations[T],
  email: string,
) => Promise<Profile | null | undefined>
/** A federated server is asked for nobody without their password. */
const finds: { [T in Exclude<SourceType, 'federation'>]: Find<T> } = {
  auth0: findInAuth0,
  cognito: findInCognito,
  firebase: findInFirebase,
  'custom-code': findByScript,
}

/** The sources of the application of the call that hand their users over. */
async function handingOver(ctx: Ctx) {
  const all = await definedSources(ctx)
  return all.length ? (await assigned(ctx, all)).filter((source) => handsOver(configurationOf(ctx, source))) : []
}

/** Whether somebody who is unknown here may be known to a source that hands its users over. */
export const mayBeKnown = async (ctx: Ctx) => (await handingOver(ctx)).length > 0

/**
 * Brings in who has an address in a source that hands its users over, if it vouches for the address. They have no password
 * here yet. Call it outside of transactions, and where nobody waits for it.
 * @returns whether there is such a user now
 */
export async function bringIn(ctx: Ctx, email: string) {
  for (const source of await handingOver(ctx)) {
    const configuration = configurationOf(ctx, source),
      find = finds[source.type as keyof typeof finds] as Find<SourceType>
    const profile = await answered(ctx, source, () => find(ctx, configuration, email))
    if (!profile) continue
    if (!profile.verified || profile.email !== email) return false
    const { applicationId } = ctx
    return (await arrive(ctx, { source, configuration, profile, user: null, applicationId })) !== null
  }
  return false
}
