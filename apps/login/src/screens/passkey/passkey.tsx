import { outcomeOf, type Faults } from '../../form.tsx'
import { common, refusalText } from '../../texts.ts'
import { isGood, linkTo, post, Trouble, type Answer, type Screen, type Visit } from '../../visit.ts'
import { prove } from '../entered.tsx'
import { locked, notAllowed } from '../trouble/trouble.tsx'
import { assertionIn, KeyForm } from './key-form.tsx'
import { texts } from './passkey.texts.ts'

const PATH = '/login/passkey',
  AT = 'auth/v1/webauthn'

/** A login by a passkey alone: the browser offers those that it has, so nobody has to say who they are. */
export const passkeyScreen: Screen = {
  path: PATH,
  post(visit) {
    const assertion = assertionIn(visit),
      t = texts[visit.language]
    if (!assertion) return begin(visit)
    const invitationToken = visit.field('invitationToken')
    return prove(
      visit,
      `${AT}/postlogin`,
      { ...assertion, ...(invitationToken && { invitationToken }) },
      ({ status, ...reply }) => {
        if (status === 423) return locked(visit)
        if (status === 403) return notAllowed(visit)
        return begin(
          visit,
          { '': status === 429 ? refusalText(visit.language, { status, ...reply }) : t.failed },
          status,
        )
      },
    )
  },
}

async function begin(visit: Visit, faults: Faults = {}, status = 400): Promise<Answer> {
  const t = texts[visit.language],
    reply = await post<{ options: object }>(visit, `${AT}/prelogin`, {})
  if (reply.status >= 500 || reply.status === 429) throw new Trouble(reply)
  return {
    title: t.title,
    ...outcomeOf(faults, status),
    body: (
      <>
        {isGood(reply) ? (
          <KeyForm visit={visit} to={PATH} options={reply.body.options} faults={faults} />
        ) : (
          <p>{t.off}</p>
        )}
        <ul class="ways">
          <li>
            <a href={linkTo(visit, '/login')}>{common[visit.language].backToLogin}</a>
          </li>
        </ul>
      </>
    ),
  }
}
