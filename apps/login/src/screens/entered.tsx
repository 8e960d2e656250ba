import { LinkButton } from '../form.tsx'
import { translated } from '../texts.ts'
import { isGood, linkTo, post, Trouble, type Answer, type Reply, type Visit } from '../visit.ts'
import { beginEnrolment } from './enrol/enrol.tsx'
import { beginFactor } from './factor/factor.tsx'
import { breached, expired } from './password/password.tsx'
import { locked, loginOver, noWayBack, notAllowed } from './trouble/trouble.tsx'

/** What the API answers to every way to log in. */
export interface LoginAnswer {
  readonly mfaRequired?: boolean
  readonly mfaToken?: string
  readonly mfaEnrolled?: boolean
  readonly mfaDevices?: {
    readonly authenticators?: readonly { id: string }[]
    readonly phones?: readonly { id: string; phoneNumber: string }[]
    readonly emails?: readonly { email: string }[]
    readonly webauthn?: readonly { id: string; deviceType: string }[]
  }
  readonly mfaStrategies?: readonly string[]
  readonly recoveryCode?: string
  readonly userEmail?: string
  readonly userId?: string
  readonly resetPasswordToken?: string
  readonly isBreachedPassword?: boolean
  readonly accessToken?: string
}

/** The step after a proof was accepted: on to the second factor, to a new password, or into the application. */
export async function afterLogin(visit: Visit, answer: LoginAnswer): Promise<Answer> {
  const { mfaToken, accessToken, resetPasswordToken, userId } = answer
  if (answer.mfaRequired && mfaToken !== undefined)
    return answer.mfaEnrolled ? beginFactor(visit, mfaToken, answer) : beginEnrolment(visit, mfaToken, answer)
  if (resetPasswordToken !== undefined) return expired(visit, { token: resetPasswordToken, userId: userId ?? '' })
  if (accessToken === undefined) return breached(visit)
  const { to, isHosted } = await wayOn(visit, accessToken)
  return isHosted ? goingBack(visit, to) : { to }
}

/** Where the browser goes once its user has logged in: back to the client that asked for it, or to our own page. */
export async function wayOn(visit: Visit, token: string): Promise<{ to: string; isHosted: boolean }> {
  const state = visit.field('state')
  if (!state) return { to: homeOf(visit), isHosted: false }
  const reply = await visit.api<WayBack>('POST', '/oauth/postlogin', { body: { state, token } })
  if (isGood(reply)) return { to: reply.body.redirectUrl, isHosted: true }
  const missing = missingFor(reply)
  if (missing) return { to: linkTo(visit, STEP_UP, missing), isHosted: false }
  throw new Trouble(reply, reply.status === 403 ? notAllowed : noWayBack)
}
interface WayBack {
  readonly redirectUrl: string
  readonly error?: string
}

export const STEP_UP = '/step-up',
  MULTI_FACTOR = 'http://schemas.openid.net/pape/policies/2007/06/multi-factor'

/** What the client asks for and the login has not shown, as the page asks for it. */
function missingFor({ status, body }: Reply<WayBack>): Record<string, string> | undefined {
  if (status !== 403) return undefined
  if (body.errors?.includes('MFA is required')) return { acr_values: MULTI_FACTOR }
  return body.error === 'login_required' ? {} : undefined
}

const homeOf = (visit: Visit) => {
  const id = visit.field('client_id')
  return `${visit.base}${id && `/?${new URLSearchParams({ client_id: id })}`}`
}

const texts = translated(
  { done: 'You are logged in', wait: 'You are on your way back to the application.', next: 'Continue' },
  { done: 'Sie sind angemeldet', wait: 'Sie kommen zurück zur Anwendung.', next: 'Weiter' },
)

/** By a page, not by a redirect: browsers hold the redirects of a form to `form-action`, which allows no other server. */
export function goingBack(visit: Visit, to: string, title = texts[visit.language].done): Answer {
  const t = texts[visit.language]
  return {
    title,
    goesOnTo: to,
    body: (
      <>
        <p>{t.wait}</p>
        <LinkButton href={to}>{t.next}</LinkButton>
      </>
    ),
  }
}

/** The refusals of a login that have a page of their own. */
export function refusedLogin(visit: Visit, { status, body }: Reply): Answer | undefined {
  if (status === 423) return locked(visit)
  if (status === 403) return notAllowed(visit)
  // of a token between the factors; a wrong code has a code of its own
  return status === 401 && body.errorCode !== 'ER-01011' ? loginOver(visit) : undefined
}

/** Posts a proof, and goes on. `again` shows the form once more, with what was wrong. */
export async function prove(
  visit: Visit,
  path: string,
  body: object,
  again: (reply: Reply) => Answer | Promise<Answer>,
): Promise<Answer> {
  const reply = await post<LoginAnswer>(visit, path, body)
  if (isGood(reply)) return afterLogin(visit, reply.body)
  if (reply.status >= 500) throw new Trouble(reply)
  return again(reply)
}
