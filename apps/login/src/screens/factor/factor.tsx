import { Button, CodeField, Field, Form, LinkButton, NameField, outcomeOf, type Faults } from '../../form.tsx'
import { common, refusalText } from '../../texts.ts'
import { isGood, isId, linkTo, post, Trouble, type Answer, type Reply, type Screen, type Visit } from '../../visit.ts'
import { prove, refusedLogin, type LoginAnswer } from '../entered.tsx'
import { assertionIn, KeyForm } from '../passkey/key-form.tsx'
import { texts as keyTexts } from '../passkey/passkey.texts.ts'
import { loginOver } from '../trouble/trouble.tsx'
import { texts } from './factor.texts.ts'

const AT_LOGIN = 'auth/v1/user/mfa',
  PATH = '/login/factor'

/** One way to show the second factor. */
interface Way {
  readonly kind: 'app' | 'key' | 'sms' | 'email'
  /** of the device; none for mail */
  readonly id: string
  /** where the code goes, as far as the API shows it */
  readonly to: string
}
/** Where a user is. It travels in hidden fields; the API believes only the tokens among them. */
interface Step {
  readonly mfaToken: string
  readonly ways: readonly Way[]
  /** the one that is being used */
  readonly at: number
  /** of a code that was sent */
  readonly otcToken: string
  readonly email: string
}

const MOST_WAYS = 20

export async function beginFactor(visit: Visit, mfaToken: string, { mfaDevices = {}, userEmail = '' }: LoginAnswer) {
  const { authenticators = [], webauthn = [], phones = [], emails = [] } = mfaDevices
  const ways: Way[] = [
    ...authenticators.slice(0, 1).map(({ id }) => ({ kind: 'app' as const, id, to: '' })),
    ...webauthn.map(({ id }) => ({ kind: 'key' as const, id, to: '' })),
    ...phones.map(({ id, phoneNumber }) => ({ kind: 'sms' as const, id, to: phoneNumber })),
    ...emails.map(({ email }) => ({ kind: 'email' as const, id: '', to: email })),
  ]
  return use(visit, { mfaToken, ways: ways.slice(0, MOST_WAYS), at: 0, otcToken: '', email: userEmail })
}

export const factorScreen: Screen = {
  path: PATH,
  post(visit) {
    const step = stepIn(visit),
      does = visit.field('do')
    if (!step) return loginOver(visit)
    if (does.startsWith('way')) return use(visit, { ...step, at: Number(does.slice(3)) || 0, otcToken: '' })
    if (does === 'recover') return recoveryForm(visit, step)
    if (does === 'recovered') return recover(visit, step)
    return check(visit, step)
  },
}

function stepIn(visit: Visit): Step | undefined {
  const mfaToken = visit.field('mfaToken')
  if (!mfaToken) return undefined
  return {
    mfaToken,
    ways: waysIn(visit.field('ways')),
    at: Number(visit.field('at')) || 0,
    otcToken: visit.field('otcToken'),
    email: visit.field('email'),
  }
}

const hiddenOf = ({ mfaToken, ways, at, otcToken, email }: Step) => ({
  mfaToken,
  at: String(at),
  ways: ways.map(({ kind, id, to }) => [kind, id, to].map(encodeURIComponent).join(' ')).join('\n'),
  ...(otcToken && { otcToken }),
  ...(email && { email }),
})
/** Whoever changes the field changes what they see themselves. */
function waysIn(text: string): readonly Way[] {
  return text
    .split(/\s*\n\s*/)
    .slice(0, MOST_WAYS)
    .flatMap((line) => {
      const [kind, id = '', to = ''] = line.split(' ').map(plain)
      return kind === 'email' || ((kind === 'app' || kind === 'key' || kind === 'sms') && isId(id))
        ? [{ kind, id, to }]
        : []
    })
}
function plain(text: string) {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}

/** Begins one way: the app has its code already, the others get one sent. */
async function use(visit: Visit, step: Step): Promise<Answer> {
  const way = step.ways[step.at]
  if (!way) return recoveryForm(visit, step, { '': texts[visit.language].noWay })
  if (way.kind === 'app') return codeForm(visit, step)
  if (way.kind === 'key') return askKey(visit, step, way)
  const path = way.kind === 'email' ? `${AT_LOGIN}/emailcode` : `${AT_LOGIN}/sms/${way.id}`,
    sent = await post<{ otcToken: string }>(visit, path, { mfaToken: step.mfaToken })
  if (isGood(sent)) return codeForm(visit, { ...step, otcToken: sent.body.otcToken })
  if (sent.status >= 500) throw new Trouble(sent)
  return refusedLogin(visit, sent) ?? codeForm(visit, step, { '': refusalText(visit.language, sent) }, sent.status)
}

function check(visit: Visit, step: Step): Promise<Answer> | Answer {
  const way = step.ways[step.at],
    code = visit.field('code').trim(),
    { mfaToken, otcToken } = step
  if (!way) return loginOver(visit)
  if (way.kind === 'key') return checkKey(visit, step, way)
  if (!code) return codeForm(visit, step, { code: common[visit.language].enterCode })
  const more = { mfaToken, ...(visit.field('rememberDevice') === 'on' && { rememberDevice: true }) }
  const again = (reply: Reply) =>
    refusedLogin(visit, reply) ?? codeForm(visit, step, faultsOf(visit, reply), reply.status)
  if (way.kind === 'app')
    return prove(visit, `${AT_LOGIN}/authenticator/${way.id}/verify`, { ...more, value: code }, again)
  const path = way.kind === 'email' ? `${AT_LOGIN}/emailcode/verify` : `${AT_LOGIN}/sms/${way.id}/verify`
  return prove(visit, path, { ...more, otcToken, code }, again)
}

/** Asks for a signature. @param faults of the last one */
async function askKey(visit: Visit, step: Step, { id }: Way, faults: Faults = {}, status = 400): Promise<Answer> {
  const reply = await post<{ webauthnToken: string; options: object }>(visit, `${AT_LOGIN}/webauthn/${id}`, {
    mfaToken: step.mfaToken,
  })
  if (!isGood(reply)) {
    const page = refusedLogin(visit, reply)
    if (!page) throw new Trouble(reply)
    return page
  }
  const { webauthnToken, options } = reply.body
  return {
    title: texts[visit.language].title,
    ...outcomeOf(faults, status),
    body: (
      <>
        <KeyForm
          visit={visit}
          to={PATH}
          hidden={{ ...hiddenOf(step), webauthnToken }}
          options={options}
          faults={faults}
        />
        <OtherWays visit={visit} step={step} />
      </>
    ),
  }
}

function checkKey(visit: Visit, step: Step, way: Way): Promise<Answer> {
  const options = assertionIn(visit),
    { failed } = keyTexts[visit.language]
  if (!options) return askKey(visit, step, way, { '': failed })
  const body = { webauthnToken: visit.field('webauthnToken'), mfaToken: step.mfaToken, options }
  // a signature may be wrong while the login still stands: the next step says whether it does
  return prove(visit, `${AT_LOGIN}/webauthn/${way.id}/verify`, body, (reply) =>
    reply.status === 423 || reply.status === 403
      ? (refusedLogin(visit, reply) ?? loginOver(visit))
      : askKey(
          visit,
          step,
          way,
          { '': reply.status === 429 ? refusalText(visit.language, reply) : failed },
          reply.status,
        ),
  )
}

export const faultsOf = (visit: Visit, reply: Reply): Faults => ({
  [reply.status === 429 ? '' : 'code']: refusalText(visit.language, reply),
})

async function codeForm(visit: Visit, step: Step, faults: Faults = {}, status = 400): Promise<Answer> {
  const t = texts[visit.language],
    way = step.ways[step.at]!
  const mayRemember = await isRemembering(visit, step.mfaToken)
  return {
    title: t.title,
    ...outcomeOf(faults, status),
    body: (
      <>
        <Form visit={visit} to={PATH} hidden={hiddenOf(step)} faults={faults}>
          {(way.kind === 'app' || step.otcToken) && (
            <>
              <CodeField visit={visit} faults={faults} hint={way.kind === 'app' ? t.fromApp : t.sentTo(way.to)} />
              {mayRemember && <Remember visit={visit} />}
              <Button>{common[visit.language].next}</Button>
            </>
          )}
        </Form>
        <OtherWays visit={visit} step={step} />
      </>
    ),
  }
}

export const Remember = ({ visit }: { visit: Visit }) => (
  <div class="choice">
    <input type="checkbox" id="rememberDevice" name="rememberDevice" />
    <label for="rememberDevice">{texts[visit.language].remember}</label>
  </div>
)

export async function isRemembering(visit: Visit, mfaToken: string) {
  const path = '/identity/resources/configurations/v1/mfa-policy/allow-remember-device'
  const { body } = await visit.api<{ isAllowedToRemember?: boolean }>(
    'GET',
    `${path}?${new URLSearchParams({ mfaToken })}` as '/',
  )
  return body.isAllowedToRemember === true
}

function OtherWays({ visit, step }: { visit: Visit; step: Step }) {
  const t = texts[visit.language]
  const label = ({ kind, to }: Way, isAgain: boolean) => {
    if (isAgain) return t.again
    return { app: t.app, key: t.key, sms: t.phone(to), email: t.mail(to) }[kind]
  }
  return (
    <section class="others">
      <h2>{t.other}</h2>
      <Form visit={visit} to={PATH} hidden={hiddenOf(step)}>
        {step.ways.map((way, index) =>
          (way.kind === 'app' || way.kind === 'key') && index === step.at ? null : (
            <Button key={index} does={`way${index}`} look="second">
              {label(way, index === step.at)}
            </Button>
          ),
        )}
        <Button does="recover" look="link">
          {t.recover}
        </Button>
      </Form>
    </section>
  )
}

function recoveryForm(visit: Visit, step: Step, faults: Faults = {}, status = 400): Answer {
  const t = texts[visit.language],
    c = common[visit.language]
  return {
    title: t.recoverTitle,
    ...outcomeOf(faults, status),
    body: (
      <Form visit={visit} to={PATH} hidden={{ mfaToken: step.mfaToken, ways: hiddenOf(step).ways }} faults={faults}>
        <p>{t.recoverText}</p>
        <NameField name="email" label={c.email} value={step.email} faults={faults} />
        <Field
          name="recoveryCode"
          label={t.recoveryCode}
          faults={faults}
          type="text"
          autocomplete="off"
          autocapitalize="none"
          spellcheck={false}
          maxLength={64}
          required
        />
        <Button does="recovered">{c.next}</Button>
      </Form>
    ),
  }
}

async function recover(visit: Visit, step: Step): Promise<Answer> {
  const t = texts[visit.language],
    recoveryCode = visit.field('recoveryCode').trim(),
    email = step.email.trim()
  if (!recoveryCode || !email)
    return recoveryForm(visit, step, {
      ...(!email && { email: common[visit.language].enterEmail }),
      ...(!recoveryCode && { recoveryCode: t.enterRecoveryCode }),
    })
  const reply = await post(visit, `${AT_LOGIN}/recover`, { recoveryCode, email })
  if (reply.status >= 500) throw new Trouble(reply)
  if (!isGood(reply)) {
    const isWrong = reply.status === 401,
      text = isWrong ? t.wrongRecoveryCode : refusalText(visit.language, reply)
    return recoveryForm(visit, step, { [isWrong ? 'recoveryCode' : '']: text }, reply.status)
  }
  return {
    title: t.recovered,
    body: (
      <>
        <p>{t.recoveredText}</p>
        <LinkButton href={linkTo(visit, '/login')}>{common[visit.language].backToLogin}</LinkButton>
      </>
    ),
  }
}
