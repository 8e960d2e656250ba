import type { Answer, Client, TestEnvironment } from './environment.ts'

/* JWT templates as tests use them. */

export const jwtTemplates = '/identity/resources/jwt-templates/v1',
  targeting = '/identity/resources/configurations/v1/jwt-template-targeting'

export const MANDATORY_CLAIMS = {
  iss: '{{iss}}',
  sub: '{{sub}}',
  aud: '{{clientId}}',
  exp: '{{exp}}',
  iat: '{{iat}}',
}
/** The smallest template. */
export const plainTemplate = {
  key: 'plain',
  name: 'Plain',
  expiration: 600,
  algorithm: 'RS256',
  templateSchema: { claims: MANDATORY_CLAIMS },
}
export const withClaims = (claims: object, more: object = {}) => ({
  ...plainTemplate,
  ...more,
  templateSchema: { claims: { ...MANDATORY_CLAIMS, ...claims } },
})

type Op = 'in_list' | 'contains' | 'ends_with'
export const condition = (attribute: string, list: string[], op: Op = 'in_list', negate = false) => ({
  attribute,
  op,
  value: { list },
  negate,
})
/** A rule with one condition. */
export const ruleFor = (treatment: string, ...given: Parameters<typeof condition>) => ({
  conditionLogic: 'and',
  conditions: [condition(...given)],
  treatment,
})
export const ruleForAll = (treatment: string) => ({ conditionLogic: 'and', conditions: [], treatment })

/** The body of a call that has to succeed. */
export async function done(answer: Promise<Answer>) {
  const { status, body } = await answer
  if (status >= 300) throw new Error(`${status} ${JSON.stringify(body)}`)
  return body
}

/** Makes a template, and gives it to every token. */
export async function applyToAll(env: TestEnvironment, template: { key: string }) {
  const made = await done(env.vendor('POST', jwtTemplates, template))
  await setRules(env.vendor, [ruleForAll(template.key)])
  return made as { id: string; key: string }
}
export const setRules = (client: Client, rules: object[]) => done(client('PUT', targeting, { rules }))
