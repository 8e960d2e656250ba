import type { PhoneNumber as PhoneNumberRow } from '@henhouse/database'
import { Type, type Static } from 'typebox'
import { Order, pageQuery } from '../../../kernel/paging.ts'
import { Code, DateTime, FilledToken, Id, Key, Keys, OneOf } from '../../../kernel/validation.ts'
import { PhoneNumber as Number } from '../users/users.schemas.ts'

export const PhoneNumber = Type.Object({
  id: Id,
  userId: Id,
  phoneNumber: Type.String(),
  verified: Type.Boolean(),
  createdAt: DateTime,
  updatedAt: DateTime,
})
export const toPhoneNumber = ({ createdAt, updatedAt, ...row }: PhoneNumberRow): Static<typeof PhoneNumber> => ({
  ...row,
  createdAt: createdAt.toISOString(),
  updatedAt: updatedAt.toISOString(),
})

export const NewPhoneNumber = Type.Object({ phoneNumber: Number })
/** The token names the code that is meant. */
export const Otc = Type.Object({ otcToken: FilledToken, code: Code })
export const OtcToken = Type.Object({ otcToken: Type.String() })

const filters = {
  ...pageQuery,
  _sortBy: Type.Optional(OneOf(['userId', 'phoneNumber'])),
  _order: Type.Optional(Order),
  _phoneNumber: Type.Optional(Key),
}
export const PhoneNumberQueryV1 = Type.Object({
  ...filters,
  _limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 })),
})
export const PhoneNumberQueryV2 = Type.Object({
  ...filters,
  _limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 250 })),
  userIds: Type.Optional(Keys),
})
export type PhoneNumberQuery = Static<typeof PhoneNumberQueryV1> & Static<typeof PhoneNumberQueryV2>

export const NumberChange = Type.Object({ changePhoneId: FilledToken, code: Code })
export const NumberReset = Type.Object({ resetPhoneNumberToken: FilledToken, code: Code })
export const NumberAfterReset = Type.Object({ changePhoneNumberToken: FilledToken, phoneNumber: Number })
