import { Button, Form } from '../../form.tsx'
import { isGood, Trouble, type Answer, type Reply, type Screen, type Visit } from '../../visit.ts'
import { goingBack } from '../entered.tsx'
import { noWayBack } from '../trouble/trouble.tsx'
import { texts } from './consent.texts.ts'

interface Asked {
  readonly applicationName?: string
  /** of a program beside the application itself */
  readonly clientName?: string
  readonly userName: string
  readonly tenantName: string
}

const PATH = '/consent'

/** Whether a client may know who is logged in, before it gets its code. */
export const consentScreen: Screen = {
  path: PATH,
  async get(visit) {
    const query = new URLSearchParams({ state: visit.field('state') })
    return form(visit, good(await visit.api<Asked>('GET', `/oauth/consent?${query}`)))
  },
  async post(visit) {
    const isGiven = visit.field('do') === 'agree',
      body = { state: visit.field('state'), isGiven },
      { redirectUrl } = good(await visit.api<{ redirectUrl: string }>('POST', '/oauth/consent', { body }))
    return goingBack(visit, redirectUrl, texts[visit.language][isGiven ? 'agreed' : 'refused'])
  },
}

/** @throws Trouble for anything but success */
function good<T>(reply: Reply<T>): T {
  if (!isGood(reply)) throw new Trouble(reply, noWayBack)
  return reply.body
}

function form(visit: Visit, { clientName, applicationName, userName, tenantName }: Asked): Answer {
  const t = texts[visit.language],
    application = applicationName ?? (visit.theme.name || t.anApplication),
    client = clientName ?? application
  return {
    title: t.title(client),
    body: (
      <>
        <p>{t.as(userName, tenantName)}</p>
        {clientName !== undefined && <p>{t.beside(client, application)}</p>}
        <p>{t.sees(client)}</p>
        <ul>
          <li>{t.profile}</li>
          <li>{t.account}</li>
          <li>{t.acts}</li>
        </ul>
        <Form visit={visit} to={PATH}>
          <Button does="agree">{t.agree}</Button>
          <Button does="refuse" look="second">
            {t.refuse}
          </Button>
        </Form>
      </>
    ),
  }
}
