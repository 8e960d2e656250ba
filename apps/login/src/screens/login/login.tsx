import { Button, Form, NameField, PasswordField, type Faults } from '../../form.tsx'
import { common, refusalText } from '../../texts.ts'
import { linkTo, type Answer, type Reply, type Screen, type Visit } from '../../visit.ts'
import { prove, refusedLogin } from '../entered.tsx'
import { send } from '../passwordless/passwordless.tsx'
import { ProviderLinks, providersOf } from '../social/social.tsx'
import { named, settingsOf } from '../settings.ts'
import { texts } from './login.texts.ts'

type Settings = Awaited<ReturnType<typeof wayIn>>
const wayIn = async (visit: Visit) => {
  const [settings, providers] = await Promise.all([settingsOf(visit), providersOf(visit)])
  return { ...settings, providers }
}

/** Whoever is to log in, by the way that the environment has chosen. */
export const loginScreen: Screen = {
  path: '/login',
  get: async (visit) => form(visit, await wayIn(visit), visit.field('login_hint')),
  async post(visit) {
    const settings = await wayIn(visit),
      identifier = visit.field('identifier').trim(),
      faults = missingIn(visit, settings, identifier)
    if (Object.keys(faults).length) return form(visit, settings, identifier, faults)
    if (settings.way !== 'password')
      return send(visit, settings.way, identifier, (fault) => form(visit, settings, identifier, fault))
    return prove(
      visit,
      'auth/v1/user',
      {
        ...named(identifier),
        password: visit.field('password'),
        ...(visit.field('invitationToken') && { invitationToken: visit.field('invitationToken') }),
      },
      (reply) => again(visit, settings, identifier, reply),
    )
  },
}

function missingIn(visit: Visit, { way, hasUsernames }: Settings, identifier: string): Faults {
  const t = common[visit.language]
  return {
    ...(!identifier && { identifier: hasUsernames ? t.enterUsername : t.enterEmail }),
    ...(way === 'password' && !visit.field('password') && { password: t.enterPassword }),
  }
}

/** A name without an owner and a wrong password are one case. */
function again(visit: Visit, settings: Settings, identifier: string, reply: Reply): Answer {
  const t = texts[visit.language],
    { errorCode } = reply.body
  if (errorCode === 'ER-01078')
    return form(visit, settings, identifier, { '': settings.hasUsernames ? t.wrong : t.wrongEmail }, 401)
  if (errorCode === 'ER-01060') return form(visit, settings, identifier, { '': t.notVerified }, 401)
  return (
    refusedLogin(visit, reply) ??
    form(visit, settings, identifier, { '': refusalText(visit.language, reply) }, reply.status)
  )
}

function form(visit: Visit, settings: Settings, identifier: string, faults: Faults = {}, status?: number): Answer {
  const { way, hasUsernames, allowSignups, providers } = settings,
    t = texts[visit.language],
    c = common[visit.language]
  const isFaulty = Object.keys(faults).length > 0
  return {
    title: t.title,
    status: status ?? (isFaulty ? 400 : 200),
    isFaulty,
    body: (
      <>
        {way === 'none' ? (
          !providers.length && <p>{t.none}</p>
        ) : (
          <Form visit={visit} to="/login" faults={faults}>
            <NameField
              label={hasUsernames ? c.username : c.email}
              value={identifier}
              faults={faults}
              hint={way === 'link' ? t.linkHint : way === 'password' ? undefined : t.codeHint}
            />
            {way === 'password' && <PasswordField visit={visit} faults={faults} />}
            <Button>{{ password: t.title, link: t.sendLink, code: t.sendCode, sms: t.sendSms }[way]}</Button>
          </Form>
        )}
        {way !== 'none' && (
          <Form visit={visit} to="/login/passkey">
            <Button look="second">{t.passkey}</Button>
          </Form>
        )}
        <ProviderLinks visit={visit} providers={providers} />
        <ul class="ways">
          {way === 'password' && (
            <li>
              <a href={linkTo(visit, '/forget-password')}>{t.forgot}</a>
            </li>
          )}
          {allowSignups && way !== 'none' && (
            <li>
              {t.noAccount} <a href={linkTo(visit, '/sign-up')}>{t.signUp}</a>
            </li>
          )}
        </ul>
      </>
    ),
  }
}
