import { listOf } from '../../../kernel/paging.ts'

/** Those with these keys and these ids; null for all. */
export const templateList = listOf<
  'id' | 'key' | 'name' | 'createdAt' | 'updatedAt',
  [keys: readonly string[] | null, ids: readonly string[] | null]
>('jwtTemplates.list', {
  rows: `"JwtTemplate" j where j."vendorId" = $1 and ($4::text[] is null or j.key = any ($4))
    and ($5::uuid[] is null or j.id = any ($5))`,
  id: 'j.id',
  orders: { id: 'j.id', key: 'j.key', name: 'j.name', createdAt: 'j."createdAt"', updatedAt: 'j."updatedAt"' },
})
