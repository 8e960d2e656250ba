import { Type } from 'typebox'
import { canonicalEmail } from '../../../kernel/email-addresses.ts'
import { ApiError } from '../../../kernel/errors.ts'
import { add, job } from '../../../kernel/jobs.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import { FilledAddress, Key, Metadata, Nullable } from '../../../kernel/validation.ts'
import * as sendings from '../../access/codes/sendings.service.ts'
import * as userPools from '../user-pools/asking.service.ts'
import type { Identified } from './passwords.schemas.ts'
import { mailLink } from './reset.service.ts'

/**
 * Mails a link to set a password. Somebody who is unknown here, but may be known to a source that hands its users over, is
 * looked up there once the caller has been answered: so neither answer nor time reveals who is where.
 */
export async function forgotten(ctx: Ctx, wanted: Identified) {
  const { sessionId, isKnown } = await mailLink(ctx, wanted)
  const { identifier, identifierType, emailMetadata = {} } = wanted
  if (!isKnown && identifierType === 'email' && (await userPools.mayBeKnown(ctx)))
    await add(ctx, lookUp, {
      email: canonicalEmail(identifier.trim()),
      applicationId: ctx.applicationId ?? null,
      emailMetadata,
    })
  return { sessionId }
}

const lookUp = job({
  name: 'look-up-in-user-sources',
  payload: Type.Object({ email: FilledAddress, applicationId: Nullable(Key), emailMetadata: Metadata }),
  async run(ctx, { email, applicationId, emailMetadata }) {
    const there: Ctx = { ...ctx, applicationId: applicationId ?? undefined }
    try {
      if (!(await userPools.bringIn(there, email)) || !(await sendings.mayGetOne(there, email))) return
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      ctx.log.warn({ reason: error.message }, 'a user of a user source could not be brought in')
      return
    }
    await mailLink(there, { identifier: email, identifierType: 'email', emailMetadata })
  },
})
export const forgottenJobs = [lookUp]
