import { describe, expect, test } from 'vitest'
import { ipConfiguration } from '../src/areas/policies/ip-restrictions/ip-restrictions.schemas.ts'
import type { TenantScope } from '../src/kernel/operation.ts'
import * as settings from '../src/kernel/settings.ts'
import { newEnvironment, type Answer, type TestEnvironment } from './environment.ts'
import {
  begin,
  EVENTS,
  flows,
  isGranted,
  isRight,
  sessionIn,
  take,
  type Event,
  type Flow,
  type Run,
  type Survived,
} from './flows.ts'
import { claimsOf, mfaPolicy } from './second-factors.ts'

/*
 * Between every two steps of every flow, something happens to the user. No step after it may give a session or anything
 * else that they should not have by then. flows.ts says which flows go on.
 */

const identity = '/identity/resources',
  users = `${identity}/users/v1`,
  configurations = `${identity}/configurations/v1`

interface Happening {
  happens(run: Run): Promise<Pick<Answer, 'status'>>
  /** what there may not be any more: a session, one in the tenant, or a login to it */
  ends?: 'all' | 'tenant' | 'entry'
  /** about a tenant or the environment: it comes before the last step only */
  policy?: true
}
const events: Record<Event, Happening> = {
  locked: { ends: 'all', happens: ({ env, known }) => env.vendor('POST', `${users}/${known.id}/lock`) },
  deleted: { ends: 'all', happens: ({ env, known }) => env.vendor('DELETE', `${users}/${known.id}`) },
  disabled: {
    ends: 'tenant',
    happens: ({ env, known }) => env.as(known.tenantId)('POST', `${identity}/tenants/users/v1/${known.id}/disable`),
  },
  removed: { ends: 'tenant', happens: ({ env, known }) => env.as(known.tenantId)('DELETE', `${users}/${known.id}`) },
  moved: {
    ends: 'tenant',
    happens: async ({ env, known }) =>
      env.vendor('PUT', `${users}/tenants/migrate`, {
        srcTenantId: known.tenantId,
        targetTenantId: await env.newTenant(),
      }),
  },
  'left without the tenant': {
    ends: 'tenant',
    happens: ({ env, known }) => env.vendor('DELETE', `/tenants/resources/tenants/v1/${known.tenantId}`),
  },
  'given a password': {
    async happens({ env, known }) {
      const { token } = (await env.vendor('POST', `${users}/${known.id}/links/generate-password-reset-token`)).body
      return env.anonymous('POST', `${users}/passwords/reset/verify`, {
        userId: known.id,
        token,
        password: 'Given-Hen-5!',
      })
    },
  },
  'asked for a second factor': {
    policy: true,
    happens: ({ env, known }) => env.as(known.tenantId)('POST', mfaPolicy, {}),
  },
  'kept out by their IP address': {
    policy: true,
    ends: 'entry',
    // as the tenant's administrators would do it from their office
    async happens({ env, known }) {
      const ctx = await env.context(),
        tenant = { id: known.tenantId } as TenantScope
      await settings.save(ctx, ipConfiguration, { isActive: true, strategy: 'ALLOW' }, tenant)
      return { status: 200 }
    },
  },
  // of the whole environment, and so the last one
  'left without local logins': {
    policy: true,
    happens: ({ env }) => env.vendor('POST', configurations, { authStrategy: 'NoLocalAuthentication' }),
  },
}

/** The user's new token must not let them in where they are not to be. */
function mustBeRightful(claims: Record<string, unknown>, { ends }: Happening, lost: string) {
  if (ends === 'all') expect(claims, 'of a session that should not be').toBeUndefined()
  if (ends === 'tenant') expect(claims['tenantIds']).not.toContain(lost)
  if (ends === 'tenant' || ends === 'entry') expect(claims['tenantId']).not.toBe(lost)
}

async function reached(env: TestEnvironment, flow: Flow, gap: number) {
  const run = await begin(env, flow)
  for (const step of flow.steps.slice(0, gap)) {
    const answer = await take(run, step)
    expect(isRight(step, answer), `${step.op}: ${answer.status} ${JSON.stringify(answer.body)}`).toBe(true)
  }
  return run
}

/** The rest of the flow: whether it comes to its end. What a step does not give, the next ones do without. */
async function rest(run: Run, gap: number, happening: Happening, lost: string | undefined) {
  const { env, flow, known } = run
  let granted = false,
    token: string | undefined
  for (const step of flow.steps.slice(gap)) {
    const answer = await take(run, step)
    expect(answer.status, step.op).toBeLessThan(500)
    token = sessionIn(answer).accessToken
    if (token && lost !== undefined && claimsOf(token)['sub'] === known.id)
      mustBeRightful(claimsOf(token), happening, lost)
    granted = isGranted(step, answer)
  }
  if (granted && token && happening.ends === 'tenant' && claimsOf(token)['sub'] === known.id)
    expect((await env.withToken(token)('GET', `${identity}/users/v2/me`)).status).toBe(200)
  return granted
}

/** After which steps the flow goes on all the same, if the event comes there. */
async function gapsSurvived(env: TestEnvironment, flow: Flow, event: Event): Promise<Survived> {
  const happening = events[event],
    all = flow.steps.flatMap(({ optional }, index) => (index > 0 && optional !== 'reads' ? [index] : [])),
    gaps = happening.policy ? all.slice(-1) : all
  const runs = await Promise.all(gaps.map((gap) => reached(env, flow, gap))),
    lost = runs.map(({ known }) => known.tenantId),
    without = flow.survives?.[event] === 'of no effect'
  const answers = await Promise.all(runs.map(happening.happens))
  if (!without) expect(answers.map(({ status }) => status).filter((status) => status >= 300)).toEqual([])
  const granted = await Promise.all(
    runs.map((run, index) => rest(run, gaps[index]!, happening, without ? undefined : lost[index])),
  )
  const survived = gaps.filter((_, index) => granted[index])
  return survived.length < gaps.length ? survived : without ? 'of no effect' : 'always'
}

/**
 * Flows that are like another one go through every third event, each beginning at the next one: what was handed out is
 * the same, and only came about in another way.
 */
const variants = flows.filter(({ like }) => like)
const eventsOf = (flow: Flow) =>
  flow.like ? EVENTS.filter((_, index) => index % 3 === variants.indexOf(flow) % 3) : EVENTS

describe.concurrent('what happens to the user between two steps ends the flow', () => {
  test.for(flows.filter(({ steps }) => steps.length > 1).map((flow) => [flow.name, flow] as const))(
    '%s',
    async ([, flow]) => {
      const env = await newEnvironment(),
        found: Partial<Record<Event, Survived>> = {}
      await flow.settings?.(env)
      for (const event of eventsOf(flow)) {
        const survived = await gapsSurvived(env, flow, event)
        if (survived.length) found[event] = survived
      }
      const survives = Object.entries(flow.survives ?? {}).filter(([event]) => eventsOf(flow).includes(event as Event))
      expect(found).toEqual(Object.fromEntries(survives))
    },
  )
})
