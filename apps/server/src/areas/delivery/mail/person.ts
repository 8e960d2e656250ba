import { createHash } from 'node:crypto'
import type { User } from '@henhouse/database'
import type { Ctx, Http, HttpCtx, UserCaller, VendorCaller } from '../../../kernel/operation.ts'

/* A user as mails and tokens show them. */

/** Whom a mail is about. */
export interface Person extends Pick<User, 'id' | 'name' | 'email' | 'phoneNumber' | 'profilePictureUrl' | 'metadata'> {
  readonly isNobody?: true
}

/** Stands in for a user who is not there: so that as much is done as for one, and then taken back. */
export const nobody = (ctx: Pick<Ctx, 'random'>, email: string | null): Person => ({
  id: ctx.random.uuid(),
  name: email ?? '',
  email,
  phoneNumber: null,
  profilePictureUrl: null,
  metadata: '{}',
  isNobody: true,
})
/** Whose a row is. */
export const ownerIn = ({ id, isNobody }: Pick<Person, 'id' | 'isNobody'>) => (isNobody ? {} : { userId: id })

/** The picture; a user without one has that of its e-mail address at Gravatar, else its initials. */
export const pictureOf = (user: Pick<Person, 'id' | 'name' | 'email' | 'profilePictureUrl'>) =>
  user.profilePictureUrl ??
  `https://www.gravatar.com/avatar/${createHash('md5')
    .update(user.email ?? user.id)
    .digest('hex')}?d=https://ui-avatars.com/api/${encodeURIComponent(user.name)}/128/random`

/** Of a call by the user, or by the environment for the user. */
export type OwnCtx = HttpCtx & { readonly caller: VendorCaller | UserCaller }
export type Origin = Pick<Http, 'ip' | 'userAgent'>
/** An environment's own address is nothing to tell the user. */
export const originOf = ({ caller, http }: OwnCtx): Origin | undefined => (caller.kind === 'user' ? http : undefined)

/** Of who is behind a mail, beside its addressee: the one who invites, or has come. */
const issuerDataOf = (issuer: Person | null | undefined) =>
  issuer
    ? {
        issuerName: issuer.name,
        issuerEmail: issuer.email ?? undefined,
        issuerProfilePictureUrl: pictureOf(issuer),
        ...texts('issuerMetadata', JSON.parse(issuer.metadata)),
      }
    : {}

/** What only the call that a mail comes of knows. */
export interface Circumstances {
  emailMetadata?: object | undefined
  issuer?: Person | null | undefined
  /** where what the mail tells of was done */
  from?: Origin | undefined
}

/** Values of the placeholders that every mail to a user has: of the user, of its metadata, and of what the request brought for the mail. */
export const mailDataOf = (user: Person, { emailMetadata, issuer, from }: Circumstances = {}) => ({
  name: user.name,
  email: user.email ?? undefined,
  phoneNumber: user.phoneNumber ?? undefined,
  profilePictureUrl: pictureOf(user),
  ...texts('metadata', JSON.parse(user.metadata)),
  ...texts('emailMetadata', emailMetadata),
  ...issuerDataOf(issuer),
  ip: from?.ip,
  device: from?.userAgent,
})

/** `{ a: { b: 1 } }` → `{ 'prefix.a.b': '1' }` */
const texts = (prefix: string, value: unknown) => Object.fromEntries(leavesOf(prefix, value))
function leavesOf(path: string, value: unknown): [string, string][] {
  if (value === null || value === undefined) return []
  return typeof value === 'object'
    ? Object.entries(value).flatMap(([key, part]) => leavesOf(`${path}.${key}`, part))
    : [[path, typeof value === 'string' ? value : JSON.stringify(value)]]
}
