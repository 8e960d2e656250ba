import { describe, expect, test } from 'vitest'
import { newEnvironment, UNKNOWN_ID, type Answer } from './environment.ts'
import {
  begin,
  call,
  flows,
  isGranted,
  isRight,
  learn,
  operationOf,
  sessionIn,
  type Flow,
  type Known,
  type Run,
  type Step,
} from './flows.ts'
import { everythingOf } from './furnished.ts'
import { wrongBody } from './samples.ts'

/*
 * Each step of each flow without a body, with values of other types, before its turn and once more after it. None of
 * these gives a session or changes anything, and the honest user still comes to the end.
 */

/** What stands for what no step has given yet. */
const unknown: Record<string, unknown> = {
  code: '000000',
  secret: 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJR',
  options: { challenge: 'eHh4', rp: { id: 'localhost' }, user: { id: 'eA' } },
}
const LONG = 'x'.repeat(43)
const idLike = /^(userId|otcToken|sessionId|changePhoneId|resetPhoneNumberToken)$/

/** What is known, and `missing` for what is not. */
const lacking = (known: Known, missing: (name: string) => unknown) =>
  new Proxy(known, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name)
      return value === undefined && typeof name === 'string' ? missing(name) : value
    },
  })
const nonsense = (name: string) => unknown[name] ?? (idLike.test(name) ? UNKNOWN_ID : LONG)
/** The secret that was handed out last, for another purpose. */
const earlier = (known: Known) => (name: string) =>
  unknown[name] ?? known['mfaToken'] ?? known['otcToken'] ?? known['token'] ?? known['sessionId'] ?? LONG

/** Everything that there is in the environment but counts of tries. */
async function facts({ env }: Run) {
  // what is refused, or changes nothing, may be written down all the same
  const { Challenge: _, Event: _told, User, ...others } = await everythingOf(env.id)
  return {
    ...others,
    User: (User as { failedLogins: number }[] | null)?.map(({ failedLogins: _counted, ...user }) => user),
  }
}

function mustGiveNothing(what: string, { gives }: Step, answer: Answer) {
  expect(answer.status, what).toBeLessThan(500)
  expect(sessionIn(answer), what).toEqual({})
  for (const name of Array.isArray(gives) ? (gives as string[]) : [])
    expect(answer.body?.[name], `${what} gives ${name}`).toBeUndefined()
}

/** Bodies that are not what the step takes. */
function malformed(step: Step, honest: unknown): unknown[] {
  const { body } = operationOf(step)
  if (!body || honest === undefined || JSON.stringify(honest) === '{}') return []
  return [
    {},
    wrongBody(operationOf(step)),
    ...Object.entries(honest as object).map(([name, value]) => ({ ...(honest as object), [name]: [value] })),
  ]
}

/** The same sessions, of which none goes on. */
const ended = (all: object) =>
  sessionsIn(all).map((session) => ({ ...session, endedAt: expect.any(String) as unknown }))
const sessionsIn = (all: object) => (all as { Session: object[] }).Session

/** Some take a body without any field, and tell a stranger nothing. */
const takesNothing = (step: Step, body: unknown) =>
  JSON.stringify(body) === '{}' && !(operationOf(step).body as { required?: string[] }).required?.length

/** The steps that are not to work yet: the flow has not come so far. */
const tooEarly = ({ steps }: Flow, now: number) =>
  steps.filter((step, index) => index > now && !step.free && steps.slice(now, index).some((left) => !left.optional))

async function goThrough(flow: Flow) {
  const env = await newEnvironment()
  await flow.settings?.(env)
  const run = await begin(env, flow)
  let before = await facts(run),
    granted = false
  for (const [index, step] of flow.steps.entries()) {
    const honest = await step.body?.(run.known)
    for (const body of malformed(step, honest)) {
      const answer = await call(run, step, body),
        what = `${step.op} with ${JSON.stringify(body)}`
      const { op, gives = [] } = step
      mustGiveNothing(what, takesNothing(step, body) ? { op } : { op, gives }, answer)
      if (!takesNothing(step, body)) expect(answer.status, what).toBeGreaterThanOrEqual(400)
    }
    for (const later of tooEarly(flow, index))
      for (const missing of [nonsense, earlier(run.known)]) {
        const known = lacking(run.known, missing)
        mustGiveNothing(`${later.op} before ${step.op}`, later, await call({ ...run, known }, later))
      }
    expect(await facts(run), `before ${step.op}`).toEqual(before)

    const answer = await call(run, step, honest)
    expect(isRight(step, answer), `${step.op}: ${answer.status} ${JSON.stringify(answer.body)}`).toBe(true)
    await learn(run, step, answer)
    granted = isGranted(step, answer)
    if (!step.again) before = await facts(run)
    const again = await call(run, step, honest)
    if (step.again) {
      expect(isRight(step, again), `${step.op} again: ${again.status} ${JSON.stringify(again.body)}`).toBe(true)
      await learn(run, step, again)
      before = await facts(run)
    } else {
      expect(again.status, `${step.op} again`).toBeGreaterThanOrEqual(400)
      mustGiveNothing(`${step.op} again`, step, again)
      if (step.ends) expect(sessionsIn(await facts(run)), `${step.op} again`).toEqual(ended(before))
      else expect(await facts(run), `${step.op} again`).toEqual(before)
    }
  }
  return granted
}

describe.concurrent('a flow goes on only by its own steps', () => {
  test.for(flows.map((flow) => [flow.name, flow] as const))('%s', async ([, flow]) => {
    expect(await goThrough(flow)).toBe(true)
  })
})
