import { expect } from 'vitest'
import { httpDouble, unreachable } from '../../../packages/outbound/test/http-double.ts'
import type { TestEnvironment } from './environment.ts'

export const prehooks = '/prehooks/resources/configurations/v1'
export const SECRET = 'a secret of the prehook'

export const EVENTS = [
  'SIGN_UP',
  'SIGN_UP_USER_POOL',
  'USER_INVITE',
  'USER_UPDATE',
  'USER_DELETE',
  'CREATE_TENANT',
  'UPDATE_TENANT',
  'DELETE_TENANT',
  'JWT_GENERATION',
]

/** Has this address asked about these events. @returns the prehook's id */
export async function setHook(env: TestEnvironment, url: string, eventKeys: readonly string[], more: object = {}) {
  const { status, body } = await env.vendor('POST', prehooks, {
    url,
    secret: SECRET,
    eventKeys,
    failMethod: 'CLOSE',
    ...more,
  })
  expect(status, JSON.stringify(body)).toBe(201)
  return body.id as string
}

/** A server that is asked about these events, and answers so. */
export async function hooked(
  env: TestEnvironment,
  eventKeys: readonly string[],
  answer: unknown = { verdict: 'allow' },
  more: object = {},
) {
  const double = await httpDouble(() => ({ status: 200, body: JSON.stringify(answer) })),
    id = await setHook(env, `${double.url}/hook`, eventKeys, more)
  return { ...double, id, questions: () => double.received.map(({ body }) => JSON.parse(body.toString())) }
}

/** Has this script asked about these events. @returns the prehook's id */
export async function setScript(
  env: TestEnvironment,
  codePayload: string,
  eventKeys: readonly string[],
  more: object = {},
) {
  const { status, body } = await env.vendor('POST', prehooks, {
    ...{ type: 'CUSTOM_CODE', codePayload, eventKeys, failMethod: 'CLOSE' },
    ...more,
  })
  expect(status, JSON.stringify(body)).toBe(201)
  return body.id as string
}

/** Nobody answers there. */
export const nowhere = async () => `http://127.0.0.1:${await unreachable()}/`

export const REFUSED = {
  status: 403,
  body: { errors: ['This could not be checked, so it was refused'] },
}
