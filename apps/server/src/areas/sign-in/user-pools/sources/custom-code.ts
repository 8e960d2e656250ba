import { Fault, runScript } from '@henhouse/sandbox'
import { refusal } from '@henhouse/outbound'
import type { Ctx } from '../../../../kernel/operation.ts'
import type { Configurations } from '../user-pools.schemas.ts'
import { profileOf, type Credentials } from './profile.ts'

const source = 'the script'

/** Runs the script of the environment: it returns the user, or nothing for a wrong password. One that throws says no, too. */
export const askScript = (
  ctx: Ctx,
  { codePayload }: Configurations['custom-code'],
  { name, isEmail, password }: Credentials,
) => said(ctx, codePayload, { [isEmail ? 'email' : 'username']: name, password }, [password])

/** As `askScript`, of the user with an address. */
export const findByScript = async (ctx: Ctx, { getUserCodePayload }: Configurations['custom-code'], email: string) =>
  getUserCodePayload === undefined ? null : said(ctx, getUserCodePayload, { email }, [])

async function said(ctx: Ctx, script: string, input: object, secrets: string[]) {
  const found = await runScript(script, input, { owner: ctx.vendorId }).catch((error: unknown) => {
    if (!(error instanceof Fault)) throw error
    if (error.kind !== 'error')
      throw refusal(source, { retryable: false, reason: error.message }, { secrets, texts: secrets })
    // its own words may hold the password
    ctx.log.warn('the script of a user source threw')
    return null
  })
  if (typeof found !== 'object' || found === null || Array.isArray(found)) return null
  const user = found as Record<string, unknown>
  const own = (...names: string[]) => names.map((one) => (Object.hasOwn(user, one) ? user[one] : undefined))
  const first = (...names: string[]) => own(...names).find((value) => value !== undefined)
  return profileOf({
    subject: first('id', 'sub', 'userId', 'email', 'username'),
    email: first('email'),
    verified: first('emailVerified', 'email_verified', 'verified'),
    username: first('username'),
    name: first('name'),
    profilePictureUrl: first('profilePictureUrl', 'picture'),
    attributes: { tenantIds: own('tenantId', 'tenantIds').flat() },
  })
}
