import type { ComponentChildren } from 'preact'
import { LinkButton } from '../../form.tsx'
import { common, refusalText } from '../../texts.ts'
import { linkTo, type Reply, type Shown, type Visit } from '../../visit.ts'
import { texts } from './trouble.texts.ts'

const told = (visit: Visit, status: number, title: string, children: ComponentChildren): Shown => ({
  title,
  status,
  isFaulty: true,
  body: (
    <>
      {children}
      <LinkButton href={linkTo(visit, '/login')}>{common[visit.language].backToLogin}</LinkButton>
    </>
  ),
})

/** What no screen has a better page for. */
export function troubled(visit: Visit, reply: Reply): Shown {
  const t = texts[visit.language]
  if (reply.status === 423) return locked(visit)
  if (reply.status < 500) return told(visit, reply.status, t.failed, <p>{refusalText(visit.language, reply)}</p>)
  return told(
    visit,
    reply.status,
    t.failed,
    <>
      <p>{t.failedText}</p>
      <p>
        {t.trace} <code>{reply.traceId}</code>
      </p>
    </>,
  )
}

const plain =
  (status: number, title: keyof (typeof texts)['en'], text: keyof (typeof texts)['en']) => (visit: Visit) => {
    const t = texts[visit.language]
    return told(visit, status, t[title], <p>{t[text]}</p>)
  }

export const missing = plain(404, 'missing', 'missingText'),
  foreignPage = plain(403, 'foreign', 'foreignText'),
  /** of a mailed link: used, replaced, too old, or never sent */
  linkExpired = plain(410, 'expired', 'expiredText'),
  /** of a step between first factor and session */
  loginOver = plain(401, 'over', 'overText'),
  locked = plain(423, 'locked', 'lockedText'),
  notAllowed = plain(403, 'notAllowed', 'notAllowedText'),
  /** the client's request is over, or another browser's */
  noWayBack = plain(400, 'noWayBack', 'noWayBackText'),
  /** the client asks for a second factor that the user does not have */
  notEnough = plain(403, 'notEnough', 'notEnoughText')
