import type { Algorithm } from '@henhouse/jwt'
import { epoch } from '../../../kernel/clock.ts'
import { isUuid } from '../../../kernel/environments.ts'
import { invalid, onDuplicate, onMissing } from '../../../kernel/errors.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import { inOrderOf, page } from '../../../kernel/paging.ts'
import { byPrehook } from './claims-prehook.ts'
import { faultsIn, fill, type Claims, type DefaultClaims, type Held } from './claims.ts'
import { jwtTemplateErrors } from './jwt-templates.errors.ts'
import {
  toJwtTemplate,
  type JwtTemplateChange,
  type JwtTemplateQuery,
  type NewJwtTemplate,
} from './jwt-templates.schemas.ts'
import { templateList } from './jwt-templates.sql.ts'
import { templateFor } from './targeting.service.ts'

export async function list(ctx: Ctx, query: JwtTemplateQuery) {
  const { keys = null, ids, _sortBy = 'createdAt' } = query
  const { total, ids: found } = await templateList(ctx, _sortBy, query, keys, ids?.filter(isUuid) ?? null)
  const rows = found.length ? await ctx.db.jwtTemplate.findMany({ where: { id: { in: found } } }) : []
  return page(inOrderOf(found, rows).map(toJwtTemplate), total, query)
}

/** @throws 404 */
export async function get(ctx: Ctx, id: string) {
  const found = await ctx.db.jwtTemplate.findUnique({ where: { id } })
  if (!found) throw jwtTemplateErrors.notFound()
  return found
}

/** @throws 400 for claims that a template cannot have, 409 when another one has the key */
export async function create(ctx: Ctx, { templateSchema: { claims }, ...template }: NewJwtTemplate) {
  mustBeGood(claims)
  const now = ctx.clock.now()
  return ctx.db.jwtTemplate
    .create({ data: { ...template, id: ctx.random.uuid(), claims, createdAt: now, updatedAt: now } })
    .catch(onDuplicate(jwtTemplateErrors.keyTaken()))
}

/** Changes what is given. @throws as `create`, 404 */
export async function update(ctx: Ctx, id: string, { templateSchema, ...change }: JwtTemplateChange) {
  if (templateSchema) mustBeGood(templateSchema.claims)
  return ctx.db.jwtTemplate
    .update({
      where: { id },
      data: { ...change, ...(templateSchema && { claims: templateSchema.claims }), updatedAt: ctx.clock.now() },
    })
    .catch(onDuplicate(jwtTemplateErrors.keyTaken()))
    .catch(onMissing(jwtTemplateErrors.notFound()))
}

/** Rules that name it are skipped from now on. @throws 404 */
export async function remove(ctx: Ctx, id: string) {
  await ctx.db.jwtTemplate.delete({ where: { id } }).catch(onMissing(jwtTemplateErrors.notFound()))
}

function mustBeGood(claims: object) {
  const [first, ...others] = faultsIn(claims as Claims)
  if (first !== undefined) throw invalid(first, ...others)
}

/** What a token says, and how `signToken` is to sign it. */
export interface Made {
  readonly claims: Claims
  /** seconds */
  readonly expiresIn: number
  readonly algorithm: Algorithm
  readonly at: Date
}
interface Terms {
  /** by the environment's configuration, like the next */
  readonly expiresIn: number
  readonly algorithm: Algorithm
  /** seconds that a token may last, whatever a template says */
  readonly atMost?: number
}

/**
 * What a token of any kind says: by the template that the environment's rules find for it, else by default; and then by the
 * prehook that is asked about tokens. Only tokens of a session can be signed with the shared secret: no other one is believed
 * when it is.
 * @param claims without `iat` and `exp`, which `signToken` adds
 * @throws what the prehook says, if it lets nobody in
 */
export async function apply(ctx: Ctx, claims: DefaultClaims, held: Held, terms: Terms): Promise<Made> {
  const made = await byTemplate(ctx, claims, held, terms)
  return byPrehook(ctx, made, claims, held, terms.atMost)
}

async function byTemplate(ctx: Ctx, claims: DefaultClaims, held: Held, terms: Terms): Promise<Made> {
  const { atMost = Infinity } = terms,
    template = await templateFor(ctx, claims, held),
    at = ctx.clock.now(),
    expiresIn = Math.min(template?.expiration ?? terms.expiresIn, atMost)
  if (!template) return { claims, expiresIn, algorithm: terms.algorithm, at }
  const iat = epoch(at)
  return {
    claims: fill(template.claims, { claims, held, clientId: ctx.vendorId, iat, exp: iat + expiresIn }),
    expiresIn,
    algorithm: claims.sid === undefined ? 'RS256' : template.algorithm,
    at,
  }
}
