import type { Algorithm } from '@henhouse/jwt'
import { definition } from '../../../kernel/definitions.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import * as settings from '../../../kernel/settings.ts'
import type { Claims, DefaultClaims, Held } from './claims.ts'
import { jwtTemplateErrors } from './jwt-templates.errors.ts'
import { jwtTemplateTargeting, type Condition, type TargetingChange } from './jwt-templates.schemas.ts'

/** The environment's rules. @throws 404 */
export const current = (ctx: Ctx) => settings.mustBeStored(ctx, jwtTemplateTargeting, jwtTemplateErrors.noTargeting())

/** @throws 409 when there are some */
export const create = (ctx: Ctx, { rules = [] }: TargetingChange) =>
  settings.create(ctx, jwtTemplateTargeting, { rules }, jwtTemplateErrors.targetingTaken())

/** Replaces them, or makes them. */
export async function replace(ctx: Ctx, { rules = [] }: TargetingChange) {
  await settings.save(ctx, jwtTemplateTargeting, { rules })
}

const withId = (id: string) => ({ id, key: jwtTemplateTargeting.key, tenantId: null })

/** @throws 404 when they are not there under this id */
export async function update(ctx: Ctx, id: string, { rules }: TargetingChange) {
  const { count } = await ctx.db.setting.updateMany({
    where: withId(id),
    data: { ...(rules && { value: { rules } }), updatedAt: ctx.clock.now(), version: { increment: 1 } },
  })
  if (!count) throw jwtTemplateErrors.noTargeting()
}

/** @throws 404 when they are not there under this id */
export async function remove(ctx: Ctx, id: string) {
  const { count } = await ctx.db.setting.deleteMany({ where: withId(id) })
  if (!count) throw jwtTemplateErrors.noTargeting()
}

interface Template {
  /** seconds */
  readonly expiration: number
  readonly algorithm: Algorithm
  readonly claims: Claims
}
interface RuleInForce {
  readonly conditions: readonly Condition[]
  readonly template: Template
}

/** The rules in their order, each with its template. Those that name none are not there. */
const inForce = definition('jwt templates', {
  models: ['JwtTemplate', 'Setting'],
  async load(ctx): Promise<readonly RuleInForce[]> {
    const { rules } = await settings.effective(ctx, jwtTemplateTargeting),
      keys = [...new Set(rules.map(({ treatment }) => treatment))]
    const rows = keys.length ? await ctx.db.jwtTemplate.findMany({ where: { key: { in: keys } } }) : []
    const templates = new Map(
      rows.map(({ key, expiration, algorithm, claims }): [string, Template] => [
        key,
        { expiration, algorithm: algorithm as Algorithm, claims: claims as Claims },
      ]),
    )
    return rules.flatMap(({ conditions, treatment }) => {
      const template = templates.get(treatment)
      return template ? [{ conditions, template }] : []
    })
  },
})

/** The template of a token: that of the first rule whose conditions all hold. */
export async function templateFor(ctx: Ctx, claims: DefaultClaims, { roleIds }: Held): Promise<Template | undefined> {
  const rules = await inForce(ctx)
  return rules.find(({ conditions }) => conditions.every((condition) => holds(condition, claims, roleIds)))?.template
}

/** Whether a template in use has tokens of sessions signed with the shared secret. */
export const signWithSecret = async (ctx: Ctx) =>
  (await inForce(ctx)).some(({ template }) => template.algorithm === 'HS256')

const attributes: Record<
  Condition['attribute'],
  (claims: DefaultClaims, roleIds: readonly string[]) => readonly (string | null | undefined)[]
> = {
  userId: ({ type, sub, userId }) => [type === 'userToken' ? sub : userId],
  applicationId: ({ applicationId }) => [applicationId],
  tenantId: ({ tenantId }) => [tenantId],
  roleIds: (_, roleIds) => roleIds,
  tokenType: ({ type }) => [type],
  userEmail: ({ email }) => [email],
}
const operators: Record<Condition['op'], (value: string, given: string) => boolean> = {
  in_list: (value, given) => value === given,
  contains: (value, given) => value.includes(given),
  ends_with: (value, given) => value.endsWith(given),
}

/** What a token does not have is in no list: it fits only where the condition is negated. */
function holds(
  { attribute, op, value: { list }, negate }: Condition,
  claims: DefaultClaims,
  roleIds: readonly string[],
) {
  // addresses are in lower case
  const given = attribute === 'userEmail' ? list.map((text) => text.toLowerCase()) : list,
    values = attributes[attribute](claims, roleIds)
  return (
    negate !== values.some((value) => typeof value === 'string' && given.some((text) => operators[op](value, text)))
  )
}
