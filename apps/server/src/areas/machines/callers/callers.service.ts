import type { LiveMachine, MachineToken } from '../../../kernel/holders.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import * as identitySettings from '../../policies/identity-settings/identity-settings.service.ts'
import * as ips from '../../policies/ip-restrictions/ip-restrictions.service.ts'
import * as accessTokens from '../access-tokens/access-tokens.service.ts'
import * as apiTokens from '../api-tokens/api-tokens.service.ts'
import { liveApiToken } from './callers.sql.ts'

/**
 * What the token of a program may do now, if it is alive: the rights of a tenant's token are read from its row at each call, so
 * that what is taken from it is gone at once. Undefined as well where the environment lets in no programs of this kind.
 * @throws 403 from an IP address that the tenant blocks, for an access token: the others were held to it when they logged in
 */
export const machineOf = (ctx: Ctx, token: MachineToken, ip: string) =>
  token.type === 'userApiToken' || token.type === 'tenantApiToken'
    ? ofApiToken(ctx, token)
    : ofAccessToken(ctx, token, ip)

async function ofApiToken(ctx: Ctx, { id, tenantId, userId }: MachineToken): Promise<LiveMachine | undefined> {
  if (!apiTokens.areOn(await identitySettings.current(ctx))) return undefined
  const [row] = await ctx.sql(liveApiToken, ctx.clock.now(), id, tenantId, userId ?? null)
  if (!row) return undefined
  return { permissions: userId === undefined ? (await apiTokens.keysOf(ctx, tenantId, row)).permissions : undefined }
}

async function ofAccessToken(
  ctx: Ctx,
  { id, tenantId, userId }: MachineToken,
  ip: string,
): Promise<LiveMachine | undefined> {
  const found = await accessTokens.alive(ctx, userId === undefined ? 'tenant' : 'user', id)
  if (found?.tenantId !== tenantId || (found.userId ?? undefined) !== userId) return undefined
  await ips.mustAllow(ctx, ip, tenantId)
  return { permissions: found.permissions }
}
