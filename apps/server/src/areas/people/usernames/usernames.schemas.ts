import { Type, type Static } from 'typebox'
import { Order, pageQuery } from '../../../kernel/paging.ts'
import { Id, Key, Keys, OneOf } from '../../../kernel/validation.ts'

/** Wider than at the creation of users: the reference's operation takes this. */
export const NewUsername = Type.Object({
  username: Type.String({
    minLength: 1,
    maxLength: 128,
    pattern: "^[a-zA-Z0-9^$.!#+'~_-]*$",
    message: 'Username contains invalid characters',
  }),
})

export const Username = Type.Object({ username: Type.String(), userId: Id })

export const UsernameQuery = Type.Object({
  ...pageQuery,
  _sortBy: Type.Optional(OneOf(['userId', 'username'])),
  _order: Type.Optional(Order),
  _usernamePrefix: Type.Optional(Key),
  userIds: Type.Optional(Keys),
  usernames: Type.Optional(Keys),
})
export type UsernameQuery = Static<typeof UsernameQuery>
