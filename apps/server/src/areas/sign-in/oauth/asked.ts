import type { HttpCtx } from '../../../kernel/operation.ts'
import type { Client } from '../../applications/oauth-clients/oauth-clients.service.ts'
import { MULTI_FACTOR } from '../mfa/mfa-login.flow.ts'
import { oauthErrors } from './oauth.errors.ts'
import type { AuthorizeQuery } from './oauth.schemas.ts'

/** What a client asks for, once it has been checked. */
export interface Asked {
  readonly clientId: string
  readonly isAgent: boolean
  readonly redirectUri: string
  readonly state?: string | undefined
  readonly nonce?: string | undefined
  readonly codeChallenge?: string | undefined
  /** `none`: without a page; `login`: anew; `select_account`: by the login page */
  readonly prompt?: string | undefined
  /** the user is asked whether the client may have the code */
  readonly wantsConsent: boolean
  /** seconds since the login */
  readonly maxAge?: number | undefined
  readonly wantsMfa: boolean
  /** the account that it must be in */
  readonly tenantId?: string | undefined
  /** what the login page may make use of, as it was sent */
  readonly page: Readonly<Record<string, string>>
}

/** S256 of a verifier: 32 bytes in base64url (RFC 7636 §4.2) */
const CHALLENGE = /^[\w-]{43}$/
/** Clients write the blanks between scopes, and other lists, as literal plus signs, too. */
const wordsIn = (text = '') => text.split(/[ +]+/).filter(Boolean)

/** @throws 400 with the word that OAuth has for it */
export async function readAsked(ctx: HttpCtx, client: Client, query: AuthorizeQuery): Promise<Asked> {
  if (query.request !== undefined) throw oauthErrors.requestNotSupported()
  if (query.request_uri !== undefined) throw oauthErrors.requestUriNotSupported()
  if (query.response_type === undefined) throw oauthErrors.noResponseType()
  if (query.response_type !== 'code') throw oauthErrors.unsupportedResponseType()
  if ((query.response_mode ?? 'query') !== 'query') throw oauthErrors.unsupportedResponseMode()
  return {
    clientId: client.id,
    isAgent: client.isAgent,
    redirectUri: query.redirect_uri!,
    state: query.state,
    nonce: query.nonce,
    codeChallenge: challengeIn(query),
    ...promptIn(client, query),
    maxAge: maxAgeIn(query),
    wantsMfa: wordsIn(query.acr_values).includes(MULTI_FACTOR),
    tenantId:
      query.tenantId ?? (query.organization === undefined ? undefined : await tenantOf(ctx, query.organization)),
    page: forPage(query),
  }
}

/** Of the two ways of RFC 7636 only the one that hides the verifier (RFC 9700 §2.1.1). Whoever has no challenge has to show a secret. */
function challengeIn({ code_challenge: challenge, code_challenge_method: method }: AuthorizeQuery) {
  if (challenge === undefined && method === undefined) return undefined
  if (method !== 'S256' || challenge === undefined || !CHALLENGE.test(challenge)) throw oauthErrors.badChallenge()
  return challenge
}

export const PROMPTS: readonly string[] = ['none', 'login', 'consent', 'select_account']

/** A client beside the application itself gets no code that its user has not agreed to. */
function promptIn({ isAgent }: Client, { prompt }: AuthorizeQuery) {
  const words = wordsIn(prompt)
  if (words.includes('none') && words.length > 1) throw oauthErrors.badPrompt()
  // OpenID Connect Prompt Create §4.1.1
  if (!words.every((word) => PROMPTS.includes(word))) throw oauthErrors.unknownPrompt()
  return {
    prompt: ['none', 'login', 'select_account'].find((word) => words.includes(word)),
    wantsConsent: isAgent || words.includes('consent'),
  }
}

function maxAgeIn({ max_age: text }: AuthorizeQuery) {
  if (text === undefined) return undefined
  if (!/^\d{1,10}$/.test(text)) throw oauthErrors.badMaxAge()
  return Number(text)
}

async function tenantOf(ctx: HttpCtx, alias: string) {
  const found = await ctx.db.tenant.findFirst({ where: { alias }, select: { id: true } })
  if (!found) throw oauthErrors.unknownOrganization()
  return found.id
}

const FOR_PAGE = [
  'prompt',
  'max_age',
  'acr_values',
  'login_hint',
  'login_direct_action',
  'organization',
  'tenantId',
] as const
const forPage = (query: AuthorizeQuery) =>
  Object.fromEntries(FOR_PAGE.flatMap((name) => (query[name] === undefined ? [] : [[name, query[name]]])))
