import { Button, Form, LinkButton, PasswordField, outcomeOf, type Faults } from '../../form.tsx'
import { common, refusalText } from '../../texts.ts'
import { isGood, linkTo, Trouble, type Answer, type Reply, type Screen, type Visit } from '../../visit.ts'
import { MULTI_FACTOR, prove, refusedLogin, STEP_UP, type LoginAnswer } from '../entered.tsx'
import { beginFactor } from '../factor/factor.tsx'
import { meIn, nameOf, withSession, type Me } from '../session/session.tsx'
import { named, settingsOf } from '../settings.ts'
import { notEnough } from '../trouble/trouble.tsx'
import { texts } from './step-up.texts.ts'

/** Whoever is logged in shows once more that it is them: by a second factor if they have one, else by their password. */
export const stepUpScreen: Screen = {
  path: STEP_UP,
  get: (visit) =>
    withSession(visit, async (token) => {
      const me = await meIn(visit, token)
      return wantsFactor(visit) || me.mfaEnrolled ? factorForm(visit, me) : passwordForm(visit, me)
    }),
  post: (visit) =>
    withSession(visit, async (token) => {
      const me = await meIn(visit, token)
      return visit.field('do') === 'factor' ? askFactor(visit, me, token) : checkPassword(visit, me)
    }),
}

/** Only what is shown depends on it: the server knows itself what the client has asked for. */
const wantsFactor = (visit: Visit) => visit.field('acr_values').split(/[ +]+/).includes(MULTI_FACTOR)
const kept = (visit: Visit) => (wantsFactor(visit) ? { acr_values: MULTI_FACTOR } : undefined)

/** A page before the code is sent, as opening an address sends nothing. */
function factorForm(visit: Visit, me: Me): Answer {
  const t = texts[visit.language]
  return {
    title: t.title,
    body: (
      <>
        <p>{t.text(nameOf(me))}</p>
        <Form visit={visit} to={STEP_UP} hidden={kept(visit) ?? {}}>
          <Button does="factor">{common[visit.language].next}</Button>
        </Form>
        <Other visit={visit} />
      </>
    ),
  }
}

async function askFactor(visit: Visit, me: Me, token: string): Promise<Answer> {
  const reply = await visit.api<LoginAnswer>('POST', '/identity/resources/auth/v1/user/step-up/generate', {
      body: {},
      token,
    }),
    { mfaToken } = reply.body
  if (isGood(reply) && mfaToken !== undefined)
    return beginFactor(visit, mfaToken, { ...reply.body, ...(me.email != null && { userEmail: me.email }) })
  if (reply.body.errorCode !== 'ER-01097') throw new Trouble(reply)
  return wantsFactor(visit) ? notEnough(visit) : passwordForm(visit, me)
}

/** The login of the same user once more: whose it is comes from the session, not from the form. */
function checkPassword(visit: Visit, me: Me): Promise<Answer> | Answer {
  const password = visit.field('password'),
    identifier = me.email ?? me.username
  if (identifier == null) return passwordForm(visit, me)
  if (!password) return passwordForm(visit, me, { password: common[visit.language].enterPassword })
  return prove(visit, 'auth/v1/user', { ...named(identifier), password }, (reply) => again(visit, me, reply))
}

function again(visit: Visit, me: Me, reply: Reply): Answer | Promise<Answer> {
  if (reply.body.errorCode === 'ER-01078')
    return passwordForm(visit, me, { password: texts[visit.language].wrong }, reply.status)
  return refusedLogin(visit, reply) ?? passwordForm(visit, me, { '': refusalText(visit.language, reply) }, reply.status)
}

async function passwordForm(visit: Visit, me: Me, faults: Faults = {}, status = 400): Promise<Answer> {
  const t = texts[visit.language],
    { way } = await settingsOf(visit),
    hasPassword = way === 'password' && (me.email ?? me.username) != null
  return {
    title: t.title,
    ...outcomeOf(faults, status),
    body: (
      <>
        <p>{t.text(nameOf(me))}</p>
        {hasPassword ? (
          <Form visit={visit} to={STEP_UP} faults={faults}>
            <PasswordField visit={visit} faults={faults} />
            <Button does="password">{common[visit.language].next}</Button>
          </Form>
        ) : (
          <LinkButton href={linkTo(visit, '/login')}>{t.again}</LinkButton>
        )}
        <Form visit={visit} to="/login/passkey">
          <Button look="second">{t.withPasskey}</Button>
        </Form>
        <Other visit={visit} />
      </>
    ),
  }
}

const Other = ({ visit }: { visit: Visit }) => (
  <ul class="ways">
    <li>
      <a href={linkTo(visit, '/login')}>{texts[visit.language].other}</a>
    </li>
  </ul>
)
