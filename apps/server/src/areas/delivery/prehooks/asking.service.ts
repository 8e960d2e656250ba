import { oneLine, Refused } from '@henhouse/outbound'
import { Type, type Static, type TObject } from 'typebox'
import { SECOND } from '../../../kernel/clock.ts'
import { ApiError, messageCode } from '../../../kernel/errors.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import { fits, isStorable } from '../../../kernel/validation.ts'
import { signatureOf } from '../webhooks/signature.ts'
import { prehookErrors } from './prehooks.errors.ts'
import type { PrehookEvent } from './prehooks.schemas.ts'
import { activePrehooks, type Asked } from './prehooks.service.ts'

/** How long a prehook may take. */
const TIMEOUT = 5 * SECOND

/** What a prehook is asked. */
export interface Question {
  readonly data: object
  readonly tenantId?: string | null | undefined
  readonly userId?: string | null | undefined
  readonly applicationId?: string | null | undefined
}

const Fault = Type.Object({ status: Type.Optional(Type.Integer()), message: Type.Optional(Type.Unknown()) })
/** In the newer form, or in the older one. */
const Answer = Type.Object({
  verdict: Type.Optional(Type.Enum(['allow', 'block', 'challenge', 'lock'])),
  continue: Type.Optional(Type.Boolean()),
  response: Type.Optional(Type.Unknown()),
  error: Type.Optional(Type.Unknown()),
})

/** An environment's server could not be asked, or did not answer as it must. */
class NoAnswer extends Error {}

/**
 * Asks the environment's server, if it has one for this event, whether something may happen, and what it changes of it.
 * Not in a transaction: it may take seconds.
 * @param question is made only if there is somebody to ask; undefined: there is nothing to ask
 * @param response what may be changed; anything else is ignored, and what has another form is no answer
 * @returns the changes
 * @throws what the server says, if it refuses; 403 without an answer where that means a refusal
 */
export async function ask<S extends TObject>(
  ctx: Ctx,
  event: PrehookEvent,
  question: () => Question | undefined | Promise<Question | undefined>,
  response: S,
): Promise<Partial<Static<S>>> {
  if (ctx.inTransaction) throw new Error(`the prehook of ${event} is asked inside a transaction`)
  const prehook = (await activePrehooks(ctx)).get(event)
  if (!prehook) return {}
  try {
    const asked = await question()
    if (!asked) return {}
    const answer = await answerOf(ctx, prehook, asked)
    mustLetPass(answer)
    return changesIn(response, answer.response)
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error
    ctx.log.warn({ event, reason: error.message, failMethod: prehook.failMethod }, 'a prehook gave no answer')
    if (prehook.failMethod === 'OPEN') return {}
    throw prehookErrors.noAnswer()
  }
}

async function answerOf(ctx: Ctx, { url, secret: sealed, eventKey }: Asked, question: Question) {
  const { data, tenantId, userId, applicationId } = question,
    secret = ctx.deps.secrets.open(sealed)
  const body = JSON.stringify({
    eventKey,
    data,
    prehookContext: {
      vendorId: ctx.vendorId,
      applicationId: applicationId ?? ctx.applicationId ?? null,
      tenantId: tenantId ?? null,
      ...(userId !== undefined && { userId }),
    },
  })
  const { status, text } = await ctx.deps.outbound
    .call(
      'the prehook',
      url,
      {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'x-webhook-secret': signatureOf(ctx, { kid: 'prehook', secret, body }),
        },
        body,
        timeoutMs: TIMEOUT,
      },
      { secrets: [secret, url] },
    )
    .catch((error: unknown) => {
      throw error instanceof Refused ? new NoAnswer(error.message) : error
    })
  if (status < 200 || status > 299) throw new NoAnswer(`it answered ${status}`)
  return parsed(text)
}

function parsed(text: string): Static<typeof Answer> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new NoAnswer('its answer is no JSON')
  }
  if (!fits(Answer, value)) throw new NoAnswer('its answer has another form')
  const answer = value as Static<typeof Answer>
  if (answer.verdict === undefined && answer.continue === undefined) throw new NoAnswer('its answer has no verdict')
  return answer
}

/** How much of what the server says goes on to the caller. */
const MOST_MESSAGES = 10,
  LONGEST = 500,
  /** characters of JSON */
  MOST_CHANGED = 16_384

function mustLetPass({ verdict, continue: goesOn, error }: Static<typeof Answer>) {
  if ((verdict ?? (goesOn ? 'allow' : 'block')) === 'allow') return
  const { status = 400, message } = fits(Fault, error) ? (error as Static<typeof Fault>) : {}
  const messages = [message]
    .flat()
    .filter((text) => typeof text === 'string')
    .map((text) => oneLine(text).slice(0, LONGEST))
    .filter((text) => text !== '')
    .slice(0, MOST_MESSAGES)
  const said = messages.length ? messages : ['Refused by a prehook']
  // a server of theirs does not speak for this one
  const refused = new ApiError(status >= 400 && status < 500 ? status : 400, messageCode(said[0]!), said)
  refused.isTheirs = true
  throw refused
}

function changesIn<S extends TObject>(schema: S, response: unknown): Partial<Static<S>> {
  if (response === undefined || response === null) return {}
  if (JSON.stringify(response).length > MOST_CHANGED) throw new NoAnswer('it changes too much')
  if (!fits(schema, response) || !isStorable(response)) throw new NoAnswer('what it changes has another form')
  return response
}
