import { Button, CodeField, Field, Form, LinkButton, type Faults } from '../../form.tsx'
import { common, refusalText } from '../../texts.ts'
import { isGood, post, Trouble, type Answer, type Reply, type Screen, type Visit } from '../../visit.ts'
import { afterLogin, refusedLogin, wayOn, type LoginAnswer } from '../entered.tsx'
import { faultsOf, isRemembering, Remember } from '../factor/factor.tsx'
import { loginOver } from '../trouble/trouble.tsx'
import { texts } from './enrol.texts.ts'

const AT_LOGIN = 'auth/v1/user/mfa',
  PATH = '/login/enrol'

/** Travels in hidden fields. Only the tokens count. */
interface Step {
  readonly mfaToken: string
  readonly hasApp: boolean
  readonly hasSms: boolean
  /** of a code that was sent to a phone, as the API shows the number */
  readonly otcToken: string
  readonly sentTo: string
}

export const beginEnrolment = (visit: Visit, mfaToken: string, { mfaStrategies = [] }: LoginAnswer) =>
  begin(visit, {
    mfaToken,
    hasApp: mfaStrategies.includes('AuthenticatorApp'),
    hasSms: mfaStrategies.includes('SMS'),
    otcToken: '',
    sentTo: '',
  })

const begin = (visit: Visit, step: Step): Promise<Answer> | Answer => {
  if (step.hasApp) return appForm(visit, step)
  return step.hasSms ? phoneForm(visit, step) : shown(visit, <p>{texts[visit.language].none}</p>)
}

export const enrolScreen: Screen = {
  path: PATH,
  post(visit) {
    const mfaToken = visit.field('mfaToken')
    if (!mfaToken) return loginOver(visit)
    const step = {
      mfaToken,
      hasApp: visit.field('app') === 'yes',
      hasSms: visit.field('sms') === 'yes',
      otcToken: visit.field('otcToken'),
      sentTo: visit.field('sentTo'),
    }
    switch (visit.field('do')) {
      case 'app':
        return appForm(visit, step)
      case 'sms':
        return phoneForm(visit, step)
      case 'send':
        return sendCode(visit, step)
      case 'phone':
        return enrol(visit, step, { path: 'sms/enroll/verify', value: 'code', form: sentForm })
      default:
        return enrol(visit, step, { path: 'authenticator/enroll/verify', value: 'token', form: appForm })
    }
  },
}

const hiddenOf = ({ mfaToken, hasApp, hasSms, otcToken, sentTo }: Step) => ({
  mfaToken,
  ...(hasApp && { app: 'yes' }),
  ...(hasSms && { sms: 'yes' }),
  ...(otcToken && { otcToken, sentTo }),
})

type Redraw = (visit: Visit, step: Step, faults: Faults, status: number) => Answer | Promise<Answer>

async function enrol(
  visit: Visit,
  step: Step,
  { path, value, form }: { path: string; value: 'code' | 'token'; form: Redraw },
): Promise<Answer> {
  const code = visit.field('code').trim(),
    { mfaToken, otcToken } = step
  if (!code) return form(visit, step, { code: common[visit.language].enterCode }, 400)
  const reply = await post<LoginAnswer>(visit, `${AT_LOGIN}/${path}`, {
    mfaToken,
    [value]: code,
    ...(value === 'code' && { otcToken }),
    ...(visit.field('rememberDevice') === 'on' && { rememberDevice: true }),
  })
  if (reply.status >= 500) throw new Trouble(reply)
  if (isGood(reply)) return finished(visit, reply.body)
  if (reply.status === 409) return form(visit, step, { '': texts[visit.language].taken }, 409)
  return refusedLogin(visit, reply) ?? form(visit, step, faultsOf(visit, reply), reply.status)
}

/** The recovery code comes before everything else, as nothing shows it again. */
async function finished(visit: Visit, answer: LoginAnswer): Promise<Answer> {
  const { recoveryCode, accessToken } = answer
  if (recoveryCode === undefined || accessToken === undefined) return afterLogin(visit, answer)
  const t = texts[visit.language],
    { to } = await wayOn(visit, accessToken)
  return {
    title: t.keep,
    body: (
      <>
        <p>{t.keepText}</p>
        <p class="shown">
          <code>{recoveryCode}</code>
        </p>
        <LinkButton href={to}>{t.kept}</LinkButton>
      </>
    ),
  }
}

const shown = (
  visit: Visit,
  body: Parameters<typeof Form>[0]['children'],
  faults: Faults = {},
  status = 400,
): Answer => ({
  title: texts[visit.language].title,
  isFaulty: Object.keys(faults).length > 0,
  status: Object.keys(faults).length ? status : 200,
  body: (
    <>
      <p>{texts[visit.language].why}</p>
      {body}
    </>
  ),
})

/** Asks for the picture each time: the API gives the same one for the same token. */
async function appForm(visit: Visit, step: Step, faults: Faults = {}, status?: number): Promise<Answer> {
  const t = texts[visit.language]
  const reply = await post<{ qrCode: string; secret?: string }>(visit, `${AT_LOGIN}/authenticator/enroll`, {
    mfaToken: step.mfaToken,
  })
  if (!isGood(reply)) return refused(visit, reply)
  const { qrCode, secret = '' } = reply.body
  const mayRemember = await isRemembering(visit, step.mfaToken)
  return shown(
    visit,
    <>
      <Form visit={visit} to={PATH} hidden={hiddenOf(step)} faults={faults}>
        <p>{t.scan}</p>
        <img class="qr" src={qrCode} alt={t.picture} width="200" height="200" />
        <p class="shown">
          {t.type} <code>{secret.replaceAll(/(.{4})(?=.)/g, '$1 ')}</code>
        </p>
        <CodeField visit={visit} faults={faults} />
        {mayRemember && <Remember visit={visit} />}
        <Button>{common[visit.language].next}</Button>
      </Form>
      {step.hasSms && <Other visit={visit} step={step} does="sms" text={t.bySms} />}
    </>,
    faults,
    status,
  )
}

function refused(visit: Visit, reply: Reply): Answer {
  const page = refusedLogin(visit, reply)
  if (!page) throw new Trouble(reply)
  return page
}

const Other = ({ visit, step, does, text }: { visit: Visit; step: Step; does: string; text: string }) => (
  <Form visit={visit} to={PATH} hidden={hiddenOf({ ...step, otcToken: '' })}>
    <Button does={does} look="link">
      {text}
    </Button>
  </Form>
)

function phoneForm(visit: Visit, step: Step, faults: Faults = {}, status?: number): Answer {
  const t = texts[visit.language]
  return shown(
    visit,
    <>
      <Form visit={visit} to={PATH} hidden={hiddenOf({ ...step, otcToken: '' })} faults={faults}>
        <p>{t.phoneText}</p>
        <Field
          name="phoneNumber"
          label={t.phone}
          hint={t.phoneHint}
          value={visit.field('phoneNumber')}
          faults={faults}
          type="tel"
          autocomplete="tel"
          maxLength={40}
          required
        />
        <Button does="send">{t.send}</Button>
      </Form>
      {step.hasApp && <Other visit={visit} step={step} does="app" text={t.byApp} />}
    </>,
    faults,
    status,
  )
}

async function sendCode(visit: Visit, step: Step): Promise<Answer> {
  const t = texts[visit.language],
    phoneNumber = visit.field('phoneNumber').replaceAll(/[\s()/.-]/g, '')
  if (!/^\+\d{6,}$/.test(phoneNumber)) return phoneForm(visit, step, { phoneNumber: t.enterPhone })
  const reply = await post<{ otcToken: string; phoneNumber: string }>(visit, `${AT_LOGIN}/sms/enroll`, {
    mfaToken: step.mfaToken,
    phoneNumber,
  })
  if (isGood(reply)) return sentForm(visit, { ...step, otcToken: reply.body.otcToken, sentTo: reply.body.phoneNumber })
  if (reply.status >= 500) throw new Trouble(reply)
  return (
    refusedLogin(visit, reply) ??
    phoneForm(visit, step, { phoneNumber: refusalText(visit.language, reply) }, reply.status)
  )
}

function sentForm(visit: Visit, step: Step, faults: Faults = {}, status?: number): Answer {
  const t = texts[visit.language]
  return shown(
    visit,
    <>
      <Form visit={visit} to={PATH} hidden={hiddenOf(step)} faults={faults}>
        <CodeField visit={visit} faults={faults} hint={t.sentTo(step.sentTo)} />
        <Button does="phone">{common[visit.language].next}</Button>
      </Form>
      <Other visit={visit} step={step} does="sms" text={t.bySms} />
    </>,
    faults,
    status,
  )
}
