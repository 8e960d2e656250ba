import type { VNode } from 'preact'
import { Button, CodeField, Form, LinkButton, PasswordField, outcomeOf, type Faults } from '../../form.tsx'
import { common, refusalText } from '../../texts.ts'
import { isGood, linkTo, post, Trouble, type Answer, type Reply, type Screen, type Visit } from '../../visit.ts'
import { prove, refusedLogin } from '../entered.tsx'
import { passwordFault, rulesOf } from '../password/rules.ts'
import { linkExpired, locked, notAllowed } from '../trouble/trouble.tsx'
import { texts } from './activation.texts.ts'

/*
 * Where mailed links lead. Opening one uses nothing up, as mail scanners open them, too: the page has a form, and the token
 * moves into it, out of the address.
 */

interface Link {
  readonly userId: string
  readonly token: string
}
const linkIn = (visit: Visit): Link => ({ userId: visit.field('userId'), token: visit.field('token') })

/** The page of one link: a button, with a code or a password where the API wants them. */
interface LinkPage {
  readonly path: string
  readonly title: string
  readonly text: string
  readonly button: string
  readonly hidden: Readonly<Record<string, string>>
  readonly fields?: VNode | false
  readonly faults?: Faults
  readonly status?: number
}
function linkPage(
  visit: Visit,
  { path, title, text, button, hidden, fields, faults = {}, status = 400 }: LinkPage,
): Answer {
  return {
    title,
    ...outcomeOf(faults, status),
    body: (
      <Form visit={visit} to={path} hidden={hidden} faults={faults}>
        <p>{text}</p>
        {fields}
        <Button>{button}</Button>
      </Form>
    ),
  }
}

const activation = (path: string, withCode: boolean): Screen => ({
  path,
  get: (visit) => activationForm(visit, { path, withCode }),
  post(visit) {
    const link = linkIn(visit),
      code = visit.field('code').trim(),
      password = visit.field('password')
    if (withCode && !code) return activationForm(visit, { path, withCode }, { code: common[visit.language].enterCode })
    return prove(
      visit,
      withCode ? 'users/v1/activate/code' : 'users/v1/activate',
      { ...link, ...(withCode && { code }), ...(password && { password }) },
      (reply) => notActivated(visit, { path, withCode }, reply),
    )
  },
})

interface Kind {
  readonly path: string
  readonly withCode: boolean
}

async function activationForm(
  visit: Visit,
  { path, withCode }: Kind,
  faults: Faults = {},
  status?: number,
): Promise<Answer> {
  const link = linkIn(visit),
    t = texts[visit.language]
  const strategy = await visit.api<{ shouldSetPassword: boolean }>(
    'GET',
    `/identity/resources/users/v1/activate/strategy?${new URLSearchParams({ ...link })}` as '/',
  )
  if (strategy.status >= 500 || strategy.status === 429) throw new Trouble(strategy)
  if (!isGood(strategy)) return linkExpired(visit)
  const { shouldSetPassword } = strategy.body
  return linkPage(visit, {
    path,
    title: t.activate,
    text: shouldSetPassword ? t.activateWithPassword : t.activateText,
    button: t.activateButton,
    hidden: { ...link },
    faults,
    ...(status !== undefined && { status }),
    fields: (
      <>
        {withCode && <CodeField visit={visit} faults={faults} hint={t.codeHint} />}
        {shouldSetPassword && (
          <PasswordField visit={visit} isNew hint={await rulesOf(visit, link.userId)} faults={faults} />
        )}
      </>
    ),
  })
}

function notActivated(visit: Visit, kind: Kind, reply: Reply): Answer | Promise<Answer> {
  if (reply.status === 423) return locked(visit)
  if (reply.status === 403) return notAllowed(visit)
  const wrong = codeFault(visit, kind, reply)
  if (wrong) return activationForm(visit, kind, wrong, reply.status)
  const fault = passwordFault(visit, reply)
  return fault === undefined ? linkExpired(visit) : activationForm(visit, kind, { password: fault }, reply.status)
}

function codeFault(visit: Visit, { withCode }: Kind, { body, status }: Reply): Faults | undefined {
  if (!withCode || (body.errorCode !== 'ER-01011' && status !== 429)) return undefined
  return { code: refusalText(visit.language, { body, status, traceId: '', retryAfterSeconds: undefined }) }
}

const invitation = (path: string, withCode: boolean): Screen => ({
  path,
  get: (visit) => invitationForm(visit, { path, withCode }),
  async post(visit) {
    const link = linkIn(visit),
      code = visit.field('code').trim(),
      t = texts[visit.language]
    if (withCode && !code) return invitationForm(visit, { path, withCode }, { code: common[visit.language].enterCode })
    const reply = await post(visit, `users/v1/invitation/accept${withCode ? '/code' : ''}`, {
      ...link,
      ...(withCode && { code }),
    })
    if (isGood(reply)) return done(visit, t.accepted, t.acceptedText)
    if (reply.status >= 500) throw new Trouble(reply)
    const wrong = codeFault(visit, { path, withCode }, reply)
    return wrong
      ? invitationForm(visit, { path, withCode }, wrong, reply.status)
      : (refusedLogin(visit, reply) ?? linkExpired(visit))
  },
})

function invitationForm(visit: Visit, { path, withCode }: Kind, faults: Faults = {}, status = 400): Answer {
  const link = linkIn(visit),
    t = texts[visit.language]
  if (!link.token) return linkExpired(visit)
  return linkPage(visit, {
    path,
    title: t.accept,
    text: t.acceptText,
    button: t.accept,
    hidden: { ...link },
    faults,
    status,
    fields: withCode && <CodeField visit={visit} faults={faults} hint={t.codeHint} />,
  })
}

const done = (visit: Visit, title: string, text: string): Answer => ({
  title,
  body: (
    <>
      <p>{text}</p>
      <LinkButton href={linkTo(visit, '/login')}>{common[visit.language].logIn}</LinkButton>
    </>
  ),
})

const unlockScreen: Screen = {
  path: '/unlock',
  get(visit) {
    const t = texts[visit.language],
      token = visit.field('token')
    if (!token) return linkExpired(visit)
    return linkPage(visit, {
      path: '/unlock',
      title: t.unlock,
      text: t.unlockText,
      button: t.unlock,
      hidden: { token },
    })
  },
  async post(visit) {
    const t = texts[visit.language],
      reply = await post(visit, 'users/v3/me/unlock', { token: visit.field('token') })
    if (isGood(reply)) return done(visit, t.unlocked, t.unlockedText)
    if (reply.status >= 500 || reply.status === 429) throw new Trouble(reply)
    return linkExpired(visit)
  },
}

export const linkScreens: readonly Screen[] = [
  activation('/activate', false),
  activation('/activate/code', true),
  invitation('/invitation/accept', false),
  invitation('/invitation/code', true),
  unlockScreen,
]
