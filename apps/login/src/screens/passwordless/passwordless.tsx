import { Button, CodeField, Form, outcomeOf, type Faults } from '../../form.tsx'
import { common, refusalText } from '../../texts.ts'
import { isGood, linkTo, post, Trouble, type Answer, type Reply, type Screen, type Visit } from '../../visit.ts'
import { prove, refusedLogin } from '../entered.tsx'
import { faultsOf } from '../factor/factor.tsx'
import { named, type Way } from '../settings.ts'
import { linkExpired } from '../trouble/trouble.tsx'
import { texts } from './passwordless.texts.ts'

const AT = 'auth/v1/passwordless',
  CODE = '/login/code',
  LINK = '/login/magic-link'
type Sent = Exclude<Way, 'password' | 'none'>
const methods = { link: 'magiclink', code: 'code', sms: 'smscode' } as const

/** Sends a link or a code to whoever the name belongs to, and says the same when it belongs to nobody. */
export async function send(
  visit: Visit,
  way: Way,
  identifier: string,
  again: (faults: Faults) => Answer,
): Promise<Answer> {
  if (way === 'password' || way === 'none') return again({ '': common[visit.language].strategyOff })
  const phoneNumber = /^\+[\d\s()/.-]+$/.test(identifier) ? identifier.replaceAll(/[\s()/.-]/g, '') : undefined
  const reply = await post<{ phoneNumber?: string }>(visit, `${AT}/${methods[way]}/prelogin`, {
    ...(way === 'sms' && phoneNumber !== undefined ? { phoneNumber } : named(identifier)),
    ...(visit.field('invitationToken') && { invitationToken: visit.field('invitationToken') }),
  })
  if (reply.status >= 500) throw new Trouble(reply)
  if (!isGood(reply)) return again({ '': sendFault(visit, reply) })
  return way === 'link'
    ? linkSent(visit, identifier)
    : codeForm(visit, way, way === 'sms' ? (reply.body?.phoneNumber ?? identifier) : identifier)
}

function sendFault(visit: Visit, reply: Reply) {
  return /does not have a phone/i.test(reply.body.errors?.[0] ?? '')
    ? texts[visit.language].noPhone
    : refusalText(visit.language, reply)
}

const linkSent = (visit: Visit, to: string): Answer => ({
  title: texts[visit.language].sent,
  body: <p>{texts[visit.language].linkSent(to)}</p>,
})

/** The code finds its attempt by a cookie of this browser. */
export const codeScreen: Screen = {
  path: CODE,
  post(visit) {
    const way: Sent = visit.field('way') === 'sms' ? 'sms' : 'code',
      to = visit.field('to'),
      token = visit.field('code').trim()
    if (!token) return codeForm(visit, way, to, { code: common[visit.language].enterCode })
    return prove(
      visit,
      `${AT}/${methods[way]}/postlogin`,
      { token },
      (reply) => refusedLogin(visit, reply) ?? codeForm(visit, way, to, faultsOf(visit, reply), reply.status),
    )
  },
}

function codeForm(visit: Visit, way: Sent, to: string, faults: Faults = {}, status = 400): Answer {
  const t = texts[visit.language]
  return {
    title: t.codeTitle,
    ...outcomeOf(faults, status),
    body: (
      <>
        <Form visit={visit} to={CODE} hidden={{ way, to }} faults={faults}>
          <CodeField visit={visit} faults={faults} hint={way === 'sms' ? t.smsSent(to) : t.codeSent(to)} />
          <Button>{common[visit.language].logIn}</Button>
        </Form>
        <ul class="ways">
          <li>
            <a href={linkTo(visit, '/login')}>{t.again}</a>
          </li>
        </ul>
      </>
    ),
  }
}

export const magicLinkScreen: Screen = {
  path: LINK,
  get: (visit) => (visit.field('token') ? linkForm(visit) : linkExpired(visit)),
  post: (visit) =>
    prove(visit, `${AT}/magiclink/postlogin`, { token: visit.field('token') }, (reply) => {
      if (reply.body.errorCode === 'ER-01016') return linkForm(visit, { '': texts[visit.language].otherDevice })
      if (reply.status === 429) return linkForm(visit, { '': refusalText(visit.language, reply) }, 429)
      return reply.status === 400 ? linkExpired(visit) : (refusedLogin(visit, reply) ?? linkExpired(visit))
    }),
}

function linkForm(visit: Visit, faults: Faults = {}, status = 400): Answer {
  const t = texts[visit.language]
  return {
    title: t.link,
    ...outcomeOf(faults, status),
    body: (
      <Form visit={visit} to={LINK} hidden={{ token: visit.field('token') }} faults={faults}>
        <p>{t.linkText}</p>
        <Button>{common[visit.language].logIn}</Button>
      </Form>
    ),
  }
}
