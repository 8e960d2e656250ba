import { after, SECOND } from '../../kernel/clock.ts'
import { ApiError } from '../../kernel/errors.ts'
import type { Ctx, UserCaller, VendorCaller } from '../../kernel/operation.ts'
import { effective } from '../../kernel/settings.ts'
import * as activation from '../activation/activation.service.ts'
import * as applications from '../applications/applications.service.ts'
import * as domainRestrictions from '../domain-restrictions/domain-restrictions.service.ts'
import { membershipErrors } from '../memberships/memberships.errors.ts'
import { temporaryUsers } from '../memberships/memberships.schemas.ts'
import * as memberships from '../memberships/memberships.service.ts'
import * as passwordSettings from '../password-settings/password-settings.service.ts'
import * as phoneNumbers from '../phone-numbers/phone-numbers.service.ts'
import * as roles from '../roles/roles.service.ts'
import { welcome } from './user-tenants.service.ts'
import { userErrors } from './users.errors.ts'
import { mustBeObjects } from './users.schemas.ts'
import * as users from './users.service.ts'

/** Somebody to be in a tenant, as the wire describes them. */
export interface Newcomer {
  email?: string
  username?: string
  name?: string
  password?: string
  phoneNumber?: string
  profilePictureUrl?: string
  provider?: string
  metadata?: string
  vendorMetadata?: string
  externalId?: string
  mfaBypass?: boolean
  roleIds?: string[]
  /** send no mail, and take the address for verified */
  skipInviteEmail?: boolean
  emailMetadata?: object
  /** the address is known to be the user's */
  verified?: boolean
  expirationInSeconds?: number
  /** what the user is to be let into; the default application where none is named */
  applicationId?: string | undefined
}

/** What is to be stored together with the membership: both, or neither. */
type Note = (tx: Ctx) => Promise<void>

/**
 * Brings somebody into a tenant: makes the user, or adds the one who has that e-mail address (or username) already, whose
 * profile and password stay as they are. A new user is mailed a link to activate the account, a known one an invitation.
 * @returns the user's id
 * @throws 409 for a member; 400 for unknown roles or too weak a password; 403 for roles stronger than the caller's, a new
 * user's address from a domain that is kept out, or no application to be let into; 404 where the tenant has not got it
 */
export async function bringIn(ctx: Ctx, caller: VendorCaller | UserCaller, tenantId: string, newcomer: Newcomer, note: Note = async () => {}) {
  if (newcomer.email === undefined && newcomer.username === undefined) throw userErrors.notNamed()
  mustBeObjects(newcomer)
  const [roleIds, expiresAt, known] = await Promise.all([roles.assignable(ctx, caller, tenantId, newcomer.roleIds ?? []), endOf(ctx, newcomer), find(ctx, newcomer)])
  if (!roleIds.length) await memberships.mayBringIn(ctx, caller, tenantId)
  const how = { quietly: newcomer.skipInviteEmail ?? false, vouched: caller.kind === 'vendor', roleIds, expiresAt, note }
  const made = known ?? await make(ctx, tenantId, newcomer, how).catch(async (error: unknown) => {
    // somebody else may just have made the same user
    const other = error instanceof ApiError && error.status === 409 ? await find(ctx, newcomer) : null
    if (other) return other
    throw error
  })
  if (typeof made === 'string') return made
  await ctx.atomically(async (tx) => {
    await welcome(tx, made, tenantId, { quietly: how.quietly, roleIds, expiresAt, emailMetadata: newcomer.emailMetadata })
    await applications.enrol(tx, { applicationId: newcomer.applicationId, userId: made.id, tenantId })
    await note(tx)
  })
  return made.id
}

const find = async (ctx: Ctx, { email, username = '' }: Newcomer) => (email === undefined ? users.byUsername(ctx, username) : users.byEmail(ctx, email))

async function endOf(ctx: Ctx, { expirationInSeconds }: Newcomer) {
  if (expirationInSeconds === undefined) return null
  if (!(await effective(ctx, temporaryUsers)).enabled) throw membershipErrors.temporaryUsersOff()
  return after(ctx.clock.now(), expirationInSeconds * SECOND)
}

async function make(ctx: Ctx, tenantId: string, newcomer: Newcomer, { quietly, vouched, note, ...membership }: { quietly: boolean, vouched: boolean, roleIds: string[], expiresAt: Date | null, note: Note }) {
  const { password, roleIds: _, skipInviteEmail: __, emailMetadata, expirationInSeconds: ___, applicationId, verified: known = false, ...fields } = newcomer
  if (fields.email !== undefined) await domainRestrictions.mustAllow(ctx, fields.email, tenantId)
  if (password !== undefined) await passwordSettings.mustSatisfy(ctx, password, { tenantIds: [tenantId] })
  const passwordHash = password === undefined ? null : await ctx.deps.passwords.hash(password)
  // nothing to be verified without an address, and nothing left to be by us when somebody else logs the user in
  const verified = known || quietly || fields.email === undefined || (fields.provider ?? 'local') !== 'local'
  return ctx.atomically(async (tx) => {
    const user = await users.insert(tx, { ...fields, passwordHash, verified })
    if (vouched) await phoneNumbers.vouchForOwn(tx, user)
    await memberships.add(tx, { ...membership, userId: user.id, tenantId })
    await applications.enrol(tx, { applicationId, userId: user.id, tenantId })
    if (!verified) await activation.sendActivation(tx, user, tenantId, emailMetadata)
    await note(tx)
    return user.id
  })
}
