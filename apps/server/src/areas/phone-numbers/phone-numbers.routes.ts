import { Type } from 'typebox'
import { codeErrors } from '../../kernel/challenges.ts'
import { Empty, operation } from '../../kernel/operation.ts'
import { Page } from '../../kernel/paging.ts'
import { Id } from '../../kernel/validation.ts'
import { needs } from '../permissions/permissions.keys.ts'
import { smsErrors } from '../sms/sms.errors.ts'
import { userErrors } from '../users/users.errors.ts'
import { phoneNumberErrors } from './phone-numbers.errors.ts'
import { NewPhoneNumber, Otc, OtcToken, PhoneNumber, PhoneNumberQueryV1, PhoneNumberQueryV2 } from './phone-numbers.schemas.ts'
import * as phoneNumbers from './phone-numbers.service.ts'

const PhoneId = Type.Object({ id: Id })
const tag = 'SMS'
const codeFailures = [codeErrors.wrong, codeErrors.expired]

export const phoneNumbersRoutes = [
  operation({
    id: 'listPhoneNumbersV1', method: 'GET', path: '/identity/resources/users/phone-numbers/v1', summary: 'List phone numbers of users', tag, deprecated: true,
    auth: 'both', permission: needs.users.read, tenant: 'optional',
    query: PhoneNumberQueryV1,
    returns: { 200: Page(PhoneNumber) },
    handler: (ctx, { query }) => phoneNumbers.list(ctx, ctx.caller, ctx.tenant, query),
  }),
  operation({
    id: 'listPhoneNumbersV2', method: 'GET', path: '/identity/resources/users/phone-numbers/v2', summary: 'List phone numbers of users', tag,
    auth: 'both', permission: needs.users.read, tenant: 'optional',
    query: PhoneNumberQueryV2,
    returns: { 200: Page(PhoneNumber) },
    handler: (ctx, { query }) => phoneNumbers.list(ctx, ctx.caller, ctx.tenant, query),
  }),
  operation({
    id: 'listOwnPhoneNumbersV1', method: 'GET', path: '/identity/resources/users/phone-numbers/v1/me', summary: 'List one\'s own phone numbers', tag,
    auth: 'both', user: 'required',
    returns: { 200: Type.Array(PhoneNumber) },
    handler: (ctx) => phoneNumbers.own(ctx, ctx.user),
  }),
  operation({
    id: 'createPhoneNumberV1', method: 'POST', path: '/identity/resources/users/phone-numbers/v1', summary: 'Add a phone number, and get a code sent to it', tag,
    auth: 'both', user: 'required',
    body: Type.Object({ ...NewPhoneNumber.properties, verify: Type.Optional(Type.Boolean({ default: true })) }),
    returns: { 201: Type.Partial(OtcToken) },
    errors: [userErrors.phoneNumberTaken, smsErrors.notSent],
    handler: (ctx, { body }) => phoneNumbers.add(ctx, ctx.user, body.phoneNumber, { verify: body.verify ?? true }),
  }),
  operation({
    id: 'preverifyPhoneNumberV1', method: 'POST', path: '/identity/resources/users/phone-numbers/v1/preverify', summary: 'Get a code sent to a phone number', tag,
    auth: 'both', user: 'required',
    body: NewPhoneNumber,
    returns: { 200: OtcToken },
    errors: [userErrors.phoneNumberTaken, smsErrors.notSent],
    handler: (ctx, { body }) => phoneNumbers.preverify(ctx, ctx.user, body.phoneNumber),
  }),
  operation({
    id: 'verifyPhoneNumberV1', method: 'POST', path: '/identity/resources/users/phone-numbers/v1/verify', summary: 'Show that a phone number is one\'s own', tag,
    auth: 'both', user: 'required',
    body: Otc,
    returns: { 200: Empty },
    errors: [...codeFailures, userErrors.phoneNumberTaken],
    handler: (ctx, { body }) => phoneNumbers.verify(ctx, ctx.user, body),
  }),
  operation({
    id: 'deletePhoneNumberV1', method: 'DELETE', path: '/identity/resources/users/phone-numbers/v1/{id}', summary: 'Get the code sent with which a phone number is deleted', tag,
    auth: 'both', user: 'required',
    params: PhoneId,
    returns: { 200: Type.Object({ phoneId: Id, ...OtcToken.properties }) },
    errors: [phoneNumberErrors.notFound, smsErrors.notSent],
    handler: (ctx, { params }) => phoneNumbers.askRemoval(ctx, ctx.user, params.id),
  }),
  operation({
    id: 'verifyPhoneNumberDeletionV1', method: 'POST', path: '/identity/resources/users/phone-numbers/v1/{id}/delete/verify', summary: 'Delete a phone number', tag,
    auth: 'both', user: 'required',
    params: PhoneId, body: Otc,
    returns: { 200: Empty },
    errors: [phoneNumberErrors.notFound, ...codeFailures],
    handler: (ctx, { params, body }) => phoneNumbers.confirmRemoval(ctx, ctx.user, params.id, body),
  }),
  operation({
    id: 'createVendorPhoneNumberV1', method: 'POST', path: '/identity/resources/users/phone-numbers/v1/vendor/{userId}', summary: 'Give a user a phone number that counts as verified', tag: 'Users',
    auth: 'vendor',
    params: Type.Object({ userId: Id }), body: NewPhoneNumber,
    returns: { 201: Empty },
    errors: [userErrors.notFound, userErrors.phoneNumberTaken],
    handler: (ctx, { params, body }) => phoneNumbers.addVerified(ctx, params.userId, body.phoneNumber),
  }),
  operation({
    id: 'deleteVendorPhoneNumberV1', method: 'DELETE', path: '/identity/resources/users/phone-numbers/v1/vendor/{userId}/{phoneId}', summary: 'Take a phone number from a user', tag: 'Users',
    auth: 'vendor',
    params: Type.Object({ userId: Id, phoneId: Id }),
    returns: { 200: Empty },
    errors: [userErrors.notFound, phoneNumberErrors.notFound],
    handler: (ctx, { params }) => phoneNumbers.remove(ctx, params.userId, params.phoneId),
  }),
]
