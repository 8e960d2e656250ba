import { Type, type Static } from 'typebox'
import { FilledKey, FilledToken, MetadataText, NameOrNone, Text, Token } from '../../../kernel/validation.ts'
import { LoginAnswer } from '../entry/entry.schemas.ts'

export const NamedProvider = Type.Object({ provider: FilledKey })

export const Beginning = Type.Object({
  /** the page to come back to; some clients write it as OAuth does */
  redirectUri: Type.Optional(Text),
  redirect_uri: Type.Optional(Text),
  /** the page's own: it gets it back as it is */
  state: Type.Optional(Text),
})
export type Beginning = Static<typeof Beginning>

/** What providers send the browser back with. */
export const Return = Type.Object({
  state: FilledToken,
  code: Type.Optional(Token),
  iss: Type.Optional(Text),
  error: Type.Optional(Text),
  error_description: Type.Optional(Text),
})
export type Return = Static<typeof Return>

/**
 * What the page came back with. The verifiers that clients may send are not needed: the server has made its own. Apps that have
 * asked a provider by themselves show its id token in place of a code.
 */
export const Shown = Type.Object({
  code: Type.Optional(Token),
  id_token: Type.Optional(Token),
  /** of the id token, if it has one */
  nonce: Type.Optional(Token),
  redirectUri: Type.Optional(Text),
  state: Type.Optional(Text),
})
export type Shown = Static<typeof Shown>

export const Newcomer = Type.Object({
  /** of a new user */
  metadata: Type.Optional(MetadataText),
  companyName: Type.Optional(NameOrNone),
  invitationToken: Type.Optional(Token),
})
export type Newcomer = Static<typeof Newcomer>

export const SocialAnswer = Type.Object({
  ...LoginAnswer.properties,
  email: Type.Optional(Type.String()),
  isNewUser: Type.Boolean(),
  tenantId: Type.String(),
  name: Type.String(),
})
export type SocialAnswer = Static<typeof SocialAnswer>
