import type { Readable } from 'node:stream'
import type { Static, TObject, TSchema } from 'typebox'
import { Type } from 'typebox'
import type { Clock } from './clock.ts'
import type { Db } from './db.ts'
import type { Deps } from './deps.ts'
import type { Environment, EnvironmentDirectory } from './environments.ts'
import type { Failure } from './errors.ts'
import type { Kind } from './memory.ts'
import type { Logger } from 'pino'
import type { Random } from './random.ts'
import type { Sql } from './sql.ts'
import { mustBeChecked } from './validation.ts'

export type Auth = 'vendor' | 'user' | 'both' | 'public'
export type Context = 'required' | 'optional' | 'none'

/** Holder of an environment token: management. */
export interface VendorCaller {
  readonly kind: 'vendor'
}
/** What all others have in common: they act in one tenant, and only as far as their permissions go. */
interface Bound {
  readonly tenantId: string
  /** Permission keys, wildcards among them; `may` matches them. */
  readonly permissions: readonly string[]
}
/** A user who has logged in: holder of a user token. */
export interface PersonCaller extends Bound {
  readonly kind: 'person'
  readonly userId: string
  readonly sessionId: string
  /** They have logged in, or stepped up, a short while ago; or have neither a password nor a second factor to do it with. */
  readonly mayChangeLogin: boolean
}
/** Something or somebody that acts for a user who has not logged in for it. */
interface AgentCaller extends Bound {
  readonly kind: 'agent'
  readonly userId: string
  readonly by: Credential
}
/** A program that acts for a tenant. It is no user. */
interface MachineCaller extends Bound {
  readonly kind: 'machine'
  readonly by: Credential
}
/** What a call is made with that no login has given. */
interface Credential {
  readonly type: MachineType | 'delegation' | 'invitation'
  /** of the row that is looked up at each call; of the one who acts, for a delegation */
  readonly id: string
}
/** The `type` of the tokens of programs. */
export type MachineType = 'userApiToken' | 'tenantApiToken' | 'userAccessToken' | 'tenantAccessToken'

type UserCaller = PersonCaller | AgentCaller
export type BoundCaller = UserCaller | MachineCaller
/**
 * Who calls. Where everybody but management is limited, ask for `kind !== 'vendor'`: each of the others is as limited as the
 * next. There is no kind `user` to ask for, as programs that are no users would pass for management.
 */
export type Caller = VendorCaller | BoundCaller

/** The user who calls, or for whom somebody does; undefined for management and for programs of tenants. */
export const userIdOf = (caller: Caller) =>
  caller.kind === 'person' || caller.kind === 'agent' ? caller.userId : undefined

/** Whom a token speaks for, and what a token that is made from it has to carry on. */
export interface Holder {
  readonly caller: BoundCaller
  /** the claim: a user's id, or that of what acts */
  readonly sub: string
  readonly audience: string
  /** undefined: never */
  readonly expiresAt: Date | undefined
  /** the keys that the token names; undefined: it says nothing of roles */
  readonly roles: readonly string[] | undefined
  /** who acts already, by a delegation before */
  readonly act: Actor | undefined
  /** what the token depends on: a token with the same ties ends with it */
  readonly ties: readonly Tie[]
  /** how the user logged in, as the token of that login says; a secret that others share proves nothing */
  readonly proof: { readonly amr: readonly string[] | undefined; readonly acr: string | undefined }
}
/** Who acts for the subject of a token (RFC 8693 §4.1); within, who acted before. */
export interface Actor {
  readonly sub: string
  readonly type: 'delegation' | 'impersonation'
  readonly email?: string
  readonly act?: Actor
}
/** The claims of a token that decide whether what it speaks for is still there. */
export interface Tie {
  readonly type: string
  readonly sub: string
  readonly tenantId: string
  readonly iat: number
  readonly aud: string
  /** of a session */
  readonly sid?: string
  /** for whom a program acts */
  readonly userId?: string
  readonly alg: string
}

declare const proven: unique symbol
/** An account that the caller has proved to belong to. Only the kernel can make one. */
export interface TenantScope {
  readonly id: string
  readonly [proven]: 'tenant'
}
/**
 * The user that the call is about: the token's own, or the one that an environment token names. Only the kernel can
 * make one.
 */
export interface UserScope {
  readonly id: string
  readonly [proven]: 'user'
}

/** Who made the call that causes something, and from where: for what is written down about it. */
export interface Call {
  readonly traceId: string
  readonly ip: string
  readonly userAgent: string
  /** undefined as long as nobody has shown a good token */
  readonly caller: Caller | undefined
}

/** What every service function may use. */
export interface Ctx {
  readonly vendorId: string
  readonly environment: Environment
  readonly db: Db
  /** Runs a statement of an `x.sql.ts`, for this environment. */
  readonly sql: Sql
  /** What is kept of this environment, or else what `load` finds: for `definition` only. */
  recall<V extends object>(kind: Kind, load: () => Promise<V>): Promise<V>
  readonly inTransaction: boolean
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  /** The application that the call names (see `Http`), not proven: mails lead there. */
  readonly applicationId: string | undefined
  /** undefined for what the server does by itself: jobs, the emulator's control plane */
  readonly call: Call | undefined
  /** Whom this call may send messages to: it has counted one for each of these addresses and numbers. */
  readonly counted: Set<string>
  /** Password hashing, sealing of secrets, signing: what the process was started with. */
  readonly deps: Deps
  /** Runs `work` in one transaction; `work` must use the `ctx` it is given. No hashing and no outbound call inside. */
  atomically<T>(work: (ctx: Ctx) => Promise<T>): Promise<T>
}

/** A field of a form, or a file of it: a file that is not read is skipped. */
export type FormPart =
  { readonly name: string; readonly text: string } | { readonly name: string; readonly file: Readable }

/** What a flow may need of the HTTP request. */
export interface Http {
  readonly ip: string
  readonly userAgent: string
  /** the origin of the calling page, as browsers send it; only one that may call with cookies */
  readonly origin: string | undefined
  /** a browser opens it as a page, for its user to see; not by a script */
  readonly isVisit: boolean
  /** `frontegg-requested-application-id` or `frontegg-application-id` */
  readonly applicationId: string | undefined
  /** `frontegg-tenant-id` as sent, not proven */
  readonly tenantHeader: string | undefined
  /** `frontegg-login-alias`: the alias of the account whose login box it is */
  readonly loginAlias: string | undefined
  /** Id and secret in `Authorization: Basic`, as OAuth clients send theirs. */
  readonly basic: { readonly id: string; readonly secret: string } | undefined
  /** All that came under this name. Like the next two, only for operations that declare `cookies`. */
  cookies(name: string): readonly string[]
  setCookie(name: string, value: string, options: { maxAgeSeconds: number; sameSite: 'strict' | 'lax' | 'none' }): void
  clearCookie(name: string): void
  /**
   * The parts of a form as they arrive, for an operation that declares `form`. @throws 413 when a file is larger than
   * `mostBytes`, 415 when the body is no form
   */
  form(mostBytes: number): AsyncIterable<FormPart>
  /**
   * Whom a token in the input speaks for, if it would open something now: undefined for any other, and for those of other
   * environments. Only for operations that declare `exchanges`.
   */
  holderOf(token: string): Promise<Holder | undefined>
}
/** A service that needs the request takes this. */
export type HttpCtx = Ctx & { readonly http: Http }

type CallerOf<A extends Auth, L extends true | undefined> = {
  vendor: VendorCaller
  user: L extends true ? PersonCaller : BoundCaller
  both: L extends true ? VendorCaller | PersonCaller : Caller
  public: undefined
}[A]
type ScopeOf<C extends Context, S> = { required: S; optional: S | undefined; none: undefined }[C]
type Part<K extends string, S> = S extends TSchema ? { [P in K]: Static<S> } : unknown
type Body<R> = R[keyof R] extends infer S ? (S extends TSchema ? Static<S> : never) : never

const replied: unique symbol = Symbol('reply')
export interface Reply<B> {
  readonly [replied]: true
  readonly status: number
  readonly body: B
}
/** For an operation with several successes: says which one this is. Without it the first declared status is sent. */
export const reply = <B>(status: number, body: B): Reply<B> => ({ [replied]: true, status, body })
export const isReply = (value: unknown): value is Reply<unknown> =>
  typeof value === 'object' && value !== null && replied in value

/** No body at all, not even `null`: some clients fail on any. */
export const Empty = Type.Void()

/** A reply that is not JSON: its type and its bytes. `lasting` when they never change. */
export interface RawBody {
  readonly type: string
  readonly data: Buffer | string
  readonly lasting?: boolean
}
export const Raw = Type.Unsafe<RawBody>({ description: 'no JSON' })

/** A reply that sends browsers elsewhere. */
export interface Destination {
  readonly location: string
}
export const Redirect = Type.Unsafe<Destination>({ description: 'a redirect' })

/** At most so many in every window of `perMs` milliseconds. */
export interface Quota {
  readonly most: number
  readonly perMs: number
}

/**
 * How often an operation may be called from one address or, with `of`, about one user or name, which need not exist.
 */
export interface Limit<I> extends Quota {
  of?(input: I): string | undefined
  /** The operation sends something to them, and this is the limit of that. */
  sends?: true
}

export interface Declaration<
  A extends Auth,
  T extends Context,
  U extends Context,
  P,
  Q,
  B,
  R,
  L extends true | undefined = undefined,
> {
  /** verb + noun + version */
  id: string
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** As a client sees it: `/identity/resources/…`, `{name}` for parameters. */
  path: `/${string}`
  summary: string
  tag: string
  /**
   * Which token opens it. `user`: one of a user, or of a program that acts for a user or a tenant. `both`: one of those, or
   * an environment token with context headers.
   */
  auth: A
  /** Key that the caller must hold; none for a user's own data. Environment tokens need none. */
  permission?: string
  /**
   * Of users' tokens, only those of users who have logged in open it, not those of programs and delegates: it is a step to a
   * login or a session, or makes, proves or takes away what users log in with.
   */
  people?: L
  /**
   * Changes how the user logs in. Users with a password or a second factor must have logged in, or stepped up, within the
   * last 15 minutes (ASVS 5.0 §7.5.1). So it is only for people, too.
   */
  recentLogin?: true
  /**
   * Reads or sets cookies. Browsers send them along whatever page makes them call, so pages of other sites are refused before
   * anything is done.
   */
  cookies?: true
  /** Pages of other sites send browsers here, by a link or a redirect. They may do only that, also where it uses cookies. */
  navigated?: true
  /** Takes tokens in its input, and looks up whose they are: `http.holderOf`. */
  exchanges?: true
  /** Its errors also have the fields of RFC 6749 §5.2, and a form names each field once. */
  oauth?: true
  /**
   * The key of the line that a success leaves in the audit trail, such as `role.created`. The handler then runs in one
   * transaction with that line, so this is for plain changes: not for what hashes passwords, calls other servers, or counts
   * what must outlast a refusal. Services of such operations record their events themselves.
   */
  audit?: `${string}.${string}`
  tenant?: T
  /**
   * Its statements find out whether the tenant that an environment token names is there, and it answers 404 if not: the kernel
   * need not ask for it. For what is called so often that a statement counts.
   */
  findsTenant?: true
  user?: U
  params?: P
  query?: Q
  body?: B
  /** The body may also be a multipart form: its first file becomes this field of the body, in base64. */
  upload?: string
  /**
   * In place of `body`: a multipart form that is too large to be held, and that the handler reads as it arrives, with
   * `ctx.http.form`. This only describes it; the handler checks what it reads.
   */
  form?: TObject
  /** Success statuses; the first is the usual one. */
  returns: R
  errors?: readonly Failure[]
  deprecated?: boolean
  /**
   * How often it may be called, where rate limits are on. Those by address are checked first, those with `of` after the
   * input.
   */
  limits?: readonly Limit<Part<'params', P> & Part<'query', Q> & Part<'body', B>>[]
  /**
   * Finds the environment of a public call from its input, whatever its host and headers say. Throws when there is
   * none.
   */
  environment?(
    environments: EnvironmentDirectory,
    input: Part<'params', P> & Part<'query', Q> & Part<'body', B>,
  ): Promise<Environment>
  handler(
    ctx: HttpCtx & { caller: CallerOf<A, L>; tenant: ScopeOf<T, TenantScope>; user: ScopeOf<U, UserScope> },
    input: Part<'params', P> & Part<'query', Q> & Part<'body', B>,
  ): Promise<Body<R> | Reply<Body<R>>> | Body<R> | Reply<Body<R>>
}

/** A declaration whose types have been checked and are no longer needed. */
export type Operation = Omit<
  Declaration<Auth, Context, Context, TObject, TObject, TSchema, Record<number, TSchema>, true | undefined>,
  'environment' | 'handler' | 'limits'
> & {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as below
  limits?: readonly Limit<any>[]
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as below
  environment?(environments: EnvironmentDirectory, input: any): Promise<Environment>
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- erased on purpose: 300 strict types cost seconds of every type check
  handler(ctx: any, input: any): any
}

/** @throws for a schema with a keyword that validation does not check */
export function operation<
  A extends Auth,
  R extends Record<number, TSchema>,
  P extends TObject | undefined = undefined,
  Q extends TObject | undefined = undefined,
  B extends TSchema | undefined = undefined,
  T extends Context = 'none',
  U extends Context = 'none',
  L extends true | undefined = undefined,
>(declaration: Declaration<A, T, U, P, Q, B, R, L>): Operation {
  const { id, params, query, body } = declaration
  for (const [part, schema] of Object.entries({ params, query, body }))
    if (schema) mustBeChecked(schema, `${id}: ${part}`)
  return declaration as unknown as Operation
}

/** Paths that answer 501 to every method; `*` at the end stands for everything below. */
export interface Unserved {
  readonly what: string
  readonly paths: readonly string[]
}
