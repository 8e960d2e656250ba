import { Type, type Static } from 'typebox'
import { setting } from '../../../kernel/settings.ts'

/** Whether one may act for another, by a token that says so. */
export const Delegation = Type.Object({ enabled: Type.Boolean() })
export const delegation = setting('delegation', Delegation, { enabled: false })
export const DelegationChange = Type.Partial(Delegation)
export type DelegationChange = Static<typeof DelegationChange>
