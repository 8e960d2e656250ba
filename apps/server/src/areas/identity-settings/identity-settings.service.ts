import type { Ctx } from '../../kernel/operation.ts'
import * as settings from '../../kernel/settings.ts'
import { identityConfiguration } from './identity-settings.schemas.ts'

/** The environment's decisions, as they are in force now. */
export const current = (ctx: Ctx) => settings.effective(ctx, identityConfiguration)
