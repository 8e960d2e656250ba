import { Button, Field, Form, NameField, PasswordField, outcomeOf, type Faults } from '../../form.tsx'
import { common, refusalText } from '../../texts.ts'
import { isGood, linkTo, post, Trouble, type Answer, type Reply, type Screen, type Visit } from '../../visit.ts'
import { afterLogin, type LoginAnswer } from '../entered.tsx'
import { passwordFault, rulesOf } from '../password/rules.ts'
import { ProviderLinks, providersOf } from '../social/social.tsx'
import { settingsOf } from '../settings.ts'
import { texts } from './sign-up.texts.ts'

const PATH = '/sign-up'

interface SignedUp {
  readonly shouldActivate: boolean
  readonly userId: string
  readonly authResponse?: LoginAnswer
}

export const signUpScreen: Screen = {
  path: PATH,
  get: (visit) => form(visit),
  async post(visit) {
    const entered = enteredIn(visit),
      faults = await missingIn(visit, entered)
    if (Object.keys(faults).length) return form(visit, faults)
    const invitationToken = visit.field('invitationToken')
    const reply = await post<SignedUp>(visit, 'users/v1/signUp', {
      email: entered.email,
      ...(entered.name && { name: entered.name }),
      ...(entered.password && { password: entered.password }),
      ...(invitationToken ? { invitationToken } : { companyName: entered.companyName }),
    })
    if (reply.status >= 500) throw new Trouble(reply)
    if (!isGood(reply)) return form(visit, faultsOf(visit, reply), reply.status)
    const { authResponse } = reply.body
    return authResponse ? afterLogin(visit, authResponse) : sent(visit, entered.email)
  },
}

const enteredIn = (visit: Visit) => ({
  email: visit.field('email').trim(),
  name: visit.field('name').trim(),
  companyName: visit.field('companyName').trim(),
  password: visit.field('password'),
})

async function missingIn(
  visit: Visit,
  { email, companyName, password }: ReturnType<typeof enteredIn>,
): Promise<Faults> {
  const { way } = await settingsOf(visit),
    c = common[visit.language]
  return {
    ...(!email && { email: c.enterEmail }),
    ...(!companyName && !visit.field('invitationToken') && { companyName: texts[visit.language].enterCompany }),
    ...(way === 'password' && !password && { password: c.enterPassword }),
  }
}

function faultsOf(visit: Visit, reply: Reply): Faults {
  const t = texts[visit.language],
    c = common[visit.language],
    said = (reply.body.errors ?? []).join(' ')
  if (reply.status === 409) return { email: t.taken }
  if (/domain/i.test(said)) return { email: t.domain }
  if (reply.status === 403) return { '': t.off }
  if (reply.status === 404) return { '': t.invitationOver }
  if (/^email must/i.test(said)) return { email: c.badEmail }
  const fault = reply.status === 400 ? passwordFault(visit, reply) : undefined
  return fault === undefined ? { '': refusalText(visit.language, reply) } : { password: fault }
}

async function form(visit: Visit, faults: Faults = {}, status = 400): Promise<Answer> {
  const t = texts[visit.language],
    c = common[visit.language],
    { way, allowSignups } = await settingsOf(visit),
    providers = allowSignups ? await providersOf(visit) : []
  return {
    title: t.title,
    ...outcomeOf(faults, status),
    body: (
      <>
        {allowSignups ? (
          <Form visit={visit} to={PATH} faults={faults}>
            <Invitation visit={visit} name={await invitedBy(visit)} />
            <Who visit={visit} faults={faults} />
            {way === 'password' && <PasswordField visit={visit} isNew hint={await rulesOf(visit)} faults={faults} />}
            <Button>{t.title}</Button>
          </Form>
        ) : (
          <p>{t.off}</p>
        )}
        <ProviderLinks visit={visit} providers={providers} />
        <ul class="ways">
          <li>
            {t.have} <a href={linkTo(visit, '/login')}>{c.logIn}</a>
          </li>
        </ul>
      </>
    ),
  }
}

/** Whose invitation it is, so that people know where they sign up to. */
const Invitation = ({ visit, name }: { visit: Visit; name: string | undefined }) =>
  name === undefined ? null : <p>{texts[visit.language].invitedTo(name)}</p>

async function invitedBy(visit: Visit) {
  const token = visit.field('invitationToken')
  if (!token) return undefined
  const reply = await visit.api<{ name?: string }>('POST', '/identity/resources/tenants/invites/v1/verify', {
    body: { token },
  })
  return isGood(reply) ? reply.body.name : undefined
}

const sent = (visit: Visit, to: string): Answer => ({
  title: texts[visit.language].sent,
  body: <p>{texts[visit.language].sentText(to)}</p>,
})

function Who({ visit, faults }: { visit: Visit; faults: Faults }) {
  const t = texts[visit.language],
    { email, name, companyName } = enteredIn(visit)
  return (
    <>
      <Field name="name" label={t.name} value={name} type="text" autocomplete="name" maxLength={200} faults={faults} />
      <NameField name="email" label={common[visit.language].email} value={email} faults={faults} />
      {!visit.field('invitationToken') && (
        <Field
          name="companyName"
          label={t.company}
          value={companyName}
          type="text"
          autocomplete="organization"
          maxLength={200}
          faults={faults}
          required
        />
      )}
    </>
  )
}
