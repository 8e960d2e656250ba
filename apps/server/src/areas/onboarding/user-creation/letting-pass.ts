import { ApiError } from '../../../kernel/errors.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import { ask } from '../../delivery/prehooks/asking.service.ts'
import { NewcomerChanges, profileIn, shown } from '../../delivery/prehooks/users.ts'
import type { Arrival } from './user-creation.service.ts'

/** How many questions are open at once. */
const AT_ONCE = 10

/** Each arrival as the environment's prehook lets it pass, itself if nothing is changed; or why it does not. */
export async function letPass(ctx: Ctx, arrivals: readonly Arrival[]): Promise<(Arrival | ApiError)[]> {
  const passed: (Arrival | ApiError)[] = []
  for (let at = 0; at < arrivals.length; at += AT_ONCE)
    passed.push(...(await Promise.all(arrivals.slice(at, at + AT_ONCE).map((arrival) => letOnePass(ctx, arrival)))))
  return passed
}

async function letOnePass(ctx: Ctx, arrival: Arrival): Promise<Arrival | ApiError> {
  const { tenantId, applicationId } = arrival
  try {
    const { user } = await ask(
      ctx,
      'USER_INVITE',
      () => ({ data: shown(arrival), tenantId, applicationId }),
      NewcomerChanges,
    )
    if (!user) return arrival
    return { ...arrival, ...profileIn(user), ...(user.roleIds?.length && { chosenRoleIds: user.roleIds }) }
  } catch (error) {
    if (error instanceof ApiError) return error
    throw error
  }
}

/** Whether the prehook has changed or refused one. */
export const isChanged = (arrivals: readonly Arrival[], passed: readonly (Arrival | ApiError)[]) =>
  passed.some((one, index) => one !== arrivals[index])
