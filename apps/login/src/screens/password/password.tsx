import { Button, Form, LinkButton, NameField, PasswordField, outcomeOf, type Faults } from '../../form.tsx'
import { common, refusalText } from '../../texts.ts'
import { isGood, linkTo, post, Trouble, type Answer, type Screen, type Visit } from '../../visit.ts'
import { named } from '../settings.ts'
import { linkExpired } from '../trouble/trouble.tsx'
import { texts } from './password.texts.ts'
import { passwordFault, rulesOf } from './rules.ts'

const FORGET = '/forget-password',
  RESET = '/reset-password'

export const forgetScreen: Screen = {
  path: FORGET,
  get: (visit) => forgetForm(visit, visit.field('login_hint')),
  async post(visit) {
    const identifier = visit.field('identifier').trim()
    if (!identifier) return forgetForm(visit, identifier, { identifier: common[visit.language].enterUsername })
    const { email } = named(identifier)
    const reply = await post(
      visit,
      'users/v1/passwords/reset',
      email === undefined ? { identifier, identifierType: 'username' } : { email },
    )
    if (reply.status >= 500) throw new Trouble(reply)
    return isGood(reply)
      ? sent(visit, identifier)
      : forgetForm(visit, identifier, { '': refusalText(visit.language, reply) }, reply.status)
  },
}

function forgetForm(visit: Visit, identifier: string, faults: Faults = {}, status = 400): Answer {
  const t = texts[visit.language]
  return {
    title: t.forgot,
    ...outcomeOf(faults, status),
    body: (
      <>
        <Form visit={visit} to={FORGET} faults={faults}>
          <p>{t.forgotText}</p>
          <NameField label={common[visit.language].username} value={identifier} faults={faults} />
          <Button>{t.send}</Button>
        </Form>
        <Back visit={visit} />
      </>
    ),
  }
}

const Back = ({ visit }: { visit: Visit }) => (
  <ul class="ways">
    <li>
      <a href={linkTo(visit, '/login')}>{common[visit.language].backToLogin}</a>
    </li>
  </ul>
)

const sent = (visit: Visit, to: string): Answer => ({
  title: texts[visit.language].sent,
  body: (
    <>
      <p>{texts[visit.language].sentText(to)}</p>
      <Back visit={visit} />
    </>
  ),
})

interface Link {
  readonly userId: string
  readonly token: string
}
const linkIn = (visit: Visit): Link => ({ userId: visit.field('userId'), token: visit.field('token') })

/** Asks whether the link still works, which uses nothing up; only the form does. */
export const resetScreen: Screen = {
  path: RESET,
  async get(visit) {
    const link = linkIn(visit),
      reply = await post(visit, 'users/v1/passwords/reset/validate', link)
    if (reply.status >= 500 || reply.status === 429) throw new Trouble(reply)
    return isGood(reply) ? resetForm(visit, link, texts[visit.language].choose) : linkExpired(visit)
  },
  async post(visit) {
    const link = linkIn(visit),
      password = visit.field('password'),
      t = texts[visit.language]
    if (!link.token) return linkExpired(visit)
    if (!password) return resetForm(visit, link, t.choose, t.enter)
    const reply = await post(visit, 'users/v1/passwords/reset/verify', { ...link, password })
    if (isGood(reply)) return saved(visit)
    if (reply.status >= 500) throw new Trouble(reply)
    const fault = passwordFault(visit, reply)
    return fault === undefined ? linkExpired(visit) : resetForm(visit, link, t.choose, fault, reply.status)
  },
}

async function resetForm(visit: Visit, link: Link, title: string, fault?: string, status = 400): Promise<Answer> {
  const t = texts[visit.language],
    faults = fault === undefined ? {} : { password: fault }
  return {
    title,
    isFaulty: fault !== undefined,
    status: fault === undefined ? 200 : status,
    body: (
      <Form visit={visit} to={RESET} hidden={{ ...link }} faults={faults}>
        {title === t.expired && <p>{t.expiredText}</p>}
        <PasswordField visit={visit} isNew hint={await rulesOf(visit, link.userId)} faults={faults} />
        <Button>{t.save}</Button>
      </Form>
    ),
  }
}

const saved = (visit: Visit): Answer => ({
  title: texts[visit.language].saved,
  body: (
    <>
      <p>{texts[visit.language].savedText}</p>
      <LinkButton href={linkTo(visit, '/login')}>{common[visit.language].logIn}</LinkButton>
    </>
  ),
})

/** A password that is too old is right, and opens only this page. */
export const expired = (visit: Visit, link: Link) => resetForm(visit, link, texts[visit.language].expired)

export const breached = (visit: Visit): Answer => ({
  title: texts[visit.language].breached,
  status: 401,
  isFaulty: true,
  body: (
    <>
      <p>{texts[visit.language].breachedText}</p>
      <Back visit={visit} />
    </>
  ),
})
