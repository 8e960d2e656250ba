import { LinkButton } from '../../form.tsx'
import { Problem } from '../../layout.tsx'
import { common, refusalText } from '../../texts.ts'
import { carried, linkTo, read, type Answer, type Reply, type Screen, type Visit } from '../../visit.ts'
import { texts as ofLogin } from '../login/login.texts.ts'
import { prove, refusedLogin } from '../entered.tsx'
import { loginOver } from '../trouble/trouble.tsx'
import { texts } from './social.texts.ts'

const PATH = '/social/success',
  AT = 'identity/resources'

/** A service that users log in with. */
export interface Provider {
  readonly type: string
  readonly name: string
  readonly isCustom: boolean
}

interface Listed {
  readonly type: string
  readonly active: boolean
  readonly displayName?: string
}

const NAMES: Readonly<Record<string, string>> = {
  ...{ apple: 'Apple', facebook: 'Facebook', github: 'GitHub', gitlab: 'GitLab', google: 'Google' },
  ...{ linkedin: 'LinkedIn', microsoft: 'Microsoft', slack: 'Slack', twitter: 'X' },
}

/** Those of the environment that are switched on. */
export async function providersOf(visit: Visit): Promise<readonly Provider[]> {
  const [builtIn, { providers }] = await Promise.all([
    read<readonly Listed[]>(visit, `/${AT}/sso/v2`),
    read<{ providers: readonly Listed[] }>(visit, `/${AT}/sso/custom/v1?active=true`),
  ])
  const shown =
    (isCustom: boolean) =>
    ({ type, displayName }: Listed) => ({
      ...{ type, isCustom },
      name: displayName ?? NAMES[type] ?? type,
    })
  return [
    ...builtIn.filter(({ active }) => active).map(shown(false)),
    ...providers.filter(({ active }) => active).map(shown(true)),
  ]
}

/** What leads to the providers. Each is a link: the API sends the browser on. */
export const ProviderLinks = ({ visit, providers }: { visit: Visit; providers: readonly Provider[] }) =>
  providers.length ? (
    <div class="others">
      {providers.map((provider) => (
        <LinkButton href={startOf(visit, provider)} look="second">
          {texts[visit.language].with(provider.name)}
        </LinkButton>
      ))}
    </div>
  ) : null

/** The state comes back as it is, so it leads back into the same login. */
function startOf(visit: Visit, { type, isCustom }: Provider) {
  const query = new URLSearchParams({
    redirectUri: `${visit.base}${PATH}`,
    state: JSON.stringify({ provider: type, ...carried(visit) }),
  })
  const prefix = visit.base.replace(/(?:\/oauth)?\/account$/, ''),
    kind = isCustom ? 'custom' : 'default'
  return `${prefix}/${AT}/auth/v2/user/sso/${kind}/${encodeURIComponent(type)}/prelogin?${query}`
}

/**
 * Where the browser comes back to. The code is the API's own, works once, and only in the browser that began. So the first
 * request may use it up, unlike a link in a mail, which other programs open, too.
 */
export const socialScreen: Screen = {
  path: PATH,
  get(visit) {
    const back = stateIn(visit),
      inside: Visit = { ...visit, field: (name) => back[name] ?? '' },
      code = visit.field('code'),
      t = texts[visit.language]
    if (!back['provider']) return loginOver(inside)
    if (!code) return refused(inside, t.cancelled, 400)
    const query = new URLSearchParams({ code, state: visit.field('state') }),
      invitationToken = inside.field('invitationToken')
    return prove(
      inside,
      `auth/v1/user/sso/${encodeURIComponent(back['provider'])}/postlogin?${query}`,
      { ...(invitationToken && { invitationToken }) },
      (reply) => refusal(inside, reply),
    )
  },
}

function stateIn(visit: Visit): Record<string, string> {
  let state: unknown
  try {
    state = JSON.parse(visit.field('state'))
  } catch {
    // a state of somebody else
  }
  return Object.fromEntries(
    Object.entries(state ?? {}).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
  )
}

function refusal(visit: Visit, reply: Reply): Answer {
  const t = texts[visit.language],
    said = (reply.body.errors ?? []).join(' '),
    { status } = reply
  if (status === 401 && reply.body.errorCode === 'ER-01049') return loginOver(visit)
  if (reply.body.errorCode === 'ER-01060') return refused(visit, ofLogin[visit.language].notVerified, status)
  if (status === 404) return refused(visit, t.unknown, status)
  if (status === 409) return refused(visit, t.taken, status)
  if (status === 403 && /vouch/.test(said)) return refused(visit, t.noEmail, status)
  if (status === 403 && /domain/.test(said)) return refused(visit, t.domain, status)
  if (/^sign-ups/i.test(said)) return refused(visit, t.signUpOff, status)
  return refusedLogin(visit, reply) ?? refused(visit, refusalText(visit.language, reply), status)
}

const refused = (visit: Visit, text: string, status: number): Answer => ({
  title: texts[visit.language].title,
  ...{ status, isFaulty: true },
  body: (
    <>
      <Problem language={visit.language}>
        <p>{text}</p>
      </Problem>
      <LinkButton href={linkTo(visit, '/login')}>{common[visit.language].backToLogin}</LinkButton>
    </>
  ),
})
