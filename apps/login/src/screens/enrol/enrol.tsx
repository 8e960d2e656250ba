import { Button, CodeField, Field, Form, LinkButton, type Faults } from '../../form.tsx'
import { common, refusalText } from '../../texts.ts'
import { isGood, post, Trouble, type Answer, type Reply, type Screen, type Visit } from '../../visit.ts'
import { afterLogin, refusedLogin, wayOn, type LoginAnswer } from '../entered.tsx'
import { faultsOf, isRemembering, Remember } from '../factor/factor.tsx'
import { assertionIn, KeyForm } from '../passkey/key-form.tsx'
import { loginOver } from '../trouble/trouble.tsx'
import { texts } from './enrol.texts.ts'

const AT_LOGIN = 'auth/v1/user/mfa',
  PATH = '/login/enrol'

/** The best first. The names of keys are those of the API's kinds of devices. */
const WAYS = ['app', 'CrossPlatform', 'Platform', 'sms'] as const
type Way = (typeof WAYS)[number]
type KeyWay = 'CrossPlatform' | 'Platform'
const STRATEGIES: Record<Way, string> = {
  app: 'AuthenticatorApp',
  CrossPlatform: 'WebAuthnCrossPlatform',
  Platform: 'WebAuthnPlatform',
  sms: 'SMS',
}

/** Travels in hidden fields. Only the tokens count. */
interface Step {
  readonly mfaToken: string
  /** what there is to choose from */
  readonly ways: readonly Way[]
  /** of a code that was sent to a phone, as the API shows the number */
  readonly otcToken: string
  readonly sentTo: string
}

export const beginEnrolment = (visit: Visit, mfaToken: string, { mfaStrategies = [] }: LoginAnswer) => {
  const ways = WAYS.filter((way) => mfaStrategies.includes(STRATEGIES[way]))
  return begin(visit, { mfaToken, ways, otcToken: '', sentTo: '' }, ways[0])
}

function begin(visit: Visit, step: Step, way: Way | undefined): Promise<Answer> | Answer {
  if (way === 'app') return appForm(visit, step)
  if (way === 'sms') return phoneForm(visit, step)
  return way ? keyForm(visit, step, way) : shown(visit, <p>{texts[visit.language].none}</p>)
}

export const enrolScreen: Screen = {
  path: PATH,
  post(visit) {
    const mfaToken = visit.field('mfaToken')
    if (!mfaToken) return loginOver(visit)
    const chosen = visit.field('ways').split(' '),
      does = visit.field('do'),
      step = {
        mfaToken,
        ways: WAYS.filter((way) => chosen.includes(way)),
        otcToken: visit.field('otcToken'),
        sentTo: visit.field('sentTo'),
      }
    const way = WAYS.find((one) => one === does)
    if (way) return begin(visit, step, way)
    switch (does) {
      case 'send':
        return sendCode(visit, step)
      case 'phone':
        return enrolByCode(visit, step, { path: 'sms/enroll/verify', value: 'code', form: sentForm })
      case 'keep-CrossPlatform':
        return enrolKey(visit, step, 'CrossPlatform')
      case 'keep-Platform':
        return enrolKey(visit, step, 'Platform')
      default:
        return enrolByCode(visit, step, { path: 'authenticator/enroll/verify', value: 'token', form: appForm })
    }
  },
}

const hiddenOf = ({ mfaToken, ways, otcToken, sentTo }: Step) => ({
  mfaToken,
  ways: ways.join(' '),
  ...(otcToken && { otcToken, sentTo }),
})

type Redraw = (visit: Visit, step: Step, faults: Faults, status: number) => Answer | Promise<Answer>

async function enrolByCode(
  visit: Visit,
  step: Step,
  { path, value, form }: { path: string; value: 'code' | 'token'; form: Redraw },
): Promise<Answer> {
  const code = visit.field('code').trim()
  if (!code) return form(visit, step, { code: common[visit.language].enterCode }, 400)
  const body = { [value]: code, ...(value === 'code' && { otcToken: step.otcToken }) }
  return enrol(visit, step, path, body, (reply) => {
    const taken = reply.status === 409 ? { '': texts[visit.language].taken } : undefined
    return (
      (taken ? undefined : refusedLogin(visit, reply)) ??
      form(visit, step, taken ?? faultsOf(visit, reply), reply.status)
    )
  })
}

async function enrol(
  visit: Visit,
  { mfaToken }: Step,
  path: string,
  body: object,
  again: (reply: Reply) => Answer | Promise<Answer>,
): Promise<Answer> {
  const rememberDevice = visit.field('rememberDevice') === 'on',
    reply = await post<LoginAnswer>(visit, `${AT_LOGIN}/${path}`, {
      mfaToken,
      ...body,
      ...(rememberDevice && { rememberDevice }),
    })
  if (reply.status >= 500) throw new Trouble(reply)
  return isGood(reply) ? finished(visit, reply.body) : again(reply)
}

function enrolKey(visit: Visit, step: Step, deviceType: KeyWay): Promise<Answer> {
  const t = texts[visit.language],
    options = assertionIn(visit)
  if (!options) return keyForm(visit, step, deviceType, { '': t.keyFailed })
  const body = { deviceType, webauthnToken: visit.field('webauthnToken'), options }
  // a key may be wrong while the login still stands: the next step says whether it does
  return enrol(visit, step, 'webauthn/enroll/verify', body, (reply) => {
    if (reply.status === 423 || reply.status === 403) return refused(visit, reply)
    const text =
      reply.status === 409 ? t.keyTaken : reply.status === 429 ? refusalText(visit.language, reply) : t.keyFailed
    return keyForm(visit, step, deviceType, { '': text }, reply.status)
  })
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
      <Others visit={visit} step={step} but="app" />
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

function Others({ visit, step, but }: { visit: Visit; step: Step; but: Way }) {
  const t = texts[visit.language],
    names = { app: t.byApp, CrossPlatform: t.byCrossPlatform, Platform: t.byPlatform, sms: t.bySms }
  return step.ways
    .filter((way) => way !== but)
    .map((way) => <Other visit={visit} step={step} does={way} text={names[way]} key={way} />)
}

const Other = ({ visit, step, does, text }: { visit: Visit; step: Step; does: Way; text: string }) => (
  <Form visit={visit} to={PATH} hidden={hiddenOf({ ...step, otcToken: '' })}>
    <Button does={does} look="link">
      {text}
    </Button>
  </Form>
)

/** The browser makes a key. Only the kind that was chosen: the environment may allow no other. */
async function keyForm(visit: Visit, step: Step, kind: KeyWay, faults: Faults = {}, status?: number): Promise<Answer> {
  const t = texts[visit.language],
    reply = await post<{ webauthnToken: string; options: { authenticatorSelection?: object } }>(
      visit,
      `${AT_LOGIN}/webauthn/enroll`,
      { mfaToken: step.mfaToken },
    )
  if (!isGood(reply)) return refused(visit, reply)
  const { webauthnToken, options } = reply.body,
    authenticatorAttachment = kind === 'Platform' ? 'platform' : 'cross-platform',
    mayRemember = await isRemembering(visit, step.mfaToken)
  return shown(
    visit,
    <>
      <KeyForm
        visit={visit}
        to={PATH}
        hidden={{ ...hiddenOf({ ...step, otcToken: '' }), webauthnToken }}
        options={{
          ...options,
          authenticatorSelection: { ...options.authenticatorSelection, authenticatorAttachment },
        }}
        faults={faults}
        does={`keep-${kind}`}
        words={{
          text: kind === 'Platform' ? t.deviceText : t.keyText,
          use: kind === 'Platform' ? t.useDevice : t.useKey,
          failed: t.keyFailed,
        }}
      >
        {mayRemember && <Remember visit={visit} />}
      </KeyForm>
      <Others visit={visit} step={step} but={kind} />
    </>,
    faults,
    status,
  )
}

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
      <Others visit={visit} step={step} but="sms" />
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
