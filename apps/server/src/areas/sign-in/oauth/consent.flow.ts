import * as challenges from '../../../kernel/challenges.ts'
import type { HttpCtx } from '../../../kernel/operation.ts'
import * as clients from '../../applications/oauth-clients/oauth-clients.service.ts'
import { clientAt, giveCode, placeIn, refuse, returning, shown, type Returning } from './authorize.flow.ts'
import { oauthErrors } from './oauth.errors.ts'
import type { Consent } from './oauth.schemas.ts'

/** A user who has logged in and is asked whether a client may know it, in the browser that began. @throws 400 */
async function waiting(ctx: HttpCtx, state: string | undefined) {
  await clients.mustBeOn(ctx)
  const found = await shown<Returning>(ctx, returning, state)
  if (!found.asked.wantsConsent) throw oauthErrors.badState()
  return { ...found, client: await clientAt(ctx, found.asked.clientId, found.asked.redirectUri) }
}

/** Who is asked, and by whom. Uses nothing up. @throws 400; 401 once the session has ended */
export async function read(ctx: HttpCtx, state: string | undefined): Promise<Consent> {
  const { client, challenge, sessionId } = await waiting(ctx, state),
    { session, tenant } = await placeIn(ctx, challenge, sessionId),
    { user } = session
  const [names, { name: tenantName }] = await Promise.all([
    clients.namesOf(ctx, client),
    ctx.db.tenant.findFirstOrThrow({ where: { id: tenant.id }, select: { name: true } }),
  ])
  return { ...names, userName: user.email ?? user.name, tenantName }
}

/** The answer, once: the client gets its code, or learns that there is none. @throws 400 */
export async function answer(ctx: HttpCtx, state: string, isGiven: boolean) {
  const { asked, challenge, sessionId, proof } = await waiting(ctx, state)
  const { location } = isGiven
    ? await placeIn(ctx, challenge, sessionId)
        .then(({ session, tenant }) =>
          giveCode(ctx, asked, session.user, { sessionId, tenantId: tenant.id, proof }, challenge),
        )
        .catch((error: unknown) => refuse(ctx, asked, error))
    : await refused(ctx, asked, challenge)
  return { redirectUrl: location }
}

async function refused(ctx: HttpCtx, asked: Returning['asked'], challenge: { id: string }) {
  if ((await challenges.useUp(ctx, challenge)).state !== 'ok') throw oauthErrors.badState()
  return refuse(ctx, asked, oauthErrors.consentRefused())
}
