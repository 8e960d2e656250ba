import { oneLine, Refused } from '@henhouse/outbound'
import { Fault, runScript } from '@henhouse/sandbox'
import { Type, type Static, type TObject } from 'typebox'
import { SECOND } from '../../../kernel/clock.ts'
import { ApiError, errors, messageCode } from '../../../kernel/errors.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import { fits, isStorable } from '../../../kernel/validation.ts'
import { signatureOf } from '../webhooks/signature.ts'
import { prehookErrors } from './prehooks.errors.ts'
import type { PrehookEvent } from './prehooks.schemas.ts'
import { activePrehooks, type Asked } from './prehooks.service.ts'

/** How long a server may take; a script has what the sandbox gives it. */
const TIMEOUT = 5 * SECOND

/** What a prehook is asked. */
export interface Question {
  readonly data: object
  readonly tenantId?: string | null | undefined
  readonly userId?: string | null | undefined
  readonly applicationId?: string | null | undefined
}

const Reason = Type.Object({ status: Type.Optional(Type.Integer()), message: Type.Optional(Type.Unknown()) })
/** In the newer form, or in the older one. */
const Answer = Type.Object({
  verdict: Type.Optional(Type.Enum(['allow', 'block', 'challenge', 'lock'])),
  continue: Type.Optional(Type.Boolean()),
  response: Type.Optional(Type.Unknown()),
  error: Type.Optional(Type.Unknown()),
})

/** An environment's server or script could not be asked, or did not answer as it must. */
class NoAnswer extends Error {}

/**
 * Asks the environment's server or script, if it has one for this event, whether something may happen, and what it changes of it.
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

async function answerOf(ctx: Ctx, { by, eventKey }: Asked, { data, tenantId, userId, applicationId }: Question) {
  const asked = {
    eventKey,
    data,
    prehookContext: {
      vendorId: ctx.vendorId,
      applicationId: applicationId ?? ctx.applicationId ?? null,
      tenantId: tenantId ?? null,
      ...(userId !== undefined && { userId }),
    },
  }
  return answerIn(
    'codePayload' in by ? await saidByScript(ctx, by.codePayload, asked) : await saidByServer(ctx, by, asked),
  )
}

/** The script defines `async function onEvent(eventData)`, and returns what a server would answer. */
async function saidByScript({ deps: { secrets }, vendorId }: Ctx, sealed: string, asked: object) {
  try {
    return await runScript(secrets.open(sealed), asked, { owner: vendorId })
  } catch (error) {
    // whoever crowds this server must not get past a script that lets pass what it cannot be asked about
    if (error instanceof Fault && error.kind === 'busy') throw Object.assign(errors.unavailable(), { isTheirs: true })
    // its own words may hold anything that it knows
    throw error instanceof Fault ? new NoAnswer(`its script failed: ${error.kind}`) : error
  }
}

async function saidByServer(ctx: Ctx, { url, secret: sealed }: { url: string; secret: string }, asked: object) {
  const secret = ctx.deps.secrets.open(sealed),
    body = JSON.stringify(asked)
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
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw new NoAnswer('its answer is no JSON')
  }
}

function answerIn(value: unknown): Static<typeof Answer> {
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
  const { status = 400, message } = fits(Reason, error) ? (error as Static<typeof Reason>) : {}
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
