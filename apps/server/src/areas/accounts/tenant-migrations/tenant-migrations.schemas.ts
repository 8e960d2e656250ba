import { Type, type Static } from 'typebox'
import { Id, Key, OneOf } from '../../../kernel/validation.ts'

export const Migration = Type.Object({ tenants: Type.Array(Key, { minItems: 1, maxItems: 1000 }) })

export const MigrationStatus = Type.Object({
  migrationId: Id,
  state: OneOf(['pending', 'in_progress', 'completed', 'failed']),
  total: Type.Integer(),
  migrated: Type.Integer(),
  errors: Type.Array(Type.Object({ tenantId: Type.String(), message: Type.String() })),
})
export type MigrationStatus = Static<typeof MigrationStatus>

/** How many entries are done, and which of them failed. */
export interface Progress {
  readonly done: number
  readonly errors: MigrationStatus['errors']
}
export const atTheStart: Progress = { done: 0, errors: [] }
