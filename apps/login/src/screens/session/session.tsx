import { Button, Form, LinkButton } from '../../form.tsx'
import { common } from '../../texts.ts'
import { isGood, linkTo, post, read, Trouble, type Answer, type Screen, type Visit } from '../../visit.ts'
import { afterLogin, type LoginAnswer } from '../entered.tsx'
import { texts } from './session.texts.ts'

export interface Me {
  readonly name?: string | null
  readonly email?: string | null
  readonly username?: string | null
  readonly mfaEnrolled?: boolean
}
interface Account {
  readonly tenantId: string
  readonly name: string
  readonly applicationUrl?: string | null
}
interface Accounts {
  readonly tenants: readonly Account[]
  readonly activeTenant: Account | null
}

const renew = (visit: Visit, body: object) => post<LoginAnswer>(visit, 'auth/v1/user/token/refresh', body)

/** A page for whoever is logged in: the session is this browser's cookie. Others get to the login. */
export async function withSession(visit: Visit, page: (token: string) => Answer | Promise<Answer>): Promise<Answer> {
  const reply = await renew(visit, {})
  if (reply.status === 401) return { to: linkTo(visit, '/login') }
  if (!isGood(reply)) throw new Trouble(reply)
  const { accessToken } = reply.body
  return accessToken === undefined ? afterLogin(visit, reply.body) : page(accessToken)
}
export const meIn = (visit: Visit, token: string) => read<Me>(visit, '/identity/resources/users/v2/me', token)
export const nameOf = (me: Me) => me.email ?? me.username ?? me.name ?? ''

/** Who is logged in here, and in which account. */
export const homeScreen: Screen = { path: '', get: (visit) => withSession(visit, (token) => home(visit, token)) }

async function home(visit: Visit, token: string): Promise<Answer> {
  const t = texts[visit.language]
  const [me, { tenants, activeTenant }] = await Promise.all([
    meIn(visit, token),
    read<Accounts>(visit, '/identity/resources/users/v3/me/tenants', token),
  ])
  const others = tenants.filter(({ tenantId }) => tenantId !== activeTenant?.tenantId).slice(0, MOST_ACCOUNTS),
    application = activeTenant?.applicationUrl ?? ''
  return {
    title: t.title,
    body: (
      <>
        <p>{t.as(nameOf(me))}</p>
        {activeTenant && <p>{t.in(activeTenant.name)}</p>}
        {/^https?:\/\//i.test(application) && <LinkButton href={application}>{t.goOn}</LinkButton>}
        {others.length > 0 && (
          <Form visit={visit} to="/account">
            <fieldset>
              <legend>{t.choose}</legend>
              {others.map(({ tenantId, name }) => (
                <button type="submit" name="tenantId" value={tenantId} class="second" key={tenantId}>
                  {name}
                </button>
              ))}
            </fieldset>
          </Form>
        )}
        <Form visit={visit} to="/logout">
          <Button look="second">{t.logOut}</Button>
        </Form>
      </>
    ),
  }
}
const MOST_ACCOUNTS = 100

/** Goes on in another account; it may ask for a second factor. */
export const accountScreen: Screen = {
  path: '/account',
  async post(visit) {
    const reply = await renew(visit, { tenantId: visit.field('tenantId') })
    if (reply.status === 401) return { to: linkTo(visit, '/login') }
    if (!isGood(reply)) throw new Trouble(reply)
    return afterLogin(visit, reply.body)
  },
}

/** A link to here logs nobody out, as any site could lead there. */
export const logoutScreen: Screen = {
  path: '/logout',
  get: (visit) => ({
    title: texts[visit.language].wantOut,
    body: (
      <Form visit={visit} to="/logout">
        <Button>{texts[visit.language].logOut}</Button>
      </Form>
    ),
  }),
  async post(visit) {
    const reply = await post(visit, 'auth/v1/logout', {})
    if (!isGood(reply)) throw new Trouble(reply)
    return { to: linkTo(visit, '/logged-out') }
  },
}

export const loggedOutScreen: Screen = {
  path: '/logged-out',
  get: (visit) => ({
    title: texts[visit.language].out,
    body: (
      <>
        <p>{texts[visit.language].outText}</p>
        <LinkButton href={linkTo(visit, '/login')}>{common[visit.language].logIn}</LinkButton>
      </>
    ),
  }),
}
