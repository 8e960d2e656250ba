import { hash } from 'node:crypto'
import type { User } from '@henhouse/database'
import type { Caller, Ctx, Http, HttpCtx } from '../../../kernel/operation.ts'

/* A user as mails and tokens show them. */

/** The user that a mail is about. */
export interface Person extends Pick<User, 'id' | 'name' | 'email' | 'phoneNumber' | 'profilePictureUrl' | 'metadata'> {
  readonly isNobody?: true
}

/** Stands in for an unknown user, so that as much work is done as for a known one, and then rolled back. */
export const nobody = (ctx: Pick<Ctx, 'random'>, email: string | null): Person => ({
  id: ctx.random.uuid(),
  name: email ?? '',
  email,
  phoneNumber: null,
  profilePictureUrl: null,
  metadata: '{}',
  isNobody: true,
})
/** The column that says whose a row is; empty for nobody. */
export const ownerIn = ({ id, isNobody }: Pick<Person, 'id' | 'isNobody'>) => (isNobody ? {} : { userId: id })

/** The user's picture; without one, Gravatar's for their e-mail address, else their initials. */
export const pictureOf = (user: Pick<Person, 'id' | 'name' | 'email' | 'profilePictureUrl'>) =>
  user.profilePictureUrl ??
  `https://www.gravatar.com/avatar/${hash('md5', user.email ?? user.id)}?d=https://ui-avatars.com/api/${encodeURIComponent(user.name)}/128/random`

/** The context of a call by the user, or by the environment for the user. */
export type OwnCtx = HttpCtx & { readonly caller: Caller }
export type Origin = Pick<Http, 'ip' | 'userAgent'>
/** Where the call came from. An environment's own address would tell the user nothing. */
export const originOf = ({ caller, http }: OwnCtx): Origin | undefined => (caller.kind === 'vendor' ? undefined : http)

/** The person behind a mail: the one who invites, or who has joined. */
const issuerDataOf = (issuer: Person | null | undefined) =>
  issuer
    ? {
        issuerName: issuer.name,
        issuerEmail: issuer.email ?? undefined,
        issuerProfilePictureUrl: pictureOf(issuer),
        issuerMetadata: objectOf(issuer.metadata),
      }
    : {}

/** What only the call behind a mail knows. */
export interface Circumstances {
  emailMetadata?: object | undefined
  issuer?: Person | null | undefined
  /** where the action came from that the mail is about */
  from?: Origin | undefined
}

/**
 * Values of the placeholders that every mail to a user has: the user's fields, their metadata, and what the request
 * brought for the mail.
 */
export const mailDataOf = (user: Person, { emailMetadata, issuer, from }: Circumstances = {}) => ({
  name: user.name,
  email: user.email ?? undefined,
  phoneNumber: user.phoneNumber ?? undefined,
  profilePictureUrl: pictureOf(user),
  metadata: objectOf(user.metadata),
  emailMetadata,
  ...issuerDataOf(issuer),
  ip: from?.ip,
  device: from?.userAgent,
})

const objectOf = (metadata: string) => JSON.parse(metadata) as unknown
